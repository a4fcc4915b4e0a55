import Columns
import Foundation
import GRDB
import Incidents
import Lake
import Store
import TestSupport
import Synchronization
import Testing

@testable import Configuration
@testable import Jobs

struct `Erasing a person` {
    private let folder = TemporaryFolder()
    private var data: String { folder.path + "/data" }
    private let name = "zoltan-hunter7"

    /// Failed log-ins of two people, enough for an incident each, and a name that holds the first one.
    private func workspace() async throws -> Workspace {
        let log = folder.path + "/auth.log"
        let lines = (0..<40).map { number in
            let user = [name, "other-hunter8", name + "2"][number % 3]
            return
                "2026-11-20T10:\(10 + number / 20):\(10 + number % 20 * 2)Z alp sshd[\(number)]: Failed password for invalid user \(user) "
                + "from 192.0.2.\(number % 3 + 1) port 51234 ssh2\n"
        }
        let stray = "2026-11-20T11:00:00Z alp sshd[9]: nothing of the grammar, \"\(name)\"\n"
        try (lines.joined() + stray).write(toFile: log, atomically: true, encoding: .utf8)
        _ = try await Processing.run(
            Processing.Options(files: [log]), Configuration.load(file: nil, dataDirectory: data), progress: { _, _ in })
        return try Workspace(data)
    }

    private func cells(of workspace: Workspace) throws -> (rows: [String: Int], texts: [String]) {
        var rows: [String: Int] = [:], texts: [String] = []
        for name in try workspace.lake.tables() {
            try workspace.lake.table(name).scan { batch in
                rows[name, default: 0] += batch.count
                for row in 0..<batch.count { texts += batch.row(row).map(\.description) }
                return true
            }
        }
        return (rows, texts)
    }

    @Test func `leaves the name in no table, no database and no old file, and everything else as it was`() async throws {
        let workspace = try await workspace()
        // Comments are in the audit too, which keeps them.
        try await workspace.store.database.write { [name] in
            try $0.execute(sql: "UPDATE incident SET description = ? WHERE number = 1001", arguments: ["\(name), not \(name)2"])
        }
        let before = try cells(of: workspace)
        let erasing = try Erasing([Matcher](parsing: "user=\"\(name)\""))
        let planned = try erasing.run(workspace, actor: "ann", reason: "request 4711", isDryRun: true)
        #expect(try cells(of: workspace).texts == before.texts, "a dry run changes nothing")
        let parts = try erasing.run(workspace, actor: "ann", reason: "request 4711", isDryRun: false)
        #expect(parts.map(\.place) == planned.map(\.place))
        #expect(parts.first { $0.place == "silver.ssh" }?.rows == 14)

        let after = try cells(of: workspace), person = NamedPerson(name)
        #expect(!after.texts.contains { person.isIn($0) })
        for other in ["other-hunter8", name + "2"] { #expect(after.texts.contains { $0.contains(other) }) }
        #expect(after.rows["bronze.ssh"] == before.rows["bronze.ssh"], "a line keeps its place")
        #expect(after.rows["silver.ssh"] == before.rows["silver.ssh"]! - 14)
        for table in try workspace.lake.tables() {
            let path = "\(data)/lake/" + table.split(separator: ".").joined(separator: "/")
            let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            let live = files.filter { $0.hasSuffix(".parquet") }.count
            #expect(live <= 1, "the old file of \(table) is there: \(files)")
        }
        try workspace.store.checkpoint()
        for file in ["obs.db", "obs.db-wal", "serve.db", "serve.db-wal"] {
            guard let bytes = FileManager.default.contents(atPath: "\(data)/\(file)") else { continue }
            var rest = bytes[...]
            while let place = rest.range(of: Data(name.utf8)) {
                // The name of the other, which holds it.
                #expect(bytes[place.upperBound] == UInt8(ascii: "2"), "\(file) at \(place)")
                rest = bytes[place.upperBound...]
                if bytes[place.upperBound] != UInt8(ascii: "2") { break }
            }
        }
        #expect(try workspace.store.problems().isEmpty)
        #expect(try workspace.incidents.problems().isEmpty)
        let entry = try #require(
            try workspace.store.database.read {
                try Row.fetchOne($0, sql: "SELECT subject, detail FROM audit WHERE action = 'lake.erase'")
            })
        let subject: String = entry[0], detail: String = entry[1]
        #expect(subject.wholeMatch(of: /user=h-[0-9a-f]{24}/) != nil && detail.hasPrefix("request 4711: "))
        #expect(try workspace.store.auditVerification().problem == nil)
        #expect(try erasing.run(workspace, actor: "ann", reason: "again", isDryRun: false).isEmpty)
    }

