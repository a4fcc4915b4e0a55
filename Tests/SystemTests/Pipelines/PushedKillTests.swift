import Columns
import Foundation
import FoundationNetworking
import Lake
import Synchronization
import TestSupport
import Testing

/// So many clients push for so many rounds, each of which ends with a kill: `OBS_KILLS=20` is the long form.
private let kills = Int(ProcessInfo.processInfo.environment["OBS_KILLS"] ?? "") ?? 2
private let clients = 6

/// Shippers that push in three protocols while obs is killed.
@Suite(.timeLimit(.minutes(20)))
struct `A line that was pushed and acknowledged` {
    private let folder = TemporaryFolder()

    private enum Form: Int, CaseIterable, Sendable {
        case loki, otlp, bulk

        func request(_ base: String, _ lines: [String]) -> URLRequest {
            let path: String, body: String
            switch self {
            case .loki:
                path = "/loki/api/v1/push"
                let values = lines.map { "[\"1795824000000000000\",\"\($0)\"]" }.joined(separator: ",")
                body = "{\"streams\":[{\"stream\":{\"job\":\"auth\"},\"values\":[\(values)]}]}"
            case .otlp:
                path = "/v1/logs"
                let records = lines.map { "{\"body\":{\"stringValue\":\"\($0)\"}}" }.joined(separator: ",")
                body = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[\(records)]}]}]}"
            case .bulk:
                path = "/elasticsearch/_bulk"
                body = lines.map { "{\"create\":{}}\n{\"message\":\"\($0)\"}\n" }.joined()
            }
            var request = URLRequest(url: URL(string: base + path)!)
            request.httpMethod = "POST"
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = Data(body.utf8)
            request.timeoutInterval = 20
            return request
        }
    }

    /// What the clients know.
    private final class Pushes: Sendable {
        /// The round in which obs is killed, once it is.
        let killed = Mutex(-1)
        let acknowledged = Mutex<Set<String>>([])
    }

    @Test func `is in the tables once, whenever obs is killed`() async throws {
        let port = freePort(), base = "http://127.0.0.1:\(port)"
        try """
        http: { listen: "127.0.0.1:\(port)" }
        data_dir: data
        sources:
          - { name: auth, http: true, silent_after: never }

        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        let pushes = Pushes()
        for round in 0...kills {
            let obs = try Program.start(["run"], in: folder.path)
            #expect(await eventually { await Program.get(base + "/-/ready") != nil })
            let process = obs.processIdentifier
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<clients {
                    group.addTask {
                        var batch = 0
                        while pushes.killed.withLock({ $0 }) < round, round < kills || batch < 3 {
                            let lines = (0..<20).map {
                                "Nov 28 00:00:00 gate sshd[\($0)]: Invalid user r\(round)c\(client)b\(batch)n\($0) from 192.0.2.1"
                            }
                            let request = Form.allCases[(client + batch) % 3].request(base, lines)
                            batch += 1
                            guard let (_, response) = try? await URLSession.shared.data(for: request),
                                let code = (response as? HTTPURLResponse)?.statusCode, (200..<300).contains(code)
                            else { continue }
                            pushes.acknowledged.withLock { $0.formUnion(lines) }
                        }
                    }
                }
                if round < kills {
                    // Until some were taken in this round, so that it is killed in the middle.
                    _ = await eventually { pushes.acknowledged.withLock { all in all.contains { $0.contains(" r\(round)c") } } }
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 100...900)))
                    kill(process, SIGKILL)
                    pushes.killed.withLock { $0 = round }
                }
            }
            guard round == kills else {
                obs.waitUntilExit()
                continue
            }
            let wanted = pushes.acknowledged.withLock { $0 }
            #expect(wanted.count >= 20 * (kills + 3 * clients))
            let stored = try await stored(atLeast: wanted)
            #expect(wanted.allSatisfy { stored[$0] == 1 }, "acknowledged lines that are missing, or there twice")
            #expect(stored.values.allSatisfy { $0 == 1 })
            Program.kill(obs, SIGTERM)
        }
    }

    /// How often each line is in bronze, once all of `wanted` are there, or some time has passed.
    private func stored(atLeast wanted: Set<String>) async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        _ = try await eventually(within: 60, every: .milliseconds(200)) {
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
