import Columns
import Ingest

/// How the sources are: `GET /api/v1/sources`.
public enum SourceRoutes {
    public static let path = "/api/v1/sources"

    public static func all(_ sources: @escaping @Sendable () -> [SourceReport]) -> [Route] {
        [Route(.get, path) { _ in .json("[\(sources().map(render).joined(separator: ","))]\n") }]
    }

    private static func render(_ report: SourceReport) -> String {
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
