import Store
import Columns
import Detection
@preconcurrency import GRDB
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

extension Alert {
    /// An alert that fires from `start` on, for an hour unless it is told otherwise.
    static func posted(
        _ name: String = "DiskFull", _ labels: Labels = [:], at now: Timestamp = .start, since: Timestamp? = nil,
        until: Timestamp? = nil,
        hasTimeout: Bool = false
    ) -> Alert {
        Alert(
            labels: (["alertname": name] as Labels).merging(labels), annotations: ["summary": "\(name) is bad"],
            generatorURL: "http://prometheus/graph", startsAt: since ?? now, endsAt: until ?? now + .seconds(3600),
            updatedAt: now,
            hasTimeout: hasTimeout)
    }
}

struct `Posted alerts` {
    private let store: TemporaryStore
    private let outbox: Outbox
    private var configuration = AlertingConfiguration()
    private let now = Timestamp.start

    init() throws {
        store = try TemporaryStore()
        outbox = Outbox(incidents: store.incidents)
        var route = Route(receiver: "oncall")
        route.groupBy = ["alertname"]
        route.groupWait = .seconds(10)
        route.groupInterval = .seconds(60)
        route.repeatInterval = .seconds(3600)
        configuration.route = route
        configuration.receivers = [Receiver(name: "oncall", notifiers: [.webhook(to: "http://127.0.0.1/")])]
    }

    private func post(_ alerts: Alert..., at time: Timestamp) throws {
        _ = try store.store.database.write {
            try AlertStore.put(alerts.map { RoutedAlert($0, configuration.route) }, now: time, $0)
        }
    }

    private func regroup(_ route: Route?, at time: Timestamp) throws -> Int {
        try store.store.database.write { try AlertStore.regroup(route, now: time, $0) }
    }

    private func forget(before time: Timestamp) throws {
        try store.store.database.write { try AlertStore.forget(endedBefore: time, $0) }
    }

    private func known() throws -> [String] {
        try store.store.database.read { try String.fetchAll($0, sql: "SELECT labels FROM alert") }
    }

    private func due(_ time: Timestamp) async throws -> Outbox.Draft? {
        guard let first = try await outbox.due(now: time).first else { return nil }
        return try await outbox.draft(first.id, now: time, configuration)
    }

    /// What is told at `time`, as `status:instance`, and written down as told.
    private func told(_ time: Timestamp) async throws -> [String]? {
        guard let due = try await due(time) else { return nil }
        guard due.reason != nil else {
            try await outbox.skip(due, now: time)
            return []
        }
        try await outbox.markSent(due, now: time)
        return due.notice.payload.alerts.map { "\($0.status):\($0.labels["instance"] ?? "")" }
    }

    @Test func `are told after group_wait, with labels, annotations and URL as they were posted`() async throws {
        try post(.posted("DiskFull", ["instance": "a"]), at: now)
        #expect(try await due(now + .seconds(9)) == nil)
        let payload = try #require(try await due(now + .seconds(10))).notice.payload
        #expect(payload.groupKey == #"{}:{alertname="DiskFull"}"#)
        #expect(payload.alerts.count == 1)
        #expect(payload.alerts[0].labels == ["alertname": "DiskFull", "instance": "a"])
        #expect(payload.alerts[0].annotations == ["summary": "DiskFull is bad"])
        #expect(payload.alerts[0].generatorURL == "http://prometheus/graph")
        #expect(payload.alerts[0].endsAt == "0001-01-01T00:00:00Z")
        #expect(payload.commonLabels == ["alertname": "DiskFull", "instance": "a"])
    }

    @Test func `that began longer ago than group_wait are told at once`() async throws {
        try post(.posted(at: now, since: now - .seconds(11)), at: now)
        #expect(try await told(now) == ["firing:"])
    }

    @Test func `that join a group or end are told at its next group_interval, all in one`() async throws {
        try post(.posted("A", ["instance": "1"]), at: now)
        #expect(try await told(now + .seconds(10)) == ["firing:1"])
        try post(.posted("A", ["instance": "2"], at: now + .seconds(20)), at: now + .seconds(20))
        try post(
            .posted("A", ["instance": "1"], at: now + .seconds(30), since: now, until: now + .seconds(30)), at: now + .seconds(30)
        )
        #expect(try await told(now + .seconds(69)) == nil)
        #expect(try await told(now + .seconds(70)) == ["resolved:1", "firing:2"])
        #expect(try await told(now + .seconds(131)) == nil)
    }

