import Foundation
import FoundationNetworking
import Glibc
import Synchronization
import TestSupport
import Testing

/// A receiver of notifications that can refuse them, or take them and never answer.
final class MoodyReceiver: Sendable {
    enum Mood: Sendable { case well, refusing, silent }

    private let mood = Mutex(Mood.well)
    private let recorder = Mutex<WebhookRecorder?>(nil)

    func start() async throws {
        let recorder = try await WebhookRecorder { [self] _ in
            while mood.withLock({ $0 }) == .silent { try? await Task.sleep(for: .milliseconds(20)) }
            return mood.withLock { $0 } == .refusing ? 503 : 200
        }
        self.recorder.withLock { $0 = recorder }
    }

    func become(_ new: Mood) { mood.withLock { $0 = new } }
    func stop() async { await recorder.withLock { $0 }?.stop() }
    var url: String { recorder.withLock { $0 }?.url ?? "" }
    var posts: [WebhookRecorder.Post] { recorder.withLock { $0 }?.posts ?? [] }
}

/// A real `obs run` whose calls to the system can fail and whose clock can jump, and what was handed to it.
///
/// Used by the one task of its test.
final class FaultyRun {
    /// A body of lines, or an alert, that is handed over until obs has taken it.
    struct Parcel: Sendable {
        let number: Int
        let path: String
        let body: String
        /// So often nobody answered: obs may have taken it each time.
        var unanswered = 0
    }

    let folder = TemporaryFolder()
    let process: FaultyProcess
    let receiver = MoodyReceiver()
    private let environment: [String: String]
    private let port = freePort()
    private var running: Process?
    private let log: FileHandle

    /// Lines that were written to the log, and those of bodies that obs has taken.
    private(set) var written: [String] = []
    private(set) var pushed: [Int: Parcel] = [:]
    private(set) var alerts: Set<String> = []
    private(set) var pending: [Parcel] = []
    /// How far the clock is ahead.
    private(set) var ahead = Duration.zero

    /// Nil where the library that makes calls fail was not built.
    init?() throws {
        let shared = folder.path + "/faults"
        guard let environment = FaultyProcess.environment(sharing: shared, beside: Program.path),
            let process = FaultyProcess(sharing: shared)
        else { return nil }
        self.process = process
        self.environment = environment
        let path = folder.path + "/auth.log"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        log = try FileHandle(forWritingTo: URL(filePath: path))
    }

    var data: String { folder.path + "/data" }
    private var api: String { "http://127.0.0.1:\(port)" }

    func configure() throws {
        try """
        data_dir: \(data)
        http: { listen: "127.0.0.1:\(port)" }
        sources:
          - { name: auth, file: \(folder.path)/auth.log, silent_after: never }
          - { name: pushed, http: true, silent_after: never }
        alerting:
          notify_max_age: 10000h
          route:
            { receiver: hook, group_by: [alertname, n, source], group_wait: 0s, group_interval: 1s, repeat_interval: 10000h }
          receivers: [{ name: hook, webhook_configs: [{ url: "\(receiver.url)/hook" }] }]
        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
    }

    // MARK: The process

    var number: Int32 { running?.processIdentifier ?? 0 }
    var isAlive: Bool { running?.isRunning ?? false }

    func start() async throws {
        let process = Process()
        process.executableURL = URL(filePath: Program.path)
        process.arguments = ["run", "-c", folder.path + "/obs.yaml"]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let errors = folder.path + "/errors.log"
        if !FileManager.default.fileExists(atPath: errors) { _ = FileManager.default.createFile(atPath: errors, contents: nil) }
        let output = try FileHandle(forWritingTo: URL(filePath: errors))
        try output.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        running = process
        await answersOrEnds()
    }

    func answersOrEnds() async {
        #expect(await eventually(within: 120, every: .milliseconds(20)) { await isAnswering() || !isAlive })
    }

    /// Sends a signal and waits for the end.
    @discardableResult func end(by signal: Int32) -> Int32 {
        guard let running else { return 0 }
        if running.isRunning { Program.kill(running, signal) }
        self.running = nil
        return running.terminationStatus
    }

    func signal(_ signal: Int32) { _ = kill(number, signal) }

    /// Sets a soft limit of the process while it runs.
    func limit(_ resource: String, to soft: String) {
        _ = try? run("prlimit", ["--pid", String(number), "--\(resource)=\(soft):"])
    }

    func moveClock(by duration: Duration) {
        ahead += duration
        process.setClock(ahead: ahead)
    }

    // MARK: What it is handed

    private func isAnswering() async -> Bool { await ask("/-/ready").status != 0 }

    func ask(_ path: String, body: String? = nil, patience: Double = 2) async -> (status: Int, text: String) {
        var request = URLRequest(url: URL(string: api + path)!)
        request.timeoutInterval = patience
        if let body {
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        guard let (data, response) = try? await URLSession.shared.data(for: request), let http = response as? HTTPURLResponse
        else { return (0, "") }
        return (http.statusCode, String(decoding: data, as: UTF8.self))
    }

    /// Lines for the log, a body to push, and an alert; every tenth time somebody guesses passwords.
    func bring(_ round: Int) throws {
        let now = Date.now + Double(ahead.components.seconds)
        let address = "192.0.\(round / 250 % 250).\(round % 250 + 1)", stamp = now.formatted(.iso8601)
        let count = round % 10 == 0 ? 12 : 3
        let lines = (0..<count).map {
            "\(stamp) gate sshd[\(round)]: Failed password for root from \(address) port \(1024 + $0) ssh2"
        }
        try log.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
        written += lines
        let body = (0..<4).map { "\(stamp) gate sshd[\(round)]: Invalid user p\(round)n\($0) from \(address) port 9" }
        pending.append(Parcel(number: round, path: "/api/v1/ingest/pushed", body: body.joined(separator: "\n")))
        let alert = #"[{"labels":{"alertname":"Faulty","n":"\#(round)"},"endsAt":"2099-01-01T00:00:00Z"}]"#
        pending.append(Parcel(number: round, path: "/api/v2/alerts", body: alert))
    }

    /// Hands over what obs has not taken yet, once.
    func handOver(patience: Double = 2) async {
        var left: [Parcel] = []
        for var parcel in pending {
            let status = await ask(parcel.path, body: parcel.body, patience: patience).status
            if (200..<300).contains(status) {
                if parcel.path.hasPrefix("/api/v2") {
                    alerts.insert(String(parcel.number))
                } else {
                    pushed[parcel.number] = parcel
                }
            } else {
                if status == 0 { parcel.unanswered += 1 }
                left.append(parcel)
            }
        }
        pending = left
    }

    /// The value of a metric without labels.
    func metric(_ name: String) async -> Double? {
        await ask("/metrics", patience: 10).text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            .flatMap { Double($0.split(separator: " ")[1]) }
    }
}
