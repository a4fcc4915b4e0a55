import Foundation
import TestSupport
import Testing

/// What a program prints reaches obs by a pipe, or by the file of a container runtime.
@Suite(.timeLimit(.minutes(10)))
struct `What a program prints` {
    private let folder = TemporaryFolder()
    private static let count = 3000

    private static func line(_ number: Int) -> String {
        "Failed password for root from 192.0.2.\(number % 250) port \(1000 + number) ssh2"
    }

    private func configure(_ sources: String) throws -> Int {
        let port = freePort()
        try """
        http: { listen: "127.0.0.1:\(port)" }
        data_dir: data
        \(sources)

        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        return port
    }

    @Test func `into standard input is in the tables once, and obs goes on when it has ended`() async throws {
        let port = try configure("sources: []")
        let obs = Process(), input = Pipe()
        obs.executableURL = URL(filePath: Program.path)
        obs.arguments = ["run", "-"]
        obs.currentDirectoryURL = URL(filePath: folder.path)
        obs.standardInput = input
        obs.standardError = FileHandle.nullDevice
        try obs.run()
        defer { Program.kill(obs, SIGKILL) }
        let stamp = "2026-11-27T15:00:00Z gate sshd[7]: "
        let lines = (0..<Self.count).map { stamp + Self.line($0) + "\n" }.joined()
        let writer = input.fileHandleForWriting
        await besideThePool {
            try? writer.write(contentsOf: Data(lines.utf8))
            try? writer.close()
        }
        try await expectFailedPasswords(Self.count, in: folder.path)
        #expect(await Program.get("http://127.0.0.1:\(port)/-/ready") != nil)
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
    }

    enum Runtime: String, CaseIterable { case docker, cri }

    /// What the runtime writes of a line that it got in two parts.
    private func written(_ number: Int, by runtime: Runtime) throws -> String {
        let text = "gate sshd[7]: " + Self.line(number), middle = text.index(text.startIndex, offsetBy: number % text.count)
        let time = "2026-11-27T15:00:00.\(100_000_000 + number)Z"
        switch runtime {
        case .cri: return "\(time) stderr P \(text[..<middle])\n\(time) stderr F \(text[middle...])\n"
        case .docker:
            return try [String(text[..<middle]), text[middle...] + "\n"].map { part in
                let record = ["log": part, "stream": "stderr", "time": time]
                return String(decoding: try JSONSerialization.data(withJSONObject: record), as: UTF8.self) + "\n"
            }.joined()
        }
    }

    @Test(arguments: Runtime.allCases)
    func `into the log of a container is in the tables once, through rotations and kills`(runtime: Runtime) async throws {
        try "name: pods\nformat: sshd\noptions: { container: \"true\" }\n".write(
            toFile: folder.path + "/pods.yaml", atomically: true, encoding: .utf8)
        _ = try configure(
            "builtin: false\npipelines: [pods.yaml]\nsources: [{ name: pods, file: 'pods/*.log*', pipeline: pods }]")
        let path = folder.path + "/pods/0.log"
        try FileManager.default.createDirectory(atPath: folder.path + "/pods", withIntermediateDirectories: true)
        let pieces = 6, each = Self.count / pieces
        for piece in 0..<pieces {
            // A piece may end between the two parts of a line.
            let text = try (piece * each..<(piece + 1) * each).map { try written($0, by: runtime) }.joined()
            if piece == 3 { try FileManager.default.moveItem(atPath: path, toPath: path + ".20261127-150000") }
            if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
            let obs = try Program.start(["run"], in: folder.path)
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.seekToEnd()
            try file.write(contentsOf: Data(text.utf8))
            try file.close()
            if piece == pieces - 1 {
                try await expectFailedPasswords(Self.count, lines: 2 * Self.count, in: folder.path, of: "pods")
            } else {
                try await Task.sleep(for: .milliseconds(Int.random(in: 100...900)))
            }
            Program.kill(obs, SIGKILL)
        }
    }
}
