import Columns
import Foundation
import Testing

@testable import Parsing

/// Every entry of the grammar says which of its parts a client can write: none of them changes who is to blame.
struct `The grammar of sshd` {
    private static let forged =
        `What a client writes into a line of sshd`.forged + [
            "' from 203.0.113.5:5543", "root' from 203.0.113.5:1", "x', 3 fails): y - user 'root' from 203.0.113.5:1",
            "x from 203.0.113.5 not allowed because y", "x not allowed because account is locked",
            "x from 203.0.113.5 port 1 rejected: user presence", "x: Connection from user root 203.0.113.5 port 1: y",
            "x> (y) from <203.0.113.5:1>: z", "\u{1B}[2J\t\u{7F}\u{9B}", "] [203.0.113.5] failed.", "{user} from {source}",
            "error: x from 203.0.113.5", "a\u{0}b", "u\u{308}\u{600}<",
            "for connection from 203.0.113.5 to x killed by signal 11",
            "x by user root 203.0.113.5", "x]:203.0.113.5",
        ]

    /// What a part of the program's own is, and for one of the client's nil.
    private static func own(_ part: String) -> String? {
        switch part {
        case "source": "192.0.2.10"
        case "account": "root"
        case "method": "password"
        case "word": "w1"
        case "port": "4022"
        case "count", "number": "5"
        case "text": "words"
        case "rest": "the end"
        case "tag": "input_userauth_request"
        default: nil
        }
    }

    /// What sshd cannot have written: before OpenSSH 3 it wrote no port, and a name might end the line as an address does.
    private static let undecidable: Set<String> = ["Failed {method} for {user} from {source}"]

    private static func fill(_ pattern: String, _ forged: String) -> String {
        var line = "", rest = pattern[...], tail = ""
        // A certificate's name as sshd writes it, cut off at the end of its longest line.
        if pattern.hasSuffix("ssh{number}: {client}") || pattern.hasSuffix("ssh{number}{client}") {
            let mark = pattern.hasSuffix(": {client}") ? "" : ": "
            tail = "\(mark)RSA-CERT SHA256:kk ID \(String(repeating: "A", count: 900))\(forged)"
            rest = rest.dropLast("{client}".count)
        }
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let part = String(rest[rest.index(after: open)..<close])
            let key = "ED25519-CERT SHA256:kk ID \(forged) (serial 0) CA ED25519 SHA256:cc"
            // The one reason that has a client's text in it.
            let reason = "Change of username or service not allowed: (u,ssh-connection) -> (" + forged
            let client = part == "client" && pattern.hasPrefix("Disconnecting invalid user {contested}") ? reason : forged
            line += rest[..<open] + (own(part) ?? (part == "key" ? key : client))
            rest = rest[rest.index(after: close)...]
        }
        return line + rest + tail
    }

    private func check(_ entries: [(String, SSHMessage)], process: String) {
        for (pattern, message) in entries where !Self.undecidable.contains(pattern) {
            let lines = Self.forged.enumerated().map { "Nov 26 10:00:01 gate \(process)[\($0 + 100)]: \(Self.fill(pattern, $1))" }
            let parsed = SSHD.parse(lines)
            #expect(parsed.events.count == lines.count, "\(pattern): \(parsed.rejected.map { lines[$0.row] })")
            for (row, index) in parsed.lineRows.enumerated() {
                let source = parsed.events["source"]!.string(at: row)
                let isUndecided = (pattern.contains("{contested}") || lines[Int(index)].utf8.count > 900) && source == nil
                #expect(
                    isUndecided || source == (pattern.contains("{source}") ? "192.0.2.10" : nil),
                    "\(pattern): \(lines[Int(index)])")
                if pattern.contains("{account}"), !pattern.contains("{client}") {
                    #expect(parsed.events["user"]!.string(at: row) == "root", "\(pattern): \(lines[Int(index)])")
                }
                #expect(parsed.events["event"]!.string(at: row) != "other", "\(message.event)")
            }
        }
    }

    @Test func `blames the address that sshd wrote, whatever a client wrote into any part that is its own`() {
        check(SSHD.grammar, process: "sshd-session")
    }

    @Test func `does so of dropbear's lines`() { check(SSHD.Dropbear.grammar, process: "dropbear") }

    @Test func `takes the address to blame from no part that a client writes`() {
        for (pattern, _) in SSHD.grammar + SSHD.Dropbear.grammar {
            let parts = pattern.matches(of: /\{([a-z]+)\}/).map { String($0.1) }
            // Of a text of the program's own and one of a client's on both sides of an address only one may be open.
            guard let source = parts.firstIndex(of: "source") else { continue }
            let before = parts[..<source].contains { $0 == "user" || $0 == "client" }
            let behind = parts[(source + 1)...].contains { $0 == "client" || $0 == "user" }
            #expect(!(before && behind) || pattern.contains("{same}"), "\(pattern): write {contested} or {account}")
        }
    }
}

