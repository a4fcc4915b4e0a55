/// What an sshd log line tells. The raw value is the text in the `event` column.
///
/// One attempt leaves several lines: `Invalid user`, the PAM line, `Failed password`, `Connection closed`. Each is an event
/// of its own; which of them is the outcome of the attempt says ``SSHOutcome``.
enum SSHEvent: String, Sendable, CaseIterable {
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
    /// A client offered a key that is in the list of revoked keys.
    case revokedKey = "revoked_key"
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
    /// sshd refuses an address for a while, because of what came from it (`PerSourcePenalties`).
    case penalty = "source_penalty"
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
    /// sshd refused to forward a connection for somebody who is logged in.
    case forwardingRefused = "forwarding_refused"
    /// A process that served a connection was ended by a signal: a fault of sshd, or an attempt to make use of one.
    case sessionCrash = "session_crash"
    /// What sshd says of itself or of forwarded connections.
    case server
    /// Something went wrong inside sshd or with its configuration.
    case serverError = "server_error"
    // What somebody does who has got in, by other programs' lines (``SSHD/AccountLine``). The user of `sudo` and `su` is who
    // called it.
    case sudo
    case sudoRefused = "sudo_refused"
    /// `sudo` with a command that names a file of authorized keys.
    case keysChanged = "keys_changed"
    case su
    case suRefused = "su_refused"
    case accountCreated = "account_created"
    case accountChanged = "account_changed"
    case passwordChanged = "password_changed"
    // Log-ins at a console, commands of cron, and the audit trail of the kernel (``SSHD/AuditLine``).
    case consoleLogin = "console_login"
    case consoleLoginFailed = "console_login_failed"
    case cronCommand = "cron_command"
    case cronChanged = "cron_changed"
    case auditAuthentication = "audit_authentication"
    case auditLogin = "audit_login"
    case auditError = "audit_error"
    /// Any other line of another program in the same file.
    case other
}
