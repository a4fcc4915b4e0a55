import Columns
import Detection
import Foundation
import GRDB
import Store
import Telemetry
import TestSupport
import Testing

@testable import Alerting
@testable import Incidents

/// Rows that no obs has written: by a failing disk, a hand, an older version. Each spoils only itself.
struct `A row that cannot be read` {
    private let store: TemporaryStore
    private let now = Timestamp.now

    init() throws { store = try TemporaryStore() }

    private func execute(_ sql: String) throws { try store.store.database.write { try $0.execute(sql: sql) } }

    private func post(_ alerting: RunningAlerting, _ name: String) async throws {
        try await alerting.inbox.store([
            Alert(labels: ["alertname": name], startsAt: now, endsAt: now + .seconds(3600), updatedAt: now)
        ])
    }

    /// What stood in the store when one poisoned silence kept all notifications from going out: and others of its kind, in each
    /// table that is read on the way.
    @Test(arguments: [
        (#"INSERT INTO silence VALUES ('s', '["a=\"b"]', 0, 9000000000000000, 0, 'ann', 'x')"#, "silence s"),
        ("INSERT INTO silence VALUES ('s', 'nonsense', 0, 9000000000000000, 0, 'ann', 'x')", "silence s"),
        ("INSERT INTO silence VALUES ('s', '[1, {}]', 0, 9000000000000000, 0, 'ann', 'x')", "silence s"),
        (#"INSERT INTO silence VALUES ('s', '["a=b"]', 'soon', 'late', 0, 'ann', 'x')"#, "silence s"),
        ("UPDATE alert SET labels = '{' WHERE labels LIKE '%Poisoned%'", "alert 1"),
        ("UPDATE alert SET starts_at = 'x' WHERE labels LIKE '%Poisoned%'", "alert 1"),
        (
            "UPDATE alert_grouping SET group_interval = 'often', group_labels = '[' WHERE group_key LIKE '%Poisoned%'",
            "alert_grouping 1"
        ),
        ("UPDATE outbox SET due_at = 'x', delivered = '{' WHERE group_key LIKE '%Poisoned%'", "outbox 1"),
        (
            """
            INSERT INTO outbox (receiver, group_key, created_at, due_at, state, payload)
                VALUES ('r', 'k', unixepoch() * 1000000, 0, 'resending', '{')
            """,
            "outbox"
        ),
        ("INSERT INTO outbox (receiver, group_key, created_at, due_at) VALUES ('r', 'no such group', 0, 0)", nil),
        ("UPDATE escalation SET due_at = 'x', step = 'y'", "escalation"),
        ("UPDATE incident SET contributions = '{', starts_at = 'x'", "incident"),
    ])
    func `keeps no notification from going out, and is named`(poison: String, named: String?) async throws {
        let sink = try Sink()
        let health = HealthNotes(), metrics = MetricsRegistry()
        do {
            // Posted while nobody runs, so that the poison is there before the first look.
            let alerting = RunningAlerting.notifying(["r": sink.url], store: store)
            try await post(alerting, "Poisoned")
        }
        try execute(poison)
        let alerting = RunningAlerting.notifying(["r": sink.url], store: store, metrics: metrics, health: health)
        try await alerting.whileRunning {
            try await post(alerting, "Sound")
            #expect(await eventually { sink.posts.contains { $0.body.contains("Sound") } })
            guard let named else { return }
            let words = named.split(separator: " ").map(String.init)
            let sentence = words.count > 1 ? "row \(words[1]) of the table \(words[0]) " : "of the table \(words[0]) "
            #expect(await eventually { health.all.contains { $0.contains(sentence) } }, "\(health.all)")
        }
        guard let table = named?.split(separator: " ").first else { return }
        #expect(try !store.incidents.unreadableRows().isEmpty)
        #expect(metrics.exposition().contains("obs_store_unreadable_rows{table=\"\(table)\"} 1"))
    }

    @Test func `is kept as the statement that would put it in again`() async throws {
        try execute(#"INSERT INTO silence VALUES ('s', '["a=\"b"]', 0, 9000000000000000, 0, 'ann', 'it''s')"#)
        let found = try await store.incidents.lookOver(now: now)
        #expect(found.setAside.map(\.id) == ["s"] && found.standing.isEmpty)
        let left = try await store.store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM silence") }
        #expect(left == 0)
        try execute(found.setAside[0].statement)
        let comment = try await store.store.database.read { try String.fetchOne($0, sql: "SELECT comment FROM silence") }
        #expect(comment == "it's")
    }

    /// An incident is never taken out: evidence and timeline hang on it.
    @Test func `of an incident is passed over by those who list and end the others`() throws {
        for source in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
            let start = now - .seconds(7200)
            try store.incidents.record([.bruteForce(from: source, at: start)], routing: nil, now: start)
        }
        try execute("UPDATE incident SET opened_at = 'x' WHERE number = 1002")
        #expect(try store.incidents.incidents().map(\.number) == [1003, 1001])
        var passedOver: [Int64] = []
        // What a trigger cannot read fails for its own incident.
        try execute("CREATE TRIGGER poison BEFORE UPDATE ON incident WHEN old.number = 1001 BEGIN SELECT json('{'); END")
        let count = try store.incidents.resolveQuiet(after: .seconds(600), now: now) { number, _ in passedOver.append(number) }
        #expect(count == 2 && passedOver == [1001])
    }

    @Test func `of an incident that cannot be forgotten keeps no other`() throws {
        for source in ["10.0.0.1", "10.0.0.2"] {
            try store.incidents.record([.bruteForce(from: source)], routing: nil, now: now - .seconds(7200))
        }
        _ = try store.incidents.resolveQuiet(after: .seconds(600), now: now - .seconds(3600))
        try execute("CREATE TRIGGER poison BEFORE DELETE ON incident WHEN old.number = 1001 BEGIN SELECT json('{'); END")
        #expect(try store.incidents.forget(endedBefore: now) == 1)
        #expect(try store.incidents.incidents().map(\.number) == [1001])
    }

    @Test func `of the alerts does not hide which dead man's switches are raised`() throws {
        try execute(
            #"INSERT INTO alert (fingerprint, labels, annotations, generator_url, starts_at, ends_at, has_timeout, updated_at, is_finding) VALUES (1, '{', '{}', '', 0, 9000000000000000, 0, 0, 0), (2, '{"alertname":"DeadMansSwitch","switch":"w"}', '{}', '', 5, 9000000000000000, 0, 0, 0)"#
        )
        let raised = try store.store.database.read { try AlertStore.raisedSwitches(now: now, $0) }
        #expect(raised.map(\.name) == ["w"])
    }
}

struct `The time that old things are deleted by` {
    private let day = Duration.seconds(86_400)

    /// What it gives for each time that a clock shows.
    private func believed(_ shown: [Timestamp]) -> [Timestamp] {
        var time = ObservedClock(believed: .start, jump: nil)
        return shown.map { time.believe($0) }
    }

    @Test func `follows a clock that goes on, is put back, or was off for a night`() {
        let shown: [Timestamp] = [.start + .seconds(60), .start - .seconds(3600), .start + day]
        #expect(believed(shown) == shown)
    }

    @Test func `does not follow a clock that has jumped ahead, until it has gone on from there for a day`() {
        let ahead = Timestamp.start + day * 400, later = Timestamp.start + .seconds(7200)
        // Ahead, and right again; then a process that was off for a year, whose clock is right and shows it.
        let shown: [Timestamp] = [ahead, ahead + .seconds(3600), later, ahead, ahead + day]
        #expect(believed(shown) == [.start, .start, later, later, ahead + day])
    }

    @Test func `is remembered from one process to the next`() throws {
        let store = try TemporaryStore()
        let times = try store.store.database.write { database in
            try [Timestamp.start, .start + day * 400, .start + .seconds(60)].map { try IncidentStore.believedTime($0, database) }
        }
        #expect(times == [.start, .start, .start + .seconds(60)])
    }
}

struct `The key of acknowledge links` {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/acknowledge.key" }
    private var database: String { folder.path + "/obs.db" }

    @Test func `is put aside when a bit of it has changed or some of it is gone, and that is said`() throws {
        let first = try AcknowledgeLinks(besides: database)
        #expect(first.damage == nil)
        let whole = try Data(contentsOf: URL(filePath: path))
        for (index, damage) in Damage.all(places: 20, seed: 3).enumerated() {
            let bad = damage.done(to: whole)
            try bad.write(to: URL(filePath: path))
            #expect(AcknowledgeLinks.problem(besides: database)?.hasPrefix(path) == true, "\(damage)")
            let next = try AcknowledgeLinks(besides: database)
            #expect(next.damage?.hasPrefix(path) == true, "\(damage)")
            #expect(next.url("INC-1", "http://x", now: .start) != first.url("INC-1", "http://x", now: .start))
            #expect(
                FileManager.default.fileExists(atPath: path + (index == 0 ? ".damaged" : ".damaged-\(index + 1)")) || index > 0)
            #expect(AcknowledgeLinks.problem(besides: database) == nil)
        }
    }
}
