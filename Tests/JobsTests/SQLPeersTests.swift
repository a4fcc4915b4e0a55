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

@testable import Jobs

/// What SQL answers on a table that another program wrote, held against DuckDB on the same Parquet files: joins with incidents,
/// windows, NULLs, times, texts in any script, nested columns.
@Suite(
    .enabled(
        if: peersPython(has: "duckdb, deltalake, pyarrow"),
        "there is no Python with duckdb, deltalake and pyarrow (OBS_PEERS_PYTHON)"))
struct `The answers of SQL` {
    private struct Asked: Decodable {
        let question: String
        let rows: [[String?]]
    }

    private let folder = TemporaryFolder()
    private let workspace: Workspace

    init() throws {
        workspace = try Workspace(folder.path + "/data")
        let time = Timestamp(iso8601: "2026-11-21T03:00:00Z")!
        for (name, severity, source) in [
            ("SSHBruteForce", Severity.critical, "192.0.2.7"), ("SSHBruteForce", .warning, "192.0.2.3"),
            ("SSHInvalidUsers", .warning, "198.51.100.1"),
        ] {
            let finding = Finding(
                name: name, detector: "rule", severity: severity, labels: ["source": source], title: "t", description: "d",
                startsAt: time, lastSeen: time, count: 3, evidence: [])
            try workspace.incidents.record([finding], routing: nil, now: time)
        }
    }

    /// As the script writes values.
    private func text(_ value: Value) -> String? {
        switch value {
        case .null: nil
        case .double(let number): String(format: "%.9g", number)
        default: value.description
        }
    }

    @Test func `are DuckDB's to sixty questions on the same Parquet files`() throws {
        let lists = try SQLQuestion(workspace.store, workspace.lake)
            .answer("SELECT json_array(number, name, severity, source, opened_at) FROM incidents").rows
        let incidents = folder.path + "/incidents.json"
        let list = "[\(lists.map { $0[0].description }.joined(separator: ","))]"
        try list.write(toFile: incidents, atomically: true, encoding: .utf8)
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/sql_questions.py").path
        let run = try output(of: peersPython, [script, workspace.lake.root, incidents])
        try #require(run.status == 0, "\(run)")
        let asked = try JSONDecoder().decode([Asked].self, from: Data(run.text.utf8))
        #expect(asked.count >= 60)
        for one in asked {
            let answer = try SQLQuestion(workspace.store, workspace.lake).answer(one.question)
            let ours = answer.rows.map { row in row.map { text($0) ?? "NULL" }.joined(separator: "|") }.sorted()
            let theirs = one.rows.map { row in row.map { $0 ?? "NULL" }.joined(separator: "|") }.sorted()
            #expect(ours == theirs, "\(one.question)")
        }
    }
}
