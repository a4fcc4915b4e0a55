import Columns
import Foundation
import Testing

@testable import Parsing

/// What became of attempts, by the lines that sshd writes of a connection.
struct `The outcome of an attempt to log in` {
    /// Messages of one connection, and for each `stage`, or `stage outcome`.
    private static let connections: [(name: String, lines: [(message: String, expected: String)])] = [
        (
            "a password that is refused twice counts twice, and the end of the connection not again",
            [
                (
                    "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
                    "authentication"
                ),
                ("Failed password for root from 192.0.2.7 port 4022 ssh2", "authentication failure"),
                ("Failed password for root from 192.0.2.7 port 4022 ssh2", "authentication failure"),
                ("Connection closed by authenticating user root 192.0.2.7 port 4022 [preauth]", "authentication"),
            ]
        ),
        (
            "a client that leaves a host which takes keys only has abandoned its attempt",
            [
                ("Invalid user admin from 192.0.2.7 port 4022", "authentication"),
                ("Connection closed by invalid user admin 192.0.2.7 port 4022 [preauth]", "authentication abandoned"),
            ]
        ),
        (
            "a client that says goodbye is counted where sshd names the user",
            [
                ("Received disconnect from 192.0.2.7 port 4022:11: Bye Bye [preauth]", "key_exchange"),
                ("Disconnected from authenticating user root 192.0.2.7 port 4022 [preauth]", "authentication abandoned"),
            ]
        ),
        (
            "an old sshd says goodbye in one line, which has the stage of its connection",
            [
                ("Invalid user admin from 192.0.2.7", "authentication"),
                ("input_userauth_request: invalid user admin [preauth]", "authentication"),
                ("Received disconnect from 192.0.2.7: 11: Bye Bye [preauth]", "authentication abandoned"),
            ]
        ),
        (
            "exhausted attempts are one outcome beside the failures",
            [
                ("Failed password for root from 192.0.2.7 port 4022 ssh2", "authentication failure"),
                (
                    "error: maximum authentication attempts exceeded for root from 192.0.2.7 port 4022 ssh2 [preauth]",
                    "authentication refused"
                ),
                (
                    "Disconnecting authenticating user root 192.0.2.7 port 4022: Too many authentication failures [preauth]",
                    "authentication"
                ),
            ]
        ),
        (
            "a user that may not log in is refused once, whatever he tries",
            [
                ("User bob from 192.0.2.7 not allowed because not listed in AllowUsers", "authentication refused"),
                ("Failed password for invalid user bob from 192.0.2.7 port 4022 ssh2", "authentication"),
                ("Failed password for invalid user bob from 192.0.2.7 port 4022 ssh2", "authentication failure"),
                ("Connection closed by invalid user bob 192.0.2.7 port 4022 [preauth]", "authentication"),
            ]
        ),
        (
            "PAM and sshd tell of one failure",
            [
                ("error: PAM: Authentication failure for root from 192.0.2.7", "authentication failure"),
                ("Failed keyboard-interactive/pam for root from 192.0.2.7 port 4022 ssh2", "authentication"),
                ("error: PAM: Authentication failure for root from 192.0.2.7", "authentication failure"),
            ]
        ),
        (
            "keys that are offered before the right one are no failures",
            [
                ("Failed none for alice from 192.0.2.7 port 4022 ssh2", "authentication"),
                ("Failed publickey for alice from 192.0.2.7 port 4022 ssh2: RSA SHA256:kk", "authentication"),
                ("Accepted publickey for alice from 192.0.2.7 port 4022 ssh2: RSA SHA256:kj", "authentication success"),
                ("pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)", "session"),
                ("Received disconnect from 192.0.2.7 port 4022:11: disconnected by user", "session"),
                ("Disconnected from user alice 192.0.2.7 port 4022", "session"),
                ("pam_unix(sshd:session): session closed for user alice", "session"),
            ]
        ),
        (
            "the banner's fault and the end of the connection are one outcome, where the address is",
            [
                ("error: kex_exchange_identification: Connection closed by remote host", "banner"),
                ("Connection closed by 192.0.2.7 port 4022", "banner abandoned"),
            ]
        ),
        ("a probe that says nothing", [("Connection closed by 192.0.2.7 port 4022", "connect abandoned")]),
        ("a scan of the key exchange", [("Connection closed by 192.0.2.7 port 4022 [preauth]", "key_exchange abandoned")]),
        (
            "no common algorithm",
            [
                (
                    "Unable to negotiate with 192.0.2.7 port 4022: no matching host key type found. Their offer: ssh-dss [preauth]",
                    "key_exchange refused"
                )
            ]
        ),
        ("no banner", [("Did not receive identification string from 192.0.2.7 port 4022", "banner abandoned")]),
        (
            "a banner of another protocol",
            [("banner exchange: Connection from 192.0.2.7 port 4022: invalid format", "banner refused")]
        ),
        (
            "silence until the time is up",
            [("fatal: Timeout before authentication for 192.0.2.7 port 4022", "authentication abandoned")]
        ),
        (
            "the listener's lines belong to no connection, so each counts",
            [
                ("Timeout before authentication for connection from 192.0.2.7 to 192.0.2.1, pid = 7", "authentication abandoned"),
                ("Timeout before authentication for connection from 192.0.2.7 to 192.0.2.1, pid = 8", "authentication abandoned"),
                ("drop connection #10 from [192.0.2.7]:4022 on [192.0.2.1]:22 past MaxStartups", "connect refused"),
            ]
        ),
        ("the end of a session in an old log", [("Connection closed by 192.0.2.7", "session")]),
        ("what sshd says of itself", [("Server listening on 0.0.0.0 port 22.", "")]),
    ]

