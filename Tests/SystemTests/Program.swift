import Foundation
import FoundationNetworking
@preconcurrency import GRDB
import Synchronization
import TestSupport
import Testing

/// The real binary, as a user runs it.
enum Program {
    /// `obs` lies beside the test bundle; `OBS_PROGRAM` names another one, such as that of a release build.
    static let path: String = {
        if let named = ProcessInfo.processInfo.environment["OBS_PROGRAM"] { return named }
        var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
            folder = URL(filePath: argument).deletingLastPathComponent()
        }
        return folder.appending(path: "obs").path
    }()

    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs it to its end.
    ///
    /// - Parameter folder: where it runs, and what relative paths are relative to.
    @discardableResult
    static func run(_ arguments: [String], in folder: String? = nil) throws -> Result {
        let process = Process()
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let errorPath = FileManager.default.temporaryDirectory.appending(path: "obs-errors-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: errorPath.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: errorPath) }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errorPath)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: text, errors: (try? String(contentsOf: errorPath, encoding: .utf8)) ?? "")
    }

    /// Starts it in the background.
    ///
    /// - Parameter folder: where it runs, and what relative paths are relative to.
    static func start(_ arguments: [String], in folder: String? = nil) throws -> Process {
        let process = Process()
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// What a GET is answered with status 200, or nil.
    static func get(_ url: String) async -> String? {
        guard let (data, response) = try? await URLSession.shared.data(from: URL(string: url)!),
            (response as? HTTPURLResponse)?.statusCode == 200
        else { return nil }
        return String(decoding: data, as: UTF8.self)
    }

    /// A SQLite database that obs may have open too: its file is locked for a moment when a process closes it, or finds it as a
    /// killed one left it.
    static func database(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(60)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// The rows of a table of a SQLite database.
    static func count(_ table: String, in database: String) throws -> Int {
        try Self.database(database).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") } ?? 0
    }

    static func kill(_ process: Process, _ signal: Int32) {
        Foundation.kill(process.processIdentifier, signal)
        process.waitUntilExit()
    }
}

extension TemporaryFolder {
    /// Lets `obs process` find as many attackers in a log of now: each is an incident, INC-1001 and on.
    func recordAttacks(from sources: Int, into data: String) throws {
        let stamp = Date.now.formatted(.iso8601)
        let log = (1...sources).flatMap { source in
            (0..<12).map {
                "\(stamp) gate sshd[\($0)]: Failed password for root from 192.0.2.\(source) port \(4000 + $0) ssh2\n"
            }
        }.joined()
        try log.write(toFile: path + "/auth.log", atomically: true, encoding: .utf8)
        let result = try Program.run(["process", path + "/auth.log", "--data-dir", data])
        #expect(result.status == 0, "\(result.errors)")
    }
}

/// Work that waits for processes, on a thread of its own: the shared pool has as many as cores.
func besideThePool<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}
