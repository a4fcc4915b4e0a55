/// What an event is in the Elastic Common Schema, and a line that has it. docs/events.md is made from this.
///
/// Source: ECS 9, "Categorization fields".
struct ECSEvent {
    /// `event.category`.
    var category: String
    /// `event.type`.
    var type: String
    /// A line in which the event is.
    var example: String
}

extension SSHEvent {
    var ecs: ECSEvent {
        switch self {
        case .failedPassword: Self.attempt("Failed password for root from 192.0.2.7 port 4022 ssh2")
        case .failedKeyboardInteractive:
            Self.attempt("Failed keyboard-interactive/pam for root from 192.0.2.7 port 4022 ssh2")
        case .failedHostbased: Self.attempt("Failed hostbased for web from 192.0.2.7 port 4022 ssh2")
        case .failedOther: Self.attempt("Failed gssapi-with-mic for carol from 192.0.2.7 port 4022 ssh2")
        case .pamError: Self.attempt("error: PAM: Authentication failure for alice from 192.0.2.7")
        case .rootLoginRefused: Self.attempt("ROOT LOGIN REFUSED FROM 192.0.2.7 port 4022")
        case .acceptedPassword: Self.attempt("Accepted password for alice from 192.0.2.7 port 4022 ssh2")
        case .acceptedPublickey: Self.attempt("Accepted publickey for alice from 192.0.2.7 port 4022 ssh2: ED25519 SHA256:9Zx")
        case .acceptedOther: Self.attempt("Accepted keyboard-interactive/pam for alice from 192.0.2.7 port 4022 ssh2")
        case .failedNone: Self.part("Failed none for invalid user test from 192.0.2.7 port 4022 ssh2")
        case .failedPublickey: Self.part("Failed publickey for alice from 192.0.2.7 port 4022 ssh2: ED25519 SHA256:9Zx")
        case .invalidUser: Self.part("Invalid user webmaster from 192.0.2.7 port 4022")
        case .userNotAllowed: Self.attempt("User bob from 192.0.2.7 not allowed because not listed in AllowUsers")
        case .userauthRequest: Self.part("Postponed publickey for alice from 192.0.2.7 port 4022 ssh2 [preauth]")
        case .pamFailure:
            Self.part(
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root")
        case .pamFailures:
            Self.part("PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root")
        case .pamUserUnknown: Self.part("pam_unix(sshd:auth): check pass; user unknown")
        case .pamMaxRetries: Self.part("PAM service(sshd) ignoring max retries; 6 > 3")
        case .revokedKey: Self.part("error: Authentication key ED25519 SHA256:9Zx revoked by file /etc/ssh/revoked_keys")
        case .tooManyFailures:
            Self.attempt("error: maximum authentication attempts exceeded for root from 192.0.2.7 port 4022 ssh2 [preauth]")
        case .connection: Self.connection("start", "Connection from 192.0.2.7 port 4022 on 198.51.100.1 port 22")
        case .connectionClosed:
            Self.connection("end", "Connection closed by authenticating user root 192.0.2.7 port 4022 [preauth]")
        case .connectionReset: Self.connection("end", "Connection reset by 192.0.2.7 port 4022 [preauth]")
        case .disconnected: Self.connection("end", "Disconnected from user alice 192.0.2.7 port 4022")
        case .disconnecting: Self.connection("end", "Disconnecting 192.0.2.7 port 4022: Packet corrupt [preauth]")
        case .receivedDisconnect: Self.connection("end", "Received disconnect from 192.0.2.7 port 4022:11: Bye Bye [preauth]")
        case .refusedConnect: Self.connection("denied", "refused connect from 192.0.2.7 (192.0.2.7)")
        case .dropped:
            Self.connection("denied", "drop connection #10 from [192.0.2.7]:4022 on [198.51.100.1]:22 past MaxStartups")
        case .penalty:
            Self.connection(
                "denied",
                "srclimit_penalise: ipv4: new 192.0.2.7/32 deferred penalty of 5 seconds for penalty: failed authentication")
        case .timeout: Self.attempt("fatal: Timeout before authentication for 192.0.2.7 port 4022")
        case .noIdentification: Self.connection("protocol", "Did not receive identification string from 192.0.2.7 port 4022")
        case .badProtocol: Self.connection("protocol", "banner exchange: Connection from 192.0.2.7 port 4022: invalid format")
        case .negotiationFailed:
            Self.connection(
                "protocol",
                "Unable to negotiate with 192.0.2.7 port 4022: no matching cipher found. Their offer: aes128-cbc [preauth]")
        case .keyExchangeFailed:
            Self.connection("protocol", "error: kex_exchange_identification: Connection closed by remote host")
        case .reverseMapping:
            Self.connection("info", "Address 192.0.2.7 maps to host.example.com, but this does not map back to the address.")
        case .socketError: Self.connection("end", "Read error from remote host 192.0.2.7 port 4022: Connection timed out")
        case .sessionOpened: Self.session("start", "pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)")
        case .sessionClosed: Self.session("end", "pam_unix(sshd:session): session closed for user alice")
        case .subsystem: Self.session("info", "subsystem request for sftp by user alice")
        case .forwardingRefused:
            Self.connection(
                "denied", "refused local port forward: originator 127.0.0.1 port 4022, target db.example.com port 5432")
        case .sessionCrash:
            ECSEvent(
                category: "process", type: "end",
                example: Self.sshd("session process 881 for connection from 192.0.2.7 to 198.51.100.1 killed by signal 11"))
        case .server: ECSEvent(category: "process", type: "info", example: Self.sshd("Server listening on 0.0.0.0 port 22."))
        case .serverError:
            ECSEvent(
                category: "process", type: "info", example: Self.sshd("fatal: Missing privilege separation directory: /run/sshd")
            )
        default: ofOthers
        }
    }

    /// Events of other programs.
    private var ofOthers: ECSEvent {
        switch self {
        case .sudo: Self.process("sudo", "  alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id")
        case .sudoRefused: Self.process("sudo", "  bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh")
        case .keysChanged:
            Self.process("sudo", "  bob : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/tee /root/.ssh/authorized_keys")
        case .su: Self.process("su", "(to root) alice on pts/0")
        case .suRefused: Self.process("su", "FAILED SU (to root) alice on pts/0")
        case .accountCreated:
            Self.account("creation", "useradd", "new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/sh")
        case .accountChanged: Self.account("change", "usermod", "add 'eve' to group 'sudo'")
        case .passwordChanged: Self.account("change", "passwd", "pam_unix(passwd:chauthtok): password changed for eve")
        case .consoleLogin: Self.console("start", "LOGIN ON tty1 BY alice")
        case .consoleLoginFailed: Self.console("start", "FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure")
        case .cronCommand: Self.process("CRON", "(root) CMD (run-parts /etc/cron.hourly)")
        case .cronChanged:
            ECSEvent(category: "configuration", type: "change", example: Self.line("crontab", "(alice) REPLACE (alice)"))
        case .auditAuthentication: Self.audit("USER_AUTH", "op=PAM:authentication acct=\"root\"", "failed")
        case .auditLogin: Self.audit("USER_LOGIN", "op=login acct=\"alice\"", "success")
        case .auditError: Self.audit("USER_ERR", "op=PAM:bad_ident acct=\"?\"", "failed")
        default: ECSEvent(category: "host", type: "info", example: Self.line("systemd", "Reached target multi-user.target"))
        }
    }

    private static func line(_ program: String, _ message: String) -> String {
        "Nov 26 10:00:01 gate \(program)[600]: \(message)"
    }
    private static func sshd(_ message: String) -> String { line("sshd", message) }

    private static func attempt(_ message: String) -> ECSEvent {
        ECSEvent(category: "authentication", type: "start", example: sshd(message))
    }

    private static func part(_ message: String) -> ECSEvent {
        ECSEvent(category: "authentication", type: "info", example: sshd(message))
    }

    private static func connection(_ type: String, _ message: String) -> ECSEvent {
        ECSEvent(category: "network", type: type, example: sshd(message))
    }

    private static func session(_ type: String, _ message: String) -> ECSEvent {
        ECSEvent(category: "session", type: type, example: sshd(message))
    }

    private static func process(_ program: String, _ message: String) -> ECSEvent {
        ECSEvent(category: "process", type: "start", example: line(program, message))
    }

    private static func account(_ type: String, _ program: String, _ message: String) -> ECSEvent {
        ECSEvent(category: "iam", type: type, example: line(program, message))
    }

    private static func console(_ type: String, _ message: String) -> ECSEvent {
        ECSEvent(category: "authentication", type: type, example: line("login", message))
    }

    private static func audit(_ type: String, _ fields: String, _ result: String) -> ECSEvent {
        ECSEvent(
            category: "authentication", type: "start",
            example: "type=\(type) msg=audit(1795687201.123:9): pid=600 uid=0 auid=4294967295 ses=4294967295 "
                + "msg='\(fields) exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.7 terminal=ssh res=\(result)'")
    }
}