    @Test func `goes on while others append and merge, and loses none of their rows`() async throws {
        let lake = Lake(root: data + "/lake")
        let schema = Schema([Field("user", .text), Field("line", .text)])
        func batch(_ user: String, _ number: Int) throws -> Batch {
            try Batch(schema: schema, rows: [[.text(user), .text("\(number) by \(user)")]])
        }
        func append(_ user: String, _ number: Int) throws {
            let table = try lake.table("silver.t", creating: schema), writer = table.writer()
            try writer.append(batch(user, number))
            try table.commit(adding: writer.finish())
        }
        for number in 0..<10 { try append(number % 2 == 0 ? "ann" : "bob", number) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for number in 10..<40 { try append("bob", number) } }
            group.addTask { for _ in 0..<5 { _ = try lake.table("silver.t").optimize() } }
            group.addTask {
                for _ in 0..<5 {
                    _ = try lake.table("silver.t").erase(
                        NamedPerson("ann"), matching: [Matcher](parsing: "user=ann"), isDryRun: false)
                }
            }
            try await group.waitForAll()
        }
        var users: [String] = []
        try lake.table("silver.t").scan { rows in
            for row in 0..<rows.count { users.append(rows["user"]!.string(at: row) ?? "") }
            return true
        }
        #expect(users == Array(repeating: "bob", count: 35))
    }

    @Test(arguments: ["user!=\"a\"", "user=~\"a.*\"", "user=\"\""]) func `wants a value to look for`(text: String) throws {
        #expect { try Erasing([Matcher](parsing: text)) } throws: { "\($0)".contains("names a person by the value") }
    }

    @Test(arguments: [
        ("for ann from", true), ("ann", true), ("ann.", true), ("(ann)", true), ("user=ann,", true), ("ann@example.org", true),
        ("planned", false), ("ann2", false), ("ann_2", false), ("ann-marie", false), ("annä", false), ("joann", false),
        ("", false),
    ])
    func `finds whole words`(text: String, isFound: Bool) {
        #expect(NamedPerson("ann").isIn(text) == isFound)
        #expect((NamedPerson("ann").erased(from: text) != nil) == isFound)
    }

    @Test func `blanks each word, also as JSON has it`() {
        #expect(NamedPerson("ann").erased(from: "ann, planned ann; ann") == "<erased>, planned <erased>; <erased>")
        #expect(NamedPerson("a\"b").erased(from: "{\"user\":\"a\\\"b\"} a\"b") == "{\"user\":\"<erased>\"} <erased>")
    }
}

struct `The key of the hashes of those who were erased` {
    @Test func `is the same for all who make it at once, whole, and nobody else's to read`() throws {
        let folder = TemporaryFolder(), path = folder.path + "/erasure.key"
        let keys = Mutex<[Data?]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            let key = try? Erasing.key(path)
            keys.withLock { $0.append(key) }
        }
        let first = try Erasing.key(path)
        #expect(first.count == 32 && keys.withLock { $0 } == Array(repeating: first, count: 8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["erasure.key"], "no drafts are left")
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    }

    @Test func `is not made anew where it is damaged`() throws {
        let folder = TemporaryFolder(), path = folder.path + "/erasure.key"
        try Data(count: 7).write(to: URL(filePath: path))
        let error = #expect(throws: UsageError.self) { try Erasing.key(path) }
        #expect(error?.description.contains("has 7 bytes, and a key has 32") == true)
    }
}
