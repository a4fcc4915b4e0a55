import Columns

extension SSHD {
    /// Each message of sshd that is understood, and what it tells. The first that fits counts.
    ///
    /// A part that a client chose is `{user}`, `{client}` or `{contested}`, one that exists on this machine `{account}`
    /// (``MessageGrammar`` says what hangs on it). sshd names somebody whom it does not know an invalid user, so whom it
    /// names otherwise is an account.
    static let grammar: [(String, SSHMessage)] = attempts + ofPAM + ofServer

    /// What is written of a connection, and of attempts to log in.
    private static let attempts: [(String, SSHMessage)] = [
        ("Failed password for invalid user {user} from {source} port {port} ssh{number}", .failedPassword),
        ("Failed password for illegal user {user} from {source} port {port} ssh{number}", .failedPassword),
        ("Failed password for {user} from {source} port {port} ssh{number}", .failedPassword),
        ("Failed none for invalid user {user} from {source} port {port} ssh{number}", .failedNone),
        ("Failed none for {user} from {source} port {port} ssh{number}", .failedNone),
        // Behind the colon is what the client's key says of itself: a certificate's name, a client's user and host.
        ("Failed publickey for invalid user {contested} from {source} port {port} ssh{number}: {key}", .failedPublickey),
        ("Failed publickey for {account} from {source} port {port} ssh{number}", .failedPublickey),
        ("Failed publickey for {account} from {source} port {port} ssh{number}: {key}", .failedPublickey),
        ("Failed publickey for {account} from {source} port {port} ssh{number}: {word} {word} ID {client}", .failedPublickey),
        ("Failed publickey for {user} from {source} port {port} ssh{number}", .failedPublickey),
        ("Failed publickey for invalid user {contested} from {source} port {port} ssh{number}: {client}", .failedPublickey),
        ("Failed publickey for {account} from {source} port {port} ssh{number}: {client}", .failedPublickey),
        ("Failed hostbased for invalid user {contested} from {source} port {port} ssh{number}: {key}", .failedHostbased),
        ("Failed hostbased for {account} from {source} port {port} ssh{number}", .failedHostbased),
        ("Failed hostbased for {account} from {source} port {port} ssh{number}: {key}", .failedHostbased),
        ("Failed hostbased for {account} from {source} port {port} ssh{number}: {word} {word} client {client}", .failedHostbased),
        ("Failed hostbased for {user} from {source} port {port} ssh{number}", .failedHostbased),
        ("Failed hostbased for invalid user {contested} from {source} port {port} ssh{number}: {client}", .failedHostbased),
        ("Failed hostbased for {account} from {source} port {port} ssh{number}: {client}", .failedHostbased),
        ("Failed {method} for {account} from {source} port {port} ssh{number}", .failedOther),
        ("Failed {method} for {user} from {source} port {port} ssh{number}", .failedOther),
        ("Failed {method} for invalid user {contested} from {source} port {port} ssh{number}: {key}", .failedOther),
        ("Failed {method} for invalid user {contested} from {source} port {port} ssh{number}: {client}", .failedOther),
        ("Failed {method} for {account} from {source} port {port} ssh{number}: {client}", .failedOther),
        ("Failed {method} for {user} from {source}", .failedOther),
        ("Accepted publickey for {account} from {source} port {port} ssh{number}: {client}", .acceptedPublickey),
        ("Accepted publickey for {account} from {source} port {port} ssh{number}", .acceptedPublickey),
        ("Accepted password for {account} from {source} port {port} ssh{number}", .acceptedPassword),
        ("Accepted key {text} found at {client}", .userauthRequest),
        ("Accepted certificate ID {client}", .userauthRequest),
        ("Accepted {method} for {account} from {source} port {port} ssh{number}{client}", .acceptedOther),
        ("Partial {method} for {account} from {source} port {port} ssh{number}{client}", .userauthRequest),
        ("Postponed {method} for invalid user {user} from {source} port {port} ssh{number}", .userauthRequest),
        ("Postponed {method} for {user} from {source} port {port} ssh{number}", .userauthRequest),
        ("Invalid user {user} from {source} port {port}", .invalidUser),
        ("Invalid user {user} from {source}", .invalidUser),
        ("Illegal user {user} from {source}", .invalidUser),
        ("input_userauth_request: invalid user {user}", .userauthRequest),
        ("input_userauth_request: illegal user {user}", .userauthRequest),
        ("userauth_pubkey: {client}", .userauthRequest),
        (
            "Authentication tried for {account} with correct key but not from a permitted host (host={client}, ip={source}, "
                + "{rest}",
            .userNotAllowed
        ),
        ("Authentication refused: {rest}", .userauthRequest),
        ("Certificate invalid: {client}", .userauthRequest),
        // The reasons are fixed texts at the end of the line, so that a name cannot be taken for one.
        ("User {user} from {source} not allowed because not listed in AllowUsers", .userNotAllowed),
        ("User {user} from {source} not allowed because listed in DenyUsers", .userNotAllowed),
        ("User {user} from {source} not allowed because none of user's groups are listed in AllowGroups", .userNotAllowed),
        ("User {user} from {source} not allowed because a group is listed in DenyGroups", .userNotAllowed),
        ("User {user} from {source} not allowed because not in any group", .userNotAllowed),
        ("User {user} not allowed because account is locked", .userNotAllowed),
        ("User {user} not allowed because shell {word} does not exist", .userNotAllowed),
        ("User {user} not allowed because shell {word} is not executable", .userNotAllowed),
        ("User {contested} from {source} not allowed because {rest}", .userNotAllowed),
        ("User {account} not allowed because {rest}", .userNotAllowed),
        ("Access denied for user {account} by PAM account configuration", .userNotAllowed),
        ("Login restricted for {account}: {rest}", .userNotAllowed),
        ("ROOT LOGIN REFUSED FROM {source} port {port}", .rootLoginRefused),
        ("ROOT LOGIN REFUSED FROM {source}", .rootLoginRefused),
        ("PAM: {count} more authentication failures for {user} from {source}", .pamFailures),
        ("PAM: Have exhausted maximum number of retries for service for {user} from {source}", .pamError),
        ("PAM: {text} for {user} from {source}", .pamError),
        ("PAM: {text} for {user} from {source} via {word}", .pamError),
        ("PAM service(sshd) ignoring max retries; {number} > {number}", .pamMaxRetries),
        ("reverse mapping checking getaddrinfo for {client} [{source}] failed - POSSIBLE BREAK-IN ATTEMPT!", .reverseMapping),
        ("reverse mapping checking getaddrinfo for {client} [{source}] failed.", .reverseMapping),
        ("reverse mapping checking getaddrinfo for {client} failed - POSSIBLE BREAK-IN ATTEMPT!", .reverseMapping),
        ("Address {source} maps to {client} but this does not map back to the address{rest}", .reverseMapping),
        ("Nasty PTR record \"{client}\" is set up for {source}, ignoring", .reverseMapping),
        ("Connection from {source} port {port} on {rest}", .connection),
        ("Connection from {source} port {port}", .connection),
        ("Connection closed by authenticating user {user} {source} port {port}", .closedUnauthenticated),
        ("Connection closed by invalid user {user} {source} port {port}", .closedUnauthenticated),
        ("Connection closed by user {user} {source} port {port}", .closedInSession),
        ("Connection closed by {source} port {port}", .closed),
        ("Connection closed by {source}", .closedEither),
        ("Connection closed", .closedEither),
        ("Closing connection to {source} port {port}", .closedInSession),
        ("Closing connection to {source}", .closedInSession),
        ("Close session: user {user} from {source} port {port} id {number}", .sessionClosed),
        ("Connection reset by authenticating user {user} {source} port {port}", .resetUnauthenticated),
        ("Connection reset by invalid user {user} {source} port {port}", .resetUnauthenticated),
        ("Connection reset by user {user} {source} port {port}", .resetInSession),
        ("Connection reset by {source} port {port}", .reset),
        ("Connection reset by {source}", .resetEither),
        ("Connection reset", .resetEither),
        ("Connection timed out during banner exchange", .keyExchangeFailed),
        ("Connection timed out{rest}", .timeoutInSession),
        ("Disconnected from authenticating user {user} {source} port {port}", .disconnectedUnauthenticated),
        ("Disconnected from invalid user {user} {source} port {port}", .disconnectedUnauthenticated),
        ("Disconnected from user {user} {source} port {port}", .disconnectedInSession),
        ("Disconnected from {source} port {port}", .disconnectedEither),
        ("Disconnected from {source}", .disconnectedEither),
        // One version wrote the address behind the name, the others the name alone, in which one may be: the line tells no
        // address. sshd tells it in the line before ("maximum authentication attempts exceeded").
        ("Disconnecting: Too many authentication failures for {user} from {word} port {number} ssh{number}", .tooManyFailures),
        ("Disconnecting: Too many authentication failures for {user}", .tooManyFailures),
        ("Disconnecting: Too many authentication failures", .tooManyFailures),
        // The one reason that has a client's text in it. An account comes first from the left; a name that sshd does not know
        // is there twice.
        ("Disconnecting authenticating user {account} {source} port {port}: Too many authentication failures", .tooManyFailures),
        (
            "Disconnecting authenticating user {account} {source} port {port}: "
                + "Change of username or service not allowed: ({client}",
            .disconnectingUnauthenticated
        ),
        ("Disconnecting authenticating user {account} {source} port {port}: {rest}", .disconnectingUnauthenticated),
        (
            "Disconnecting user {account} {source} port {port}: Change of username or service not allowed: ({client}",
            .disconnectingInSession
        ),
        ("Disconnecting user {account} {source} port {port}: {rest}", .disconnectingInSession),
        (changeOfUser, .disconnectingUnauthenticated),
        ("Disconnecting invalid user {plain} {source} port {port}: Too many authentication failures", .tooManyFailures),
        ("Disconnecting invalid user {contested} {source} port {port}: {client}", .disconnectingUnauthenticated),
        ("Disconnecting {source} port {port}: Change of username or service not allowed: ({client}", .disconnectingEither),
        ("Disconnecting {source} port {port}: {rest}", .disconnectingEither),
        ("Disconnecting {client}", .disconnectingEither),
        ("Disconnecting: {client}", .disconnectingEither),
        ("maximum authentication attempts exceeded for {user} from {source} port {port} ssh{number}", .tooManyFailures),
        ("Received disconnect from {source} port {port}:{client}", .receivedDisconnect),
        ("Received disconnect from {source}: {client}", .receivedDisconnectLast),
        ("refused connect from {client} ({source})", .refusedConnect),
        ("refused connect from {source}", .refusedConnect),
        ("drop connection #{number} from [{source}]:{port} on {rest}", .dropped),
        ("beginning MaxStartups throttling", .throttling),
        ("exited MaxStartups throttling{rest}", .throttling),
        ("srclimit_penalise: {source}/{number}: {rest}", .penalty),
        ("srclimit_penalise: {word} new {source}/{number} {rest}", .penalty),
        ("srclimit_penalise: {word} penalty table full, cannot penalise {source}/{number} for {rest}", .penalty),
        ("srclimit_penalise: {word} penalty table full, cannot penalise {source} for {rest}", .penalty),
        ("srclimit_penalise: {rest}", .penalty),
        ("Timeout before authentication for connection from {source} to {rest}", .timeoutOfListener),
        ("Timeout before authentication for {source} port {port}", .timeout),
        ("Timeout before authentication for {source}", .timeout),
        ("Timeout, client not responding from user {user} {source} port {port}", .timeoutInSession),
        ("Timeout, client not responding{rest}", .timeoutInSession),
        ("Did not receive identification string from {source} port {port}", .noIdentification),
        ("Did not receive identification string from {source}", .noIdentification),
        ("Bad protocol version identification {client} from {source} port {port}", .badProtocol),
        ("Bad protocol version identification {client} from {source}", .badProtocol),
        ("Protocol major versions differ for {source} port {port}: {client}", .badProtocol),
        ("Protocol major versions differ for {source}: {client}", .badProtocol),
        ("Protocol major versions differ: {client}", .badBanner),
        ("banner exchange: Connection from {source} port {port}: {rest}", .badProtocol),
        ("banner line contains invalid characters", .badBanner),
        ("Bad packet length {rest}", .badPacket),
        ("padding error: {rest}", .badPacket),
        ("Corrupted MAC on input{rest}", .badPacket),
        ("Corrupted padding{rest}", .badPacket),
        ("Bad remote protocol version identification: {client}", .badBanner),
        ("Magic value check failed ({number}) on obfuscated handshake from {source} port {port}", .badProtocol),
        ("scanned from {source} with {client}", .badProtocol),
        ("scanned from {source} port {port} with {client}", .badProtocol),
        ("probed from {source} port {port} with {client}", .badProtocol),
        ("kex_exchange_identification: {client}", .keyExchangeFailed),
        ("kex_protocol_error: {rest}", .keyExchangeFailed),
        ("Unable to negotiate with {source} port {port}: {client}", .negotiationFailed),
        ("Unable to negotiate with {source}: {client}", .negotiationFailed),
        ("Unable to negotiate a key exchange method", .negotiationFailed),
        ("no matching {client}", .negotiationFailed),
        (
            "ssh_dispatch_run_fatal: Connection from authenticating user {user} {source} port {port}: {rest}",
            .socketErrorUnauthenticated
        ),
        ("ssh_dispatch_run_fatal: Connection from invalid user {user} {source} port {port}: {rest}", .socketErrorUnauthenticated),
        ("ssh_dispatch_run_fatal: Connection from user {user} {source} port {port}: {rest}", .socketErrorInSession),
        ("ssh_dispatch_run_fatal: Connection from {source} port {port}: {rest}", .socketErrorEither),
        ("Read error from remote host {source} port {port}: {rest}", .socketErrorEither),
        ("Read error from remote host {source}: {rest}", .socketErrorEither),
        ("Read from socket failed: {rest}", .socketErrorEither),
        ("Read from remote host {source}: {rest}", .socketErrorEither),
        ("Write failed: {rest}", .socketErrorEither),
        ("Could not write ident string to {source} port {port}", .noIdentificationWritten),
        ("Could not write ident string to {source}", .noIdentificationWritten),
        ("Could not get shadow information for {user}", .userauthRequest),
        ("Starting session: {client} for {account} from {source} port {port} id {number}", .sessionOpened),
        ("Starting session: {client} for {account} from {source} port {port}", .sessionOpened),
        ("subsystem request for {client} by user {word} failed, {rest}", .subsystem),
        ("subsystem request for {client} by user {user}", .subsystem),
        ("subsystem request for {client}", .subsystem),
    ]

