import Columns
import Foundation
import Logging
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Ingest

/// A source that receives lines, on a spool of its own, while a test runs.
struct ReceivingSource {
    private let folder = TemporaryFolder()
    let metrics = MetricsRegistry()
    /// Until then the spool does not learn how far it was read.
    let isConsumed = Mutexed(false)
    private let delivered = Delivered()
    var maxBytes = 1 << 20

    /// A value that several tasks set and ask.
    final class Mutexed: Sendable {
        private let value: Mutex<Bool>
        init(_ value: Bool) { self.value = Mutex(value) }
        var isTrue: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    func source(_ kind: some SourceKind) async throws -> any Source {
        var limits = Spool.Limits()
        limits.maxBytes = maxBytes
        let spool = try Spool(name: "net", folder: folder.path, limits: limits) { [isConsumed, delivered] inode in
            isConsumed.isTrue && delivered.position.withLock { $0?.isOnly(inFile: inode) ?? false }
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try await kind.source(SourceSetup(name: "net", metrics: metrics, logger: logger) { spool })
    }

    /// Runs a source as long as `body` does, which may ask for the lines that were delivered.
    func run(_ kind: some SourceKind, _ body: @Sendable (_ lines: @Sendable () -> [String]) async throws -> Void) async throws {
        let delivered = delivered, source = try await source(kind)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await source.run(from: nil) { chunk in
                    let lines = (0..<chunk.lines.count).map { chunk.lines["line"]!.string(at: $0)! }
                    delivered.lines.withLock { $0 += lines }
                    delivered.position.withLock { $0 = chunk.position }
                }
            }
            try await body { delivered.lines.withLock { $0 } }
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }

    private final class Delivered: Sendable {
        let lines = Mutex<[String]>([])
        let position = Mutex<SourcePosition?>(nil)
    }
}

@Suite(.timeLimit(.minutes(5)))
struct `A source of syslog` {
    private static let message = "<38>Nov 28 00:00:00 gate sshd[1]: " + String(repeating: "x", count: 90)

    private static func settings(udp: Int? = nil, tcp: Int? = nil) -> SyslogSettings {
        SyslogSettings(
            udp: udp.flatMap { ListenAddress("127.0.0.1:\($0)") }, tcp: tcp.flatMap { ListenAddress("127.0.0.1:\($0)") })
    }

    private static func connect(_ port: Int) async throws -> LoopbackClient {
        var client: LoopbackClient?
        #expect(
            await eventually {
                client = LoopbackClient(port)
                return client != nil
            })
        return try #require(client)
    }

    static let hasLogger = (try? output(of: "logger", ["--version"]))?.status == 0

