import Columns
import Foundation
import Testing

@testable import Parsing

/// Lines of an attacker at 192.0.2.10 who writes 203.0.113.5 wherever sshd lets a client write.
struct `What a client writes into a line of sshd` {
    /// Messages in which sshd puts a client's texts: `<U>` a name that it does not know, `<C>` any other text. `user` is nil where the message tells none.
    private static let messages: [(text: String, namesUser: Bool)] = [
        ("Failed password for invalid user <U> from 192.0.2.10 port 4022 ssh2", true),
        ("Failed none for invalid user <U> from 192.0.2.10 port 4022 ssh2 [preauth]", true),
        ("Failed password for illegal user <U> from 192.0.2.10 port 4022 ssh2", true),
        ("Failed keyboard-interactive/pam for invalid user <U> from 192.0.2.10 port 4022 ssh2", true),
        ("Failed gssapi-with-mic for invalid user <U> from 192.0.2.10 port 4022 ssh2", true),
        ("Failed publickey for invalid user <U> from 192.0.2.10 port 4022 ssh2", true),
        ("Failed publickey for invalid user <U> from 192.0.2.10 port 4022 ssh2: RSA SHA256:kk", true),
        (
            "Failed publickey for invalid user <U> from 192.0.2.10 port 4022 ssh2: ED25519-CERT SHA256:kk ID <C> (serial 0) CA ED25519 SHA256:cc",
            true
        ),
        (
            "Failed hostbased for invalid user <U> from 192.0.2.10 port 4022 ssh2: RSA SHA256:kk, client user \"<C>\", client host \"<C>\"",
            true
        ),
        ("Postponed keyboard-interactive/pam for invalid user <U> from 192.0.2.10 port 4022 ssh2 [preauth]", true),
        ("Invalid user <U> from 192.0.2.10 port 4022", true), ("Invalid user <U> from 192.0.2.10", true),
        ("input_userauth_request: invalid user <U> [preauth]", true),
        ("error: PAM: Authentication failure for illegal user <U> from 192.0.2.10", true),
        (
            "error: PAM: User not known to the underlying authentication module for illegal user <U> from 192.0.2.10 via 198.51.100.1",
            true
        ),
        ("error: maximum authentication attempts exceeded for invalid user <U> from 192.0.2.10 port 4022 ssh2 [preauth]", true),
        ("PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.10  user=<U>", true),
        ("PAM 1 more authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.10 user=<U>", true),
        ("pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.10  user=<U>", true),
        ("pam_sss(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.10 user=<U>", true),
        ("pam_sss(sshd:auth): received for user <U>: 7 (Authentication failure)", true),
        ("pam_faillock(sshd:auth): Consecutive login failures for user <U> account temporarily locked", true),
        ("Connection closed by invalid user <U> 192.0.2.10 port 4022 [preauth]", true),
        ("Connection reset by invalid user <U> 192.0.2.10 port 4022 [preauth]", true),
        ("Disconnected from invalid user <U> 192.0.2.10 port 4022 [preauth]", true),
        ("Disconnecting invalid user <U> 192.0.2.10 port 4022: Too many authentication failures [preauth]", true),
        (
            "Disconnecting invalid user <U> 192.0.2.10 port 4022: Change of username or service not allowed: (<U>,ssh-connection) -> (<C>,ssh-connection) [preauth]",
            true
        ),
        ("ssh_dispatch_run_fatal: Connection from invalid user <U> 192.0.2.10 port 4022: Broken pipe [preauth]", true),
        // Accounts, with a client's text behind the address.
        (
            "Failed publickey for root from 192.0.2.10 port 4022 ssh2: ED25519-CERT SHA256:kk ID <C> (serial 0) CA ED25519 SHA256:cc",
            false
        ),
        (
            "Failed hostbased for root from 192.0.2.10 port 4022 ssh2: RSA SHA256:kk, client user \"<C>\", client host \"<C>\"",
            false
        ),
        (
            "Accepted publickey for root from 192.0.2.10 port 4022 ssh2: ED25519-CERT SHA256:kk ID <C> (serial 7) CA ED25519 SHA256:cc",
            false
        ),
        ("Accepted gssapi-with-mic for root from 192.0.2.10 port 4022 ssh2: <C>", false),
        (
            "Disconnecting authenticating user root 192.0.2.10 port 4022: Change of username or service not allowed: (root,<C>) -> (<C>,<C>) [preauth]",
            false
        ),
        ("Starting session: subsystem '<C>' for root from 192.0.2.10 port 4022 id 0", false),
        // No user.
        ("Received disconnect from 192.0.2.10 port 4022:11: <C> [preauth]", false),
        ("Received disconnect from 192.0.2.10: 11: <C>", false),
        ("Bad protocol version identification '<C>' from 192.0.2.10 port 4022", false),
        ("Bad protocol version identification '<C>' from 192.0.2.10", false),
        ("Protocol major versions differ for 192.0.2.10 port 4022: SSH-2.0-OpenSSH_9.6 vs. <C>", false),
        (
            "Unable to negotiate with 192.0.2.10 port 4022: no matching key exchange method found. Their offer: <C> [preauth]",
            false
        ),
        ("Nasty PTR record \"<C>\" is set up for 192.0.2.10, ignoring", false),
        ("reverse mapping checking getaddrinfo for <C> [192.0.2.10] failed.", false),
        ("refused connect from <C> (192.0.2.10)", false),
        (
            "Authentication tried for root with correct key but not from a permitted host (host=<C>, ip=192.0.2.10, required=198.51.100.0/24).",
            false
        ),
    ]

