import Foundation
import TestSupport
import Testing

/// The daemons of syslog that people have, as senders to the real binary.
@Suite(.timeLimit(.minutes(10)))
struct `Syslog that another daemon forwards` {
    private let folder = TemporaryFolder()
    private static let count = 3000

    private static func has(_ program: String) -> Bool { path(of: program) != nil }

    private static func path(of program: String) -> String? {
        let said = try? output(of: "sh", ["-c", "PATH=$PATH:/usr/sbin:/sbin; command -v \(program)"])
        return said?.status == 0 ? said?.text.trimmingCharacters(in: .newlines) : nil
    }

    private func start(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.path(of: program)))
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder.path)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// What the daemon reads and forwards.
    private func writeLog() throws {
        let lines = (0..<Self.count).map { "Failed password for root from 192.0.2.\($0 % 250) port \(1000 + $0) ssh2\n" }
        try lines.joined().write(toFile: folder.path + "/in.log", atomically: true, encoding: .utf8)
    }

    private func startObs(_ syslog: String) throws -> Process {
        try """
        http: { listen: "127.0.0.1:\(freePort())" }
        data_dir: data
        sources:
          - { name: net, syslog: { \(syslog) }, silent_after: never }

        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        return try Program.start(["run"], in: folder.path)
    }

    @Test(
        .enabled(if: has("rsyslogd"), "needs rsyslogd"),
        arguments: [
            ("traditional", "RSYSLOG_TraditionalForwardFormat"), ("octet-counted", "RSYSLOG_SyslogProtocol23Format"),
        ])
    func `comes from rsyslog over TCP, in both framings and both formats`(framing: String, template: String) async throws {
        let port = freePort()
        try writeLog()
        try """
        global(workDirectory="\(folder.path)")
        module(load="imfile" mode="polling" pollingInterval="1")
        input(type="imfile" File="\(folder.path)/in.log" Tag="sshd[77]:" Facility="auth")
        *.* action(type="omfwd" target="127.0.0.1" port="\(port)" protocol="tcp" TCP_Framing="\(framing)" template="\(template)"
                   action.resumeRetryCount="-1" action.resumeInterval="1")

        """.write(toFile: folder.path + "/rsyslog.conf", atomically: true, encoding: .utf8)
        let obs = try startObs("tcp: \"127.0.0.1:\(port)\"")
        #expect(await eventually { LoopbackClient(port) != nil })
        let rsyslog = try start("rsyslogd", ["-n", "-f", folder.path + "/rsyslog.conf", "-i", folder.path + "/pid"])
        try await expectFailedPasswords(Self.count, in: folder.path)
        Program.kill(rsyslog, SIGKILL)
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
    }

    @Test(.enabled(if: has("syslog-ng"), "needs syslog-ng"))
    func `comes from syslog-ng over TCP`() async throws {
        let port = freePort()
        try writeLog()
        try """
        @version: 3.38
        options { keep-hostname(yes); };
        source s_file { file("\(folder.path)/in.log" flags(no-parse) program-override("sshd")); };
        destination d_obs { syslog("127.0.0.1" transport("tcp") port(\(port))); };
        log { source(s_file); destination(d_obs); };

        """.write(toFile: folder.path + "/syslog-ng.conf", atomically: true, encoding: .utf8)
        let obs = try startObs("tcp: \"127.0.0.1:\(port)\"")
        #expect(await eventually { LoopbackClient(port) != nil })
        let daemon = try start(
            "syslog-ng",
            [
                "-F", "-f", folder.path + "/syslog-ng.conf", "-R", folder.path + "/persist", "-p", folder.path + "/pid", "-c",
                folder.path + "/control",
            ])
        try await expectFailedPasswords(Self.count, in: folder.path)
        Program.kill(daemon, SIGKILL)
        Program.kill(obs, SIGTERM)
    }

    private static let hasTLS =
        has("rsyslogd") && Certificates.canBeMade
        && ((try? output(of: "sh", ["-c", "ls /usr/lib/*/rsyslog/lmnsd_gtls.so"]))?.status == 0)

    @Test(.enabled(if: hasTLS, "needs rsyslogd with its driver for GnuTLS, and openssl"))
    func `comes from rsyslog by TLS, with a certificate of its own`() async throws {
        let port = freePort(), certificates = Certificates(in: folder.path)
        try writeLog()
        try certificates.makeAuthority("ca")
        for name in ["obs", "client"] { try certificates.make(name, by: "ca") }
        try """
        global(workDirectory="\(folder.path)" defaultNetstreamDriver="gtls"
               defaultNetstreamDriverCAFile="\(folder.path)/ca.pem" defaultNetstreamDriverCertFile="\(folder.path)/client.pem"
               defaultNetstreamDriverKeyFile="\(folder.path)/client.key")
        module(load="imfile" mode="polling" pollingInterval="1")
        input(type="imfile" File="\(folder.path)/in.log" Tag="sshd[77]:" Facility="auth")
        *.* action(type="omfwd" target="127.0.0.1" port="\(port)" protocol="tcp" TCP_Framing="octet-counted"
                   template="RSYSLOG_SyslogProtocol23Format" StreamDriver="gtls" StreamDriverMode="1"
                   StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost"
                   action.resumeRetryCount="-1" action.resumeInterval="1")

        """.write(toFile: folder.path + "/rsyslog.conf", atomically: true, encoding: .utf8)
        let obs = try startObs(
            "tls: { listen: \"127.0.0.1:\(port)\", cert_file: obs.pem, key_file: obs.key, client_ca_file: ca.pem }")
        #expect(await eventually { LoopbackClient(port) != nil })
        let rsyslog = try start("rsyslogd", ["-n", "-f", folder.path + "/rsyslog.conf", "-i", folder.path + "/pid"])
        try await expectFailedPasswords(Self.count, in: folder.path)
        Program.kill(rsyslog, SIGKILL)
        Program.kill(obs, SIGTERM)
        #expect(obs.terminationStatus == 0)
    }
}