    @Test(
        .enabled(if: hasLogger, "needs 'logger' of util-linux"),
        arguments: [
            (true, ["--rfc5424"]), (true, ["--rfc5424", "--octet-count"]), (true, ["--rfc3164"]),
            (true, ["--rfc3164", "--octet-count"]),
            (false, ["--rfc5424"]), (false, ["--rfc3164"]),
        ])
    func `takes what 'logger' sends, in each of its forms`(isTCP: Bool, form: [String]) async throws {
        let port = freePort()
        try await ReceivingSource().run(Self.settings(udp: isTCP ? nil : port, tcp: isTCP ? port : nil)) { lines in
            let arguments =
                ["-n", "127.0.0.1", "-P", "\(port)", isTCP ? "-T" : "-d", "-t", "sshd", "-i"] + form + [
                    "Invalid user a from 192.0.2.1"
                ]
            #expect(
                await eventually(every: .milliseconds(50)) {
                    // Until it listens; over UDP nothing says that it does not.
                    let said = await besideThePool { try? output(of: "logger", arguments) }
                    return said?.status == 0 && !lines().isEmpty
                })
            let line = lines()[0]
            #expect(line.hasPrefix("<13>") && line.hasSuffix("Invalid user a from 192.0.2.1") && line.contains("sshd"))
        }
    }

    @Test func `keeps a TCP sender waiting while the spool is full, and takes all once there is room`() async throws {
        let port = freePort(), text = String(repeating: "x", count: 10_000)
        var receiving = ReceivingSource()
        receiving.maxBytes = 400_000
        let isConsumed = receiving.isConsumed
        try await receiving.run(Self.settings(tcp: port)) { lines in
            let client = try await Self.connect(port), done = ReceivingSource.Mutexed(false)
            async let isWhole = besideThePool {
                for number in 0..<60 { client.send(Array("<38>\(number) \(text)\n".utf8)) }
                let isWhole = client.finish()
                done.set()
                return isWhole
            }
            // All of them are read, which the spool does not learn.
            #expect(await eventually { lines().count >= 20 })
            #expect(!done.isTrue && lines().count < 40)
            isConsumed.set()
            #expect(await eventually { lines().count == 60 })
            #expect(await isWhole)
            #expect(Set(lines()) == Set((0..<60).map { "<38>\($0) \(text)" }))
        }
    }

    private static func finish(_ client: LoopbackClient, _ done: ReceivingSource.Mutexed) async -> Bool {
        await besideThePool {
            let isWhole = client.finish()
            done.set()
            return isWhole
        }
    }

    @Test func `ends a connection that was ended once its lines are on disk, and resets one that it cannot read`() async throws {
        let port = freePort()
        try await ReceivingSource().run(Self.settings(tcp: port)) { lines in
            let client = try await Self.connect(port), damaged = try await Self.connect(port)
            client.send(Array("\(Self.message)\nlast".utf8))
            #expect(await Self.finish(client, .init(false)))
            damaged.send(Array("\(Self.message)\n12x".utf8))
            #expect(!(await Self.finish(damaged, .init(false))))
            #expect(await eventually { lines().count == 3 })
            #expect(Set(lines()) == [Self.message, "last"])
        }
    }

    @Test func `ends with a sentence where it cannot listen`() async throws {
        let port = freePort(), other = try await ReceivingSource().source(Self.settings(tcp: port))
        try await ReceivingSource().run(Self.settings(tcp: port)) { _ in
            _ = try await Self.connect(port)
            await #expect {
                try await other.run(from: nil) { _ in }
            } throws: {
                "\($0)" == "cannot listen on 127.0.0.1:\(port): the port is in use; name another one or stop the other process"
            }
        }
    }

    // MARK: TLS

    private func sends(_ line: String, to port: Int, in folder: String, _ arguments: [String]) async -> Bool {
        let said = await besideThePool {
            try? output(
                of: "openssl",
                ["s_client", "-quiet", "-no_ign_eof", "-verify_return_error", "-connect", "127.0.0.1:\(port)"] + arguments,
                input: line + "\n", in: folder)
        }
        return said?.status == 0
    }

    @Test(.enabled(if: Certificates.canBeMade, "needs 'openssl'"))
    func `takes messages by TLS, only from clients with the right certificate where it asks for one`() async throws {
        let folder = TemporaryFolder(), certificates = Certificates(in: folder.path), open = freePort(), closed = freePort()
        for authority in ["ours", "theirs"] { try certificates.makeAuthority(authority) }
        for (name, authority) in [("obs", "ours"), ("client", "ours"), ("stranger", "theirs")] {
            try certificates.make(name, by: authority)
        }
        func settings(_ port: Int, clients: String?) -> SyslogSettings {
            SyslogSettings(
                tls: .init(
                    address: ListenAddress("127.0.0.1:\(port)")!,
                    files: TLSFiles(
                        certificate: folder.path + "/obs.pem", key: folder.path + "/obs.key",
                        clientAuthorities: clients.map { "\(folder.path)/\($0).pem" })))
        }
        try await ReceivingSource().run(settings(open, clients: nil)) { lines in
            #expect(await eventually { await sends("<38>a", to: open, in: folder.path, ["-CAfile", "ours.pem"]) })
            #expect(await eventually { lines() == ["<38>a"] })
            // A renewed certificate, of another issuer, is used without a restart.
            try certificates.make("obs", by: "theirs")
            #expect(await eventually { await sends("<38>b", to: open, in: folder.path, ["-CAfile", "theirs.pem"]) })
            #expect(await eventually { lines().contains("<38>b") })
        }
        try certificates.make("obs", by: "ours")
        try await ReceivingSource().run(settings(closed, clients: "ours")) { lines in
            func sends(_ line: String, as name: String?) async -> Bool {
                let own = name.map { ["-cert", "\($0).pem", "-key", "\($0).key"] } ?? []
                return await self.sends(line, to: closed, in: folder.path, ["-CAfile", "ours.pem"] + own)
            }
            #expect(await eventually { LoopbackClient(closed) != nil })
            // Such a client may think that it has sent something before it is refused.
            _ = await sends("<38>nobody", as: nil)
            _ = await sends("<38>stranger", as: "stranger")
            #expect(await sends("<38>client", as: "client"))
            #expect(await eventually { !lines().isEmpty })
            #expect(lines() == ["<38>client"])
        }
    }

    @Test(.enabled(if: Certificates.canBeMade, "needs 'openssl'")) func `says which file of a certificate is wrong`() throws {
        let folder = TemporaryFolder(), certificates = Certificates(in: folder.path)
        for name in ["a", "b"] { try certificates.makeAuthority(name) }
        func sentence(_ certificate: String, _ key: String) -> String {
            let tls = SyslogSettings.TLS(
                address: ListenAddress("127.0.0.1:1")!,
                files: TLSFiles(certificate: folder.path + "/" + certificate, key: folder.path + "/" + key))
            do {
                _ = try SyslogListener.identity(of: tls, name: "a", logger: Logger(label: "test"))
                return ""
            } catch { return "\(error)" }
        }
        #expect(sentence("a.pem", "a.key") == "")
        #expect(sentence("none.pem", "a.key").hasPrefix("cannot listen on 127.0.0.1:1: \(folder.path)/none.pem cannot be read"))
        #expect(sentence("a.pem", "a.pem").contains("\(folder.path)/a.pem cannot be read as PEM"))
        #expect(sentence("a.pem", "b.key").contains("do not belong together"))
    }
}

