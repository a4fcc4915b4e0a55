import Columns
import Detection
import Foundation
import Glibc
import Logging
import Store
import Synchronization
import Telemetry
import TestSupport

@testable import Alerting

/// A store in a folder of its own, removed with the value's owner.
final class TemporaryStore: Sendable {
    private let directory = TemporaryFolder()
    var folder: String { directory.path }
    let store: Store
    let incidents: IncidentStore

    init() throws {
        store = try Store(path: directory.path + "/obs.db", migrations: IncidentStore.migrations)
        incidents = IncidentStore(store)
    }
}

extension Timestamp {
    static let start = Timestamp(seconds: 1_450_000_000)
}

extension Finding {
    static func bruteForce(
        from source: String = "10.0.0.1", count: Int = 10, at time: Timestamp = .start, lines: [Int64] = [0, 80]
    ) -> Finding {
        Finding(
            name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": source, "host": "LabSZ"],
            title: "Brute force from \(source)",
            description: "\(count) failures in 5 minutes", startsAt: time - .seconds(60), lastSeen: time, count: count,
            evidence: lines.map {
                Evidence(file: "auth.log", offset: $0, line: "Failed password for root from \(source)", time: time)
            })
    }
}

/// A receiver of webhooks on a port of its own: keeps what it gets, and answers as it is told to.
final class Sink: Sendable {
    struct Post: Sendable {
        let path: String
        let headers: [String: String]
        let body: String
        var payload: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:] }
    }

    let port: UInt16
    private let listener: LoopbackListener
    private let state: Mutex<(posts: [Post], answers: [String], isHeld: Bool)>

    /// - Parameter answers: status line and headers of each answer in turn, such as `503 Busy`, with a body after an empty line; after them all is 200.
    init(answers: [String] = [], port: UInt16 = 0) throws {
        state = Mutex(([], answers, false))
        listener = try LoopbackListener(port: port)
        self.port = listener.port
        let opened = listener.descriptor
        Thread.detachNewThread { [weak self] in
            while case let connection = accept(opened, nil, nil), connection >= 0 {
                guard let sink = self else { break }
                Thread.detachNewThread { sink.serve(connection) }
            }
        }
    }

    deinit { stop() }

    func stop() { shutdown(listener.descriptor, Int32(SHUT_RDWR)); close(listener.descriptor) }

    var url: String { "http://127.0.0.1:\(port)/hook" }
    var posts: [Post] { state.withLock { $0.posts } }

    /// While held, requests are taken and kept, and not answered.
    func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var received = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
                let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                let headers = Dictionary(
                    lines.dropFirst().map { line in
                        let parts = line.split(separator: ":", maxSplits: 1)
                        return (parts[0].lowercased(), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
                    }
                ) { _, last in last }
                let length = Int(headers["content-length"] ?? "0") ?? 0
                if received.count - end.upperBound >= length {
                    let body = String(decoding: received[end.upperBound..<(end.upperBound + length)], as: UTF8.self)
                    let answer = state.withLock { state in
                        state.posts.append(Post(path: lines[0], headers: headers, body: body))
                        return state.answers.isEmpty ? "200 OK" : state.answers.removeFirst()
                    }
                    while state.withLock({ $0.isHeld }) { usleep(2000) }
                    let parts = answer.components(separatedBy: "\n\n")
                    let told = parts.count > 1 ? parts[1] : ""
                    let text =
                        "HTTP/1.1 \(parts[0])\r\nContent-Length: \(told.utf8.count)\r\nConnection: close\r\n\r\n\(told)"
                    _ = text.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
                    return
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return }
            received += chunk[..<count]
        }
    }
}

extension AlertManager {
    /// One that tells `receivers`, each group at once.
    static func telling(
        _ sinks: [String: String], store: TemporaryStore, metrics: MetricsRegistry = MetricsRegistry(),
        health: HealthNotes = HealthNotes(), _ change: (inout AlertingConfiguration) -> Void = { _ in }
    )
        -> AlertManager
    {
        var configuration = AlertingConfiguration()
        configuration.receivers = sinks.map { Receiver(name: $0.key, integrations: [.webhook($0.value)]) }
        var route = Route(receiver: sinks.keys.sorted()[0])
        route.groupBy = ["alertname"]
        route.groupWait = .zero
        route.groupInterval = .milliseconds(1)
        configuration.route = route
        // Fixtures are of 2015: what tests say of the past they say themselves.
        configuration.incidents.notifyMaxAge = .seconds(100 * 365 * 86_400)
        change(&configuration)
        return AlertManager(
            configuration, incidents: store.incidents, metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, health: health)
    }

    /// Runs it while `body` runs.
    func whileRunning(_ body: () async throws -> Void) async throws {
        let running = Task { try await run() }
        do { try await body() } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
        running.cancel()
        try await running.value
    }
}

extension Store {
    /// The same file once more, as another process has it open.
    static func reopened(_ other: TemporaryStore) throws -> Store {
        try Store(path: other.store.path, migrations: IncidentStore.migrations)
    }
}

extension Integration where Self == Webhook {
    /// A webhook to an address that is one.
    static func webhook(_ url: String, _ change: (inout Webhook) -> Void = { _ in }) -> Webhook {
        do {
            var webhook = try Webhook(url: url)
            change(&webhook)
            return webhook
        } catch { preconditionFailure("\(error)") }
    }
}