/// Lines that other programs than sshd write, and sshd's under other names.
struct `Lines beside sshd's own` {
    private func shown(_ line: String) -> String {
        let parsed = SSHD.parse([line])
        guard parsed.events.count == 1 else { return parsed.rejected.first?.reason.rawValue ?? "nothing" }
        return ["event", "outcome", "user", "source", "process", "pid"].map { column -> String in
            let known = parsed.events[column]!
            return known.string(at: 0) ?? known.integer(at: 0).map(String.init) ?? "-"
        }.joined(separator: " ")
    }

    @Test(arguments: [
        (
            "type=USER_AUTH msg=audit(1764151200.123:9): pid=600 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct=\"root\" exe=\"/usr/sbin/sshd\" hostname=h.example.com addr=192.0.2.7 terminal=ssh res=failed'",
            "audit_authentication failure root 192.0.2.7 sshd 600"
        ),
        (
            "node=gate type=USER_LOGIN msg=audit(1764151200.123:9): pid=600 uid=0 msg='op=login acct=28756E6B6E6F776E207573657229 exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.7 terminal=ssh res=failed'",
            "audit_login - - 192.0.2.7 sshd 600"
        ),
        (
            "type=USER_LOGIN msg=audit(1764151200.123:9): pid=600 uid=0 msg='op=login id=1000 exe=\"/usr/sbin/sshd\" hostname=h addr=::ffff:192.0.2.7 terminal=ssh res=success'",
            "audit_login success - 192.0.2.7 sshd 600"
        ),
        (
            "type=USER_AUTH msg=audit(1764151200.123:9): pid=600 msg='op=PAM:authentication acct=612062 exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.7 terminal=ssh res=failed'",
            "audit_authentication failure a b 192.0.2.7 sshd 600"
        ),
        (
            "type=USER_ERR msg=audit(1764151200.000:9): user pid=600 uid=0 msg='op=PAM:bad_ident acct=\"?\" exe=\"/usr/sbin/sshd\" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'",
            "audit_error failure - 192.0.2.7 sshd 600"
        ),
        (
            "Nov 26 10:00:01 gate audit[600]: USER_AUTH pid=600 uid=0 msg='op=PAM:authentication acct=\"bob\" exe=\"/usr/sbin/sshd\" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'",
            "audit_authentication failure bob 192.0.2.7 sshd 600"
        ),
        ("type=SYSCALL msg=audit(1764151200.000:9): arch=c000003e syscall=59 exe=\"/usr/sbin/sshd\"", "other - - - - -"),
        (
            "Nov 26 10:00:01 gate login[5]: FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure",
            "console_login_failed - root - login 5"
        ),
        ("Nov 26 10:00:01 gate login[5]: LOGIN ON tty1 BY alice", "console_login - alice - login 5"),
        ("Nov 26 10:00:01 gate login[5]: ROOT LOGIN ON tty1 FROM 192.0.2.7", "console_login - - 192.0.2.7 login 5"),
        ("Nov 26 10:00:01 gate systemd-logind[5]: New session 12 of user alice.", "session_opened - alice - systemd-logind 5"),
        ("Nov 26 10:00:01 gate systemd-logind[5]: Removed session 12.", "session_closed - - - systemd-logind 5"),
        ("Nov 26 10:00:01 gate CRON[5]: (root) CMD (run-parts /etc/cron.hourly)", "cron_command - root - CRON 5"),
        ("Nov 26 10:00:01 gate crontab[5]: (alice) REPLACE (alice)", "cron_changed - alice - crontab 5"),
        (
            "Nov 26 10:00:01 gate CRON[5]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
            "session_opened - root - CRON 5"
        ),
        (
            "Nov 26 10:00:01 gate su[5]: pam_unix(su:auth): authentication failure; logname=al uid=1000 euid=0 tty=pts/0 ruser=al rhost=  user=root",
            "pam_failure - root - su 5"
        ),
        ("Nov 26 10:00:01 gate su[5]: + /dev/pts/0 alice:root", "su - alice - su 5"),
        (
            "Nov 26 10:00:01 gate sudo[5]: pam_unix(sudo:session): session opened for user root(uid=0) by alice(uid=1000)",
            "session_opened - root - sudo 5"
        ),
        (
            "Nov 26 10:00:01 gate useradd[5]: new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/sh",
            "account_created - eve - useradd 5"
        ),
        (
            "Nov 26 10:00:01 gate sshd(pam_unix)[5]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=192.0.2.7  user=root",
            "pam_failure - root 192.0.2.7 sshd(pam_unix) 5"
        ),
        (
            "Nov 26 10:00:01 gate sshd(pam_google_authenticator)[5]: Invalid verification code for alice",
            "pam_failure - alice - sshd(pam_google_authenticator) 5"
        ),
        ("Nov 26 10:00:01 gate sshd[5]: error: something that no version wrote so far", "server_error - - - sshd 5"),
        (
            "Nov 26 10:00:01 gate sshd[5]: error: auth_log_wrapper: Failed password for root from 192.0.2.7 port 1 ssh2",
            "failed_password failure root 192.0.2.7 sshd 5"
        ),
        ("Nov 26 10:00:01 gate sshd[5]: something that no version wrote so far", "unknown_message"),
        ("Nov 26 10:00:01 gate relay[9]: sshd[5]: Failed password for root from 192.0.2.7 port 1 ssh2", "unreadable_header"),
        (
            "2026 Nov 26 10:00:01 gate sshd[5]: Failed password for root from 192.0.2.7 port 1 ssh2",
            "failed_password failure root 192.0.2.7 sshd 5"
        ),
        (
            "Nov 26 10:00:01 CET gate sshd[5]: Failed password for root from 192.0.2.7 port 1 ssh2",
            "failed_password failure root 192.0.2.7 sshd 5"
        ),
        (
            "Nov 26 10:00:01 gate user.notice sshd[5]: Failed password for root from 192.0.2.7 port 1 ssh2",
            "failed_password failure root 192.0.2.7 sshd 5"
        ),
        ("Nov 26 10:00:01 gate Microsoft Word[5]: Cocoa scripting error", "other - - - Microsoft Word 5"),
        (
            "Nov 26 10:00:01 gate dropbear[5]: Bad password attempt for 'root' from 2001:db8::5:5543",
            "failed_password failure root 2001:db8::5 dropbear 5"
        ),
        (
            "Nov 26 10:00:01 gate dropbear[5]: Exit before auth from <192.0.2.7:5543>: (user 'root', 3 fails): Exited normally",
            "connection_closed abandoned root 192.0.2.7 dropbear 5"
        ),
    ])
    func `tell what they tell`(line: String, told: String) {
        #expect(shown(line) == told, "\(line)")
    }

