import Store
import Columns
import Detection
import GRDB
import Testing

@testable import Alerting
@testable import Incidents

struct `The end of an incident` {
    private let store: TemporaryStore
    private let now = Timestamp.start

    init() throws { store = try TemporaryStore() }

    private func finding(
        _ name: String = "SSHBruteForce", _ severity: Severity = .warning, source: String = "10.0.0.1", ends: IncidentEnd? = nil,
        at time: Timestamp = .start, count: Int = 10
    ) -> Finding {
        Finding(
            name: name, detector: "rule", severity: severity, labels: ["source": source], title: "\(name) by \(source)",
            description: "d", startsAt: time - .seconds(60), lastSeen: time, count: count, ends: ends)
    }

    private func state(_ id: String = "1001") throws -> Incident.State { try store.incidents.incident(id).incident.state }

    private func quiet(after seconds: Int) throws -> Int {
        try store.incidents.resolveQuiet(after: .seconds(300), now: now + .seconds(seconds))
    }

    @Test(
        arguments: [
            (nil, .info, false, nil), (nil, .warning, false, nil), (nil, .critical, true, nil), (.byHand, .info, true, nil),
            (.quiet(nil), .critical, false, nil), (.quiet(.seconds(600)), .critical, false, .seconds(600)),
        ] as [(IncidentEnd?, Severity, Bool, Duration?)])
    func `is by hand where the rule says so, and for what is critical where it says nothing`(
        said: IncidentEnd?, severity: Severity, isByHand: Bool, quiet: Duration?
    ) {
        #expect(EndPolicy(said: said, severity: severity) == EndPolicy(isByHand: isByHand, quiet: quiet))
    }

    @Test func `is never taken from people by a rule that joins later`() {
        let byHand = EndPolicy(isByHand: true, quiet: nil)
        #expect(byHand.joined(by: EndPolicy(said: .quiet(nil), severity: .info)).isByHand)
        #expect(EndPolicy(said: nil, severity: .info).joined(by: byHand).isByHand)
    }

    @Test func `comes by quiet for what may end so, after the time of its rule, and for nothing else`() throws {
        try store.incidents.record(
            [
                finding(source: "10.0.0.1"), finding(source: "10.0.0.2", ends: .quiet(.seconds(600))),
                finding(source: "10.0.0.3", ends: .byHand), finding("BreakIn", .critical, source: "10.0.0.4"),
                finding(source: "10.0.0.5"), finding("Slow", .critical, source: "10.0.0.6", ends: .quiet(.seconds(60))),
            ], routing: nil, now: now)
        try store.incidents.perform(.acknowledge, on: "1005", by: "ann", now: now)
        #expect(try quiet(after: 60) == 0)
        #expect(try quiet(after: 61) == 1)
        #expect(try quiet(after: 301) == 1)
        #expect(try quiet(after: 601) == 1)
        #expect(try quiet(after: 30 * 86_400) == 0)
        let states = try (1001...1006).map { try state("\($0)") }
        #expect(states == [.resolved, .resolved, .open, .open, .acknowledged, .resolved])
    }

    @Test func `is by hand for the whole when it is for a part, and for what became critical`() throws {
        try store.incidents.record([finding()], routing: nil, now: now)
        try store.incidents.record([finding("BreakIn", .critical, at: now + .seconds(9))], routing: nil, now: now + .seconds(9))
        #expect(try store.incidents.incident("1002").incident.mergedInto == 1001)
        #expect(try store.incidents.incident("1001").incident.endsByHand)
        #expect(try quiet(after: 86_400) == 0)
        #expect(try state() == .open)
        try store.incidents.perform(.resolve, on: "1001", by: "ann", now: now + .seconds(90_000))
        #expect(try state("1002") == .resolved)
    }

    @Test func `is by hand for what somebody acknowledged or reopened, also after they handed it back`() throws {
        try store.incidents.record([finding(source: "10.0.0.1"), finding(source: "10.0.0.2")], routing: nil, now: now)
        try store.incidents.perform(.acknowledge, on: "1001", by: "ann", now: now)
        try store.incidents.perform(.handBack, on: "1001", by: "ann", now: now)
        #expect(try quiet(after: 400) == 1)
        try store.incidents.perform(.reopen, on: "1002", by: "ann", now: now + .seconds(500))
        #expect(try quiet(after: 86_400) == 0)
        #expect(try state("1001") == .open && state("1002") == .open)
    }

