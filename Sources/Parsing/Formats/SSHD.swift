import Columns
import Foundation

/// What an sshd log line tells. The raw value is the text in the `event` column.
///
/// One attempt leaves up to three lines: `Invalid user`, the PAM line and `Failed password`. Only the line with which sshd itself ends the attempt
/// is a ``isFailure``, so that failures count attempts; the others are events of their own.
public enum SSHEvent: String, Sendable, CaseIterable {
    // Failures: sshd refused a proof of identity.
    case failedPassword = "failed_password"
    case failedKeyboardInteractive = "failed_keyboard_interactive"
    case failedHostbased = "failed_hostbased"
    case failedOther = "failed_other"
    case pamError = "pam_error"
    case rootLoginRefused = "root_login_refused"
    // Successes.
    case acceptedPassword = "accepted_password"
    case acceptedPublickey = "accepted_publickey"
    case acceptedOther = "accepted_other"
    // Parts of an attempt.
    /// A client asks which methods there are: every login begins so, and scanners stop there.
    case failedNone = "failed_none"
    /// Clients offer each key that they have: not by itself an attack.
    case failedPublickey = "failed_publickey"
    case invalidUser = "invalid_user"
    case userNotAllowed = "user_not_allowed"
    case userauthRequest = "userauth_request"
    case pamFailure = "pam_failure"
    case pamFailures = "pam_failures"
    case pamUserUnknown = "pam_user_unknown"
    case pamMaxRetries = "pam_max_retries"
    case tooManyFailures = "too_many_failures"
    // The connection.
    case connection
    case connectionClosed = "connection_closed"
    case connectionReset = "connection_reset"
    case disconnected
    case disconnecting
    case receivedDisconnect = "received_disconnect"
    case refusedConnect = "refused_connect"
    case dropped = "connection_dropped"
    case timeout = "login_timeout"
    case noIdentification = "no_identification"
    case badProtocol = "bad_protocol"
    case negotiationFailed = "negotiation_failed"
    case keyExchangeFailed = "key_exchange_failed"
    case reverseMapping = "reverse_mapping_failed"
    case socketError = "socket_error"
    // The session and the server.
    case sessionOpened = "session_opened"
    case sessionClosed = "session_closed"
    case subsystem
    case server
    /// A line of another program in the same file.
    case other

    /// Whether sshd refused a proof of identity: what brute force is made of.
    public var isFailure: Bool {
        switch self {
        case .failedPassword, .failedKeyboardInteractive, .failedHostbased, .failedOther, .pamError, .rootLoginRefused: true
        default: false
        }
    }

    public var isSuccess: Bool {
        switch self {
        case .acceptedPassword, .acceptedPublickey, .acceptedOther: true
        default: false
        }
    }
}

/// The log of OpenSSH's server, with the PAM lines that it writes, under any syslog header.
///
/// A message is one entry in ``grammar``. Before the entries are tried, `error: ` and `fatal: ` are taken off the front and ` [preauth]` off the end, because
/// they say at which level and in which process sshd spoke, not what it said.
public struct SSHD: LogFormat {
    public static let name = "sshd"

    /// `source` is an address, or a host name where sshd resolves it. `count` is how many events the line stands for (`message repeated 5
    /// times`). `file` and `offset` lead back to the raw line in bronze.
    public static let schema = Schema([
        Field("event_time", .timestamp),
        Field("host", .text, isNullable: true),
        Field("process", .text, isNullable: true),
        Field("pid", .int32, isNullable: true),
        Field("event", .text),
        Field("user", .text, isNullable: true),
        Field("source", .text, isNullable: true),
        Field("port", .int32, isNullable: true),
        Field("method", .text, isNullable: true),
        Field("count", .int32),
        Field("file", .text),
        Field("offset", .int64),
    ])

