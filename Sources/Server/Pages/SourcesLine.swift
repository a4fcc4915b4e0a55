import Columns
import Ingest
import Query

/// The sources on the first page: problems at the top, and at the bottom the time of the last line of each.
struct SourcesLine {
    let reports: [SourceReport]
    let now: Timestamp

    /// What is wrong with the sources; empty when nothing is.
    var problems: HTML {
        guard !reports.isEmpty else {
            return """
                <p class="warning box">No source is configured, so obs watches no log: add one under <code>sources:</code> in
                obs.yaml.</p>

                """
        }
        return "\(reports.compactMap(\.problem).map { "<p class=\"warning box\">\($0)</p>\n" as HTML })"
    }

    var list: HTML {
        guard !reports.isEmpty else { return "" }
        let up = reports.count { $0.state.isUp }
        let newest = reports.compactMap(\.lastLine).max().map { "; the last line came \(ago($0))" } ?? "; no line yet"
        return """
            <details><summary>Sources: \(up) of \(reports.count) read\(newest)</summary>
            <ul class="plain">\(reports.map(line))</ul></details>

            """
    }

    private func line(_ report: SourceReport) -> HTML {
        let standing: HTML =
            report.state.isUp
            ? "read" : "<span class=\"warning\">\(OutsideText(report.state.reason.rawValue).replacing("_", with: " "))</span>"
        let last = report.lastLine.map { "last line \(ago($0))" } ?? "no line yet"
        return """
            <li><b>\(report.name)</b> <span class="dim">\(report.place) · \(report.pipeline) · \(standing) · \(last)</span></li>

            """
    }

    private func ago(_ time: Timestamp) -> String { now > time ? "\(Shown.duration(now - time)) ago" : "just now" }
}
