import Foundation
import GRDB
import TestSupport
import Testing

@testable import Store

struct `The store` {
    private let directory = TemporaryFolder()
    private var folder: String { directory.path + "/store" }
    private var path: String { folder + "/obs.db" }
    private let first = Migration(id: "room-1", sql: "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
    private let second = Migration(id: "room-2", sql: "ALTER TABLE thing ADD COLUMN note TEXT")

    /// Two that opened it at once had it never alone: the sums of the end before stayed, and the next one took what both had written for damage.
    @Test func `does not take what obs wrote for damage, whoever else had it open and however they ended`() throws {
        let folder = TemporaryFolder(), path = folder.path + "/obs.db"
        try Store(path: path, migrations: [first]).seal()
        let sums = path + ".sums"
        #expect(FileManager.default.fileExists(atPath: sums))
        do {
            let other = SharedUse(of: path)
            let store = try Store(path: path, migrations: [first])
            #expect(!FileManager.default.fileExists(atPath: sums), "from here on the file changes")
            try store.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES (hex(randomblob(100000)))") }
            withExtendedLifetime(other) {}
            // Killed: it writes no sums.
        }
        let marks = try Store(path: path, migrations: [first]).database.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM set_aside")
        }
        #expect(marks == 0)
    }

    /// 300 pages and more: they are read in pieces of 256.
    @Test(arguments: [2, 3, 256, 257, 300]) func `names the page that changed, and only that one`(page: Int) throws {
        do {
            let store = try Store(path: path, migrations: [first])
            try store.database.write { database in
                for _ in 0..<20 { try database.execute(sql: "INSERT INTO thing (name) VALUES (hex(randomblob(40000)))") }
            }
            try store.seal()
        }
        #expect(try PageSums(of: path).changedPages() == [])
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: UInt64((page - 1) * 4096 + 4000))
        let byte = try #require(try file.read(upToCount: 1)?.first)
        try file.seek(toOffset: UInt64((page - 1) * 4096 + 4000))
        try file.write(contentsOf: [byte ^ 1])
        try file.close()
        #expect(try PageSums(of: path).changedPages() == [page])
    }

    @Test func `makes its file and folder, and applies what was added since the last time`() throws {
        do {
            let store = try Store(path: path, migrations: [first])
            try store.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('a')") }
            try store.database.close()
        }
        let store = try Store(path: path, migrations: [first, second])
        let row = try store.database.read { try Row.fetchOne($0, sql: "SELECT name, note FROM thing") }
        #expect(row?["name"] == "a")
        #expect(row?["note"] == nil as String?)
    }

    @Test func `is brought up to date by the first who opens it, and the others wait`() async throws {
        try Store(path: path, migrations: [first]).database.close()
        // Long enough for all of them to be there before it is done.
        let slow = Migration(
            id: "room-3",
            sql:
                "INSERT INTO thing (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT i FROM n"
        )
        let (path, steps) = (path, [first, second, slow])
        // Each gives what it finds, and of what size the file was that it was told of.
        var told = 0
        try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var size = 0
                    let store = try Store(path: path, migrations: steps) { size = $0 }
                    return [try await store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM thing")! }, size]
                }
            }
            for try await found in group {
                #expect(found[0] == 400_000)
                told = max(told, found[1])
            }
        }
        #expect(told > 0)
    }

    @Test func `is not changed under those who have it open`() throws {
        let open = try Store(path: path, migrations: [first])
        let refusal = #expect(throws: StoreError.self) {
            try Store(path: path, migrations: [first, second], patience: .milliseconds(50))
        }
        #expect(refusal?.description.contains("is of an earlier version, which still has it open") == true)
        try open.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('a')") }
        // Those of the same version share it.
        _ = try Store(path: path, migrations: [first], patience: .zero)
    }

    @Test func `refuses a database that a newer version wrote, and leaves it alone`() throws {
        try Store(path: path, migrations: [first, second]).database.close()
        let refusal = #expect(throws: StoreError.self) { try Store(path: path, migrations: [first]) }
        #expect(refusal?.description.contains("written by a newer obs") == true)
        _ = try Store(path: path, migrations: [first, second])
    }

    @Test func `refuses a database from before the first release, and says what to do`() throws {
        let folder = TemporaryFolder(), path = folder.path + "/obs.db"
        try DatabaseQueue(path: path).write {
            try $0.execute(
                sql: """
                    CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
                    INSERT INTO grdb_migrations VALUES ('store-1'), ('alerting-1');
                    CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL);
                    """)
        }
        let refusals = [
            #expect(throws: StoreError.self) { try Store(path: path, migrations: [first]) },
            #expect(throws: StoreError.self) { try Store(reading: path, migrations: [first]) },
            #expect(throws: StoreError.self) {
                try Store(path: folder.path + "/other.db", migrations: [first]).restore(from: path, now: Date())
            },
        ]
        for refusal in refusals {
            #expect(
                refusal?.description
                    == "\(path): was written before the first release of obs, in a layout that is no longer read; "
                    + "move it away, and obs makes a new one")
        }
        let after = try DatabaseQueue(path: path).read { try String.fetchAll($0, sql: "SELECT identifier FROM grdb_migrations") }
        #expect(after.sorted() == ["alerting-1", "store-1"])
    }

    @Test func `is durable at each commit, checks foreign keys, and lets two processes' connections write in turn`() throws {
        let one = try Store(path: path, migrations: [first])
        let other = try Store(path: path, migrations: [first])
        let (synchronous, foreignKeys) = try one.database.write {
            (try Int.fetchOne($0, sql: "PRAGMA synchronous"), try Int.fetchOne($0, sql: "PRAGMA foreign_keys"))
        }
        #expect(synchronous == 2)
        #expect(foreignKeys == 1)
        for index in 0..<20 {
            try (index.isMultiple(of: 2) ? one : other).database.write {
                try $0.execute(sql: "INSERT INTO thing (name) VALUES (?)", arguments: ["\(index)"])
            }
        }
        let found = try other.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM thing") }
        #expect(found == 20)
    }

    @Test func `copies itself while it is written to, and the copy is whole`() throws {
        let store = try Store(path: path, migrations: [first])
        try store.database.write { database in
            for index in 0..<1000 { try database.execute(sql: "INSERT INTO thing (name) VALUES (?)", arguments: ["\(index)"]) }
        }
        let copy = folder + "/backup/obs.db"
        try store.backUp(to: copy)
        try store.database.write { try $0.execute(sql: "DELETE FROM thing") }
        let restored = try Store(path: copy, migrations: [first])
        let found = try restored.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM thing") }
        #expect(found == 1000)
        let problems = try restored.problems()
        #expect(problems.isEmpty)
    }

    @Test func `answers questions without changing a byte, and sees what others write`() throws {
        do {
            let store = try Store(path: path, migrations: [first])
            try store.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('a')") }
            try store.checkpoint()
        }
        let before = FileManager.default.contents(atPath: path)
        let store = try Store(reading: path, migrations: [first])
        #expect(try store.database.read { try String.fetchAll($0, sql: "SELECT name FROM thing") } == ["a"])
        #expect(throws: DatabaseError.self) { try store.database.write { try $0.execute(sql: "DELETE FROM thing") } }
        #expect(try store.problems().isEmpty)
        #expect(FileManager.default.contents(atPath: path) == before)
        // Beside one who writes it sees what was written.
        let writer = try Store(path: path, migrations: [first])
        try writer.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('b')") }
        #expect(try store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM thing") } == 2)
    }

    @Test func `is not brought up to date by a question`() throws {
        try Store(path: path, migrations: [first]).database.close()
        let refusal = #expect(throws: StoreError.self) { try Store(reading: path, migrations: [first, second]) }
        #expect(refusal?.description.contains("was written by an earlier obs, and a question does not change it") == true)
        #expect(throws: StoreError.self) { try Store(reading: path, migrations: []) }
        #expect(throws: StoreError.self) { try Store(reading: folder + "/none.db", migrations: [first]) }
        #expect(!FileManager.default.fileExists(atPath: folder + "/none.db"))
    }

    @Test func `does not write a backup over a file that is there`() throws {
        let store = try Store(path: path, migrations: [first])
        try store.backUp(to: folder + "/copy.db")
        let refusal = #expect(throws: StoreError.self) { try store.backUp(to: folder + "/copy.db") }
        #expect(refusal?.description.contains("is there already") == true)
    }

    @Test func `names what a check of a damaged file finds`() throws {
        do {
            let store = try Store(
                path: path, migrations: [first, Migration(id: "room-2", sql: "CREATE INDEX thing_name ON thing (name)")])
            try store.database.write { database in
                for index in 0..<500 {
                    try database.execute(sql: "INSERT INTO thing (name) VALUES (?)", arguments: ["name \(index)"])
                }
            }
            // An index that disagrees with its table, as a failing disk leaves one.
            try store.database.writeWithoutTransaction { database in
                try database.execute(
                    sql:
                        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE INDEX thing_name ON thing (id)' WHERE name = 'thing_name'; PRAGMA writable_schema = OFF"
                )
            }
            try store.database.close()
        }
        let store = try Store(path: path, migrations: [first, Migration(id: "room-2", sql: "")])
        let problems = try store.problems()
        #expect(!problems.isEmpty)
    }

    @Test func `takes an empty file for what is left of a database, and says so`() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: path))
        let refusal = #expect(throws: StoreError.self) { try Store(path: path, migrations: [first]) }
        #expect(
            refusal?.description
                == "\(path): is empty, and was a database once; put a backup in its place with 'obs restore FILE', or remove it to begin with a new one"
        )
        #expect(try Data(contentsOf: URL(filePath: path)).isEmpty)
    }

    /// A process that is killed while it makes the file must not leave one that the next takes for damaged.
    @Test func `is never there without a byte`() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let store = try Store(path: path, migrations: [first])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasSuffix(".part") })
        try store.database.close()
        _ = try Store(path: path, migrations: [first])
    }

    @Test func `finds a damaged page at a quick look, within its time`() throws {
        do {
            let store = try Store(path: path, migrations: [first])
            try store.database.write { database in
                for index in 0..<2000 {
                    try database.execute(sql: "INSERT INTO thing (name) VALUES (?)", arguments: ["name \(index)"])
                }
            }
            let sound = try store.quickCheck(within: .seconds(60))
            #expect(sound.problems.isEmpty && sound.isWhole)
            try store.checkpoint()
            try store.database.close()
        }
        var bytes = try Data(contentsOf: URL(filePath: path))
        for place in (bytes.count - 4096)..<bytes.count { bytes[place] = 0x5A }
        try bytes.write(to: URL(filePath: path))
        let store = try Store(path: path, migrations: [first])
        #expect(try !store.quickCheck(within: .seconds(60)).problems.isEmpty)
    }

    @Test func `keeps who did what, in the transaction that does it`() throws {
        let store = try Store(path: path, migrations: [first])
        struct Refused: Error {}
        #expect(throws: Refused.self) {
            try store.database.write { database in
                try Store.audit(database, at: 1, actor: "ann", action: "thing.delete", subject: "7")
                throw Refused()
            }
        }
        try store.database.write { try Store.audit($0, at: 2, actor: "bob", action: "thing.add", subject: "8", detail: "why") }
        let found = try store.database.read { try String.fetchAll($0, sql: "SELECT actor FROM audit") }
        #expect(found == ["bob"])
    }

    @Test func `goes back to a backup while another connection reads and writes, and keeps what it replaced`() throws {
        let store = try Store(path: path, migrations: [first])
        let other = try Store(path: path, migrations: [first])
        try store.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('early')") }
        try store.backUp(to: folder + "/copy.db")
        try other.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('late')") }
        let kept = try store.restore(from: folder + "/copy.db", now: Date(timeIntervalSince1970: 7))
        #expect(kept == path + ".before-7")
        let now = try other.database.read { try String.fetchAll($0, sql: "SELECT name FROM thing ORDER BY id") }
        #expect(now == ["early"])
        try other.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('after')") }
        let both = try store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM thing") }
        #expect(both == 2)
        let before = try Store(path: kept, migrations: [first]).database.read {
            try String.fetchAll($0, sql: "SELECT name FROM thing ORDER BY id")
        }
        #expect(before == ["early", "late"])
        let problems = try other.problems()
        #expect(problems.isEmpty)
    }

    @Test func `restores nothing from what is no whole backup`() throws {
        let store = try Store(path: path, migrations: [first])
        try store.database.write { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('a')") }
        try Store(path: folder + "/newer.db", migrations: [first, second]).database.close()
        try store.backUp(to: folder + "/whole.db")
        let bytes = try #require(FileManager.default.contents(atPath: folder + "/whole.db"))
        try bytes.prefix(bytes.count / 2).write(to: URL(filePath: folder + "/half.db"))
        try Data("not a database, but long enough to look at".utf8).write(to: URL(filePath: folder + "/text.db"))
        try DatabaseQueue(path: folder + "/other.db").write { try $0.execute(sql: "CREATE TABLE a (b)") }
        for name in ["half.db", "text.db", "other.db", "newer.db", "missing.db"] {
            #expect(throws: StoreError.self, "\(name)") { try store.restore(from: folder + "/\(name)", now: Date()) }
        }
        let names = try store.database.read { try String.fetchAll($0, sql: "SELECT name FROM thing") }
        #expect(names == ["a"])
    }
}