    @Test func `end by themselves when nobody posts them again`() async throws {
        try post(.posted("A", until: now + .seconds(300), hasTimeout: true), at: now)
        #expect(try await told(now + .seconds(10)) == ["firing:"])
        try post(
            .posted("A", at: now + .seconds(100), since: now, until: now + .seconds(400), hasTimeout: true),
            at: now + .seconds(100))
        #expect(try await told(now + .seconds(310)) == [])
        #expect(try await told(now + .seconds(429)) == nil)
        #expect(try await told(now + .seconds(430)) == ["resolved:"])
        #expect(try await told(now + .seconds(90_000)) == nil)
    }

    @Test func `that are posted as ended again are not told again while others of the group fire`() async throws {
        try post(.posted("A", ["instance": "1"]), .posted("A", ["instance": "2"]), at: now)
        #expect(try await told(now + .seconds(10)) == ["firing:1", "firing:2"])
        let ended = Alert.posted("A", ["instance": "1"], at: now + .seconds(30), since: now, until: now + .seconds(30))
        try post(ended, at: now + .seconds(30))
        #expect(try await told(now + .seconds(70)) == ["resolved:1", "firing:2"])
        try post(ended, at: now + .seconds(90))
        #expect(try await told(now + .seconds(130)) == nil)
    }

    @Test func `that end within group_wait are never told, and their incident ends`() async throws {
        try post(.posted("A"), at: now)
        try post(.posted("A", at: now + .seconds(5), since: now, until: now + .seconds(5)), at: now + .seconds(5))
        #expect(try await told(now + .seconds(10)) == [])
        #expect(try await told(now + .seconds(90_000)) == nil)
        #expect(try store.incidents.incident("INC-1001").incident.state == .resolved)
    }

    @Test func `are repeated at the first group_interval after repeat_interval, as a dead man's switch needs`() async throws {
        try post(.posted("Watchdog", until: now + .seconds(100_000)), at: now)
        #expect(try await told(now + .seconds(10)) == ["firing:"])
        #expect(try await told(now + .seconds(3609)) == nil)
        #expect(try await told(now + .seconds(3610)) == ["firing:"])
        #expect(try await told(now + .seconds(7210)) == ["firing:"])
    }