    private static func line(_ message: String, pid: Int = 700, host: String = "gate", at second: Int = 0) -> String {
        "2026-11-20T10:00:\(second < 10 ? "0" : "")\(second)Z \(host) sshd[\(pid)]: \(message)"
    }

    private func told(_ events: Batch, _ row: Int) -> String {
        [events["stage"]!.string(at: row), events["outcome"]!.string(at: row)].compactMap { $0 }.joined(separator: " ")
    }

    @Test func `is told once per attempt, with the stage that its connection had reached`() {
        for connection in Self.connections {
            let events = SSHD.parse(connection.lines.enumerated().map { Self.line($1.message, at: $0) }).events
            #expect((0..<events.count).map { told(events, $0) } == connection.lines.map(\.expected), "\(connection.name)")
        }
    }

    @Test func `is the same when connections are interleaved, and when a checkpoint is taken between any two lines`() throws {
        var lines: [String] = [], expected: [String] = []
        let longest = Self.connections.map(\.lines.count).max()!
        for step in 0..<longest {
            for (number, connection) in Self.connections.enumerated() where step < connection.lines.count {
                lines.append(Self.line(connection.lines[step].message, pid: 700 + number, at: step))
                expected.append(connection.lines[step].expected)
            }
        }
        let raw = rawLines(lines)
        for size in [1, 3, lines.count] {
            var format = SSHD(context: ParsingContext(timeZone: .gmt))
            var given: [String] = []
            for start in stride(from: 0, to: lines.count, by: size) {
                var next = SSHD(context: ParsingContext(timeZone: .gmt))
                try next.restore(format.state)
                let events = next.parse(raw.slice(start..<min(start + size, lines.count))).events
                given += (0..<events.count).map { told(events, $0) }
                format = next
            }
            #expect(given == expected, "in batches of \(size)")
        }
    }

    @Test func `gives a line the address and the user of its connection where it names none`() {
        let events = SSHD.parse([
            Self.line("Invalid user admin from 192.0.2.7 port 4022"), Self.line("pam_unix(sshd:auth): check pass; user unknown"),
            Self.line("Disconnecting: Too many authentication failures [preauth]"),
            Self.line("Failed password for root from 192.0.2.8 port 4023 ssh2", pid: 701),
            Self.line("Connection closed by 192.0.2.8 [preauth]", pid: 701),
        ]).events
        #expect(
            (0..<5).map { events["source"]!.string(at: $0) } == ["192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.8"])
        #expect((0..<5).map { events["user"]!.string(at: $0) } == ["admin", "admin", "admin", "root", "root"])
    }

    @Test(arguments: [
        ("another port", line("Failed password for bob from 192.0.2.8 port 9 ssh2")),
        ("another address", line("Received disconnect from 192.0.2.8: 11: Bye [preauth]")),
        ("another host", line("Disconnecting: Too many authentication failures [preauth]", host: "gate-2")),
        ("three minutes later", "2026-11-20T10:03:00Z gate sshd[700]: Disconnecting: Too many authentication failures [preauth]"),
    ])
    func `takes nothing from another connection that got the same process id`(what: String, second: String) {
        let events = SSHD.parse([Self.line("Failed password for alice from 192.0.2.7 port 4022 ssh2"), second]).events
        #expect(events["outcome"]!.string(at: 1) != nil, "\(what)")
        #expect(events["source"]!.string(at: 1) != "192.0.2.7", "\(what)")
        #expect(events["user"]!.string(at: 1) != "alice", "\(what)")
    }

    @Test func `is told of every attempt when more connections are open than are remembered`() {
        var lines: [String] = []
        for pid in 0..<6000 { lines.append(Self.line("Invalid user admin from 192.0.2.7 port \(1000 + pid)", pid: pid + 1)) }
        for pid in 0..<6000 {
            lines.append(
                Self.line("Connection closed by invalid user admin 192.0.2.7 port \(1000 + pid) [preauth]", pid: pid + 1))
        }
        let events = SSHD.parse(lines).events
        #expect((6000..<12_000).allSatisfy { told(events, $0) == "authentication abandoned" })
    }

    @Test func `refuses a state that is damaged anywhere`() throws {
        var format = SSHD(context: ParsingContext(timeZone: .gmt))
        _ = format.parse(rawLines((0..<40).map { Self.line("Invalid user admin from 192.0.2.7 port 4022", pid: $0 + 1) }))
        let state = Array(try format.state)
        for length in 0..<state.count {
            var other = SSHD(context: ParsingContext(timeZone: .gmt))
            #expect(throws: (any Error).self) { try other.restore(Data(state[..<length])) }
        }
    }
}