    private static let changeOfUser =
        "Disconnecting invalid user {user} {source} port {port}: "
        + "Change of username or service not allowed: ({same},{text}) -> ({client})"

    /// A grammar with what its entries say.
    struct Messages: Sendable {
        let grammar: MessageGrammar
        let messages: [SSHMessage]
        /// By the entry of the grammar: its event's place in ``eventTexts``.
        let codes: [UInt32]

        init(_ entries: [(String, SSHMessage)]) {
            grammar = MessageGrammar(entries.map(\.0))
            messages = entries.map(\.1)
            codes = messages.map { code(of: $0.event) }
        }
    }

    static let compiled = Messages(grammar)
    static let eventTexts = TextValues(SSHEvent.allCases.map(\.rawValue))
    static let outcomeTexts = TextValues(SSHOutcome.allCases.map(\.rawValue))
    static let stageTexts = TextValues(SSHStage.allCases.map(\.rawValue))
    static let otherCode = code(of: .other)

    static func code(of event: SSHEvent) -> UInt32 {
        codes[event]!
    }

    static func code(of outcome: SSHOutcome) -> UInt32 {
        switch outcome {
        case .success: 0
        case .failure: 1
        case .abandoned: 2
        case .refused: 3
        }
    }

    private static let codes = Dictionary(uniqueKeysWithValues: SSHEvent.allCases.enumerated().map { ($1, UInt32($0)) })

    /// By the code of an event, the method that the event itself says.
    static let impliedMethods: [String?] = SSHEvent.allCases.map { event in
        switch event {
        case .failedPassword, .acceptedPassword: "password"
        case .failedPublickey, .acceptedPublickey: "publickey"
        case .failedHostbased: "hostbased"
        case .failedNone: "none"
        default: nil
        }
    }
}

extension LogFormats {
    /// The events of sshd, and of the other programs that its format reads, that come from messages with all of `words` in them;
    /// sorted.
    ///
    /// - Parameter words: parts of messages, in large or small letters.
    public static func sshEvents(saying words: [String]) -> [String] {
        let wanted = words.map { $0.lowercased() }
        let found = (SSHD.grammar.map { ($0.0, $0.1.event) } + SSHD.AccountLine.grammar).filter { message, _ in
            wanted.allSatisfy { message.lowercased().contains($0) }
        }
        return Set(found.map(\.1.rawValue)).sorted()
    }
}
