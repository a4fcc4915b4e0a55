/// What became of an attempt to log in: the text in the `outcome` column. A line that ends no attempt has none.
///
/// One attempt bears one outcome, whatever number of lines sshd writes of it, so that whoever counts rows with an outcome
/// counts attempts (``SSHConnections`` sees to that).
enum SSHOutcome: String, Sendable, CaseIterable {
    /// sshd accepted the proof of identity.
    case success
    /// sshd refused a proof of identity, such as a password.
    case failure
    /// The client went away, or said nothing until its time was up, before it was authenticated. On a host that takes keys
    /// only this is what guessing looks like.
    case abandoned
    /// sshd ended the attempt for another reason: the user may not log in, too many attempts, no common algorithm, too many
    /// connections.
    case refused
}

/// How far a connection had come: the text in the `stage` column. In the order of the protocol (RFC 4253 §4.2 and §7, RFC
/// 4252, RFC 4254).
enum SSHStage: String, Sendable, CaseIterable {
    case connect, banner
    case keyExchange = "key_exchange"
    case authentication, session

    /// The place of the stage in the protocol, which is its code in the column.
    var code: UInt8 {
        switch self {
        case .connect: 0
        case .banner: 1
        case .keyExchange: 2
        case .authentication: 3
        case .session: 4
        }
    }
}
