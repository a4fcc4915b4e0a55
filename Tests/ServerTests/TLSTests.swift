import Access
import Foundation
import HTTPTypes
import Ingest
import Logging
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite(.enabled(if: Certificates.canBeMade, "needs 'openssl'"), .timeLimit(.minutes(5)))
struct `The server with TLS` {
    private let folder = TemporaryFolder()
    private let certificates: Certificates

    init() throws {
        certificates = Certificates(in: folder.path)
        for authority in ["ours", "theirs"] { try certificates.makeAuthority(authority) }
        try certificates.make("obs", by: "ours")
    }

    private func files(clients: String? = nil) -> TLSFiles {
        TLSFiles(
            certificate: folder.path + "/obs.pem", key: folder.path + "/obs.key",
            clientAuthorities: clients.map { "\(folder.path)/\($0).pem" })
    }

    /// What `openssl s_client` says and hears when it sends a request.
    private func ask(_ url: String, _ request: String, _ arguments: [String] = ["-CAfile", "ours.pem"]) async -> (Int32, String) {
        let port = url.split(separator: ":").last!, folder = folder.path
        let lines = request + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n"
        let said = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    returning: try? output(
                        of: "openssl",
                        ["s_client", "-ign_eof", "-verify_return_error", "-connect", "127.0.0.1:\(port)"] + arguments,
                        input: lines + "\r\n{}", in: folder))
            }
        }
        return (said?.status ?? -1, said?.text ?? "")
    }

    private final class Load: Sendable {
        let failed = Mutex<[String]>([]), isOver = Mutex(false)
    }

    private static let healthy = [Route(.get, "/-/healthy") { _ in .text("well\n") }]

    @Test(arguments: [
        (["-tls1_2"], true), (["-tls1_3"], true), (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], false),
        (["-tls1_2", "-cipher", "ECDHE+AESGCM"], true), (["-tls1_2", "-cipher", "ECDHE+CHACHA20"], true),
        (["-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-SHA:@SECLEVEL=0"], false),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0"], false),
    ])
    func `speaks TLS 1.2 and 1.3 with forward secrecy and authenticated encryption, and nothing older`(
        arguments: [String], speaks: Bool
    ) async throws {
        try await ServerFixture.withServer(Self.healthy, configure: { $0.tls = files() }) { url in
            let (_, text) = await ask(url, "GET /-/healthy", ["-CAfile", "ours.pem"] + arguments)
            #expect(text.contains("well\n") == speaks, "\(text)")
            if speaks { #expect(text.contains("max-age=31536000")) }
        }
    }

    @Test func `answers nobody who speaks HTTP without TLS`() async throws {
        try await ServerFixture.withServer(Self.healthy, configure: { $0.tls = files() }) { url in
            let answer = await ServerFixture.exchange(url, "GET /-/healthy HTTP/1.1\r\nHost: x.localhost\r\n\r\n")
            #expect(!answer.text.contains("well"))
        }
    }

    @Test func `uses a renewed certificate from the next connection on, and no request fails meanwhile`() async throws {
        try await ServerFixture.withServer(Self.healthy, configure: { $0.tls = files() }) { url in
            #expect(await ask(url, "GET /-/healthy").1.contains("well\n"))
            let load = Load()
            try run("sh", ["-c", "cat ours.pem theirs.pem > both.pem"], in: folder.path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [self] in
                    while !load.isOver.withLock({ $0 }) {
                        // Any of the two issuers will do.
                        let (_, text) = await ask(url, "GET /-/healthy", ["-CAfile", "both.pem"])
                        if !text.contains("well\n") { load.failed.withLock { $0.append(text) } }
                    }
                }
                for authority in ["theirs", "ours", "theirs"] {
                    // As tools for certificates do it: written beside it, then renamed.
                    let other = Certificates(in: folder.path)
                    try other.make("next", by: authority)
                    try run("sh", ["-c", "mv next.key obs.key && mv next.pem obs.pem"], in: folder.path)
                    let only = ["-CAfile", authority + ".pem"]
                    #expect(await eventually { await ask(url, "GET /-/healthy", only).1.contains("well\n") })
                }
                load.isOver.withLock { $0 = true }
                try await group.waitForAll()
            }
            #expect(load.failed.withLock { $0 } == [])
        }
    }

    @Test func `takes the certificate of a client for the role ingest, and no stranger's`() async throws {
        for (name, authority) in [("client", "ours"), ("stranger", "theirs")] { try certificates.make(name, by: authority) }
        let obs = try GuardedObs()
        try await obs.serve({ $0.tls = files(clients: "ours") }) { url in
            func status(_ request: String, _ name: String?) async -> String {
                let own = name.map { ["-cert", "\($0).pem", "-key", "\($0).key"] } ?? []
                let text = await ask(url, request, ["-CAfile", "ours.pem"] + own).1
                return text.firstMatch(of: /HTTP\/1\.1 (\d+)/).map { String($0.1) } ?? "none"
            }
            // There is no such source, which only those learn who may push.
            #expect(await status("POST /api/v1/ingest/none", "client") == "404")
            #expect(await status("GET /api/v1/incidents", "client") == "403")
            #expect(await status("POST /api/v1/ingest/none", nil) == "401")
            #expect(await status("GET /-/healthy", nil) == "200")
            #expect(await status("GET /-/healthy", "stranger") == "none")
        }
        #expect(try obs.refusals().contains { $0.contains(/certificate-[0-9a-f]{16} \| GET \/api\/v1\/incidents/) })
    }

    @Test func `does not start without its certificate`() async throws {
        var configuration = ServerConfiguration()
        configuration.listen = "127.0.0.1:0"
        configuration.tls = TLSFiles(certificate: folder.path + "/none.pem", key: folder.path + "/obs.key")
        let server = HTTPServer(configuration, routes: [], metrics: .init(), logger: .init(label: "test"))
        let error = await #expect(throws: ServerError.self) { try await server.run() }
        #expect(error?.description.contains("none.pem cannot be read as PEM") == true)
    }
}
