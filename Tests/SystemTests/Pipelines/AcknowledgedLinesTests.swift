import Columns
import Foundation
import FoundationNetworking
import Lake
import Synchronization
import TestSupport
import Testing

/// The long form is `OBS_ACKNOWLEDGED_LINES=200000 OBS_KILLS=20 swift test --filter "A line that obs has acknowledged"`: so many
/// lines over each protocol by itself, or over the one that OBS_WAY names.
private let environment = ProcessInfo.processInfo.environment
private let kills = Int(environment["OBS_KILLS"] ?? "") ?? 2
private let isLong = environment["OBS_ACKNOWLEDGED_LINES"] != nil
private let wanted = Int(environment["OBS_ACKNOWLEDGED_LINES"] ?? "") ?? 1800
private let clients = isLong ? 20 : 8
private let linesPerRequest = isLong ? 200 : 30

/// How a client hands over lines.
private struct Way: Sendable {
    /// What syslog puts before a line, which is kept.
    static let priority = "<38>"

    let name: String
    /// Sends lines to the ports of HTTP and of syslog; true when they are acknowledged.
    let send: @Sendable (_ http: Int, _ syslog: Int, _ lines: [String]) async -> Bool

    static func pushed(_ name: String, _ path: String, _ body: @escaping @Sendable ([String]) -> String) -> Way {
        Way(name: name) { port, _, lines in
            var request = URLRequest(url: URL(string: "http://127.0.0.1:\(port)\(path)")!)
            request.httpMethod = "POST"
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = Data(body(lines).utf8)
            request.timeoutInterval = 20
            guard let (_, response) = try? await URLSession.shared.data(for: request) else { return false }
            return (200..<300).contains((response as? HTTPURLResponse)?.statusCode ?? 0)
        }
    }

    /// Syslog over TCP has no acknowledgement; what a sender has is the clean end of its connection.
    static func syslog(_ name: String, _ frame: @escaping @Sendable (String) -> String) -> Way {
        Way(name: name) { _, port, lines in
            let bytes = Array(lines.map { frame(priority + $0) }.joined().utf8)
            return await besideThePool {
                guard let connection = LoopbackClient(port) else { return false }
                return connection.send(bytes) && connection.finish()
            }
        }
    }

    static let pushes = [
        pushed("lines", "/api/v1/ingest/pushed") { $0.joined(separator: "\n") },
        pushed("Loki", "/loki/api/v1/push") { lines in
            let values = lines.map { "[\"1795824000000000000\",\"\($0)\"]" }.joined(separator: ",")
            return "{\"streams\":[{\"stream\":{\"job\":\"auth\"},\"values\":[\(values)]}]}"
        },
        pushed("OpenTelemetry", "/v1/logs") { lines in
            let records = lines.map { "{\"body\":{\"stringValue\":\"\($0)\"}}" }.joined(separator: ",")
            return "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[\(records)]}]}]}"
        },
        pushed("Elasticsearch", "/elasticsearch/_bulk") { $0.map { "{\"create\":{}}\n{\"message\":\"\($0)\"}\n" }.joined() },
        pushed("Splunk", "/services/collector") { $0.map { "{\"event\":\"\($0)\"}" }.joined() },
    ]
    static let streams = [
        syslog("syslog by line") { $0 + "\n" }, syslog("syslog by length") { "\($0.utf8.count) \($0)" },
    ]
}

/// Protocols whose clients are at work together.
private struct Ways: Sendable, CustomTestStringConvertible {
    let ways: [Way]
    var testDescription: String { ways.map(\.name).joined(separator: ", ") }

    static let all: [Ways] =
        isLong
        ? (Way.pushes + Way.streams).filter { [$0.name, nil].contains(environment["OBS_WAY"]) }.map { Ways(ways: [$0]) }
        : [Ways(ways: Way.pushes), Ways(ways: Way.streams)]
}

