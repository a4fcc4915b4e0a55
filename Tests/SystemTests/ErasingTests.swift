import Columns
import Foundation
import Lake
import TestSupport
import Testing

/// Guards against an erasure that loses what a running obs writes meanwhile, or that such an obs brings back.
@Suite(.timeLimit(.minutes(10))) struct `A person who is erased beside a running obs` {
    private let folder = TemporaryFolder()
    private static let name = "zoltan-hunter7"

    private func lines(_ user: String, _ numbers: Range<Int>) -> Data {
        let stamp = Date.now.formatted(.iso8601)
        return Data(
            numbers.map { number in
                "\(stamp) alp sshd[\(number)]: Failed password for invalid user \(user) from 192.0.2.\(number % 200) "
                    + "port \(1024 + number) ssh2\n"
            }.joined().utf8)
    }

    /// Texts of all tables that name the person.
    private func named(_ lake: Lake) throws -> Int {
        var count = 0
        for table in try lake.tables() {
            try lake.table(table).scan { batch in
                for row in 0..<batch.count {
                    count += batch.row(row).count { $0.description.contains(Self.name) }
                }
                return true
            }
        }
        return count
    }

    @Test func `is in no table afterwards, while each row of others is there once`() async throws {
        let port = freePort(), path = folder.path + "/auth.log", data = folder.path + "/data"
        try """
        data_dir: \(data)
        http: { listen: "127.0.0.1:\(port)" }
        sources: [{ name: auth, file: \(path), silent_after: never }]
        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let log = try FileHandle(forWritingTo: URL(filePath: path))
        let obs = try Program.start(["run", "-c", folder.path + "/obs.yaml"])
        defer { Program.kill(obs, SIGKILL) }
        let lake = Lake(root: data + "/lake")
        #expect(await eventually { await Program.get("http://127.0.0.1:\(port)/-/ready") != nil })
        try log.write(contentsOf: lines("other", 0..<50) + lines(Self.name, 50..<120) + lines("other", 120..<160))
        #expect(await eventually { (try? lake.table("silver.ssh").rowCount()) == 160 })
        #expect(try named(lake) > 0)

        // Others go on meanwhile.
        let writing = Task {
            for number in 0..<40 {
                try log.write(contentsOf: lines("other", (1000 + number * 10)..<(1010 + number * 10)))
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let erased = await besideThePool {
            try? Program.run([
                "lake", "erase", "--where", "user=\"\(Self.name)\"", "--reason", "request 4711", "--data-dir", data,
            ])
        }
        #expect(erased?.status == 0, "\(erased?.errors ?? "")")
        try await writing.value
        let expected = 90 + 400
        #expect(await eventually { (try? lake.table("silver.ssh").rowCount()) == expected })
        #expect(await Program.get("http://127.0.0.1:\(port)/-/ready") != nil)
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
        #expect(try named(lake) == 0)
        #expect(try lake.table("silver.ssh").rowCount() == expected)
        // Lines of bronze stay, with a blank in the place of the name.
        #expect(try lake.table("bronze.ssh").rowCount() == 160 + 400)
        #expect(try Program.run(["lake", "verify", "--data-dir", data]).status == 0)
        #expect(try Program.run(["query", "audit", "-o", "jsonl", "--data-dir", data]).output.contains("request 4711"))
    }
}