struct `Lines of programs that change accounts` {
    @Test(
        arguments: [
            ("sudo", "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id", "sudo", "alice"),
            (
                "sudo", "alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh", "sudo_refused",
                "alice"
            ),
            (
                "sudo", "www-data : user NOT in sudoers ; TTY=unknown ; PWD=/ ; USER=root ; COMMAND=/bin/sh", "sudo_refused",
                "www-data"
            ),
            (
                "sudo", "bob : TTY=pts/1 ; PWD=/root/.ssh ; USER=root ; COMMAND=/usr/bin/tee -a /root/.ssh/authorized_keys",
                "keys_changed",
                "bob"
            ),
            ("sudo", "bob : TTY=pts/1 ; PWD=/tmp/authorized_keys ; USER=root ; COMMAND=/usr/bin/id", "sudo", "bob"),
            ("sudo", "pam_unix(sudo:session): session opened for user root(uid=0) by (uid=1000)", "session_opened", "root"),
            ("su", "(to root) alice on pts/0", "su", "alice"),
            ("su", "FAILED SU (to root) alice on pts/0", "su_refused", "alice"),
            (
                "useradd", "new user: name=ghost, UID=0, GID=0, home=/home/ghost, shell=/bin/bash, from=/dev/pts/0",
                "account_created", "ghost"
            ),
            ("usermod", "add 'ghost' to group 'sudo'", "account_changed", "ghost"),
            ("passwd", "pam_unix(passwd:chauthtok): password changed for ghost", "password_changed", "ghost"),
            ("CRON", "new user: name=ghost, UID=0", "other", nil),
        ] as [(String, String, String, String?)])
    func `are events with the user`(program: String, message: String, event: String, user: String?) {
        let events = SSHD.parse(["2026-11-20T10:00:00Z gate \(program)[9]: \(message)"]).events
        #expect(events["event"]!.string(at: 0) == event)
        #expect(events["user"]!.string(at: 0) == user)
        #expect(events["outcome"]!.isNull(at: 0))
    }

    @Test func `have the address from which their user logged in last on their host, also across a checkpoint`() throws {
        func accepted(_ user: String, _ source: String, _ host: String) -> String {
            "2026-11-20T10:00:00Z \(host) sshd[7]: Accepted publickey for \(user) from \(source) port 4022 ssh2: RSA SHA256:kk"
        }
        let sudo = "2026-11-20T10:30:00Z gate sudo[9]: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh"
        let raw = rawLines([
            accepted("alice", "192.0.2.8", "gate"), accepted("alice", "192.0.2.7", "gate"),
            accepted("alice", "192.0.2.9", "other"),
            accepted("bob", "192.0.2.6", "gate"), sudo,
            "2026-11-20T10:31:00Z gate su[9]: (to root) carol on pts/0",
            "2026-11-21T10:31:00Z gate sudo[9]: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
        ])
        var first = SSHD(context: ParsingContext(timeZone: .gmt)), second = first
        _ = first.parse(raw.slice(0..<4))
        try second.restore(first.state)
        let events = second.parse(raw.slice(4..<7)).events
        #expect((0..<3).map { events["source"]!.string(at: $0) } == ["192.0.2.7", nil, nil])
    }
}
