import Alerting
import Columns
import Detection
import Foundation
import Incidents
import Lake
import LakeSQL
import Query
import Store
import TestSupport
import Testing

@testable import Jobs

/// The views are what people build on: their columns are those of docs/schema.md, whatever the tables become.
struct `The views of SQL` {
    private let folder = TemporaryFolder()
    private let workspace: Workspace

    init() throws {
        workspace = try Workspace(folder.path)
        let finding = Finding(
            name: "SSHBruteForce", detector: "rule", severity: .critical, labels: ["source": "192.0.2.7", "host": "web-1"],
            title: "Brute force", description: "12 failed logins.", startsAt: Self.night - .seconds(60), lastSeen: Self.night,
            count: 12, evidence: [Evidence(file: "auth.log", offset: 80, line: "Failed password", time: Self.night)])
        try workspace.incidents.record([finding], routing: nil, now: Self.night)
        let schema = Schema([
            Field("source", .text), Field("file", .text), Field("offset", .int64), Field("arrival_time", .timestamp),
            Field("line", .text), Field("reason", .text), Field("detail", .text, isNullable: true),
        ])
        let table = try workspace.lake.table("quarantine.ssh", creating: schema)
        let writer = table.writer()
        try writer.append(
            Batch(
                schema: schema,
                rows: [
                    [
                        .text("auth"), .text("auth.log"), .int(7), .timestamp(Self.night), .text("a line"), .text("expectation"),
                        .text("port_is_known"),
                    ]
                ]))
        try table.commit(adding: try writer.finish())
    }

    private static let night = Timestamp(year: 2026, month: 11, day: 21, hour: 3)

    private func ask(_ sql: String) throws -> Answer { try SQLQuestion(workspace.store, workspace.lake).answer(sql) }

    private func texts(_ sql: String) throws -> [String] {
        try ask(sql).rows.map { $0.map(\.description).joined(separator: " ") }
    }

    @Test func `have the columns that are documented, and can be read`() throws {
        #expect(Set(SQLViews.all.map(\.name)).count == SQLViews.all.count)
        for view in SQLViews.all {
            #expect(try ask("SELECT * FROM \(view.name)").schema.fields.map(\.name) == view.columns.map(\.name), "\(view.name)")
            #expect(view.meaning.utf8.last == UInt8(ascii: "."), "\(view.name)")
        }
    }

    @Test(arguments: [
        ("SELECT id, state, source, opened_at, count FROM incidents", ["INC-1001 open 192.0.2.7 2026-11-21T03:00:00.000000Z 12"]),
        ("SELECT count(*) FROM incidents WHERE opened_at = '2026-11-21T04:00:00+01:00'", ["1"]),
        ("SELECT count(*) FROM incidents WHERE opened_at > ago('1w') AND opened_at < '2026-01-01'", ["0"]),
        ("SELECT incident, kind, time FROM timeline", ["1001 opened 2026-11-21T03:00:00.000000Z"]),
        ("SELECT incident, file, line FROM evidence", ["1001 auth.log Failed password"]),
        // A view has the name of its table, which is still there.
        ("SELECT at FROM main.timeline", ["1795230000000000"]), ("SELECT count(*) FROM audit", ["0"]),
        ("SELECT table_name, rows, files, since FROM tables", ["quarantine.ssh 1 1 2026-11-21T03:00:00.000000Z"]),
        ("SELECT table_name, rows, partition, oldest = newest FROM files", ["quarantine.ssh 1 {} 1"]),
        ("SELECT pipeline, expectation, reason, line FROM expectations", ["ssh port_is_known expectation a line"]),
        (
            "SELECT i.id FROM incidents i JOIN quarantine.ssh q ON q.arrival_time = i.opened_at", ["INC-1001"]
        ),
        ("SELECT label(labels, 'host') FROM incidents WHERE cidr('192.0.2.0/24', source)", ["web-1"]),
        ("SELECT bucket(opened_at, '2h') FROM incidents WHERE matches(name, 'SSH.*')", ["2026-11-21T02:00:00.000000Z"]),
    ])
    func `answer what is asked`(sql: String, expected: [String]) throws {
        #expect(try texts(sql) == expected, "\(sql)")
    }

    @Test(arguments: [
        ("SELECT * FROM incidnets", "no such table: incidnets; did you mean 'incidents'?"),
        ("SELECT * FROM quarantin.ssh", "no such table: quarantin.ssh; did you mean 'quarantine.ssh'?"),
        ("SELECT * FROM ssh", "no such table: ssh; did you mean 'quarantine.ssh'?"),
        ("SELECT * FROM xyzzy", "no such table: xyzzy; 'obs query tables' lists all"),
        ("SELECT severty FROM incidents", "no such column: severty; did you mean 'severity'?"),
        ("SELECT i.opend_at FROM incidents i", "no such column: i.opend_at; did you mean 'opened_at'?"),
        ("SELECT q.arival_time FROM quarantine.ssh q", "no such column: q.arival_time; did you mean 'arrival_time'?"),
        ("SELECT qqq FROM incidents", "no such column: qqq"),
        ("SELECT bukket(1, 2)", "no such function: bukket; did you mean 'bucket'?"),
    ])
    func `name what was meant`(sql: String, sentence: String) throws {
        let refusal = #expect(throws: QueryError.self) { try ask(sql) }
        #expect(refusal?.description == "the statement was not run: " + sentence)
    }

    @Test(arguments: [
        "DELETE FROM incidents", "DROP VIEW incidents", "CREATE TEMP TABLE t (a)", "INSERT INTO temp.files VALUES (1)",
        "SELECT 1 FROM files; DROP VIEW temp.incidents",
    ])
    func `cannot be changed`(sql: String) throws {
        #expect(throws: QueryError.self) { try ask(sql) }
        #expect(try texts("SELECT count(*) FROM incidents") == ["1"])
    }
}
