import Store
import Columns
import Detection
import Foundation
import GRDB
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

struct `The past` {
    private let store: TemporaryStore
    private let now = Timestamp(year: 2026, month: 11, day: 21, hour: 10)
    private var route = Route(receiver: "oncall")
    private var configuration = AlertingConfiguration()

    init() throws {
        store = try TemporaryStore()
        route.groupBy = ["source"]
        route.groupWait = .seconds(10)
        var nobody = Route(receiver: "nobody")
        nobody.matchers = try [Matcher](parsing: #"severity="info""#)
        route.routes = [nobody]
        configuration.route = route
        configuration.receivers = [
            Receiver(name: "oncall", notifiers: [.webhook(to: "http://127.0.0.1:1/hook")]),
            Receiver(name: "nobody", notifiers: []),
        ]
    }

    /// Lines of `source` until so many seconds ago.
    private func finding(
        _ name: String = "SSHBruteForce", source: String = "10.0.0.1", _ severity: Severity = .warning, ago seconds: Int,
        lasting: Int = 60, count: Int = 10
    ) -> Finding {
        Finding(
            name: name, detector: "rule", severity: severity, labels: ["source": source], title: "\(name) by \(source)",
            description: "d", startsAt: now - .seconds(seconds + lasting), lastSeen: now - .seconds(seconds), count: count)
    }

    private func record(_ findings: Finding..., at seconds: Int = 0) throws -> [IncidentStore.Outcome] {
        try store.incidents.record(findings, routing: route, now: now + .seconds(seconds))
    }

    private func count(_ question: String) throws -> Int {
        try store.store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(question)")! }
    }

    /// Looks for the summary as the manager does, at so many seconds.
    private func summarize(at seconds: Int) throws {
        let time = now + .seconds(seconds), configuration = configuration
        try store.incidents.write { database in
            if try PastSummary.isDue(now: time, database) { try PastSummary.send(configuration, now: time, database) }
        }
    }

    private func due(at seconds: Int) async throws -> [Outbox.Draft] {
        let outbox = Outbox(incidents: store.incidents), time = now + .seconds(seconds)
        var found: [Outbox.Draft] = []
        for (id, _) in try await outbox.due(now: time) {
            if let due = try await outbox.draft(id, now: time, configuration), due.reason != nil { found.append(due) }
        }
        return found
    }

    @Test func `of forty days is one notification to each receiver, and an incident for each attack`() async throws {
        for day in (1...40).reversed() {
            for attack in 0..<12 {
                let source = "10.\(day).0.\(attack)", ago = day * 86_400 - attack * 600
                _ = try record(
                    finding(source: source, ago: ago), finding("BreakIn", source: source, .critical, ago: ago - 30, lasting: 5),
                    at: 40 - day)
            }
            _ = try record(finding("Odd", source: "172.16.0.\(day)", .info, ago: day * 86_400), at: 40 - day)
        }
        #expect(try count("incident WHERE state <> 'resolved'") == 0)
        #expect(try count("incident WHERE merged_into IS NULL") == 40 * 13)
        #expect(try count("alert") == 0 && count("escalation") == 0)
        for seconds in [0, 39, 98] {
            try summarize(at: seconds)
            #expect(try count("outbox") == 0, "\(seconds)")
        }
        try summarize(at: 99)
        try summarize(at: 4000)
        #expect(try count("outbox") == 1, "nobody hears of info, and oncall once")
        let summary = try #require(try await due(at: 100).first)
        #expect(summary.receiver == "oncall" && summary.notice.payload.alerts.count == 1)
        let annotations = summary.notice.payload.alerts[0].annotations
        #expect(
            annotations["summary"] == "480 incidents found in the past, worst: BreakIn by 10.40.0.0 (critical, INC-1001)")
        #expect(annotations["description"]?.contains("obs query incidents --found-in-past") == true)
        try await Outbox(incidents: store.incidents).markSent(summary, now: now + .seconds(101))
        #expect(try await due(at: 90_000).isEmpty, "it is neither repeated nor ended")
        #expect(try store.incidents.problems() == [])
    }