    @Test func `by itself is seen by nobody until somebody does something about it`() throws {
        try store.incidents.record([finding(source: "10.0.0.1"), finding(source: "10.0.0.2")], routing: nil, now: now)
        try store.incidents.perform(.note, on: "1002", by: "bob", note: "a scan", now: now)
        #expect(try quiet(after: 400) == 2)
        #expect(try store.incidents.incidents(where: IncidentSchema.unseen).map(\.number) == [1001])
        try store.incidents.perform(.note, on: "1001", by: "ann", note: "looked at", now: now + .seconds(500))
        #expect(try store.incidents.incidents(where: IncidentSchema.unseen).isEmpty)
    }
}

struct `A break-in that nobody acknowledges` {
    private let store: TemporaryStore
    private let now = Timestamp.start
    private var configuration = AlertingConfiguration()

    /// Guessing, which is a warning, and nine seconds later the login.
    init() throws {
        store = try TemporaryStore()
        configuration.escalations = [
            EscalationPolicy(
                matchers: try [Matcher](parsing: #"severity="critical""#),
                steps: [
                    .init(after: .seconds(300), target: .receiver("ann")),
                    .init(after: .seconds(1200), target: .receiver("boss")),
                ])
        ]
        let guessing = Finding.bruteForce(at: now)
        var login = Finding.bruteForce(at: now + .seconds(9), lines: [500])
        (login.name, login.severity, login.labels) = ("BreakIn", .critical, ["source": "10.0.0.1", "user": "root"])
        try store.incidents.record([guessing], routing: nil, now: now)
        try advance(0)
        try store.incidents.record([login], routing: nil, now: now + .seconds(9))
    }

    private func advance(_ seconds: Int) throws {
        let escalation = Escalation(configuration: configuration), time = now + .seconds(seconds)
        _ = try store.incidents.resolveQuiet(after: .seconds(300), now: time)
        try store.store.database.write { database in
            if try escalation.isDue(now: time, database) { try escalation.advance(now: time, database) }
        }
    }

    private func told() throws -> [String] {
        try store.incidents.incident("1001").timeline.filter { $0.kind == .escalated }.map {
            String($0.text.prefix { $0 != ":" })
        }
    }

    @Test func `is open an hour later, and escalated by the policy of what it became, from when it became so`() throws {
        var steps: [Int] = []
        for seconds in [10, 300, 311, 1200, 1211, 3600] {
            try advance(seconds)
            steps.append(try told().count)
        }
        #expect(steps == [0, 0, 1, 1, 2, 2])
        #expect(try told() == ["step 1 goes to ann", "step 2 goes to boss"])
        #expect(try store.incidents.incident("1001").incident.state == .open)
    }

    @Test func `escalates on where it was when somebody who had it hands it back`() throws {
        try advance(10)
        try advance(311)
        try store.incidents.perform(.acknowledge, on: "1001", by: "bob", now: now + .seconds(400))
        for seconds in [1211, 9000] { try advance(seconds) }
        #expect(try told() == ["step 1 goes to ann"])
        try store.incidents.perform(.handBack, on: "1001", by: "bob", note: "the wrong one", now: now + .seconds(9400))
        let (incident, _, timeline, _) = try store.incidents.incident("1001")
        #expect(incident.state == .open && incident.acknowledgedBy == nil && incident.acknowledgedAt == nil)
        #expect(try store.incidents.incident("1002").incident.state == .open)
        #expect(timeline.suffix(2).map(\.text) == ["handed back: escalation goes on where it was", "the wrong one"])
        // 9,000 s were bob's: the second step comes so much later.
        try advance(10_209)
        #expect(try told().count == 1)
        try advance(10_220)
        #expect(try told() == ["step 1 goes to ann", "step 2 goes to boss"])
    }

    @Test(
        arguments: [
            (nil, "a", 10, 1, "a"), ("a", "a", 10, 1, "a"), ("", "a", 99, 0, "a"), ("b", "a", 99, 0, "a"), ("a", "", 99, 0, ""),
        ] as [(String?, String, Int, Int, String)])
    func `counts the delays anew under another policy only`(
        known: String?, policy: String, since: Int, step: Int, name: String
    ) {
        let place = EscalationPlace(since: now + .seconds(10), step: 1, policy: known).under(policy, now: now + .seconds(99))
        #expect(place == EscalationPlace(since: now + .seconds(since), step: step, policy: name))
    }
}

struct `Handing back` {
    private let store: TemporaryStore
    private let now = Timestamp.start

