import Columns

extension SSHD {
    /// What programs write that change accounts, act for another user, or let somebody in by another door: `sudo`, `su`,
    /// `useradd`, `usermod`, `gpasswd`, `passwd`, `login`, `systemd-logind`, `cron`. Their lines are in the same file, and say
    /// what somebody does who has got in.
    enum AccountLine {
        static let grammar: [(String, SSHEvent)] = [
            ("Successful su for {word} by {account}", .su),
            ("(to {word}) {account} on {rest}", .su),
            ("+ {word} {account}:{rest}", .su),
            ("FAILED SU (to {word}) {account} on {rest}", .suRefused),
            ("FAILED su for {word} by {account}", .suRefused),
            ("BAD SU {account} to {rest}", .suRefused),
            ("- {word} {account}:{rest}", .suRefused),
            ("new user: name={account}, UID={rest}", .accountCreated),
            ("delete user '{account}'", .accountChanged),
            ("change user '{account}' {rest}", .accountChanged),
            ("changed user '{account}' {rest}", .accountChanged),
            ("lock user '{account}' password", .accountChanged),
            ("unlock user '{account}' password", .accountChanged),
            ("add '{account}' to group '{rest}", .accountChanged),
            ("add '{account}' to shadow group '{rest}", .accountChanged),
            ("delete '{account}' from group '{rest}", .accountChanged),
            ("delete '{account}' from shadow group '{rest}", .accountChanged),
            ("user {account} added by {word} to group {rest}", .accountChanged),
            ("user {account} removed by {word} from group {rest}", .accountChanged),
            ("members of group {word} set by {rest}", .accountChanged),
            ("new group: name={rest}", .accountChanged),
            ("group added to {rest}", .accountChanged),
            ("group {rest}", .accountChanged),
            ("removed group {rest}", .accountChanged),
            ("changed password expiry for {account}", .accountChanged),
            ("pam_{word}({word}:chauthtok): password changed for {account}", .passwordChanged),
            ("password for '{account}' changed by '{rest}", .passwordChanged),
            ("password for {account} changed by {rest}", .passwordChanged),
        ]

        /// Of `login`. The name is what somebody wrote at the console.
        ///
        /// Source: util-linux's `login.c` and shadow's.
        static let ofLogin: [(String, SSHEvent)] = [
            ("FAILED LOGIN ({number}) on '{word}' FOR '{user}', {rest}", .consoleLoginFailed),
            ("FAILED LOGIN ({number}) on '{word}' from '{source}' FOR '{user}', {rest}", .consoleLoginFailed),
            ("FAILED LOGIN {number} FROM {source} FOR {user}, {rest}", .consoleLoginFailed),
            ("FAILED LOGIN SESSION FROM {source} FOR {user}, {rest}", .consoleLoginFailed),
            ("TOO MANY LOGIN TRIES ({number}) on '{word}' FOR '{user}'", .consoleLoginFailed),
            ("TOO MANY LOGIN TRIES ({number}) FROM {source} FOR {user}, {rest}", .consoleLoginFailed),
            ("invalid password for '{user}' on '{word}' from '{source}'", .consoleLoginFailed),
            ("invalid password for '{user}' on '{word}'", .consoleLoginFailed),
            ("LOGIN ON {word} BY {account} FROM {source}", .consoleLogin),
            ("LOGIN ON {word} BY {account}", .consoleLogin),
            ("ROOT LOGIN ON {word} FROM {source}", .consoleLogin),
            ("ROOT LOGIN ON {word}", .consoleLogin),
            ("ROOT LOGIN  on '{word}' from '{source}'", .consoleLogin),
            ("ROOT LOGIN  on '{word}'", .consoleLogin),
        ]

        /// Of `cron` and `crontab`.
        static let ofCron: [(String, SSHEvent)] = [
            ("({account}) CMD ({rest}", .cronCommand),
            ("({account}) CMDOUT ({rest}", .cronCommand),
            ("({account}) CMDEND ({rest}", .cronCommand),
            ("({account}) REPLACE ({rest}", .cronChanged),
            ("({account}) DELETE ({rest}", .cronChanged),
            ("({account}) RELOAD ({rest}", .cronChanged),
            ("({account}) BEGIN EDIT ({rest}", .cronChanged),
            ("({account}) END EDIT ({rest}", .cronChanged),
            ("({account}) LIST ({rest}", .cronChanged),
        ]

