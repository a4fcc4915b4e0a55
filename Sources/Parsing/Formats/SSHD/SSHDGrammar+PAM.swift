/// What PAM and its modules write under sshd's name: `pam_unix`, `pam_sss`, `pam_faillock`, `pam_tally2`, `pam_winbind`,
/// `pam_ldap`, `pam_krb5`, `pam_access` and others.
///
/// The name behind `user=` is the client's and comes last. `rhost=` is sshd's, and before it nothing is a client's.
///
/// Sources: Linux-PAM's `pam_unix_auth.c` and `pam_faillock.c`, SSSD's `pam_sss.c`, Samba's `pam_winbind.c`.
extension SSHD {
    static let ofPAM: [(String, SSHMessage)] =
        ofSessions + failures("PAM {count} more authentication failures; ", .pamFailures)
        + failures("PAM {count} more authentication failure; ", .pamFailures)
        + failures("pam_{word}(sshd:auth): authentication failure; ", .pamFailure)
        // `sshd(pam_unix)[600]: …`, as Linux-PAM before 0.99 wrote it.
        + failures("authentication failure; ", .pamFailure)
        + failures("{count} more authentication failures; ", .pamFailures)
        + failures("{count} more authentication failure; ", .pamFailures)
        + [
            ("pam_{word}(sshd:auth): check pass; user unknown", .pamUserUnknown),
            ("check pass; user unknown", .pamUserUnknown),
            ("pam_{word}(sshd:auth): bad username [{client}]", .pamUserUnknown),
            ("bad username [{client}]", .pamUserUnknown),
            ("pam_{word}(sshd:auth): auth could not identify password for [{user}]", .pamFailure),
            ("pam_{word}(sshd:auth): received for user {user}: {number} ({text})", .pamFailure),
            ("pam_{word}(sshd:auth): Consecutive login failures for user {user} account temporarily locked", .pamFailure),
            ("pam_{word}(sshd:auth): Consecutive login failures for user {user} account locked", .pamFailure),
            ("pam_{word}(sshd:auth): user {user} ({number}) tally {number}, deny {number}", .pamFailure),
            ("pam_{word}(sshd:auth): user {user} ({number}) has time limit [{text}] since last failure.", .pamFailure),
            ("pam_{word}(sshd:auth): user '{user}' denied access ({rest}", .pamFailure),
            ("pam_{word}(sshd:auth): user '{user}' granted access", .userauthRequest),
            ("pam_{word}(sshd:auth): internal module error (retval = {text}, user = '{user}')", .pamFailure),
            ("pam_{word}(sshd:auth): Authentication failure; user={user}", .pamFailure),
            ("pam_{word}(sshd:auth): requirement \"{text}\" not met by user \"{user}\"", .pamFailure),
            ("pam_{word}(sshd:auth): Refused user {user} for service sshd", .pamFailure),
            ("pam_krb5[{number}]: authentication fails for '{user}' ({rest}", .pamFailure),
            ("Invalid verification code for {user}", .pamFailure),
            ("pam_{word}(sshd:account): account {account} has expired ({rest}", .userNotAllowed),
            ("pam_{word}(sshd:account): access denied for user `{user}' from `{source}'", .userNotAllowed),
            ("pam_{word}(sshd:account): expired password for user {account} ({rest}", .userauthRequest),
            ("pam_{word}(sshd:account): password for user {account} will expire in {rest}", .userauthRequest),
            ("session opened for user {account} by {rest}", .sessionOpened),
            ("session closed for user {account}", .sessionClosed),
            // Last, because it takes every line of PAM. It names nobody, so no text of a client can be believed by it.
            ("pam_{client}", .pamFailure),
        ]

    /// First, because a busy machine's log has these lines more than any other of PAM.
    private static let ofSessions: [(String, SSHMessage)] = [
        ("pam_{word}(sshd:session): session opened for user {account}(uid={number}) by {rest}", .sessionOpened),
        ("pam_{word}(sshd:session): session opened for user {account} by {rest}", .sessionOpened),
        ("pam_{word}(sshd:session): session opened for user {account}(uid={number})", .sessionOpened),
        ("pam_{word}(sshd:session): session opened for user {account}", .sessionOpened),
        ("pam_{word}(sshd:session): session closed for user {account}", .sessionClosed),
    ]

    /// A failure of authentication, with or without the name and the address.
    private static func failures(_ head: String, _ message: SSHMessage) -> [(String, SSHMessage)] {
        [
            (head + "{text} rhost={source}  user={user}", message), (head + "{text} rhost={source} user={user}", message),
            (head + "{text} rhost=  user={user}", message), (head + "{text} rhost={source} ", message),
            (head + "{text} rhost={source}", message),
        ]
    }
}
