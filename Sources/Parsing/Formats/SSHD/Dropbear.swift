extension SSHD {
    /// What dropbear writes, the SSH server of OpenWrt and of many appliances. Names are the client's and in quotes; the address
    /// is the last word.
    ///
    /// Sources: dropbear's `svr-auth.c`, `svr-authpasswd.c`, `svr-authpubkey.c`, `svr-authpam.c` and `svr-session.c`.
    enum Dropbear {
        static let grammar: [(String, SSHMessage)] = [
            ("Child connection from {source}:{port}", .connection),
            ("Bad password attempt for '{user}' from {source}:{port}", .failedPassword),
            ("bad password attempt for '{user}' from {source}:{port}", .failedPassword),
            ("Bad PAM password attempt for '{user}' from {source}:{port}", .failedPassword),
            ("bad PAM password attempt for '{user}' from {source}:{port}", .failedPassword),
            ("Login attempt for nonexistent user from {source}:{port}", .invalidUser),
            ("login attempt for nonexistent user from {source}:{port}", .invalidUser),
            ("Login attempt for nonexistent user '{user}' from {source}:{port}", .invalidUser),
            ("Login attempt with wrong user {user} from {source}:{port}", .invalidUser),
            ("Password auth succeeded for '{user}' from {source}:{port}", .acceptedPassword),
            ("password auth succeeded for '{user}' from {source}:{port}", .acceptedPassword),
            ("PAM password auth succeeded for '{user}' from {source}:{port}", .acceptedPassword),
            ("Auth succeeded with blank password for '{user}' from {source}:{port}", .acceptedOther),
            ("Pubkey auth succeeded for '{user}' with {text} from {source}:{port}", .acceptedPublickey),
            ("pubkey auth succeeded for '{user}' with {text} from {source}:{port}", .acceptedPublickey),
            ("Pubkey auth attempt with unknown algo for '{user}' from {source}:{port}", .failedPublickey),
            ("Pubkey auth bad signature for '{user}' with {text} from {source}:{port}", .failedPublickey),
            ("Root logins are disabled", .rootLoginRefused),
            ("root login rejected", .rootLoginRefused),
            ("User '{user}' has invalid shell, rejected", .userNotAllowed),
            ("User '{user}' has blank password, rejected", .userNotAllowed),
            ("User '{user}' not allowed{rest}", .userNotAllowed),
            ("User account '{user}' is locked", .userNotAllowed),
            (
                "Exit before auth (user '{user}', {number} fails): Max auth tries reached - user '{same}' from {source}:{port}",
                .tooManyFailures
            ),
            ("Exit before auth from <{source}:{port}>: (user '{user}', {number} fails): {rest}", .closedUnauthenticated),
            ("Exit before auth from <{source}:{port}>: {rest}", .closed),
            ("Exit before auth (user '{user}', {number} fails): {rest}", .closedUnauthenticated),
            ("Exit before auth: {rest}", .closed),
            ("exit before auth (user '{user}', {number} fails): {rest}", .closedUnauthenticated),
            ("exit before auth: {rest}", .closed),
            ("Max auth tries reached - user '{user}' from {source}:{port}", .tooManyFailures),
            ("Exit ({account}) from <{source}:{port}>: {rest}", .closedInSession),
            ("Exit ({account}): {rest}", .closedInSession),
            ("exit after auth ({account}): {rest}", .closedInSession),
            ("Early exit: {rest}", .server),
            ("premature exit: {rest}", .server),
            ("Running in background", .server),
            ("Not backgrounding", .server),
            ("Terminated by signal", .server),
            ("Failed {rest}", .serverError),
            ("Couldn't {rest}", .serverError),
            ("Error {rest}", .serverError),
        ]

        static let compiled = Messages(grammar)
    }
}