        /// Of `systemd-logind`, and of PAM's modules in any program.
        static let ofSessions: [(String, SSHEvent)] = [
            ("New session {word} of user {account}.", .sessionOpened),
            ("Session {word} logged out. Waiting for processes to exit.", .sessionClosed),
            ("Removed session {word}.", .sessionClosed),
            ("pam_{word}({word}:session): session opened for user {account}(uid={number}) by {rest}", .sessionOpened),
            ("pam_{word}({word}:session): session opened for user {account} by {rest}", .sessionOpened),
            ("pam_{word}({word}:session): session closed for user {account}", .sessionClosed),
            ("pam_{word}({word}:auth): authentication failure; {text} rhost={source}  user={user}", .pamFailure),
            ("pam_{word}({word}:auth): authentication failure; {text} rhost=  user={user}", .pamFailure),
            ("pam_{word}({word}:auth): authentication failure; {text} rhost={source}", .pamFailure),
            ("pam_{word}({word}:auth): authentication failure; {rest}", .pamFailure),
            ("pam_{word}({word}:auth): check pass; user unknown", .pamUserUnknown),
            ("pam_{word}({word}:auth): {client}", .pamFailure),
        ]

        private static let all = grammar + ofLogin + ofCron + ofSessions
        private static let compiled = MessageGrammar(all.map(\.0))
        private static let codes = all.map { SSHD.code(of: $0.1) }
        /// The first entry that changes no account: the address from which its user logged in has nothing to do with it.
        private static let firstAside = grammar.count

        /// Gives `read` the event, the user and the source of `line`, if it is one of these.
        static func read(_ line: Span<UInt8>, into read: inout SSHLine) {
            let process = line.extracting(read.header.process)
            var end = line.count
            while end > read.header.message, line[end - 1] == UInt8(ascii: "\r") || line[end - 1] == UInt8(ascii: " ") {
                end -= 1
            }
            if process.isEqual(to: "sudo"), readSudo(line, end, into: &read) { return }
            let start = read.header.message
            guard let kind = kind(of: process), let found = compiled.match(line.extracting(start..<end)),
                kind.contains(found.pattern) || ofSessionsRange.contains(found.pattern)
            else { return }
            read.code = codes[found.pattern]
            read.isOfAccounts = found.pattern < firstAside
            read.stage = read.isOfAccounts || found.pattern >= grammar.count + ofLogin.count ? .session : .authentication
            // Its process id is that of no connection, so the lines of one must not be joined with it.
            read.kind = .ofListener
            if found.user.lowerBound >= 0 { read.user = (found.user.lowerBound + start)..<(found.user.upperBound + start) }
            if found.source.lowerBound >= 0 {
                read.source = SSHLine.address(line, (found.source.lowerBound + start)..<(found.source.upperBound + start))
            }
        }

        private static let ofSessionsRange = (all.count - ofSessions.count)..<all.count

        /// Which entries a program may write, besides those of sessions; nil for one that is not known. A command that cron runs
        /// can write what it likes, and creates no account by that.
        private static func kind(of process: Span<UInt8>) -> Range<Int>? {
            if process.isEqual(to: "login") { return grammar.count..<(grammar.count + ofLogin.count) }
            if process.starts(with: "cron") || process.isEqual(to: "CRON") {
                return (grammar.count + ofLogin.count)..<(all.count - ofSessions.count)
            }
            if process.starts(with: "systemd") || process.starts(with: "gdm") { return 0..<0 }
            return programs.contains { process.isEqual(to: $0) } ? 0..<grammar.count : nil
        }

        private static let programs: [StaticString] = [
            "sudo", "su", "su-l", "useradd", "usermod", "userdel", "gpasswd", "passwd", "chpasswd", "adduser", "groupadd",
            "groupdel",
            "groupmod", "chage", "chfn", "chsh",
        ]

        /// `  alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id`, or with a reason before `TTY=` where
        /// sudo refused.
        ///
        /// Source: sudo's `log_server`/`eventlog` ("new_logline"); the name of an account has no blank in it.
        private static func readSudo(_ line: Span<UInt8>, _ end: Int, into read: inout SSHLine) -> Bool {
            let start = line.skipBlanks(from: read.header.message)
            let nameEnd = line.wordEnd(from: start)
            guard nameEnd > start, nameEnd < end, line.extracting(nameEnd..<end).starts(with: " : ") else { return false }
            let text = line.extracting((nameEnd + 3)..<end)
            guard let command = position(of: "COMMAND=", in: text) else { return false }
            // Only what it did is searched for the file of keys: the directory before it is any path.
            let isRefused = !text.starts(with: "TTY=") && !text.starts(with: "PWD=") && !text.starts(with: "HOST=")
            let changesKeys = position(of: "authorized_keys", in: text.extracting(command..<text.count)) != nil
            read.code = isRefused ? sudoRefused : changesKeys ? keysChanged : sudo
            read.stage = .session
            read.isOfAccounts = true
            read.user = start..<nameEnd
            return true
        }

        private static let sudo = SSHD.code(of: .sudo)
        private static let sudoRefused = SSHD.code(of: .sudoRefused)
        private static let keysChanged = SSHD.code(of: .keysChanged)

        private static func position(of word: StaticString, in text: Span<UInt8>) -> Int? {
            let length = word.utf8CodeUnitCount
            var at = 0
            while let found = text.firstIndex(of: word.utf8Start.pointee, from: at), found + length <= text.count {
                if text.extracting(found..<text.count).starts(with: word) { return found }
                at = found + 1
            }
            return nil
        }
    }
}
