import Columns
import Detection
import Foundation
import Testing

@testable import Alerting
@testable import Incidents

struct `A merged incident` {
    private let store: TemporaryStore
    private let now = Timestamp.start

    init() throws { store = try TemporaryStore() }

    /// What a rule tells of `lines` of a file, in a session that began with the first of them.
    private func finding(
        _ name: String, _ severity: Severity = .warning, labels: Labels = ["source": "10.0.0.1"], lines: Range<Int>,
        peak: Int? = nil, host: String? = "gate-1", start: Int = 0
    ) -> Finding {
        var known = LineSet()
        for line in lines { known.insert(LineSet.name(text: UInt64(line)), count: 1) }
        return Finding(
            name: name, detector: "rule", severity: severity, labels: labels, title: "\(name): \(lines.count)",
            description: "\(lines.count) of \(name)", startsAt: now + .seconds(start), lastSeen: now + .seconds(lines.upperBound),
            count: peak ?? lines.count,
            evidence: lines.prefix(12).map {
                Evidence(file: "auth.log", offset: Int64($0), line: "line \($0)", time: now + .seconds($0), host: host)
            }, within: .seconds(300),
            session: .init(start: now + .seconds(start), count: lines.count, lines: known))
    }

    private func record(_ findings: Finding...) throws {
        try store.incidents.record(findings, routing: nil, now: now + .seconds(600))
    }

    @Test func `tells of its worst part, and shows and counts each line once`() throws {
        try record(
            finding("BruteForce", labels: ["source": "10.0.0.1", "host": "gate-1"], lines: 0..<14),
            finding("Spray", lines: 2..<14),
            finding("BreakIn", .critical, labels: ["source": "10.0.0.1", "user": "root"], lines: 9..<15))
        let (incident, evidence, _, _) = try store.incidents.incident("1001")
        #expect(incident.count == 15)
        #expect(incident.name == "BreakIn" && incident.title == "BreakIn: 6" && incident.description == "6 of BreakIn")
        #expect(
            incident.labels == [
                "alertname": "BreakIn", "severity": "critical", "source": "10.0.0.1", "user": "root", "host": "gate-1",
            ])
        #expect(evidence.map(\.offset) == Array(0..<15))
        // What its worst part sees later, it says too; what it began as is told again when that part is taken out.
        try record(finding("BreakIn", .critical, labels: ["source": "10.0.0.1", "user": "root"], lines: 9..<19))
        #expect(try store.incidents.incident("1001").incident.title == "BreakIn: 10")
        #expect(try store.incidents.incident("1001").incident.count == 19)
        try store.incidents.perform(.split, on: "1003", by: "ann", now: now + .seconds(700))
        let rest = try store.incidents.incident("1001").incident
        #expect(rest.name == "BruteForce" && rest.count == 14)
        #expect(try store.incidents.problems() == [])
    }

    @Test func `says apart what was the most at once and what came in all, through a crash and a second session`() throws {
        try record(finding("BruteForce", lines: 0..<10))
        try record(finding("BruteForce", lines: 0..<1150, peak: 137))
        try record(finding("BruteForce", lines: 0..<10), finding("BruteForce", lines: 0..<1150, peak: 137))
        let incident = try store.incidents.incident("1001").incident
        #expect(incident.peak == 137 && incident.count == 1150 && incident.within == .seconds(300))
        try record(finding("BruteForce", lines: 5000..<5020, start: 5000))
        #expect(try store.incidents.incident("1001").incident.count == 1170)
        #expect(try store.incidents.incident("1001").incident.title == "BruteForce: 1150", "the words of the most")
    }

    @Test func `begins to count anew when somebody has ended it while the session goes on`() throws {
        try record(finding("BruteForce", lines: 0..<30))
        try store.incidents.perform(.resolve, on: "1001", by: "ann", now: now + .seconds(601))
        try record(finding("BruteForce", lines: 0..<50))
        #expect(try store.incidents.incident("1002").incident.count == 20)
    }

    @Test(
        arguments: [(["a", "a", "a"], "a"), (["a", "a", "a", "a", "b"], "a"), (["a", "b"], nil), ([nil, nil], nil)]
            as [([String?], String?)])
    func `and any other has the host as a label where nearly all of its evidence is of one`(hosts: [String?], label: String?)
        throws
    {
        var found = finding("BreakIn", lines: 0..<hosts.count)
        for (index, host) in hosts.enumerated() { found.evidence[index].host = host }
        try record(found)
        #expect(try store.incidents.incident("1001").incident.labels["host"] == label)
        // It is no part of what it is: the same attack on another machine joins.
        var other = finding("BreakIn", lines: 0..<9)
        for index in other.evidence.indices { other.evidence[index].host = "z" }
        try record(other)
        #expect(try store.incidents.incidents().count == 1)
    }

    @Test func `counts what has no lines beside, and posted alerts for themselves`() {
        func known(_ lines: Range<Int>) -> LineCount {
            var count = LineCount(total: lines.count)
            for line in lines { count.lines.insert(LineSet.name(text: UInt64(line)), count: 1) }
            return count
        }
        #expect(LineCount.united(own: LineCount(total: 3), most: 4, sum: 6, lines: LineSet()) == 9)
        #expect(LineCount.united(own: known(0..<10), most: 1, sum: 1, lines: LineSet()) == 10)
        #expect(LineCount.united(own: known(0..<10), most: 10, sum: 15, lines: known(5..<15).lines) == 15)
        #expect(LineCount.united(own: known(0..<5000), most: 5000, sum: 5000, lines: known(0..<5000).lines) <= 10_000)
        #expect(LineCount.united(own: known(0..<5000), most: 5000, sum: 5000, lines: known(0..<5000).lines) >= 5000)
    }
}
