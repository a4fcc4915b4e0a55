import Store
import Columns
import Detection
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

struct `An on-call schedule` {
    private let people = ["ann", "bob", "cid"]

    private func schedule(_ zone: String, handOver: Int = 9 * 60, days: Int = 7, overrides: [OnCallSchedule.Override] = [])
        -> OnCallSchedule
    {
        OnCallSchedule(
            name: "primary", timeZone: TimeZone(identifier: zone)!, people: people, starts: (2026, 1, 5), handOver: handOver,
            days: days,
            overrides: overrides)
    }

    /// Every place's rules for summer time, the half hour of Lord Howe, and an hour that is missing or there twice once a year.
    @Test(arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"], [0, 150, 540])
    func `has exactly one person at any time of a year, who hands over at the local hour`(zone: String, handOver: Int) throws {
        let schedule = schedule(zone, handOver: handOver, days: 1)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = schedule.timeZone
        let start = Timestamp(year: 2025, month: 12, day: 20), end = Timestamp(year: 2027, month: 1, day: 10)
        let shifts = schedule.shifts(from: start, until: end)
        #expect(zip(shifts, shifts.dropFirst()).allSatisfy { $0.until == $1.from })
        // The turns go round, also before the schedule's first day.
        #expect(
            zip(shifts, shifts.dropFirst()).allSatisfy {
                people.firstIndex(of: $1.person) == (people.firstIndex(of: $0.person)! + 1) % 3
            })
        var odd = 0
        for shift in shifts.dropFirst() {
            let parts = calendar.dateComponents([.hour, .minute], from: Date(timeIntervalSince1970: shift.from.secondsSince1970))
            if parts.hour! * 60 + parts.minute! != handOver { odd += 1 }
        }
        // Only an hour that a day does not have is another one.
        #expect(odd <= (handOver == 150 && zone != "UTC" && zone != "Asia/Kathmandu" ? 2 : 0), "\(odd)")
        // Asked at any time, it is the person of the shift that the time lies in.
        var place = 0
        for hour in 0..<(386 * 24) {
            let time = start + .seconds(hour * 3600 + 1799)
            while shifts[place].until <= time { place += 1 }
            #expect(schedule.shift(at: time) == shifts[place])
        }
    }

    @Test func `has days of 23 and 25 hours where the clock is set`() {
        let lengths = schedule("Europe/Berlin", days: 1).shifts(
            from: Timestamp(year: 2026, month: 1, day: 1), until: Timestamp(year: 2027, month: 1, day: 1)
        ).map { Int(($0.until - $0.from).inSeconds) / 3600 }
        #expect(lengths.filter { $0 == 23 }.count == 1)
        #expect(lengths.filter { $0 == 25 }.count == 1)
        #expect(lengths.filter { $0 == 24 }.count == lengths.count - 2)
    }

    @Test func `lets somebody stand in, and goes on after as if nobody had`() {
        let noon = Timestamp(year: 2026, month: 6, day: 10, hour: 12)
        let plain = schedule("UTC")
        let covered = schedule(
            "UTC",
            overrides: [
                .init(person: "dora", from: noon, until: noon + .seconds(10 * 3600)),
                .init(person: "eve", from: noon + .seconds(3600), until: noon + .seconds(7200)),
            ])
        let shifts = covered.shifts(from: noon - .seconds(3600), until: noon + .seconds(11 * 3600))
        let regular = plain.shift(at: noon).person
        #expect(shifts.map(\.person) == [regular, "dora", "eve", "dora", regular])
        #expect(zip(shifts, shifts.dropFirst()).allSatisfy { $0.until == $1.from })
        #expect(shifts.map(\.isOverride) == [false, true, true, true, false])
        #expect(covered.shift(at: noon + .seconds(30 * 86_400)) == plain.shift(at: noon + .seconds(30 * 86_400)))
    }
}

struct `An escalation` {
    private let store: TemporaryStore
    private let now = Timestamp.start
    private var configuration = AlertingConfiguration()

