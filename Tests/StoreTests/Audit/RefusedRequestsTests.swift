import Columns
import GRDB
import TestSupport
import Testing

@testable import Store

struct `Refused requests` {
    private let directory = TemporaryFolder()

    private func entries(_ store: Store) throws -> [String] {
        try store.database.read {
            try String.fetchAll(
                $0, sql: "SELECT actor || ' | ' || subject || ' | ' || detail || ' | ' || origin FROM audit ORDER BY id")
        }
    }

    @Test func `are written once a minute each, to a limit, and the rest is counted`() async throws {
        let store = try Store(path: directory.path + "/obs.db", migrations: [])
        let refusals = RefusedRequests(store, perMinute: 2), start = Timestamp(microseconds: 1_700_000_000_000_000)
        func record(_ origin: String, _ second: Int) async throws {
            try await refusals.record(
                actor: "", from: origin, request: "POST /api/v1/silences", reason: "no token", now: start + .seconds(second))
        }
        for second in 0..<50 { try await record("192.0.2.1", second) }
        try await record("192.0.2.2", 50)
        for _ in 0..<10 { try await record("192.0.2.3", 51) }
        let first = ["- | POST /api/v1/silences | no token | 192.0.2.1", "- | POST /api/v1/silences | no token | 192.0.2.2"]
        #expect(try entries(store) == first)
        try await record("192.0.2.1", 60)
        let all = try entries(store)
        #expect(all.count == 4 && all[3] == first[0])
        #expect(all[2].contains("59 more requests were refused since 2023-11-14"))
        #expect(all[2].contains("from 2 addresses: 49 from 192.0.2.1, 10 from 192.0.2.3"))
        try await refusals.flush()
        #expect(try entries(store).count == 4, "nothing was left")
        #expect(try store.auditVerification().problem == nil)
    }

    @Test func `take bounded room in memory, whoever sends them and however long they are`() {
        var minute = RefusedMinute(limit: 30)
        let now = Timestamp(microseconds: 0)
        var written = 0
        for number in 0..<5000 {
            let refusal = Refusal(actor: "-", origin: "2001:db8::\(number)", request: "GET /\(number)", reason: "no token")
            if minute.take(refusal, now: now).entry != nil { written += 1 }
        }
        #expect(written == 30)
        let summary = minute.end()
        #expect(
            summary?.hasPrefix("4970 more requests were refused") == true && summary?.contains("1000 or more addresses") == true)
    }

    @Test func `are cut to a line of two hundred bytes a text, and begin a new minute when the clock is set back`() async throws {
        let store = try Store(path: directory.path + "/obs.db", migrations: [])
        let refusals = RefusedRequests(store, perMinute: 1)
        for second in [1000, 0] {
            try await refusals.record(
                actor: "a\u{1B}[31m\n", from: "::1", request: String(repeating: "é", count: 5000), reason: "no\u{0}token",
                now: Timestamp(microseconds: 0) + .seconds(second))
        }
        let rows = try store.database.read { try Row.fetchAll($0, sql: "SELECT actor, subject, detail FROM audit") }
        #expect(rows.count == 2)
        for row in rows {
            for index in 0..<3 {
                let text: String = row[index]
                #expect(text.utf8.count <= 1000 && !text.unicodeScalars.contains { $0.properties.generalCategory == .control })
            }
        }
    }
}