    init() throws {
        store = try TemporaryStore()
        try store.incidents.record([.bruteForce()], routing: nil, now: now)
    }

    @Test func `is for what somebody has, and says so otherwise`() throws {
        let refusal = #expect(throws: IncidentError.self) {
            try store.incidents.perform(.handBack, on: "1001", by: "ann", now: now)
        }
        #expect(refusal?.description == "INC-1001 is open and cannot be handed back")
    }

    @Test func `lets repetitions go on, and takes back what was counted`() async throws {
        var route = Route(receiver: "oncall"), configuration = AlertingConfiguration()
        (route.groupWait, route.groupInterval, route.repeatInterval) = (.zero, .seconds(60), .seconds(3600))
        configuration.route = route
        let outbox = Outbox(incidents: store.incidents)
        try store.incidents.record([.bruteForce(from: "10.0.0.2")], routing: route, now: now)
        func due(_ seconds: Int) async throws -> Outbox.Draft? {
            guard let first = try await outbox.due(now: now + .seconds(seconds)).first else { return nil }
            return try await outbox.draft(first.id, now: now + .seconds(seconds), configuration)
        }
        try await outbox.markSent(try #require(try await due(1)), now: now + .seconds(1))
        try store.incidents.perform(.acknowledge, on: "1002", by: "ann", now: now + .seconds(10))
        try await outbox.skip(try #require(try await due(3700)), now: now + .seconds(3700))
        #expect(try await due(8000) == nil)
        try store.incidents.perform(.handBack, on: "1002", by: "ann", now: now + .seconds(8000))
        #expect(try await due(8001)?.alerts.count == 1)
        let counted = try await store.store.database.read {
            try Int.fetchOne($0, sql: "SELECT sum(count) FROM incident_statistic WHERE measure = 'acknowledge'")
        }
        #expect(counted == 0)
    }

    @Test func `and every other action stands in the audit with what was before and after`() throws {
        for (action, note) in [
            (.acknowledge, "looking"), (.handBack, nil), (.assign(to: "bob"), nil), (.assign(to: "cid"), "knows it"),
            (.end(as: .falsePositive), "the backup job"), (.reopen, nil), (.note, "hm"),
        ] as [(IncidentStore.Action, String?)] {
            try store.incidents.perform(action, on: "1001", by: "ann", note: note, now: now)
        }
        let audit = try store.store.database.read {
            try String.fetchAll(
                $0,
                sql:
                    "SELECT action || coalesce('; ' || before, '') || coalesce('; ' || after, '') || coalesce('; ' || detail, '') FROM audit"
            )
        }
        #expect(
            audit == [
                "incident.acknowledge; open; acknowledged by ann; looking", "incident.hand-back; acknowledged by ann; open",
                "incident.assign; assigned to nobody; assigned to bob",
                "incident.assign; assigned to bob; assigned to cid; knows it",
                "incident.resolve; open; resolved as false positive; the backup job",
                "incident.reopen; resolved as false positive; open", "incident.note; hm",
            ])
        let timeline = try store.incidents.incident("1001").timeline.map { "\($0.kind.rawValue) \($0.text)" }
        #expect(timeline.dropFirst().prefix(2) == ["acknowledged acknowledged", "note looking"])
    }

    @Test func `a silence made from an incident stands on its timeline, and its end does`() throws {
        let silences = SilenceStore(store.store)
        let id = try silences.set(
            matchers: [Matcher](parsing: "source=10.0.0.1"), startsAt: now, endsAt: now + .seconds(3600), createdBy: "ann",
            comment: "known", now: now)
        try store.incidents.note(silence: id, until: now + .seconds(3600), on: "INC-1001", by: "ann", now: now)
        try silences.expire(id, by: "bob", now: now + .seconds(60))
        let entries = try store.incidents.incident("1001").timeline.filter { $0.kind == .silenced }
        #expect(entries.map(\.actor) == ["ann", "bob"])
        #expect(try store.incidents.silences(of: 1001) == [id])
        #expect(try store.incidents.incident(ofSilence: id) == "INC-1001")
    }
}
