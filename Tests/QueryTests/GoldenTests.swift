import Alerting
import Columns
import Detection
import Foundation
import Lake
import Testing

@testable import Incidents
@testable import Query

/// What people see, letter by letter. `OBS_UPDATE_GOLDEN=1` writes the files in `Golden` anew, to be looked at before they are kept.
struct `What a question looks like` {
    private let temporary: TemporaryIncidents
    private let now = Timestamp.night + .seconds(3 * 3600)
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    /// A night: guesses, then a login, which joins; something that ann took; something from last year with letters of two cells; a false positive.
    init() throws {
        temporary = try TemporaryIncidents()
        let incidents = temporary.incidents, night = Timestamp.night
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
        try incidents.perform(
            .acknowledge, on: "1002", by: "ann", note: "looking; the firewall | team is asked", now: night + .seconds(400))
        try incidents.perform(
            .end(as: .falsePositive), on: "1004", by: "bob", note: "=the backup job", now: night + .seconds(5400))
    }

    private func check(_ text: String, _ name: String) throws {
        let file = Self.folder.appending(path: name)
        if ProcessInfo.processInfo.environment["OBS_UPDATE_GOLDEN"] != nil { try Data(text.utf8).write(to: file) }
        #expect(text == (try String(contentsOf: file, encoding: .utf8)), "\(name)")
    }

    /// In all formats, and as a table on terminals of two widths.
    private func check(_ answer: Answer, _ name: String) throws {
        for width in [80, 140] {
            let text = Renderer(format: .table, terminalWidth: width).render(answer)
            #expect(text.split(separator: "\n").allSatisfy { TerminalTable.width(String($0)) <= width }, "\(name) \(width)")
            try check(text, "\(name)-\(width).txt")
        }
        for (format, suffix) in [(OutputFormat.csv, "csv"), (.jsonl, "jsonl"), (.markdown, "md")] {
            try check(Renderer(format: format).render(answer), "\(name).\(suffix)")
        }
    }

    @Test func `incidents`() throws { try check(try IncidentQuestions(temporary.incidents).list(.init()), "incidents") }

    @Test func `statistics`() throws { try check(try IncidentQuestions(temporary.incidents).statistics(), "stats") }

    @Test func `alerts, notifications and audit`() throws {
        let records = RecordQuestions(temporary.store)
        try check(try records.alerts(now: now), "alerts")
        try check(try records.notifications(now: now), "notifications")
        try check(try records.audit(), "audit")
    }

    @Test func `one incident with the figures of its source`() throws {
        let lake = Lake(root: temporary.folder + "/lake")
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
        let view = try IncidentQuestions(temporary.incidents).one("1002", lake: lake, now: now)
        let text = view.text(width: 80, hasColor: false)
        #expect(text.split(separator: "\n").allSatisfy { TerminalTable.width(String($0)) <= 80 })
        try check(text, "incident-80.txt")
        try check(view.text(width: 80, hasColor: true), "incident-80-colour.txt")
        try check(view.text, "incident.txt")
        try check(view.markdown, "incident.md")
        try check(view.json, "incident.json")
    }
}