    /// Each message of sshd that is understood, and what it tells. The first that fits counts.
    static let grammar: [(String, SSHEvent)] = [
        ("Failed password for invalid user {user} from {source} port {port} ssh{number}", .failedPassword),
        ("Failed password for illegal user {user} from {source} port {port} ssh{number}", .failedPassword),
        ("Failed password for {user} from {source} port {port} ssh{number}", .failedPassword),
        ("Failed none for invalid user {user} from {source} port {port} ssh{number}", .failedNone),
        ("Failed none for {user} from {source} port {port} ssh{number}", .failedNone),
        ("Failed publickey for invalid user {user} from {source} port {port} ssh{number}: {rest}", .failedPublickey),
        ("Failed publickey for invalid user {user} from {source} port {port} ssh{number}", .failedPublickey),
        ("Failed publickey for {user} from {source} port {port} ssh{number}: {rest}", .failedPublickey),
        ("Failed publickey for {user} from {source} port {port} ssh{number}", .failedPublickey),
        ("Failed hostbased for {user} from {source} port {port} ssh{number}{rest}", .failedHostbased),
        ("Failed {method} for invalid user {user} from {source} port {port} ssh{number}", .failedOther),
        ("Failed {method} for {user} from {source} port {port} ssh{number}", .failedOther),
        ("Failed {method} for invalid user {user} from {source} port {port} ssh{number}: {rest}", .failedOther),
        ("Failed {method} for {user} from {source} port {port} ssh{number}: {rest}", .failedOther),
        ("Failed {method} for {user} from {source}", .failedOther),
        ("Accepted publickey for {user} from {source} port {port} ssh{number}: {rest}", .acceptedPublickey),
        ("Accepted publickey for {user} from {source} port {port} ssh{number}", .acceptedPublickey),
        ("Accepted password for {user} from {source} port {port} ssh{number}", .acceptedPassword),
        ("Accepted {method} for {user} from {source} port {port} ssh{number}{rest}", .acceptedOther),
        ("Partial {method} for {user} from {source} port {port} ssh{number}{rest}", .userauthRequest),
        ("Postponed {method} for invalid user {user} from {source} port {port} ssh{number}", .userauthRequest),
        ("Postponed {method} for {user} from {source} port {port} ssh{number}", .userauthRequest),
        ("Invalid user {user} from {source} port {port}", .invalidUser),
        ("Invalid user {user} from {source}", .invalidUser),
        ("Illegal user {user} from {source}", .invalidUser),
        ("input_userauth_request: invalid user {user}", .userauthRequest),
        ("input_userauth_request: illegal user {user}", .userauthRequest),
        ("userauth_pubkey: {rest}", .userauthRequest),
        ("User {user} from {source} not allowed because {rest}", .userNotAllowed),
        ("User {user} not allowed because {rest}", .userNotAllowed),
        ("ROOT LOGIN REFUSED FROM {source} port {port}", .rootLoginRefused),
        ("ROOT LOGIN REFUSED FROM {source}", .rootLoginRefused),
        ("PAM: Authentication failure for illegal user {user} from {source}", .pamError),
        ("PAM: Authentication failure for {user} from {source}", .pamError),
        ("PAM: Authentication failure for {user} from {source} via {word}", .pamError),
        ("PAM: authentication failure for {user} from {source}", .pamError),
        ("PAM: authentication failure for {user} from {source} via {word}", .pamError),
        ("PAM: Authentication error for {user} from {source}", .pamError),
        ("PAM: Authentication error for {user} from {source} via {word}", .pamError),
        ("PAM: User not known to the underlying authentication module for illegal user {user} from {source}", .pamError),
        ("PAM: User not known to the underlying authentication module for {user} from {source}", .pamError),
        ("PAM: {text} for {user} from {source}", .pamError),
        ("PAM service(sshd) ignoring max retries; {number} > {number}", .pamMaxRetries),
        ("PAM {count} more authentication failures; {text} rhost={source}  user={user}", .pamFailures),
        ("PAM {count} more authentication failures; {text} rhost={source} user={user}", .pamFailures),
        ("PAM {count} more authentication failures; {text} rhost={source} ", .pamFailures),
        ("PAM {count} more authentication failures; {text} rhost={source}", .pamFailures),
        ("PAM {count} more authentication failure; {text} rhost={source}  user={user}", .pamFailures),
        ("PAM {count} more authentication failure; {text} rhost={source} user={user}", .pamFailures),
        ("PAM {count} more authentication failure; {text} rhost={source} ", .pamFailures),
        ("PAM {count} more authentication failure; {text} rhost={source}", .pamFailures),
        ("pam_unix(sshd:auth): authentication failure; {text} rhost={source}  user={user}", .pamFailure),
        ("pam_unix(sshd:auth): authentication failure; {text} rhost={source} user={user}", .pamFailure),
        ("pam_unix(sshd:auth): authentication failure; {text} rhost={source} ", .pamFailure),
        ("pam_unix(sshd:auth): authentication failure; {text} rhost={source}", .pamFailure),
        ("pam_unix(sshd:auth): check pass; user unknown", .pamUserUnknown),
        ("pam_unix(sshd:session): session opened for user {user} by {rest}", .sessionOpened),
        ("pam_unix(sshd:session): session opened for user {user}", .sessionOpened),
        ("pam_unix(sshd:session): session closed for user {user}", .sessionClosed),
        ("pam_{rest}", .pamFailure),
        // Taken apart before this; here only when what is inside is not known.
        ("message repeated {count} times: [ {rest}", .other),
        ("reverse mapping checking getaddrinfo for {word} [{source}] failed - POSSIBLE BREAK-IN ATTEMPT!", .reverseMapping),
        ("reverse mapping checking getaddrinfo for {word} [{source}] failed.", .reverseMapping),
        ("reverse mapping checking getaddrinfo for {word} failed - POSSIBLE BREAK-IN ATTEMPT!", .reverseMapping),
        ("Address {source} maps to {word} but this does not map back to the address{rest}", .reverseMapping),
        ("Nasty PTR record \"{text}\" is set up for {source}, ignoring", .reverseMapping),
        ("Connection from {source} port {port} on {rest}", .connection),
        ("Connection from {source} port {port}", .connection),
        ("Connection closed by authenticating user {user} {source} port {port}", .connectionClosed),
        ("Connection closed by invalid user {user} {source} port {port}", .connectionClosed),
        ("Connection closed by {source} port {port}", .connectionClosed),
        ("Connection closed by {source}", .connectionClosed),
        ("Connection closed", .connectionClosed),
        ("Closing connection to {source} port {port}", .connectionClosed),
        ("Closing connection to {source}", .connectionClosed),
        ("Close session: user {user} from {source} port {port} id {number}", .sessionClosed),
        ("Connection reset by authenticating user {user} {source} port {port}", .connectionReset),
        ("Connection reset by invalid user {user} {source} port {port}", .connectionReset),
        ("Connection reset by {source} port {port}", .connectionReset),
        ("Connection reset by {source}", .connectionReset),
        ("Connection reset", .connectionReset),
        ("Connection timed out{rest}", .timeout),
        ("Disconnected from authenticating user {user} {source} port {port}", .disconnected),
        ("Disconnected from invalid user {user} {source} port {port}", .disconnected),
        ("Disconnected from user {user} {source} port {port}", .disconnected),
        ("Disconnected from {source} port {port}", .disconnected),
        ("Disconnected from {source}", .disconnected),
        (
            "Disconnecting: Too many authentication failures for invalid user {user} from {source} port {port} ssh{number}",
            .tooManyFailures
        ),
        ("Disconnecting: Too many authentication failures for {user} from {source} port {port} ssh{number}", .tooManyFailures),
        ("Disconnecting: Too many authentication failures for {user}", .tooManyFailures),
        ("Disconnecting: Too many authentication failures", .tooManyFailures),
        ("Disconnecting authenticating user {user} {source} port {port}: Too many authentication failures", .tooManyFailures),
        ("Disconnecting invalid user {user} {source} port {port}: Too many authentication failures", .tooManyFailures),
        ("Disconnecting authenticating user {user} {source} port {port}: {rest}", .disconnecting),
        ("Disconnecting invalid user {user} {source} port {port}: {rest}", .disconnecting),
        ("Disconnecting {source} port {port}: {rest}", .disconnecting),
        ("Disconnecting {rest}", .disconnecting),
        ("Disconnecting: {rest}", .disconnecting),
        (
            "maximum authentication attempts exceeded for invalid user {user} from {source} port {port} ssh{number}",
            .tooManyFailures
        ),
        ("maximum authentication attempts exceeded for {user} from {source} port {port} ssh{number}", .tooManyFailures),
        ("Received disconnect from {source} port {port}:{rest}", .receivedDisconnect),
        ("Received disconnect from {source}: {rest}", .receivedDisconnect),
        ("refused connect from {text} ({source})", .refusedConnect),
        ("refused connect from {source}", .refusedConnect),
        ("drop connection #{number} from [{source}]:{port} on {rest}", .dropped),
        ("beginning MaxStartups throttling", .dropped),
        ("exited MaxStartups throttling{rest}", .dropped),
        ("Timeout before authentication for connection from {source} to {rest}", .timeout),
        ("Timeout before authentication for {source} port {port}", .timeout),
        ("Timeout before authentication for {source}", .timeout),
        ("Timeout, client not responding from user {user} {source} port {port}", .timeout),
        ("Timeout, client not responding{rest}", .timeout),
        ("Did not receive identification string from {source} port {port}", .noIdentification),
        ("Did not receive identification string from {source}", .noIdentification),
        ("Bad protocol version identification {text} from {source} port {port}", .badProtocol),
        ("Bad protocol version identification {text} from {source}", .badProtocol),
        ("Protocol major versions differ for {source} port {port}: {rest}", .badProtocol),
        ("Protocol major versions differ for {source}: {rest}", .badProtocol),
        ("banner exchange: Connection from {source} port {port}: {rest}", .badProtocol),
        ("banner line contains invalid characters", .badProtocol),
        ("Bad packet length {rest}", .badProtocol),
        ("Bad remote protocol version identification: {rest}", .badProtocol),
        ("Magic value check failed ({number}) on obfuscated handshake from {source} port {port}", .badProtocol),
        ("scanned from {source} with {rest}", .badProtocol),
        ("kex_exchange_identification: {rest}", .keyExchangeFailed),
        ("kex_protocol_error: {rest}", .keyExchangeFailed),
        ("Unable to negotiate with {source} port {port}: {rest}", .negotiationFailed),
        ("Unable to negotiate with {source}: {rest}", .negotiationFailed),
        ("Unable to negotiate a key exchange method", .negotiationFailed),
        ("no matching {rest}", .negotiationFailed),
        ("ssh_dispatch_run_fatal: Connection from authenticating user {user} {source} port {port}: {rest}", .socketError),
        ("ssh_dispatch_run_fatal: Connection from invalid user {user} {source} port {port}: {rest}", .socketError),
        ("ssh_dispatch_run_fatal: Connection from {source} port {port}: {rest}", .socketError),
        ("Read error from remote host {source} port {port}: {rest}", .socketError),
        ("Read error from remote host {source}: {rest}", .socketError),
        ("Read from socket failed: {rest}", .socketError),
        ("Read from remote host {source}: {rest}", .socketError),
        ("Write failed: {rest}", .socketError),
        ("Could not write ident string to {source}{rest}", .socketError),
        ("Could not get shadow information for {user}", .userauthRequest),
        ("Starting session: {text} for {user} from {source} port {port} id {number}", .sessionOpened),
        ("Starting session: {text} for {user} from {source} port {port}", .sessionOpened),
        ("subsystem request for {rest}", .subsystem),
        ("Server listening on {rest}", .server),
        ("Received signal {rest}", .server),
        ("Exiting on signal {rest}", .server),
        ("syslogin_perform_logout: {rest}", .server),
        ("Set {rest}", .server),
        ("User child is on pid {number}", .server),
        ("SSH: Server;{rest}", .connection),
        ("Login attempt for nonexistent user from {source}:{port}", .invalidUser),
        ("Attack from \"{source}\" on service {rest}", .other),
    ]

