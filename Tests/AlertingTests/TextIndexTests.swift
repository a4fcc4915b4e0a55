import Columns
import Detection
import Foundation
import GRDB
import Store
import Testing

@testable import Alerting
@testable import Incidents

struct `The text search` {
    private let store: TemporaryStore

    init() throws { store = try TemporaryStore() }

    /// The numbers of the incidents and of the entries that hold a word.
    private func found(_ word: String) throws -> [[Int64]] {
        try store.incidents.read { database in
            try ["incident", "timeline"].map {
                try Int64.fetchAll(
                    database, sql: "SELECT rowid FROM \($0)_search WHERE \($0)_search MATCH ? ORDER BY rowid", arguments: [word])
            }
        }
    }

    @Test func `holds what a transaction has written as soon as it is done`() throws {
        try store.incidents.record((1...300).map { .bruteForce(from: "word\($0)") }, routing: nil, now: .start)
        #expect(try found("word1") == [[1001], []] && found("word300") == [[1300], []])
        #expect(try found("opened")[1].count == 300)
        try store.incidents.perform(.note, on: "1007", by: "ann", note: "asked the astronomer", now: .start)
        #expect(try found("astronomer") == [[], [301]])
        #expect(try store.incidents.problems() == [])
    }

    @Test func `follows what is changed or forgotten, before it was put in and after`() throws {
        try store.incidents.record([.bruteForce(from: "early"), .bruteForce(from: "later")], routing: nil, now: .start)
        try store.store.database.write { database in
            // Before: nobody has put it in yet.
            try IncidentLedger.note(1001, .start, actor: "ann", .note, "unseen", database)
            try database.execute(sql: "UPDATE incident SET title = 'renamed' WHERE number = 1001")
            try database.execute(sql: "DELETE FROM timeline WHERE text = 'unseen'")
        }
        try store.incidents.perform(.note, on: "1002", by: "ann", note: "nocturnal", now: .start)
        #expect(try found("renamed") == [[1001], []] && found("unseen") == [[], []] && found("nocturnal")[1].count == 1)
        try store.incidents.perform(.end(as: .fixed), on: "1002", by: "ann", now: .start)
        #expect(try store.incidents.forget(endedBefore: .start + .seconds(5)) == 1)
        #expect(try found("later") == [[], []] && found("nocturnal") == [[], []])
        // The numbers of forgotten entries are given anew.
        try store.incidents.perform(.note, on: "1001", by: "ann", note: "diurnal", now: .start)
        #expect(try found("diurnal")[1].count == 1)
        #expect(try store.incidents.problems() == [])
    }

    @Test func `takes along what a writer has left that knows nothing of it`() throws {
        _ = try store.store.database.write {
            try store.incidents.record([.bruteForce(from: "quietly")], to: nil, policy: IncidentPolicy(), now: .start, $0)
        }
        #expect(try found("quietly") == [[], []])
        #expect(try store.incidents.problems().count == 1)
        try store.incidents.record([.bruteForce(from: "loudly")], routing: nil, now: .start)
        #expect(try found("quietly") == [[1001], []] && found("loudly") == [[1002], []])
        #expect(try store.incidents.problems() == [])
    }

    @Test func `finds the lines of incidents by an index only where a policy joins by them`() throws {
        func indexes() throws -> [String] { try store.incidents.read { try $0.indexes(on: "evidence").map(\.name) } }
        try store.incidents.record([.bruteForce()], routing: nil, now: .start)
        #expect(try !indexes().contains("evidence_place"))
        var policy = IncidentPolicy()
        policy.joinsEvidence = true
        try store.incidents.record([.bruteForce(from: "10.0.0.2")], routing: nil, policy: policy, now: .start)
        #expect(try indexes().contains("evidence_place"))
        #expect(try store.incidents.incident("1002").incident.mergedInto == 1001)
    }
}