    @Test func `complete each other: the attempts of dropbear bear one outcome each, and the last line no other`() {
        let parsed = SSHD.parse([
            "Nov 26 10:00:00 gate dropbear[7]: Child connection from 192.0.2.7:5543",
            "Nov 26 10:00:01 gate dropbear[7]: Bad password attempt for 'root' from 192.0.2.7:5543",
            "Nov 26 10:00:02 gate dropbear[7]: Exit before auth (user 'root', 1 fails): Exited normally",
        ])
        let outcomes = (0..<3).map { parsed.events["outcome"]!.string(at: $0) }
        #expect(outcomes == [nil, "failure", nil])
        #expect(parsed.events["source"]!.string(at: 2) == "192.0.2.7")
    }

    @Test func `of one process id join: sshd's line without an address has the one of its session`() {
        let parsed = SSHD.parse([
            "Nov 26 10:00:00 gate sshd[7]: Connection from 192.0.2.7 port 5543 on 198.51.100.1 port 22",
            "Nov 26 10:00:02 gate sshd[7]: error: kex_exchange_identification: Connection closed by remote host",
            "Nov 26 10:00:03 gate sshd[8]: SSH: Server;Ltype: Authname;Remote: 192.0.2.8-1780;Name: root",
            "Nov 26 10:00:04 gate sshd[8]: Disconnecting: Too many authentication failures [preauth]",
        ])
        #expect((0..<4).map { parsed.events["source"]!.string(at: $0) } == ["192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.8"])
        #expect(parsed.events["user"]!.string(at: 3) == "root")
    }
}
