import Columns
import Ingest
import Query
import Testing

@testable import Server

struct `The line of the sources on the page` {
    private let now = Timestamp(seconds: 1_000_000)

    private func line(_ reports: SourceReport...) -> SourcesLine { SourcesLine(reports: reports, now: now) }

    private func report(_ name: String, _ state: SourceState, secondsAgo: Int? = nil) -> SourceReport {
        SourceReport(
            name: name, pipeline: "ssh", place: "/var/log/\(name).log", state: state,
            lastLine: secondsAgo.map { now - .seconds($0) })
    }

    @Test func `says when the last line came, and warns of nothing where all are read`() {
        let line = line(report("auth", .reading, secondsAgo: 3), report("mail", .reading, secondsAgo: 7200))
        #expect(line.problems.description.isEmpty)
        let list = line.list.description
        #expect(list.contains("Sources: 2 of 2 read; the last line came 3 s ago") && list.contains("last line 2 h ago"))
    }

    @Test func `says of each that is not read what is wrong and what to do`() {
        let line = line(report("auth", .missing("/var/log/auth.log")), report("<b>", .reading))
        #expect(
            line.problems.description == """
                <p class="warning box">source &#39;auth&#39;: /var/log/auth.log: there is no such file; it is read as soon as it appears, or correct the path</p>

                """)
        #expect(line.list.description.contains("Sources: 1 of 2 read; no line yet"))
        #expect(line.list.description.contains("&lt;b&gt;") && !line.list.description.contains("<b><b>"))
    }

    @Test func `says what to do where there is no source`() {
        #expect(line().problems.description.contains("No source is configured") && line().list.description.isEmpty)
    }
}