/// Clients that send while obs is killed.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct `A line that obs has acknowledged` {
    private let folder = TemporaryFolder()

    /// What the clients know.
    private final class Sent: Sendable {
        let acknowledged = Mutex<Set<String>>([])
        /// The round whose clients are to stop.
        let ended = Mutex(-1)
    }

    @Test(arguments: Ways.all) private func `is in the tables once, whenever obs is killed`(_ ways: Ways) async throws {
        let http = freePort(), syslog = freePort()
        try """
        http: { listen: "127.0.0.1:\(http)" }
        data_dir: data
        sources:
          - { name: pushed, http: true, silent_after: never }
          - { name: net, syslog: { tcp: "127.0.0.1:\(syslog)" }, silent_after: never }

        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        let sent = Sent()
        for round in 0...kills {
            let obs = try Program.start(["run"], in: folder.path)
            #expect(await eventually { await Program.get("http://127.0.0.1:\(http)/-/ready") != nil })
            #expect(await eventually { LoopbackClient(syslog) != nil })
            let process = obs.processIdentifier
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<clients {
                    group.addTask {
                        await Self.send(ways.ways, client, round, http, syslog, sent)
                    }
                }
                // Until this round's share is taken, so that obs is killed in the middle of the next requests.
                let share = wanted * (round + 1) / (kills + 1)
                #expect(
                    await eventually(within: 120, every: .milliseconds(20)) { sent.acknowledged.withLock { $0.count } >= share })
                if round < kills {
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 0...300)))
                    kill(process, SIGKILL)
                }
                sent.ended.withLock { $0 = round }
            }
            guard round == kills else {
                obs.waitUntilExit()
                continue
            }
            let acknowledged = sent.acknowledged.withLock { $0 }
            let stored = try await stored(atLeast: acknowledged)
            let missing = acknowledged.filter { stored[$0] == nil }, doubled = stored.filter { $0.value > 1 }.map(\.key)
            #expect(missing.isEmpty, "\(missing.count) of \(acknowledged.count) acknowledged lines, such as \(missing.min()!)")
            #expect(doubled.isEmpty, "\(doubled.count) lines, such as \(doubled.min()!)")
            Program.kill(obs, SIGTERM)
        }
    }

    /// One request after another, until the round ends; nothing is sent twice.
    private static func send(
        _ ways: [Way], _ client: Int, _ round: Int, _ http: Int, _ syslog: Int, _ sent: Sent
    ) async {
        var request = 0
        while sent.ended.withLock({ $0 }) < round {
            let lines = (0..<linesPerRequest).map {
                "Nov 28 00:00:00 gate sshd[\($0)]: Invalid user r\(round)c\(client)b\(request)n\($0) from 192.0.2.1"
            }
            let way = ways[(client + request) % ways.count]
            request += 1
            if await way.send(http, syslog, lines) { sent.acknowledged.withLock { $0.formUnion(lines) } }
        }
    }

    /// How often each line is in bronze, once all of `wanted` are there, or nothing has come for a while.
    private func stored(atLeast wanted: Set<String>) async throws -> [String: Int] {
        var counts: [String: Int] = [:], before = -1
        while counts.count > before {
            before = counts.count
            let isWhole = try await eventually(within: 60, every: .milliseconds(500)) {
                counts = try count()
                return wanted.allSatisfy { counts[$0] != nil }
            }
            if isWhole { break }
        }
        return counts
    }

    private func count() throws -> [String: Int] {
        guard let table = try? Lake(root: folder.path + "/data/lake").table("bronze.ssh") else { return [:] }
        var counts: [String: Int] = [:]
        try table.scan(columns: ["line"]) { batch in
            for row in 0..<batch.count {
                let line = batch["line"]!.string(at: row)!
                counts[String(line.dropFirst(line.hasPrefix(Way.priority) ? Way.priority.count : 0)), default: 0] += 1
            }
            return true
        }
        return counts
    }
}
