import Columns
import HTTPTypes
import Ingest

/// The state of the sources: `GET /api/v1/sources`.
enum SourceRoutes {
    /// Where a running obs says how its sources are.
    static let path = "/api/v1/sources"

    static func all(_ sources: @escaping @Sendable () -> [SourceReport]) -> [Route] {
        [
            Route(
                .get, path,
                Operation("listSources", .program, "Each source: whether it is read, why not, and when its last line came") {
                    $0.response = .json(listOf: report)
                }
            ) { _ in .json("[\(sources().map(json).joined(separator: ","))]\n") }
        ]
    }

    private static let report = Operation.Schema(
        "Source", required: ["source", "pipeline", "place", "up", "reason"],
        properties: [
            "source": Operation.Schema.text, "pipeline": Operation.Schema.text, "place": Operation.Schema.text,
            "up": Operation.Schema.flag, "reason": Operation.Schema.word(of: SourceState.Reason.allCases.map(\.rawValue)),
            "last_line": Operation.Schema.time, "problem": Operation.Schema.text,
        ])

    private static func json(_ report: SourceReport) -> String {
        var members = [
            ("source", JSONText.quote(report.name)), ("pipeline", JSONText.quote(report.pipeline)),
            ("place", JSONText.quote(report.place)), ("up", report.state.isUp ? "true" : "false"),
            ("reason", JSONText.quote(report.state.reason.rawValue)),
        ]
        if let time = report.lastLine { members.append(("last_line", JSONText.quote(time.description))) }
        if let problem = report.problem { members.append(("problem", JSONText.quote(problem))) }
        return "{\(members.map { "\"\($0)\":\($1)" }.joined(separator: ","))}"
    }
}
