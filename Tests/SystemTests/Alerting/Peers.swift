import Foundation
import TestSupport
import Testing

/// Programs of others that obs is held against, where they are installed.
enum Peers {
    static func has(_ program: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    /// Starts one in the background.
    static func start(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }
}

/// Runs what blocks on a thread of its own: the shared pool has as many as there are cores, and the receivers in this process need them.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// A real Alertmanager with a configuration of its own, beside obs.
final class RunningAlertmanager: Sendable {
    static let isInstalled = Peers.has("prometheus-alertmanager")

    private let folder = TemporaryFolder()
    private let port = freePort()
    private let process: RunningObs.ProcessBox

    var url: String { "http://127.0.0.1:\(port)" }

    init(configuration: String) async throws {
        process = RunningObs.ProcessBox()
        try configuration.write(toFile: folder.path + "/alertmanager.yml", atomically: true, encoding: .utf8)
        process.set(
            try Peers.start([
                "prometheus-alertmanager", "--config.file=\(folder.path)/alertmanager.yml", "--storage.path=\(folder.path)/data",
                "--web.listen-address=127.0.0.1:\(port)", "--cluster.listen-address=",
            ]))
        try #require(await eventually { await HTTPTry.ask(self.url + "/-/ready").status == 200 })
    }

    deinit { process.end(SIGKILL) }
}
