import Alerting
import Columns
import Detection
import Foundation
import Incidents
import Lake
import Query
import Store
import TestSupport
import Testing

@testable import Templates
@testable import obs

/// What people see, letter by letter. `OBS_UPDATE_GOLDEN=1` rewrites the files in `Golden`; review them before they are committed.
struct `The output of a query` {
    private let folder = TemporaryFolder()
    private let store: Store
    private let incidentStore: IncidentStore
    private let now = Timestamp.night + .seconds(3 * 3600)
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    /// A night: guesses, then a login, which joins; something that ann took; something from last year with letters of two cells; a false positive.
    init() throws {
        store = try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations)
        incidentStore = IncidentStore(store)
        let incidents = incidentStore
        let night = Timestamp.night
        var route = Route(receiver: "oncall")
        route.groupBy = ["alertname"]
        let old = Finding(
            name: "ShopPagesSlow", detector: "rule", severity: .info, labels: ["method": "検索"],
            title: "検索のページが遅い: 注文と検索の両方が止まっている (GET /search) 🚨",
            description: "", startsAt: Timestamp(year: 2025, month: 12, day: 31, hour: 23),
            lastSeen: Timestamp(year: 2025, month: 12, day: 31, hour: 23),
            count: 1_234_567)
        try incidents.record([old], routing: route, now: old.lastSeen)
        try incidents.record([.example(source: "192.0.2.7", count: 240, at: night)], routing: route, now: night + .seconds(2))
        let login = Finding(
            name: "SSHSuccessAfterFailures", detector: "rule", severity: .critical,
            labels: ["source": "192.0.2.7", "user": "root"],
            title: "192.0.2.7 logged in as root after failures", description: "8 failed logins of root, then one that succeeded.",
            startsAt: night + .seconds(300), lastSeen: night + .seconds(310), count: 9,
            evidence: [
                Evidence(
                    file: "auth.log", offset: 7000,
                    line: "Nov 21 03:05:10 web-1 sshd[9]: Accepted password for root from 192.0.2.7 port 1 ssh2",
                    time: night + .seconds(310))
            ])
        try incidents.record([login], routing: route, now: night + .seconds(311))
        try incidents.record(
            [.example(source: "198.51.100.20", at: night + .seconds(3600))], routing: route, now: night + .seconds(3601))
        try Store.$auditOrigin.withValue("192.0.2.50") {
            try incidents.perform(
                .acknowledge, on: "1002", by: "ann", note: "looking; the firewall | team is asked", now: night + .seconds(400))
            try incidents.perform(
                .end(as: .falsePositive), on: "1004", by: "bob", note: "=the backup job", now: night + .seconds(5400))
        }
    }

    private func check(_ text: String, _ name: String) throws {
        let file = Self.folder.appending(path: name)
        if ProcessInfo.processInfo.environment["OBS_UPDATE_GOLDEN"] != nil { try Data(text.utf8).write(to: file) }
        #expect(text == (try String(contentsOf: file, encoding: .utf8)), "\(name)")
    }

    /// In all formats, and as a table on terminals of two widths.
    private func check(_ answer: Answer, _ name: String) throws {
        for width in [80, 140] {
            let text = answer.shown(as: .table, terminalWidth: width, hasColor: false)
            #expect(text.split(separator: "\n").allSatisfy { TextTable.width(of: String($0)) <= width }, "\(name) \(width)")
            try check(text, "\(name)-\(width).txt")
        }
        for (format, suffix) in [(OutputFormat.csv, "csv"), (.jsonl, "jsonl"), (.markdown, "md")] {
            try check(answer.rendered(as: format), "\(name).\(suffix)")
        }
    }

    @Test func `incidents`() throws { try check(try IncidentQuestions(incidentStore).list(.init()), "incidents") }

    @Test func `statistics`() throws { try check(try IncidentQuestions(incidentStore).statistics(), "stats") }

    @Test func `alerts, notifications and audit`() throws {
        let records = RecordQuestions(store)
        try check(try records.alerts(now: now), "alerts")
        try check(try records.notifications(now: now), "notifications")
        try check(try records.audit(), "audit")
    }

    @Test func `templates`() throws {
        let lake = Lake(root: folder.path + "/lake")
        func write(_ batch: Batch, _ name: String) throws {
            let table = try lake.table(name, creating: batch.schema), writer = table.writer()
            try writer.append(batch)
            try table.commit(adding: writer.finish())
        }
        var changes = TemplateTable()
        let texts = ["Task <*> failed: 検索 | lost", "=cmd started with <*> MB of memory for <*>, which took <*> ms on host <*>"]
        for (index, text) in texts.enumerated() {
            let change = TemplateChange(kind: .new, id: UInt64(0xABC0 + index), text: Array(text.utf8), into: nil)
            changes.append(change, at: (Timestamp.night + .seconds(index)).microseconds)
        }
        try write(changes.finish(), "gold.web_templates")
        let counts = Schema([
            Field("window_start", .timestamp), Field("template_id", .text), Field("lines", .int64),
            Field("last_seen", .timestamp),
        ])
        let rows = [(0xABC0, -30, 4), (0xABC0, 0, 1200), (0xABC1, 0, 3)].map { id, minute, lines -> [Value] in
            let start = Timestamp.night + .seconds(minute * 60)
            return [.timestamp(start), .text(TemplateTable.text(of: UInt64(id))), .int(Int64(lines)), .timestamp(start)]
        }
        try write(try Batch(schema: counts, rows: rows), "gold.web_templates_counts")
        let night = Timestamp.night
        try check(
            try TemplateQuestions(lake).list(since: night - .seconds(600), until: night + .seconds(3000), now: now), "templates")
    }

    @Test func `one incident with the figures of its source`() throws {
        let lake = Lake(root: folder.path + "/lake")
        let schema = Schema([
            Field("window_start", .timestamp), Field("window_end", .timestamp), Field("source", .text), Field("failures", .int64),
            Field("successes", .int64),
        ])
        let table = try lake.table("gold.ssh_by_source", creating: schema)
        let writer = table.writer()
        let rows = [(-5, 2, 0), (0, 40, 0), (5, 200, 0), (10, 8, 1), (25, 0, 1)].flatMap {
            minute, failures, successes -> [[Value]] in
            let start = Timestamp.night + .seconds(minute * 60)
            return ["192.0.2.7", "10.0.0.1"].map { source in
                [
                    .timestamp(start), .timestamp(start + .seconds(300)), .text(source),
                    .int(Int64(source == "10.0.0.1" ? 1 : failures)),
                    .int(Int64(successes)),
                ]
            }
        }
        try writer.append(try Batch(schema: schema, rows: rows))
        try table.commit(adding: writer.finish())
        let view = try IncidentQuestions(incidentStore).one("1002", lake: lake, now: now)
        let text = TerminalText(view.lines, width: 80, hasColor: false).text
        #expect(text.split(separator: "\n").allSatisfy { TextTable.width(of: String($0)) <= 80 })
        try check(text, "incident-80.txt")
        try check(TerminalText(view.lines, width: 80, hasColor: true).text, "incident-80-colour.txt")
        try check(view.text, "incident.txt")
        try check(view.markdown, "incident.md")
        try check(view.json, "incident.json")
        try check("\(view.html)\(view.htmlStory)", "incident.html")
    }
}

extension Finding {
    fileprivate static func example(source: String, count: Int = 12, at time: Timestamp) -> Finding {
        let line = "Nov 21 03:00:00 web-1 sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2"
        return Finding(
            name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": source, "host": "web-1"],
            title: "Brute force from \(source) against web-1",
            description: "\(count) failed logins from \(source) on web-1 within five minutes.",
            startsAt: time - .seconds(60), lastSeen: time, count: count,
            evidence: [Evidence(file: "auth.log", offset: 80, line: line, time: time)])
    }
}

extension Timestamp {
    fileprivate static let night = Timestamp(year: 2026, month: 11, day: 21, hour: 3)
}
