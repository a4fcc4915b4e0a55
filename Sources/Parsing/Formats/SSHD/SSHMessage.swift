/// What an entry of the grammar says: its event, what became of the attempt, and how far the connection had come.
struct SSHMessage: Sendable {
    /// What else decides what a message says.
    enum Kind: Sendable {
        case plain
        /// Before authentication it has an outcome, after it none: only the mark `[preauth]` tells which. Without the mark
        /// the line is of the session.
        case onlyPreauth
        /// With the mark `[preauth]` the key exchange had begun: before, sshd has not started the process that is marked so.
        case laterIfPreauth
        /// The listener writes it, whose process id is that of no connection.
        case ofListener
        /// Another line of the same connection tells of the same attempt again, as a failure.
        case toldAgain
    }

    var event: SSHEvent
    var outcome: SSHOutcome?
    var stage: SSHStage?
    var kind = Kind.plain
    /// Whether the connection is over: what comes under the same process id later may be another one.
    var isLast = false

    init(_ event: SSHEvent, _ outcome: SSHOutcome? = nil, at stage: SSHStage?, _ kind: Kind = .plain, isLast: Bool = false) {
        self.event = event
        self.outcome = outcome
        self.stage = stage
        self.kind = kind
        self.isLast = isLast
    }
}

/// What sshd says, in the order of a connection.
extension SSHMessage {
    static let connection = Self(.connection, at: .connect)
    static let reverseMapping = Self(.reverseMapping, at: .connect)
    static let refusedConnect = Self(.refusedConnect, .refused, at: .connect)
    static let dropped = Self(.dropped, .refused, at: .connect, .ofListener)
    static let throttling = Self(.dropped, at: .connect, .ofListener)
    static let penalty = Self(.penalty, at: .connect, .ofListener)

    static let noIdentification = Self(.noIdentification, .abandoned, at: .banner, isLast: true)
    static let badProtocol = Self(.badProtocol, .refused, at: .banner, isLast: true)
    /// The reason alone: the line that names the address follows.
    static let badBanner = Self(.badProtocol, at: .banner)
    static let badPacket = Self(.badProtocol, at: .keyExchange)
    /// sshd writes it of the exchange of banners too, and the address in the next line.
    static let keyExchangeFailed = Self(.keyExchangeFailed, at: .banner)
    static let negotiationFailed = Self(.negotiationFailed, .refused, at: .keyExchange, isLast: true)

    static let failedPassword = Self(.failedPassword, .failure, at: .authentication)
    static let failedHostbased = Self(.failedHostbased, .failure, at: .authentication)
    static let failedOther = Self(.failedOther, .failure, at: .authentication)
    static let pamError = Self(.pamError, .failure, at: .authentication, .toldAgain)
    static let rootLoginRefused = Self(.rootLoginRefused, .refused, at: .authentication, .toldAgain)
    static let failedNone = Self(.failedNone, at: .authentication)
    // A client offers each key that it has, so a key that is refused ends no attempt: the line that ends the connection does.
    static let failedPublickey = Self(.failedPublickey, at: .authentication)
    static let invalidUser = Self(.invalidUser, at: .authentication)
    static let userNotAllowed = Self(.userNotAllowed, .refused, at: .authentication, .toldAgain)
    static let userauthRequest = Self(.userauthRequest, at: .authentication)
    static let pamFailure = Self(.pamFailure, at: .authentication)
    static let pamFailures = Self(.pamFailures, at: .authentication)
    static let pamUserUnknown = Self(.pamUserUnknown, at: .authentication)
    static let pamMaxRetries = Self(.pamMaxRetries, at: .authentication)
    static let tooManyFailures = Self(.tooManyFailures, .refused, at: .authentication)
    static let acceptedPassword = Self(.acceptedPassword, .success, at: .authentication)
    static let acceptedPublickey = Self(.acceptedPublickey, .success, at: .authentication)
    static let acceptedOther = Self(.acceptedOther, .success, at: .authentication)
    static let timeout = Self(.timeout, .abandoned, at: .authentication, isLast: true)
    static let timeoutOfListener = Self(.timeout, .abandoned, at: .authentication, .ofListener)

    static let closedUnauthenticated = Self(.connectionClosed, .abandoned, at: .authentication, isLast: true)
    static let closed = Self(.connectionClosed, .abandoned, at: .connect, .laterIfPreauth, isLast: true)
    static let closedEither = Self(.connectionClosed, .abandoned, at: .keyExchange, .onlyPreauth, isLast: true)
    static let closedInSession = Self(.connectionClosed, at: .session, isLast: true)
    static let resetUnauthenticated = Self(.connectionReset, .abandoned, at: .authentication, isLast: true)
    static let reset = Self(.connectionReset, .abandoned, at: .connect, .laterIfPreauth, isLast: true)
    static let resetEither = Self(.connectionReset, .abandoned, at: .keyExchange, .onlyPreauth, isLast: true)
    static let resetInSession = Self(.connectionReset, at: .session, isLast: true)
    static let disconnectedUnauthenticated = Self(.disconnected, .abandoned, at: .authentication, isLast: true)
    static let disconnectedEither = Self(.disconnected, .abandoned, at: .keyExchange, .onlyPreauth, isLast: true)
    static let disconnectedInSession = Self(.disconnected, at: .session, isLast: true)
    static let disconnectingUnauthenticated = Self(.disconnecting, .refused, at: .authentication, isLast: true)
    static let disconnectingEither = Self(.disconnecting, .refused, at: .keyExchange, .onlyPreauth, isLast: true)
    static let disconnectingInSession = Self(.disconnecting, at: .session, isLast: true)
    /// `Disconnected from …`, which names the user, follows where the port is written.
    static let receivedDisconnect = Self(.receivedDisconnect, at: .session)
    static let receivedDisconnectLast = Self(.receivedDisconnect, .abandoned, at: .keyExchange, .onlyPreauth, isLast: true)
    static let socketErrorUnauthenticated = Self(.socketError, .abandoned, at: .authentication, isLast: true)
    static let socketErrorEither = Self(.socketError, .abandoned, at: .keyExchange, .onlyPreauth, isLast: true)
    static let socketErrorInSession = Self(.socketError, at: .session, isLast: true)
    static let noIdentificationWritten = Self(.socketError, .abandoned, at: .banner, isLast: true)

    static let sessionOpened = Self(.sessionOpened, at: .session)
    static let sessionClosed = Self(.sessionClosed, at: .session, isLast: true)
    static let timeoutInSession = Self(.timeout, at: .session, isLast: true)
    static let subsystem = Self(.subsystem, at: .session)
    static let server = Self(.server, at: nil, .ofListener)
    static let serverError = Self(.serverError, at: nil)
    static let sessionCrash = Self(.sessionCrash, at: nil, .ofListener)
    static let forwardingRefused = Self(.forwardingRefused, at: .session)
    static let revokedKey = Self(.revokedKey, at: .authentication)
    static let connectionReport = Self(.connection, at: .connect)
}