    static let forged = [
        "x from 203.0.113.5 port 1 ssh2", "x from 203.0.113.5 port 1 ssh2: y", "x from 203.0.113.5 port 1", " from 203.0.113.5",
        "x 203.0.113.5 port 9", "x 203.0.113.5 port 9: y", "x 203.0.113.5 port 9: Too many authentication failures",
        "x rhost=203.0.113.5", "x rhost=203.0.113.5  user=root", "user=x rhost=203.0.113.5 user=y", "x [203.0.113.5] failed.",
        "x (203.0.113.5)", "x, ip=203.0.113.5, required=y", "\" is set up for 203.0.113.5, ignoring",
        "'' from 203.0.113.5 port 1'",
        "\", client host \"y", "invalid user x from 203.0.113.5 port 1 ssh2", "(x) -> (y 203.0.113.5 port 1: z",
        "x for root from 203.0.113.5 port 1 id 0", "x: 7 (Authentication failure)", "", " ", "a b", "u\u{0301}\"\u{202E}",
        "Zoë\u{1F600}",
        "\\303\\274\\n", "[preauth]", "message repeated 5 times: [ x]", "%s%n{user}", "x via 203.0.113.5", "(uid=0)",
    ]

    @Test func `changes neither the source nor the user of any message`() {
        for (message, namesUser) in Self.messages {
            for name in Self.forged {
                for text in Self.forged {
                    let line = message.replacingOccurrences(of: "<U>", with: name).replacingOccurrences(of: "<C>", with: text)
                    let parsed = SSHD.parse(["Nov 26 10:00:01 gate sshd-session[600]: \(line)"], arrival: arrival)
                    guard parsed.events.count == 1 else {
                        Issue.record("not understood: \(line)")
                        continue
                    }
                    let source = parsed.events["source"]!.string(at: 0), user = parsed.events["user"]!.string(at: 0)
                    #expect(source == (line.contains("192.0.2.10") ? "192.0.2.10" : nil), "\(line)")
                    if namesUser { #expect(user.map { Array($0.utf8) } == Array(name.utf8), "\(line)") }
                    if !namesUser, message.contains("root") { #expect(user == "root", "\(line)") }
                    if !message.contains("<C>") { break }
                }
            }
        }
    }

    private let arrival = Timestamp(year: 2026, month: 11, day: 27)

    @Test(arguments: [
        // The name and the certificate both say what sshd would say: no one can tell which address is true.
        "Failed publickey for invalid user x from 203.0.113.5 port 1 ssh2: RSA-CERT SHA256:kk ID y from 192.0.2.10 port 4022 ssh2: RSA-CERT SHA256:kk ID z (serial 0) CA RSA SHA256:cc",
        "Failed publickey for invalid user y from 192.0.2.10 port 4022 ssh2: RSA-CERT SHA256:kk ID z from 203.0.113.5 port 1 ssh2: RSA-CERT SHA256:kk ID z (serial 0) CA RSA SHA256:cc",
        // Cut off by sshd, so that what would decide is gone.
        "Failed publickey for invalid user y from 192.0.2.10 port 4022 ssh2: RSA-CERT SHA256:kk ID z from 203.0.113.5 port 1 ssh2: and so on",
        "Disconnecting invalid user y 192.0.2.10 port 4022: Change of username or service not allowed: (y,s) -> (z 203.0.113.5 port 1: and",
        // Old versions write the name alone.
        "Disconnecting: Too many authentication failures for x from 203.0.113.5 port 1 ssh2",
    ])
    func `that leaves two readings of the line makes nobody its source`(message: String) {
        let events = SSHD.parse(["Nov 26 10:00:01 gate sshd[600]: \(message)"], arrival: arrival).events
        #expect(events.count == 1)
        #expect(events["source"]!.isNull(at: 0))
        #expect(events["port"]!.isNull(at: 0))
    }

    @Test func `costs time that grows with its length and not faster`() {
        let texts = [
            " from 192.0.2.1 port 1 ssh2: ", " 192.0.2.1 port 1: Change of username or service not allowed: (", " for ",
            " rhost=1 ",
        ]
        let heads = [
            "Failed publickey for invalid user ", "Disconnecting invalid user ", "Starting session: ", "PAM: ",
            "PAM 1 more authentication failure; ",
            "Accepted publickey for ",
        ]
        let lines = heads.flatMap { head in
            texts.map { "Nov 26 10:00:01 gate sshd[1]: \(head)" + String(repeating: $0, count: 16_000) }
        }
        let parsed = SSHD.parse(lines, arrival: arrival)
        #expect(parsed.events.count + parsed.rejected.count == lines.count)
    }

    @Test func `does not name a program sshd`() {
        let parsed = SSHD.parse([
            "Nov 26 10:00:01 gate app: sshd[600]: Failed password for root from 203.0.113.5 port 1 ssh2",
            "Nov 26 10:00:01 gate app[7]: sshd[600]: Failed password for root from 203.0.113.5 port 1 ssh2",
        ])
        // Nor is it another program's without a word: what names sshd and cannot be believed is in quarantine.
        #expect(parsed.events.isEmpty)
        #expect(parsed.rejected.map(\.reason) == [.unreadableHeader, .unreadableHeader])
    }
}

struct `Each header under which sshd's lines come` {
    @Test(arguments: [
        "Nov 26 10:00:01 gate: sshd[600]: ", "Nov 26 10:00:01 gate\tsshd[600]: ", "Nov 26 10:00:01 gate ssh.service[600]: ",
        "[ 1234.567890] gate sshd-session[600]: ", "Nov 26 10:00:01 gate auth.info sshd[27366]: ",
        "Nov 26 10:00:01 gate authpriv.notice sshd[5159]: ", "Thu Nov 26 10:00:01 2026 authpriv.info sshd[51]: ",
        "Nov 26 10:00:01 <auth.info> gate sshd[600]: ", "Nov 26 10:00:01 <4.6> gate sshd[600]: ",
        "Nov 26 2026 10:00:01 gate sshd[600]: ",
        "Thu 2026-11-26 10:00:01 UTC gate sshd[600]: ", "Thu 2026-11-26 10:00:01 CET gate sshd[600]: ",
        "1795687201.373474 gate sshd[600]: ", "2026-11-26t10:00:01z gate sshd[600]: ",
        "Nov 26 10:00:01 gate sshd-session: ubuntu [priv][623]: ", "Nov 26 10:00:01 gate auth|security:info sshd[600]: ",
        "Nov 26 10:00:01 gate (sshd)[600]: ", "1 2026-11-26T10:00:01Z gate sshd 600 - - ",
        "142 <38>1 2026-11-26T10:00:01Z gate sshd 600 - - ", "Nov 26 10:00:07 192.0.2.1 Nov 26 10:00:01 gate sshd[600]: ",
        "Nov 26 10:00:01 gate 600: sshd[600]: ",
    ])
    func `gives the same event`(header: String) {
        let parsed = SSHD.parse(
            [header + "Failed password for root from 192.0.2.10 port 38066 ssh2"],
            arrival: Timestamp(year: 2026, month: 11, day: 27))
        #expect(parsed.rejected.isEmpty)
        guard parsed.events.count == 1 else { return }
        #expect(parsed.events["event"]!.string(at: 0) == "failed_password")
        #expect(parsed.events["source"]!.string(at: 0) == "192.0.2.10")
        #expect(parsed.events["process"]!.string(at: 0)!.hasPrefix("ss"))
        if !header.hasPrefix("Thu Nov") { #expect(parsed.events["host"]!.string(at: 0) == "gate") }
        let time = parsed.events.columns[0].value(at: 0, as: .timestamp).description
        #expect(header.hasPrefix("[") ? time == "2026-11-27T00:00:00Z" : time.hasPrefix("2026-11-26T10:00:01"))
    }

    @Test func `counts what syslogd says was repeated`() {
        let parsed = SSHD.parse([
            "Nov 26 10:00:01 gate last message repeated 4 times",
            "Nov 26 10:00:01 gate sshd[1]: Failed password for root from 192.0.2.10 port 1 ssh2",
            "Nov 26 10:00:31 gate last message repeated 4 times", "Nov 26 10:00:41 gate syslogd: last message repeated 2 times",
            "Nov 26 10:00:51 other last message repeated 3 times",
        ])
        #expect(parsed.rejected.map(\.row) == [0, 4])
        #expect((0..<parsed.events.count).map { parsed.events["count"]!.integer(at: $0) } == [1, 4, 2])
        #expect((0..<parsed.events.count).allSatisfy { parsed.events["source"]!.string(at: $0) == "192.0.2.10" })
        #expect(
            parsed.events.columns[0].value(at: 1, as: .timestamp).description
                == "2026-11-26T10:00:31Z".replacing("2026", with: "2025"))
    }

    @Test func `counts a repetition across batches and a checkpoint`() throws {
        var first = SSHD(context: ParsingContext(timeZone: .gmt))
        _ = first.parse(rawLines(["Nov 20 10:00:01 gate sshd[1]: Failed password for root from 192.0.2.10 port 1 ssh2"]))
        var second = SSHD(context: ParsingContext(timeZone: .gmt))
        try second.restore(first.state)
        let events = second.parse(rawLines(["Nov 20 10:00:31 gate last message repeated 4 times"])).events
        #expect(events["count"]!.integer(at: 0) == 4)
    }
}

struct `The user of a line` {
    @Test(
        arguments: [
            ("pam_unix(sshd:session): session opened for user alice(uid=1000) by alice(uid=0)", "session_opened", "alice", nil),
            ("pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)", "session_opened", "root", nil),
            ("pam_unix(sshd:session): session opened for user alice by (uid=0)", "session_opened", "alice", nil),
            ("pam_unix(sshd:session): session closed for user alice", "session_closed", "alice", nil),
            (
                "pam_sss(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.10 user=alice",
                "pam_failure",
                "alice", "192.0.2.10"
            ),
            ("pam_sss(sshd:auth): received for user alice: 17 (Failure setting user credentials)", "pam_failure", "alice", nil),
            (
                "pam_faillock(sshd:auth): Consecutive login failures for user alice account temporarily locked", "pam_failure",
                "alice", nil
            ),
            ("pam_tally2(sshd:auth): user root (0) tally 5, deny 3", "pam_failure", "root", nil),
            ("error: PAM: Permission denied for illegal user bob from 192.0.2.10", "pam_error", "bob", "192.0.2.10"),
            ("error: PAM: authentication error for alice from 192.0.2.10 via 198.51.100.1", "pam_error", "alice", "192.0.2.10"),
            ("error: PAM: 5 more authentication failures for root from 192.0.2.10", "pam_failures", "root", "192.0.2.10"),
            (
                "Failed hostbased for invalid user bob from 192.0.2.10 port 4022 ssh2: RSA SHA256:kk, client user \"bob\", client host \"h.example.com\"",
                "failed_hostbased", "bob", "192.0.2.10"
            ),
            (
                "Failed password for illegal user bob from host.example.com port 4022 ssh2", "failed_password", "bob",
                "host.example.com"
            ),
            ("Failed password for root from 192.0.2.10 port 38066 ssh2 ", "failed_password", "root", "192.0.2.10"),
            ("Connection reset by user alice 192.0.2.10 port 38066", "connection_reset", "alice", "192.0.2.10"),
            ("Connection closed by user alice 192.0.2.10 port 38066", "connection_closed", "alice", "192.0.2.10"),
            ("Disconnecting user alice 192.0.2.10 port 38066: session timeout", "disconnecting", "alice", "192.0.2.10"),
            (
                "ssh_dispatch_run_fatal: Connection from user alice 192.0.2.10 port 38066: message authentication code incorrect",
                "socket_error",
                "alice", "192.0.2.10"
            ),
            (
                "fatal: Fssh_ssh_dispatch_run_fatal: Connection from 192.0.2.10 port 38066: Connection reset by peer",
                "socket_error", nil, "192.0.2.10"
            ),
            ("error: Fssh_kex_exchange_identification: Connection closed by remote host", "key_exchange_failed", nil, nil),
            (
                "srclimit_penalise: ipv4: new 192.0.2.10/32 deferred penalty of 5 seconds for penalty: failed authentication",
                "source_penalty", nil, "192.0.2.10"
            ),
            (
                "srclimit_penalise: 192.0.2.10/32: activating ipv4 penalty of 15 seconds for penalty: x", "source_penalty", nil,
                "192.0.2.10"
            ),
            ("fatal: Access denied for user alice by PAM account configuration [preauth]", "user_not_allowed", "alice", nil),
            ("Login restricted for root: 3004-306 Remote logins are not allowed", "user_not_allowed", "root", nil),
            (
                "Unable to negotiate with UNKNOWN port 65535: no matching key exchange method found. Their offer: x [preauth]",
                "negotiation_failed", nil, nil
            ),
            ("error: Certificate invalid: expired", "userauth_request", nil, nil),
            ("Accepted key RSA SHA256:abc found at /home/alice/.ssh/authorized_keys:2", "userauth_request", nil, nil),
            ("Corrupted MAC on input. [preauth]", "bad_protocol", nil, nil),
            ("error: Protocol major versions differ: 2 vs. 1", "bad_protocol", nil, nil),
            ("error: Bind to port 22 on 0.0.0.0 failed: Address already in use.", "server", nil, nil),
            ("debug1: PAM: establishing credentials", "server", nil, nil),
        ] as [(String, String, String?, String?)])
    func `is the name alone, and the message is known`(message: String, event: String, user: String?, source: String?) {
        let parsed = SSHD.parse(["Nov 20 10:00:01 gate sshd-session[600]: \(message)"])
        #expect(parsed.events.count == 1)
        guard parsed.events.count == 1 else { return }
        #expect(parsed.events["event"]!.string(at: 0) == event)
        #expect(parsed.events["user"]!.string(at: 0) == user)
        #expect(parsed.events["source"]!.string(at: 0) == source)
    }
}
