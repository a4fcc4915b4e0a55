import Access
import Columns
import Foundation
import HTTPTypes
import Lake
import Query
import Store

/// Answers statements in SQL on the tables of the lake and the store: `POST /api/v1/sql`. It only reads, and within the limits of
/// ``SQLQuestion``.
enum SQLRoutes {
    static let maxRows = 10_000
    /// Below the time of a request, so that the response says why.
    static let maxSeconds = 8
    /// All statements that run take a core each and memory of the process that also takes in lines.
    static let mostAtATime = 2
    static let maxAnswer = 16 << 20

    static func all(_ store: Store, _ lake: Lake) -> [Route] {
        let running = RunningStatements(most: mostAtATime)
        return [
            Route(
                .post, "/api/v1/sql",
                Operation(
                    "runSQL", .data, "The rows of one SELECT statement on the tables of the lake and the views of the store"
                ) {
                    $0.body = .json(request)
                    $0.response = .json(answer)
                    $0.alternative = .text("text/csv")
                    $0.responseSummary = "Rows: JSON, or CSV by Accept: text/csv"
                    $0.refusals = [400, 415, 503]
                }
            ) { request in
                guard request.mediaType == "application/json" else {
                    throw HTTPFailure(
                        .unsupportedMediaType, code: "bad_body", "the body is to be JSON, sent with Content-Type application/json"
                    )
                }
                var question = SQLQuestion(store, lake)
                question.running = running
                question.answerLimit = maxAnswer
                question.hiddenTables = AccessStore.tables.union(unreadable)
                let asked = try Asked(request.body)
                question.rowLimit = asked.limit
                question.timeLimit = .seconds(asked.seconds)
                let answer: Answer
                do {
                    answer = try await Self.answer(question, to: asked.statement)
                } catch let error as QueryError {
                    if case .tooManyStatements = error { throw HTTPFailure.busy("\(error)") }
                    throw HTTPFailure(.badRequest, code: "bad_sql", "\(error)")
                }
                guard request.headers[.accept].map({ OutsideText($0).contains("text/csv") }) == true else {
                    return .json(json(answer))
                }
                return .text(answer.rendered(as: .csv), contentType: "text/csv; charset=utf-8")
            }
        ]
    }

    /// On a thread of its own: those of requests are for what is quick.
    private static func answer(_ question: SQLQuestion, to statement: String) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try question.answer(statement) }) }
        }
    }

    /// Rows that were taken out of any table, secrets too, and the pages of the file.
    private static let unreadable: Set<String> = ["set_aside", "sqlite_dbpage"]

    private static let request = Operation.Schema(
        "SQLStatement", required: ["query"],
        properties: [
            "query": Operation.Schema.text,
            "limit": ["type": "integer", "minimum": 1, "maximum": maxRows, "default": 1000] as Operation.Object,
            "timeout": ["type": "integer", "minimum": 1, "maximum": maxSeconds, "default": maxSeconds] as Operation.Object,
        ])

    private static let answer = Operation.Schema(
        "SQLAnswer", required: ["columns", "rows"],
        properties: [
            "columns": ["type": "array", "items": Operation.Schema.text] as Operation.Object,
            "rows": ["type": "array", "items": ["type": "array", "items": [:] as Operation.Object] as Operation.Object]
                as Operation.Object,
            "note": Operation.Schema.text,
        ])

    /// Rows as lists: two columns may have one name, and nulls are said.
    private static func json(_ answer: Answer) -> String {
        let columns = answer.schema.fields.map { JSONText.quote($0.name) }.joined(separator: ",")
        let rows = answer.rows.map { "[" + $0.map(JSONText.render).joined(separator: ",") + "]" }.joined(separator: ",\n")
        let note = answer.note.map { ",\"note\":\(JSONText.quote($0))" } ?? ""
        return "{\"columns\":[\(columns)],\"rows\":[\(rows)]\(note)}\n"
    }

    /// What a request asks for.
    private struct Asked {
        let statement: String
        let limit: Int
        let seconds: Int

        init(_ body: [UInt8]) throws(HTTPFailure) {
            func bad(_ reason: String) -> HTTPFailure { HTTPFailure(.badRequest, code: "bad_sql", reason) }
            guard let json = try? JSON(parsing: body), case .object(let members) = json else {
                throw bad("the body is not a JSON object such as {\"query\": \"SELECT 1\"}")
            }
            for member in members where !["query", "limit", "timeout"].contains(member.name.string) {
                throw bad("there is no '\(member.name.inOneLine)'; write query, limit or timeout")
            }
            guard let statement = json["query"]?.text else { throw bad("query is missing: one SELECT statement") }
            self.statement = statement
            limit = try Self.number(json, "limit", 1000, 1...maxRows)
            seconds = try Self.number(json, "timeout", maxSeconds, 1...maxSeconds)
        }

        private static func number(_ json: JSON, _ name: String, _ usual: Int, _ range: ClosedRange<Int>) throws(HTTPFailure)
            -> Int
        {
            guard let value = json[name] else { return usual }
            guard let number = value.integer.flatMap({ Int(exactly: $0) }), range.contains(number) else {
                throw HTTPFailure(
                    .badRequest, code: "bad_sql", "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
    }
}