    @Test(
        arguments: [(0, 0, 59, false), (0, 0, 60, true), (0, 3599, 3600, true), (0, 3000, 3059, false), (5000, 5000, 0, true)]
            as [(Int, Int, Int, Bool)])
    func `is told of when it has been read, whatever pieces it comes in and whatever the clock does`(
        first: Int, last: Int, at: Int, isDue: Bool
    ) {
        #expect(
            PastSummary.isDue(first: now + .seconds(first), last: now + .seconds(last), now: now + .seconds(at)) == isDue)
    }

    @Test func `that goes on pages once, as the incident that it was, with what it did before`() async throws {
        #expect(try record(finding(ago: 10_000)) == [.foundInPast("INC-1001")])
        #expect(try record(finding("BreakIn", .critical, ago: 9000)) == [.foundInPast("INC-1002")])
        #expect(try record(finding(ago: 6000, count: 20)) == [.joined("INC-1001")])
        #expect(try record(finding(ago: 3000, count: 30)) == [.opened("INC-1001")])
        #expect(try record(finding(ago: 0, count: 40)) == [.joined("INC-1001")])
        #expect(try record(finding("Spray", ago: 0)) == [.opened("INC-1003")])
        let incident = try store.incidents.incident("1001").incident
        #expect(incident.state == .open && incident.severity == .critical && incident.name == "BreakIn" && incident.endsByHand)
        #expect(try store.incidents.incident("1002").incident.state == .open)
        try summarize(at: 4000)
        let pages = try await due(at: 11)
        #expect(pages.count == 1 && pages[0].notice.payload.alerts.count == 3)
        #expect(try count("past_found") == 0)
        #expect(try count("incident_statistic WHERE measure = 'detect' AND count <> 0") == 0)
        #expect(try store.incidents.problems() == [])
    }

    @Test func `is known when it is read again, and told apart from what came after it`() throws {
        let first = finding(ago: 40 * 86_400), second = finding(ago: 39 * 86_400), today = finding(ago: 60)
        #expect(
            try record(first, second, today) == [.foundInPast("INC-1001"), .foundInPast("INC-1002"), .opened("INC-1003")])
        #expect(try record(first, second, today, at: 10) == [.known, .known, .known])
        // An older file, read after that of today, about the same and about something else from the same address.
        #expect(try record(finding(ago: 80 * 86_400), at: 20) == [.foundInPast("INC-1004")])
        #expect(try record(finding("Spray", ago: 20 * 86_400), at: 20) == [.foundInPast("INC-1005")])
        #expect(try store.incidents.incident("1005").incident.mergedInto == nil)
        #expect(try count("incident WHERE state = 'open'") == 1)
    }

    @Test func `joins what is open without paging again, and opens nothing that somebody ended`() throws {
        #expect(try record(finding(ago: 60)) == [.opened("INC-1001")])
        // Six hours later obs is back, and reads what went on for a while after it stopped.
        #expect(try record(finding(ago: -300, count: 20), at: 21_600) == [.joined("INC-1001")])
        #expect(try record(finding("Spray", ago: -300), at: 21_600) == [.foundInPast("INC-1002")])
        #expect(try store.incidents.incident("1002").incident.mergedInto == 1001)
        #expect(try count("alert") == 1)
        try store.incidents.perform(.resolve, on: "1001", by: "ann", now: now + .seconds(21_700))
        #expect(try record(finding(ago: -600, count: 30), at: 21_800) == [.foundInPast("INC-1003")])
        #expect(try store.incidents.incident("1001").incident.resolution == .fixed)
    }

    @Test func `of a person's own look into old logs notifies nobody, now or later`() throws {
        try store.incidents.record([finding(ago: 86_400)], routing: nil, now: now)
        try summarize(at: 9000)
        _ = try store.incidents.write { try AlertStore.regroup(route, now: now + .seconds(9000), $0) }
        #expect(try count("outbox") == 0)
    }

    @Test func `can be opened by a person, and escalates then`() throws {
        _ = try record(finding(ago: 86_400))
        try store.incidents.perform(.reopen, on: "1001", by: "ann", now: now)
        #expect(try count("escalation") == 1 && count("alert WHERE ends_at IS NULL") == 1 && count("past_found") == 0)
        try store.incidents.perform(.resolve, on: "1001", by: "ann", now: now + .seconds(60))
        #expect(try store.incidents.problems() == [])
    }

    @Test func `has no time to detect or to resolve`() throws {
        _ = try record(finding(source: "10.0.0.1", ago: 86_400), finding(source: "10.0.0.2", ago: 60))
        let measured = try store.store.database.read {
            try Row.fetchAll(
                $0, sql: "SELECT measure, sum(count) FROM incident_statistic WHERE receiver = '' GROUP BY 1 ORDER BY 1"
            ).map {
                "\($0[0] as String) \($0[1] as Int)"
            }
        }
        #expect(measured == ["detect 1", "opened 2"])
    }

    @Test(arguments: [false, true])
    func `is no matter for what only brings an incident up to date`(isPast: Bool) {
        var update = finding(ago: isPast ? 86_400 : 0)
        update.isUpdate = true
        let policy = IncidentPolicy().past
        #expect(policy.course(of: update, after: nil, now: now) == .known)
        update.isUpdate = false
        #expect(policy.course(of: update, after: nil, now: now) == (isPast ? .opensInPast : .opens))
        // Simulated and wrong clocks are ahead: what is to come is no past.
        #expect(policy.course(of: finding(ago: -86_400), after: nil, now: now) == .opens)
    }
}