@Suite(.timeLimit(.minutes(5)))
struct `A source of a named pipe` {
    private static func shell(_ script: String) async { _ = await besideThePool { try? run("sh", ["-c", script]) } }

    @Test func `takes what one writer after another writes, and the last line of each`() async throws {
        let folder = TemporaryFolder(), path = folder.path + "/p"
        try run("mkfifo", [path])
        let settings = PipeSettings(path: path)
        #expect(settings.look() == SourceLook(files: [path]))
        #expect(SourceLook.followed(path).problem?.sentence?.hasSuffix("name it under 'pipe' in the place of 'file'") == true)
        try await ReceivingSource().run(settings) { lines in
            for number in 1...3 {
                await Self.shell("seq -f 'Nov 28 %.0f' \(number)00 \(number)99 > '\(path)'; printf 'end \(number)' > '\(path)'")
                #expect(await eventually { lines().count == 101 * number })
            }
            #expect(Set(lines()) == Set((100...399).map { "Nov 28 \($0)" } + (1...3).map { "end \($0)" }))
        }
    }

    @Test func `waits for one that is not there yet`() async throws {
        let folder = TemporaryFolder(), path = folder.path + "/p"
        #expect(PipeSettings(path: path).look().problem == .missing(path))
        try await ReceivingSource().run(PipeSettings(path: path)) { lines in
            await Self.shell("mkfifo '\(path)'; echo one > '\(path)'")
            #expect(await eventually { lines() == ["one"] })
        }
    }
}

/// Work that waits for processes or sockets, on a thread of its own: the shared pool has as many as cores, and what is waited for
/// needs them.
private func besideThePool<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}
