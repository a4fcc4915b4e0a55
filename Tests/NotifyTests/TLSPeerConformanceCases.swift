import Foundation
import TestSupport
import Testing

@testable import Notify
@testable import Alerting
@testable import Incidents

private let python = ProcessInfo.processInfo.environment["OBS_PEERS_PYTHON"]

/// TLS as another implementation speaks it: Python's, with certificates by the openssl program.
@Suite(.enabled(if: python != nil), .serialized)
struct `TLSPeerConformanceCases` {
    private let directory = TemporaryFolder()
    private var folder: String { directory.path }

    /// What the peer says of its clients.
    private final class Peer {
        let process: StartedProgram
        let port: Int
        private let output: FileHandle
        private var rest = ""

        init(_ kind: String, in folder: String) throws {
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/tls.py").path
            let pipe = Pipe()
            process = try StartedProgram(
                python ?? "", [script, kind, folder + "/server.pem", folder + "/server.key", folder + "/ca.pem"],
                output: pipe.fileHandleForWriting)
            try pipe.fileHandleForWriting.close()
            output = pipe.fileHandleForReading
            var first = Data()
            while !first.contains(UInt8(ascii: "\n")) { first += output.availableData }
            port = Int(String(decoding: first, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        }

        // The program that runs the tests may ignore SIGTERM, and what it starts inherits that.
        deinit { process.signal(SIGKILL) }

        func next() throws -> [String: Any] {
            while !rest.contains("\n") { rest += String(decoding: output.availableData, as: UTF8.self) }
            let line = rest.prefix { $0 != "\n" }
            rest.removeFirst(line.count + 1)
            return try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        }
    }

    init() throws {
        func openssl(_ arguments: String) throws {
            try run("openssl", arguments.split(separator: " ").map(String.init), in: folder)
        }
        let common = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        try openssl("\(common) -keyout ca.key -out ca.pem -subj /CN=authority")
        for (name, alternative) in [("server", "DNS:hooks.example"), ("client", "DNS:client.example")] {
            try openssl(
                "\(common) -keyout \(name).key -out \(name).pem -subj /CN=\(name) -addext subjectAltName=\(alternative) -CA ca.pem -CAkey ca.key"
            )
        }
    }

    private func webhook(_ port: Int, _ tls: String) throws -> Webhook {
        try Webhook.decode(#"{"url": "https://127.0.0.1:\#(port)/hook", "http_config": {"tls_config": {\#(tls)}}}"#)
    }

    @Test func `a certificate is checked against its authority, and against the name that is configured`() async throws {
        let peer = try Peer("https", in: folder)
        let ca = #""ca_file": "\#(folder)/ca.pem""#
        #expect(
            await (try webhook(peer.port, ca + #", "server_name": "hooks.example""#)).deliver(.sample(), by: Courier())
                == .delivered)
        let seen = try peer.next()
        #expect(seen["sni"] as? [String] == ["hooks.example"])
        #expect(seen["host"] as? String == "127.0.0.1:\(peer.port)")
        for tls in [ca, ca + #", "server_name": "other.example""#, #""server_name": "hooks.example""#] {
            let outcome = await (try webhook(peer.port, tls)).deliver(.sample(), by: Courier())
            #expect("\(outcome)".contains("SSL"), "\(outcome)")
        }
        #expect(await (try webhook(peer.port, #""insecure_skip_verify": true"#)).deliver(.sample(), by: Courier()) == .delivered)
    }

    @Test func `a client certificate is shown where it is configured`() async throws {
        let peer = try Peer("https-client-certificate", in: folder)
        let tls = #""ca_file": "\#(folder)/ca.pem", "server_name": "hooks.example""#
        let with = #", "cert_file": "\#(folder)/client.pem", "key_file": "\#(folder)/client.key""#
        #expect(await (try webhook(peer.port, tls + with)).deliver(.sample(), by: Courier()) == .delivered)
        #expect(try peer.next()["client"] as? String == "client")
        #expect(await (try webhook(peer.port, tls)).deliver(.sample(), by: Courier()) != .delivered)
    }

    @Test func `an older version of TLS than is configured is not spoken`() async throws {
        let peer = try Peer("https-tls12", in: folder)
        let tls = #""ca_file": "\#(folder)/ca.pem", "server_name": "hooks.example""#
        #expect(await (try webhook(peer.port, tls)).deliver(.sample(), by: Courier()) == .delivered)
        #expect(try peer.next()["version"] as? String == "TLSv1.2")
        #expect(
            await (try webhook(peer.port, tls + #", "min_version": "TLS13""#)).deliver(.sample(), by: Courier()) != .delivered)
    }

    @Test func `a mail goes over a line that STARTTLS has encrypted, its login too`() async throws {
        let peer = try Peer("smtp", in: folder)
        func email(_ tls: String) throws -> Email {
            try Email.decode(
                #"{"to": "a@example.org", "from": "b@example.org", "smarthost": "127.0.0.1:\#(peer.port)", "auth_username": "u", "auth_password": "p", "tls_config": {\#(tls)}}"#
            )
        }
        #expect(await (try email(#""insecure_skip_verify": true"#)).deliver(.sample(), by: Courier()) == .delivered)
        let seen = try peer.next()
        #expect(seen["encrypted"] as? Bool == true)
        let commands = try #require(seen["commands"] as? [String])
        let start = try #require(commands.firstIndex(of: "STARTTLS"))
        #expect(!commands[..<start].contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
        #expect(commands[start...].contains { $0.hasPrefix("AUTH PLAIN") })
        #expect((seen["lines"] as? Int ?? 0) > 20)
        // A certificate that nobody vouches for gets no mail.
        #expect(await (try email("")).deliver(.sample(), by: Courier()) != .delivered)
    }
}
