import Columns
import HTTPTypes
import Store

/// Looks up single keys in the newest rows of gold tables.
enum ServingRoutes {
    private static let maxRows = 1000

    static func all(_ store: ServingStore) -> [Route] {
        [
            Route(
                .get, "/api/v1/serve/{table}/{key}",
                Operation("getRow", .data, "The newest row of a key in a gold table") {
                    $0.response = .json(row)
                    $0.responseSummary = "The row"
                    $0.refusals = [404]
                }
            ) { request in
                let table = request.parameter("table"), key = request.parameter("key")
                guard let entry = try store.row(table: table, key: key) else {
                    let tables = try store.tables()
                    guard tables.contains(table) else { throw unknown(table, tables) }
                    throw HTTPFailure(.notFound, code: "no_key", "the table '\(table)' has no row with the key '\(key)'")
                }
                return .json(json(entry) + "\n")
            },
            Route(
                .get, "/api/v1/serve/{table}",
                Operation("listRows", .data, "The newest rows of a gold table, one per key") {
                    $0.parameters = [.limit(to: maxRows)]
                    $0.response = .json(listOf: row)
                    $0.responseSummary = "Rows, newest first"
                    $0.refusals = [400, 404]
                }
            ) { request in
                let table = request.parameter("table")
                let entries = try store.rows(table: table, limit: try request.limit(to: maxRows))
                if entries.isEmpty { throw unknown(table, try store.tables()) }
                return .json("[\(entries.map(json).joined(separator: ","))]\n")
            },
        ]
    }

    private static let row = Operation.Schema(
        "ServedRow",
        properties: ["key": Operation.Schema.text, "event_time": Operation.Schema.time, "row": ["type": "object"]])

    private static func unknown(_ table: String, _ tables: [String]) -> HTTPFailure {
        let known = tables.isEmpty ? "no table has rows yet" : "known are \(tables.joined(separator: ", "))"
        return HTTPFailure(.notFound, code: "no_table", "there are no served rows of a table '\(table)'; \(known)")
    }

    private static func json(_ entry: ServingStore.Entry) -> String {
        let time = JSONText.quote(entry.eventTime.description)
        return "{\"key\":\(JSONText.quote(entry.key)),\"event_time\":\(time),\"row\":\(entry.row)}"
    }
}