    @Test func `of one group make one incident, which ends with the last of them`() async throws {
        try post(
            .posted("A", ["instance": "1", "severity": "warning"]), .posted("A", ["instance": "2", "severity": "critical"]),
            at: now)
        let incident = try store.incidents.incident("INC-1001").incident
        #expect(incident.count == 2)
        #expect(incident.severity == .critical)
        #expect(incident.labels == ["alertname": "A"])
        #expect(incident.title == "A is bad")
        #expect(try await told(now + .seconds(10))?.count == 2)
        try post(.posted("A", ["instance": "1", "severity": "warning"], until: now + .seconds(20)), at: now + .seconds(20))
        #expect(try await told(now + .seconds(70))?.count == 2)
        #expect(try store.incidents.incident("INC-1001").incident.state == .open)
        try post(.posted("A", ["instance": "2", "severity": "critical"], until: now + .seconds(80)), at: now + .seconds(80))
        #expect(try await told(now + .seconds(130)) == ["resolved:2"])
        #expect(try store.incidents.incident("INC-1001").incident.state == .resolved)
        #expect(
            try store.incidents.incident("INC-1001").timeline.map(\.kind) == [
                .opened, .notified, .notified, .notified, .resolved,
            ])
        try post(.posted("A", ["instance": "1"], at: now + .seconds(200)), at: now + .seconds(200))
        #expect(try store.incidents.incident("INC-1002").incident.state == .open)
    }

    @Test func `are not repeated while somebody has their incident`() async throws {
        try post(.posted("A", until: now + .seconds(100_000)), at: now)
        #expect(try await told(now + .seconds(10)) == ["firing:"])
        try store.incidents.perform(.acknowledge, on: "INC-1001", by: "ann", note: nil, now: now + .seconds(20))
        #expect(try await told(now + .seconds(3610)) == [])
        try post(
            .posted("A", ["instance": "2"], at: now + .seconds(3620), until: now + .seconds(100_000)), at: now + .seconds(3620))
        #expect(try await told(now + .seconds(3670)) == ["firing:", "firing:2"])
    }

    @Test func `stand in one group with findings that have its key`() async throws {
        try post(.posted("SSHBruteForce", ["instance": "posted"]), at: now)
        try store.incidents.record([.bruteForce()], routing: configuration.route, now: now)
        #expect(try await told(now + .seconds(10)) == ["firing:posted", "firing:"])
    }

    @Test func `that a silence hides again after they were told are told when it ends, also that they ended meanwhile`()
        async throws
    {
        try post(.posted("A", ["instance": "1"]), .posted("A", ["instance": "2"]), at: now)
        #expect(try await told(now + .seconds(10))?.count == 2)
        let silences = SilenceStore(store.store)
        _ = try silences.set(
            matchers: [Matcher](parsing: "instance=1"), startsAt: now + .seconds(20), endsAt: now + .seconds(200),
            createdBy: "ann", comment: "c",
            now: now + .seconds(20))
        try post(.posted("A", ["instance": "1"], until: now + .seconds(30)), at: now + .seconds(30))
        #expect(try await told(now + .seconds(70)) == [])
        #expect(try await told(now + .seconds(130)) == [])
        #expect(try await told(now + .seconds(190)) == [])
        #expect(try await told(now + .seconds(250)) == ["resolved:1", "firing:2"])
    }

    @Test func `move to the groups of a changed configuration, and stay where they were if that has not changed`() async throws {
        var changed = self
        try post(.posted("A", ["instance": "1"]), at: now)
        #expect(try await told(now + .seconds(10)) == ["firing:1"])
        changed.configuration.route?.groupBy = ["instance"]
        for (route, count) in [(configuration.route, 0), (changed.configuration.route, 1), (changed.configuration.route, 0)] {
            #expect(try regroup(route, at: now + .seconds(20)) == count)
        }
        #expect(try await changed.told(now + .seconds(20)) == ["firing:1"])
    }

    @Test func `that ended long ago are forgotten, and those that hold are not`() async throws {
        try post(.posted("A", until: now + .seconds(5)), .posted("B", until: now + .seconds(9_000_000)), at: now)
        for _ in 0..<2 { _ = try await told(now + .seconds(10)) }
        try forget(before: now + .seconds(500_000))
        #expect(try known() == [#"{"alertname":"B"}"#])
    }
}

/// The rules by which Alertmanager merges what it is sent.
struct `An alert that comes again` {
    private let now = Timestamp.start

    @Test func `keeps the earlier start, and an end that was named against an earlier one`() {
        let old = Alert.posted(at: now, since: now - .seconds(100), until: now + .seconds(500))
        let new = Alert.posted(at: now + .seconds(10), since: now, until: now + .seconds(310), hasTimeout: true)
        let merged = old.updated(by: new, now: now + .seconds(10))
        #expect(merged.startsAt == now - .seconds(100))
        #expect(merged.endsAt == now + .seconds(500))
    }

    @Test func `is given more time by its time-out, and ends when its poster says so`() {
        let old = Alert.posted(at: now, until: now + .seconds(300), hasTimeout: true)
        let later = old.updated(
            by: .posted(at: now + .seconds(60), since: now, until: now + .seconds(360), hasTimeout: true), now: now + .seconds(60)
        )
        #expect(later.endsAt == now + .seconds(360))
        let ended = later.updated(
            by: .posted(at: now + .seconds(90), since: now, until: now + .seconds(80)), now: now + .seconds(90))
        #expect(ended.isResolved(at: now + .seconds(90)))
    }

    @Test func `is another firing when it begins after the old one ended`() {
        let old = Alert.posted(at: now, until: now + .seconds(10))
        let new = Alert.posted(at: now + .seconds(60), since: now + .seconds(60), until: now + .seconds(360))
        #expect(old.updated(by: new, now: now + .seconds(60)) == new)
    }
}
