/// How sending a notice ended.
public enum NoticeOutcome: Sendable, Equatable {
    /// The service accepted it.
    case delivered
    /// Some took it and others did not, such as recipients of a mail.
    ///
    /// - Parameter taken: the parts that took it now, to be left out (``Notice/alreadyTaken``) when the others are tried again.
    case partly(taken: Set<String>, reason: String, isWorthAnotherTry: Bool)
    /// The templates made an empty text, which no service accepts: nothing was sent.
    case nothingToSay
    /// Worth another try: no connection, a time-out, 408, 429 or 5xx.
    ///
    /// - Parameter after: what the service asked for by `Retry-After`, at most ``longestPause``; nil when it asked for nothing.
    case retry(reason: String, after: Duration? = nil)
    /// Not worth another try: the service does not accept it.
    case refused(reason: String)

    /// A notice is put off no longer than this, whatever a service asks for.
    public static let longestPause = Duration.seconds(3600)
}
