import Foundation
import GRDB
import Store
import TestSupport
import Testing

/// Guards against half a database that passes for a whole one, or for a damaged one, at the next start.
@Suite(.timeLimit(.minutes(20))) struct `A database that is made on a failing disk` {
    private let migrations = [Migration(id: "1 test", sql: "CREATE TABLE note (text TEXT NOT NULL)")]

    @Test(arguments: FailingDisk.Kind.allCases, [1, Int.max])
    func `is whole when it is opened again, and says until then what is wrong`(kind: FailingDisk.Kind, count: Int) throws {
        let whole = TemporaryFolder(), counting = FailingDisk(kind, below: whole.path)
        do { _ = try Store(path: whole.path + "/data/obs.db", migrations: migrations) }
        let calls = counting.seen
        for call in FailingDisk.chosen(of: calls, about: 16) {
            let folder = TemporaryFolder(), path = folder.path + "/data/obs.db"
            let disk = FailingDisk(kind, below: folder.path, at: call, count: count)
            do { _ = try Store(path: path, migrations: migrations) } catch {
                #expect("\(error)".contains(folder.path) || "\(error)".contains("disk"), "\(kind), call \(call): \(error)")
            }
            #expect(disk.struck > 0)
            disk.isMended()
            do {
                let store = try Store(path: path, migrations: migrations)
                try store.database.write { try $0.execute(sql: "INSERT INTO note VALUES ('there')") }
                #expect(try store.problems() == [], "\(kind), call \(call) of \(calls)")
            } catch {
                Issue.record("\(kind), call \(call) of \(calls): \(error)")
            }
        }
    }
}
