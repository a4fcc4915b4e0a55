import Columns
import HTTPTypes
import Store

/// Look-ups of single keys in the newest rows of gold tables.
public enum ServingRoutes {
    static let maxRows = 1000

    public static func all(_ store: ServingStore) -> [Route] {
        [
            Route(.get, "/api/v1/serve/{table}/{key}") { question in
                let table = question.parameters["table"] ?? "", key = question.parameters["key"] ?? ""
                guard let entry = try store.row(table: table, key: key) else {
                    let tables = try store.tables()
                    guard tables.contains(table) else { throw unknown(table, tables) }
                    throw HTTPFailure(.notFound, code: "no_key", "the table '\(table)' has no row with the key '\(key)'")
                }
                return .json(render(entry) + "\n")
            },
            Route(.get, "/api/v1/serve/{table}") { question in
                let table = question.parameters["table"] ?? ""
                let limit = question.given("limit").map { Int($0) ?? 0 } ?? 100
                guard (1...maxRows).contains(limit) else {
                    throw HTTPFailure(
                        .badRequest, code: "bad_limit",
                        "limit is '\(question.first("limit") ?? "")'; write a number from 1 to \(maxRows)")
                }
                let entries = try store.rows(table: table, limit: limit)
                if entries.isEmpty { throw unknown(table, try store.tables()) }
                return .json("[\(entries.map(render).joined(separator: ","))]\n")
            },
        ]
    }

    private static func unknown(_ table: String, _ tables: [String]) -> HTTPFailure {
        HTTPFailure(
            .notFound, code: "no_table",
            "there is nothing to serve of a table '\(table)'; there is \(tables.isEmpty ? "nothing yet" : tables.joined(separator: ", "))"
        )
    }

    private static func render(_ entry: ServingStore.Entry) -> String {
        "{\"key\":\(JSONText.quote(entry.key)),\"event_time\":\(JSONText.quote(entry.eventTime.description)),\"row\":\(entry.row)}"
    }
}