    public static let samples = [
        "Dec 10 06:55:46 gate sshd[24200]: Invalid user webmaster from 192.0.2.31",
        "Dec 10 06:55:48 gate sshd[24200]: Failed password for invalid user webmaster from 192.0.2.31 port 38926 ssh2",
        "Dec 10 07:13:56 gate sshd[24227]: message repeated 5 times: [ Failed password for root from 192.0.2.7 port 51772 ssh2]",
        "2026-11-21T09:32:20.204311+01:00 gate sshd-session[680]: Accepted publickey for deploy from 198.51.100.4 port 49116 ssh2: ED25519 SHA256:4q",
        "<38>1 2026-11-21T08:32:20Z gate sshd 680 - - Connection closed by authenticating user root 203.0.113.9 port 4242 [preauth]",
    ]

    private static let compiled = MessageGrammar(grammar.map(\.0))
    private static let eventTexts = TextValues(SSHEvent.allCases.map(\.rawValue))
    /// By the entry of the grammar: its event's place in ``eventTexts``.
    private static let eventCodes = grammar.map { UInt32(SSHEvent.allCases.firstIndex(of: $0.1)!) }
    private static let otherCode = UInt32(SSHEvent.allCases.firstIndex(of: .other)!)

    private var resolver: StampResolver