    init() throws {
        store = try TemporaryStore()
        configuration.schedules = [
            OnCallSchedule(
                name: "primary", timeZone: .gmt, people: ["ann"], starts: (2026, 1, 5), handOver: 540, days: 7)
        ]
        configuration.escalations = [
            EscalationPolicy(
                matchers: try [Matcher](parsing: #"severity="warning""#),
                steps: [
                    .init(after: .seconds(300), target: .schedule("primary")),
                    .init(after: .seconds(900), target: .receiver("boss")),
                ])
        ]
        try store.incidents.record([.bruteForce()], routing: nil, now: now)
    }

    private func advance(_ seconds: Int) throws {
        let escalation = Escalation(configuration: configuration), time = now + .seconds(seconds)
        try store.store.database.write { database in
            if try escalation.isDue(now: time, database) { try escalation.advance(now: time, database) }
        }
    }

    private func owed() throws -> [String] {
        try store.store.database.read { try String.fetchAll($0, sql: "SELECT receiver FROM outbox ORDER BY id") }
    }

    @Test func `tells one after the other while nobody acknowledges, each once and not before its time`() throws {
        var told: [[String]] = []
        for seconds in [0, 299, 300, 301, 899, 900, 9000] {
            try advance(seconds)
            told.append(try owed())
        }
        #expect(told == [[], [], ["ann"], ["ann"], ["ann"], ["ann", "boss"], ["ann", "boss"]])
        let texts = try store.incidents.incident("1001").timeline.filter { $0.kind == .escalated }.map(\.text)
        #expect(
            texts == [
                "step 1 goes to ann, who is on call (primary): nobody acknowledged it within 300 s",
                "step 2 goes to boss: nobody acknowledged it within 900 s",
            ])
    }

    @Test func `stops with the acknowledgement, for that incident only, and begins anew when it is reopened`() throws {
        try store.incidents.record([.bruteForce(from: "10.0.0.2")], routing: nil, now: now)
        try store.incidents.perform(.acknowledge, on: "1001", by: "ann", now: now + .seconds(200))
        try advance(300)
        #expect(try store.incidents.incident("1001").timeline.allSatisfy { $0.kind != .escalated })
        #expect(try store.incidents.incident("1002").timeline.contains { $0.kind == .escalated })
        try store.incidents.perform(.resolve, on: "1001", by: "ann", now: now + .seconds(400))
        try store.incidents.perform(.reopen, on: "1001", by: "ann", now: now + .seconds(500))
        try advance(799)
        #expect(try store.incidents.incident("1001").timeline.allSatisfy { $0.kind != .escalated })
        try advance(800)
        #expect(try store.incidents.incident("1001").timeline.contains { $0.kind == .escalated })
    }

    @Test func `has its receiver hear of what joins and of the end as often as the route says`() async throws {
        var configuration = configuration
        var route = Route(receiver: "oncall")
        route.groupWait = .zero
        route.groupInterval = .seconds(20)
        route.groupBy = ["alertname"]
        configuration.route = route.settled
        configuration.escalations = [EscalationPolicy(steps: [.init(after: .seconds(60), target: .receiver("boss"))])]
        let outbox = Outbox(incidents: store.incidents)
        func put(_ name: String, until end: Int, at second: Int) throws {
            let time = now + .seconds(second)
            let alert = Alert(
                labels: ["alertname": "Disk", "host": name], startsAt: now, endsAt: now + .seconds(end), updatedAt: time)
            _ = try store.store.database.write { try AlertStore.put([RoutedAlert(alert, configuration.route)], now: time, $0) }
        }
        func told(_ second: Int) async throws -> [String] {
            let time = now + .seconds(second)
            for (id, receiver) in try await outbox.due(now: time) where receiver == "boss" {
                let due = try #require(try await outbox.draft(id, now: time, configuration))
                guard due.reason != nil else {
                    try await outbox.skip(due, now: time)
                    continue
                }
                try await outbox.markSent(due, now: time)
                return due.notice.payload.alerts.map { "\($0.labels["host"] ?? "") \($0.status)" }
            }
            return []
        }
        try store.incidents.perform(.acknowledge, on: "1001", by: "ann", now: now)
        try put("a", until: 9000, at: 0)
        let escalation = Escalation(configuration: configuration)
        _ = try await store.store.database.write { [now] in try escalation.advance(now: now + .seconds(60), $0) }
        #expect(try await told(60) == ["a firing"])
        try put("b", until: 9000, at: 65)
        #expect(try await told(79) == [])
        #expect(try await told(80) == ["a firing", "b firing"])
        try put("a", until: 90, at: 90)
        try put("b", until: 91, at: 91)
        #expect(try await told(99) == [])
        #expect(try await told(100) == ["a resolved", "b resolved"])
    }

