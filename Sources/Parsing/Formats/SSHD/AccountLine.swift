import Columns

extension SSHD {
    /// What programs write that change accounts or act for another user: `sudo`, `su`, `useradd`, `usermod`, `gpasswd`,
    /// `passwd`. They stand in the same file, and say what somebody does who has got in.
    enum AccountLine {
        static let grammar: [(String, SSHEvent)] = [
            ("Successful su for {word} by {account}", .su),
            ("(to {word}) {account} on {rest}", .su),
            ("FAILED SU (to {word}) {account} on {rest}", .suRefused),
            ("FAILED su for {word} by {account}", .suRefused),
            ("new user: name={account}, UID={rest}", .accountCreated),
            ("delete user '{account}'", .accountChanged),
            ("change user '{account}' {rest}", .accountChanged),
            ("add '{account}' to group '{rest}", .accountChanged),
            ("add '{account}' to shadow group '{rest}", .accountChanged),
            ("user {account} added by {word} to group {rest}", .accountChanged),
            ("pam_{word}({word}:chauthtok): password changed for {account}", .passwordChanged),
            ("password for '{account}' changed by '{rest}", .passwordChanged),
            ("password for {account} changed by {rest}", .passwordChanged),
        ]

        private static let compiled = MessageGrammar(grammar.map(\.0))
        private static let codes = grammar.map { SSHD.code(of: $0.1) }

        /// Gives `read` the event and the user of `line`, if it is one of these.
        static func read(_ line: Span<UInt8>, into read: inout SSHLine) {
            let process = line.extracting(read.header.process)
            var end = line.count
            while end > read.header.message, line[end - 1] == UInt8(ascii: "\r") || line[end - 1] == UInt8(ascii: " ") {
                end -= 1
            }
            if process.isEqual(to: "sudo") { return readSudo(line, end, into: &read) }
            guard isKnown(process), let found = compiled.match(line.extracting(read.header.message..<end)) else { return }
            read.code = codes[found.pattern]
            read.stage = .session
            read.isOfAccounts = true
            if found.user.lowerBound >= 0 {
                read.user = (found.user.lowerBound + read.header.message)..<(found.user.upperBound + read.header.message)
            }
        }

        private static func isKnown(_ process: Span<UInt8>) -> Bool {
            process.isEqual(to: "su") || process.isEqual(to: "useradd") || process.isEqual(to: "usermod")
                || process.isEqual(to: "userdel") || process.isEqual(to: "gpasswd") || process.isEqual(to: "passwd")
                || process.isEqual(to: "chpasswd") || process.isEqual(to: "adduser")
        }

        /// `  alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id`, or with a reason before `TTY=` where
        /// sudo refused.
        ///
        /// Source: sudo's `log_server`/`eventlog` ("new_logline"); the name of an account has no blank in it.
        private static func readSudo(_ line: Span<UInt8>, _ end: Int, into read: inout SSHLine) {
            let start = line.skipBlanks(from: read.header.message)
            let nameEnd = line.wordEnd(from: start)
            guard nameEnd > start, nameEnd < end, line.extracting(nameEnd..<end).starts(with: " : ") else { return }
            let text = line.extracting((nameEnd + 3)..<end)
            guard let command = position(of: "COMMAND=", in: text) else { return }
            // Only what it did is searched for the file of keys: the directory before it is any path.
            let isRefused = !text.starts(with: "TTY=") && !text.starts(with: "PWD=") && !text.starts(with: "HOST=")
            let changesKeys = position(of: "authorized_keys", in: text.extracting(command..<text.count)) != nil
            read.code = isRefused ? sudoRefused : changesKeys ? keysChanged : sudo
            read.stage = .session
            read.isOfAccounts = true
            read.user = start..<nameEnd
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