    public init(context: ParsingContext) {
        resolver = StampResolver(context: context)
    }

    public init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        guard options.columns.isEmpty else { throw .takesNoColumns(format: Self.name) }
        if let setting = options.settings.first { throw .unknownSetting(setting.key, format: Self.name, known: []) }
        self.init(context: context)
    }

    public var schema: Schema { Self.schema }

    public var state: Data { get throws { try JSONEncoder().encode(resolver.years) } }

    public mutating func restore(_ state: Data) throws {
        resolver.years = try JSONDecoder().decode([String: StampResolver.FileYear].self, from: state)
    }

    public mutating func parse(_ lines: Batch) -> ParsedBatch {
        var rows = Rows()
        rows.reserveCapacity(lines.count)
        var rejected: [RejectedLine] = []
        let files = lines.columns[1], offsets = lines.columns[2], arrivals = lines.columns[3], texts = lines.columns[4],
            raws = lines.columns[5]
        let hasRaw = raws.nullCount < raws.count
        var runs = TextRuns(files)
        for row in 0..<lines.count {
            let arrival = Timestamp(microseconds: arrivals.integer(at: row) ?? 0)
            let column = hasRaw && !raws.isNull(at: row) ? raws : texts
            if runs.isNew(at: row) { rows.begin(file: runs.text) }
            let file = runs.text
            let reason = column.withBytes(at: row) { line in
                append(line, arrival: arrival, file: file, offset: offsets.integer(at: row) ?? 0, row: row, to: &rows)
            }
            if let reason { rejected.append(RejectedLine(row: row, reason: reason)) }
        }
        return rows.finish(rejected: rejected)
    }

    /// Appends what `line` tells, or says why it tells nothing.
    private mutating func append(
        _ line: Span<UInt8>, arrival: Timestamp, file: String, offset: Int64, row: Int, to rows: inout Rows
    ) -> RejectionReason? {
        let event: SSHLine
        switch SSHLine.read(line) {
        case .success(let read): event = read
        case .failure(let reason): return reason
        }
        guard let time = resolver.resolve(event.header.stamp, file: file, arrival: arrival) else {
            return .badTimestamp
        }
        rows.append(event, of: line, time: time, offset: offset, row: row)
        return nil
    }

    /// The parts of one line, before its time is resolved.
    struct SSHLine {
        var header: SyslogHeader
        var code: UInt32
        var count: Int32 = 1
        /// Ranges in the line; a negative start means absent.
        var user = -1 ..< -1
        var source = -1 ..< -1
        var method = -1 ..< -1
        var port: Int32?

        static func read(_ line: Span<UInt8>) -> Result<SSHLine, RejectionReason> {
            guard line.count > 0 else { return .failure(.emptyLine) }
            let header: SyslogHeader
            switch SyslogHeader.parse(line) {
            case .success(let parsed): header = parsed
            case .failure(let reason): return .failure(reason)
            }
            var read = SSHLine(header: header, code: SSHD.otherCode)
            guard line.extracting(header.process).starts(with: "sshd") else { return .success(read) }
            var start = header.message
            var end = line.count
            while end > start, line[end - 1] == UInt8(ascii: "\r") || line[end - 1] == UInt8(ascii: "\n") { end -= 1 }
            // `message repeated 5 times: [ Failed …]`: the message inside stands for five.
            if line.extracting(start..<end).starts(with: "message repeated "), line[end - 1] == UInt8(ascii: "]") {
                let digits = start + 17
                var at = digits
                while at < end, line[at].isDigit { at += 1 }
                let head: StaticString = " times: [ "
                if let count = line.integer(in: digits..<at), count > 0, line.extracting(at..<end).starts(with: head) {
                    read.count = count
                    start = at + head.utf8CodeUnitCount
                    end -= 1
                }
            }
            if read.match(line, start, end) { return .success(read) }
            // Slow path: forwarders put words of their own before the message.
            if let inner = forwarded(line, start, end), read.match(line, inner, end) { return .success(read) }
            return .failure(.unknownMessage)
        }

        private mutating func match(_ line: Span<UInt8>, _ from: Int, _ to: Int) -> Bool {
            var start = from
            var end = to
            if line.extracting(start..<end).starts(with: "error: ") || line.extracting(start..<end).starts(with: "fatal: ") {
                start += 7
            }
            if line.extracting(start..<end).ends(with: " [preauth]") { end -= 10 }
            guard let found = SSHD.compiled.match(line.extracting(start..<end)) else { return false }
            code = SSHD.eventCodes[found.pattern]
            if found.user.lowerBound >= 0 { user = (found.user.lowerBound + start)..<(found.user.upperBound + start) }
            if found.method.lowerBound >= 0 { method = (found.method.lowerBound + start)..<(found.method.upperBound + start) }
            if found.source.lowerBound >= 0 {
                source = Self.address(line, (found.source.lowerBound + start)..<(found.source.upperBound + start))
            }
            port = found.port
            if let repeats = found.count, count == 1 { count = max(1, repeats) }
            refine(line)
            return true
        }

        /// `keyboard-interactive/pam` under `Failed {method}` is a kind of its own.
        private mutating func refine(_ line: Span<UInt8>) {
            if method.lowerBound >= 0, code == SSHD.code(of: .failedOther),
                line.extracting(method).starts(with: "keyboard-interactive")
            {
                code = SSHD.code(of: .failedKeyboardInteractive)
            }
        }

        /// An address without what is not part of it: brackets, `::ffff:` before IPv4, a zone, a comma.
        private static func address(_ line: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
            var start = range.lowerBound
            var end = range.upperBound
            if end > start, line[end - 1] == UInt8(ascii: ",") { end -= 1 }
            if end - start > 7, line.extracting(start..<end).starts(with: "::ffff:"),
                line.extracting(start..<end).firstIndex(of: UInt8(ascii: ".")) != nil
            {
                start += 7
            }
            if let zone = line.extracting(start..<end).firstIndex(of: UInt8(ascii: "%")), zone > 0 { end = start + zone }
            return start..<end
        }

        /// Where the message begins behind `[ID 800047 auth.info] `, `kernel:[ 970.699396]: ` or `2015-05-27T04:31:27.46667 auth.info: `.
        private static func forwarded(_ line: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
            let message = line.extracting(start..<end)
            if message.starts(with: "[ID "), let close = message.firstIndex(of: UInt8(ascii: "]")), close + 2 < message.count {
                return start + close + 2
            }
            if message.starts(with: "kernel:"), let close = message.firstIndex(of: UInt8(ascii: "]")), close + 1 < message.count {
                var at = start + close + 1
                while at < end, line[at] == UInt8(ascii: ":") || line[at] == UInt8(ascii: " ") { at += 1 }
                return at
            }
            if SyslogTime.iso(message, at: 0) != nil, let colon = message.firstIndex(of: UInt8(ascii: ":"), from: 19),
                colon + 2 < message.count
            {
                return start + colon + 2
            }
            return nil
        }
    }

    static func code(of event: SSHEvent) -> UInt32 {
        codes[event]!
    }

    /// By the code of an event, the method that the event itself says.
    private static let impliedMethods: [String?] = SSHEvent.allCases.map { event in
        switch event {
        case .failedPassword, .acceptedPassword: "password"
        case .failedPublickey, .acceptedPublickey: "publickey"
        case .failedHostbased: "hostbased"
        case .failedNone: "none"
        default: nil
        }
    }

    private static let codes = Dictionary(uniqueKeysWithValues: SSHEvent.allCases.enumerated().map { ($1, UInt32($0)) })

    /// The columns of a batch of events as they grow.
    private struct Rows {
        var times = NumberBuilder<Int64>()
        var hosts = DictionaryBuilder()
        var processes = DictionaryBuilder()
        var pids = NumberBuilder<Int32>()
        var events: [UInt32] = []
        var users = DictionaryBuilder()
        var sources = DictionaryBuilder()
        var ports = NumberBuilder<Int32>()
        var methods = DictionaryBuilder()
        var counts = NumberBuilder<Int32>()
        var files = DictionaryBuilder()
        private var fileCode: UInt32 = 0
        var offsets = NumberBuilder<Int64>()
        var lineRows: [Int32] = []

        mutating func reserveCapacity(_ count: Int) {
            times.reserveCapacity(count)
            pids.reserveCapacity(count)
            ports.reserveCapacity(count)
            counts.reserveCapacity(count)
            offsets.reserveCapacity(count)
            events.reserveCapacity(count)
            lineRows.reserveCapacity(count)
        }

        /// The rows that follow are of `file`: its name is entered once a run, not once a row.
        mutating func begin(file: String) {
            var file = file
            fileCode = file.withUTF8 { files.code(of: $0.span) }
        }

        mutating func append(_ event: SSHLine, of line: Span<UInt8>, time: Timestamp, offset: Int64, row: Int) {
            times.append(time.microseconds)
            if event.header.host.isEmpty { hosts.appendNull() } else { hosts.append(line.extracting(event.header.host)) }
            if event.header.process.isEmpty {
                processes.appendNull()
            } else {
                processes.append(line.extracting(event.header.process))
            }
            pids.append(event.header.pid)
            events.append(event.code)
            if event.user.lowerBound < 0 { users.appendNull() } else { users.append(line.extracting(event.user)) }
            if event.source.isEmpty { sources.appendNull() } else { sources.append(line.extracting(event.source)) }
            ports.append(event.port)
            appendMethod(event, line)
            counts.append(event.count)
            files.append(code: fileCode)
            offsets.append(offset)
            lineRows.append(Int32(row))
        }

        private mutating func appendMethod(_ event: SSHLine, _ line: Span<UInt8>) {
            if event.method.lowerBound >= 0 {
                methods.append(line.extracting(event.method))
                return
            }
            if let method = SSHD.impliedMethods[Int(event.code)] { methods.append(utf8: method) } else { methods.appendNull() }
        }

        mutating func finish(rejected: [RejectedLine]) -> ParsedBatch {
            let events = Column(.dictionary(DictionaryValues(codes: events, dictionary: SSHD.eventTexts)))
            let batch = Batch(
                schema: SSHD.schema,
                columns: [
                    times.finish(), hosts.finish(), processes.finish(), pids.finish(), events, users.finish(), sources.finish(),
                    ports.finish(),
                    methods.finish(), counts.finish(), files.finish(), offsets.finish(),
                ])
            return ParsedBatch(events: batch, lineRows: lineRows, rejected: rejected)
        }
    }
}