    @Test func `tells its receiver of a finding that becomes a part of the incident`() throws {
        try advance(300)
        func members() throws -> Int? {
            try store.store.database.read {
                try Int.fetchOne(
                    $0,
                    sql:
                        "SELECT count(*) FROM alert_membership m JOIN alert_grouping g ON g.id = m.grouping WHERE g.receiver = 'ann'"
                )
            }
        }
        #expect(try members() == 1)
        var other = Finding.bruteForce(at: now + .seconds(310))
        other.name = "SSHUserEnumeration"
        try store.incidents.record([other], routing: Route(receiver: "oncall"), now: now + .seconds(310))
        #expect(try members() == 2)
    }

    @Test func `reaches its receiver, and the maintenance of what it is about holds it back`() async throws {
        let sink = try Sink(), wall = Timestamp.now
        let alerting = RunningAlerting.notifying(["boss": sink.url], store: store) {
            $0.escalations = [EscalationPolicy(steps: [.init(after: .zero, target: .receiver("boss"))])]
            $0.maintenance = [
                MaintenanceWindow(
                    matchers: (try? [Matcher](parsing: "source=10.0.0.2")) ?? [], from: wall - .seconds(60),
                    until: wall + .seconds(3600))
            ]
            $0.route = nil
        }
        try await alerting.whileRunning {
            try await alerting.inbox.record([.bruteForce(from: "10.0.0.2"), .bruteForce(from: "10.0.0.3")])
            #expect(await eventually { sink.posts.contains { $0.body.contains("10.0.0.3") } })
        }
        #expect(!sink.posts.contains { $0.body.contains("10.0.0.2") })
    }
}

struct `A link that acknowledges` {
    private let now = Timestamp(year: 2026, month: 11, day: 21, hour: 3)

    private func parts(_ url: String) throws -> (expires: String, signature: String) {
        let items = try #require(URLComponents(string: url)?.queryItems)
        return (
            try #require(items.first { $0.name == "expires" }?.value), try #require(items.first { $0.name == "signature" }?.value)
        )
    }

    @Test func `is good for its incident for a day, also after a restart`() throws {
        let store = try TemporaryStore()
        let url = try AcknowledgeLinks(besides: store.store.path).url("INC-1001", "http://x", now: now)
        #expect(url.hasPrefix("http://x/incidents/INC-1001/acknowledge?expires="))
        let (expires, signature) = try parts(url)
        let again = try AcknowledgeLinks(besides: store.store.path)
        try again.check("INC-1001", expires: expires, signature: signature, now: now + .seconds(86_399))
        #expect(throws: AlertingError.self) {
            try again.check("INC-1001", expires: expires, signature: signature, now: now + .seconds(2 * 86_400))
        }
        #expect(throws: AlertingError.self) { try again.check("INC-1002", expires: expires, signature: signature, now: now) }
        #expect(throws: AlertingError.self) {
            try again.check("INC-1001", expires: "99999999999", signature: signature, now: now)
        }
        for bad in [nil, "", "00", String(repeating: "z", count: 64), String(signature.reversed())] {
            #expect(throws: AlertingError.self) { try again.check("INC-1001", expires: expires, signature: bad, now: now) }
        }
        let elsewhere = try TemporaryStore()
        let other = try AcknowledgeLinks(besides: elsewhere.store.path)
        #expect(throws: AlertingError.self) { try other.check("INC-1001", expires: expires, signature: signature, now: now) }
    }

    @Test func `has a key that only its owner may read`() throws {
        let store = try TemporaryStore()
        _ = try AcknowledgeLinks(besides: store.store.path)
        let attributes = try FileManager.default.attributesOfItem(atPath: store.folder + "/acknowledge.key")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }
}
