import Columns
import Foundation
import Lake
import Synchronization
import TestSupport
import Testing

/// So many clients send for so many rounds, each of which ends with a kill; `OBS_KILLS=20` is the long form.
private let kills = Int(ProcessInfo.processInfo.environment["OBS_KILLS"] ?? "") ?? 2
private let clients = 20
private let linesPerConnection = 200

/// Syslog over TCP has no acknowledgement; what a sender has is the end of its connection.
@Suite(.timeLimit(.minutes(20)))
struct `A line of syslog whose connection obs has ended` {
    private let folder = TemporaryFolder()

    /// What the clients know.
    private final class Sent: Sendable {
        /// The round in which obs is killed, once it is.
        let killed = Mutex(-1)
        let ended = Mutex<Set<String>>([])
    }

    @Test func `is in the tables once, whenever obs is killed`() async throws {
        let port = freePort(), http = freePort()
        try """
        http: { listen: "127.0.0.1:\(http)" }
        data_dir: data
        sources:
          - { name: net, syslog: { tcp: "127.0.0.1:\(port)" }, silent_after: never }

        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        let sent = Sent()
        for round in 0...kills {
            let obs = try Program.start(["run"], in: folder.path)
            #expect(await eventually { LoopbackClient(port) != nil })
            let process = obs.processIdentifier
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<clients {
                    group.addTask { await besideThePool { Self.send(to: port, client, round, sent) } }
                }
                guard round < kills else { return }
                // Until some were taken in this round, so that it is killed in the middle.
                _ = await eventually { sent.ended.withLock { all in all.contains { $0.contains(" r\(round)c") } } }
                try? await Task.sleep(for: .milliseconds(Int.random(in: 50...500)))
                kill(process, SIGKILL)
                sent.killed.withLock { $0 = round }
            }
            guard round == kills else {
                obs.waitUntilExit()
                continue
            }
            let wanted = sent.ended.withLock { $0 }
            #expect(wanted.count >= linesPerConnection * (kills + 2 * clients))
            let stored = try await stored(atLeast: wanted)
            #expect(wanted.allSatisfy { stored[$0] == 1 }, "lines that are missing, or there twice")
            #expect(stored.values.allSatisfy { $0 == 1 })
            Program.kill(obs, SIGTERM)
        }
    }

    /// One connection after another, in both framings; nothing is sent twice.
    private static func send(to port: Int, _ client: Int, _ round: Int, _ sent: Sent) {
        var batch = 0
        while sent.killed.withLock({ $0 }) < round, round < kills || batch < 2 {
            let lines = (0..<linesPerConnection).map {
                "<38>Nov 28 00:00:00 gate sshd[\($0)]: Invalid user r\(round)c\(client)b\(batch)n\($0) from 192.0.2.1"
            }
            batch += 1
            let text = lines.map { batch % 2 == 0 ? $0 + "\n" : "\($0.utf8.count) \($0)" }.joined()
            guard let connection = LoopbackClient(port), connection.send(Array(text.utf8)), connection.finish() else { continue }
            sent.ended.withLock { $0.formUnion(lines) }
        }
    }

    /// How often each line is in bronze, once all of `wanted` are there, or some time has passed.
    private func stored(atLeast wanted: Set<String>) async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        _ = try await eventually(within: 120, every: .milliseconds(500)) {
            guard let table = try? Lake(root: folder.path + "/data/lake").table("bronze.ssh") else { return false }
            counts = [:]
            try table.scan(columns: ["line"]) { batch in
                for row in 0..<batch.count { counts[batch["line"]!.string(at: row)!, default: 0] += 1 }
                return true
            }
            return wanted.allSatisfy { counts[$0] != nil }
        }
        return counts
    }
}
