import Columns
import Foundation
import GRDB
import Lake
import Store
import Testing

@testable import Query

struct `A question in SQL` {
    private let temporary: TemporaryIncidents

    init() throws {
        temporary = try TemporaryIncidents()
        try temporary.record(.example(at: .night), at: .night)
    }

    private func ask(_ sql: String, seconds: Double = 1) throws -> Answer {
        var question = SQLQuestion(temporary.store, Lake(root: temporary.store.path + "-lake"))
        question.timeLimit = .seconds(seconds)
        question.rowLimit = 100
        return try question.answer(sql)
    }

    @Test func `is answered from the tables`() throws {
        let answer = try ask("SELECT number, name, count FROM incident")
        #expect(answer.schema.fields.map(\.name) == ["number", "name", "count"])
        #expect(answer.rows.map { $0.map(\.description) } == [["1001", "SSHBruteForce", "12"]])
        #expect(
            try ask("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n").note
                == "only the first 100 rows are shown")
    }

    @Test func `does not make a database where there is none`() throws {
        let path = temporary.store.path
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        #expect(throws: QueryError.self) { try ask("SELECT 1") }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `gives as many bytes as an answer may have, and says so`() throws {
        var question = SQLQuestion(temporary.store, Lake(root: temporary.store.path + "-lake"))
        question.answerLimit = 1_000_000
        let answer = try question.answer(
            "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 10000) SELECT hex(zeroblob(100000)) FROM c")
        #expect(answer.rows.count == 5)
        #expect(answer.note == "only the first 5 rows are shown: more would pass 1000000 bytes")
        #expect(try ask("SELECT zeroblob(300000)").rows.count == 1)
    }

    /// What writes, opens another file, changes the connection, loads code, or would take for ever or all memory.
    @Test(
        arguments: [
            "DELETE FROM incident", "UPDATE incident SET state = 'resolved'",
            "INSERT INTO audit (at, actor, action, subject) VALUES (1, 'x', 'y', 'z')",
            "DROP TABLE incident", "CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "ALTER TABLE incident ADD COLUMN x",
            "REPLACE INTO audit VALUES (1,1,'','','','','','','','')",
            "ATTACH '/tmp/obs-hostile.db' AS other", "DETACH main", "VACUUM", "VACUUM INTO '/tmp/obs-hostile.db'", "REINDEX",
            "ANALYZE",
            "PRAGMA journal_mode = DELETE", "PRAGMA query_only = OFF", "PRAGMA writable_schema = ON", "BEGIN EXCLUSIVE", "COMMIT",
            "SAVEPOINT s",
            "SELECT 1; DELETE FROM incident", "WITH d AS (SELECT 1) DELETE FROM incident",
            "WITH d AS (SELECT 1) INSERT INTO audit SELECT 1,1,'','','','','','','',''",
            "EXPLAIN DELETE FROM incident; DELETE FROM incident", "SELECT load_extension('/lib/x.so')", "", "   ", "--",
            "/* */ DELETE FROM incident",
            "SELECT writefile('/tmp/obs-hostile.db', 'x')", "SELECT readfile('/etc/passwd')", "SELECT zeroblob(1000000000)",
            "SELECT randomblob(900000000)", "SELECT hex(zeroblob(16000000))",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n WHERE i < 0",
            "SELECT replace(hex(zeroblob(1000000)), '0', '\(String(repeating: "aa", count: 100))')",
            "SELECT '\(String(repeating: "a", count: 200))' LIKE '\(String(repeating: "%a", count: 60))b'", "SELECT edit('x')",
            "SELEC 1", "SELECT * FROM nothing", "SELECT fts3_tokenizer('x', x'4141414141414141')",
            // Longer than the time, within one call of a function.
            "SELECT instr(hex(zeroblob(150000)), hex(zeroblob(75000)) || '1')",
            "SELECT \(String(repeating: "1+", count: 40000))1",
            "SELECT hex(zeroblob(600000))", "SELECT * FROM pragma_journal_mode('delete')",
        ])
    func `neither changes anything, nor opens anything, nor goes on for ever`(sql: String) throws {
        let refusal = #expect(throws: QueryError.self) { try ask(sql, seconds: 0.2) }
        #expect(refusal?.description.hasPrefix("the statement was not run: ") == true)
        #expect(!FileManager.default.fileExists(atPath: "/tmp/obs-hostile.db"))
        #expect(try ask("SELECT state FROM incident").rows.map { $0[0].description } == ["open"])
        #expect(try ask("SELECT count(*) FROM audit").rows[0][0].description == "0")
    }
}
