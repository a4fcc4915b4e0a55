import Access
import Columns
import Foundation
import Incidents
import Lake
import Store
import TestSupport
import Testing

@testable import Server

struct `SQL over HTTP` {
    private let folder = TemporaryFolder()
    private let routes: [Server.Route]

    init() throws {
        let store = try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations + AccessStore.migrations)
        let lake = Lake(root: folder.path + "/lake")
        let schema = Schema([Field("user", .text, isNullable: true), Field("port", .int32)])
        let table = try lake.table("silver.ssh", creating: schema)
        let writer = table.writer()
        try writer.append(
            Batch(schema: schema, rows: [[.text("root"), .int(22)], [.null, .int(22)], [.text("=cmd()"), .int(2222)]]))
        try table.commit(adding: try writer.finish())
        routes = SQLRoutes.all(store, lake)
    }

    private func ask(_ url: String, _ body: String, _ headers: [String: String] = [:]) async throws -> (Int, String) {
        let all = ["Content-Type": "application/json"].merging(headers) { $1 }
        let (code, text, _) = try await ServerFixture.get("\(url)/api/v1/sql", method: "POST", body: body, headers: all)
        return (code, text)
    }

    @Test func `gives rows as lists, or as CSV`() async throws {
        try await ServerFixture.withServer(routes, maxBodySize: 100_000) { url in
            let (code, text) = try await ask(
                url, #"{"query": "SELECT user, count(*) AS n, port FROM silver.ssh GROUP BY user, port ORDER BY 1"}"#)
            #expect(code == 200)
            #expect(
                text == "{\"columns\":[\"user\",\"n\",\"port\"],\"rows\":[[null,1,22],\n[\"=cmd()\",1,2222],\n[\"root\",1,22]]}\n"
            )
            let (_, limited) = try await ask(url, #"{"query": "SELECT port FROM silver.ssh", "limit": 1, "timeout": 2}"#)
            #expect(limited == "{\"columns\":[\"port\"],\"rows\":[[22]],\"note\":\"only the first 1 rows are shown\"}\n")
            let (_, csv) = try await ask(
                url, #"{"query": "SELECT user FROM silver.ssh WHERE port > 100"}"#, ["Accept": "text/csv"])
            // No spreadsheet runs what an attacker gave for a name.
            #expect(csv == "user\r\n'=cmd()\r\n")
        }
    }

    @Test(arguments: [
        (#"{"query": "SELECT usr FROM silver.ssh"}"#, "did you mean 'user'?"),
        (#"{"query": "DELETE FROM incident"}"#, "only SELECT"),
        (#"{"query": "SELECT 1", "limit": 0}"#, "limit is a whole number from 1 to 10000"),
        (#"{"query": "SELECT 1", "timeout": 3600}"#, "timeout is a whole number from 1 to 8"),
        (#"{"query": "SELECT 1", "rows": 5}"#, "there is no 'rows'"), (#"{"sql": "SELECT 1"}"#, "there is no 'sql'"),
        ("SELECT 1", "is not a JSON object"), (#"{"query": 5}"#, "query is missing"),
    ])
    func `says what is wrong with a request`(body: String, reason: String) async throws {
        try await ServerFixture.withServer(routes, maxBodySize: 100_000) { url in
            let (code, text) = try await ask(url, body)
            #expect(code == 400 && text.contains(reason) && text.contains("bad_sql"), "\(text)")
        }
    }

    /// Hashes of passwords and tokens are for nobody, by whatever name they are asked for.
    @Test(arguments: [
        "SELECT * FROM account", "SELECT password FROM main.account", "SELECT \"password\" FROM [ACCOUNT]",
        "SELECT * FROM 'account'",
        "WITH a AS (SELECT hash FROM token) SELECT * FROM a", "SELECT (SELECT max(hash) FROM session)",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM account WHERE password LIKE 's%')", "SELECT count(*) FROM token",
        "SELECT * FROM set_aside",
        "SELECT name FROM incident JOIN account USING (name)", "EXPLAIN SELECT * FROM account",
    ])
    func `does not read tokens, accounts and sessions`(statement: String) async throws {
        try await ServerFixture.withServer(routes, maxBodySize: 100_000) { url in
            let (code, text) = try await ask(url, "{\"query\": \(JSONText.quote(statement))}")
            #expect(code == 400 && text.contains("is not read here"), "\(text)")
        }
    }

    @Test(arguments: [
        "SELECT instr(hex(zeroblob(7000000)), hex(zeroblob(3000000))||'1')",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c LIMIT 10000) SELECT hex(zeroblob(8000000)) FROM c",
        "SELECT fts3_tokenizer('x', x'4141414141414141')", "SELECT * FROM sqlite_dbpage",
        // More memory than it may have, a little at a time.
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT count(*) FROM (SELECT DISTINCT hex(randomblob(100000)) FROM c)",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c LIMIT 9000000) SELECT group_concat(n || 'aaaaaaaaaaaaaaaa') FROM c",
    ])
    func `bounds statements that want too much`(statement: String) async throws {
        try await ServerFixture.withServer(routes, maxBodySize: 100_000) { url in
            let (code, text) = try await ask(url, "{\"query\": \(JSONText.quote(statement)), \"timeout\": 5}")
            #expect(code == 400 && text.contains("bad_sql"), "\(text.prefix(200))")
        }
    }

    @Test func `runs two statements at a time, and says so to a third`() async throws {
        let slow =
            #"{"query": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT max(n) FROM c WHERE n < 0", "timeout": 3}"#
        try await ServerFixture.withServer(routes, maxBodySize: 100_000) { url in
            let codes = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 { group.addTask { try await ask(url, slow).0 } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.contains(503) && codes.contains(400) && !codes.contains(200), "\(codes)")
            #expect(try await ask(url, #"{"query": "SELECT 1"}"#).0 == 200)
        }
    }
}
