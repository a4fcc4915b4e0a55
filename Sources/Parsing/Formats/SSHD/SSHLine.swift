import Columns

extension SSHD {
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
        var outcome: SSHOutcome?
        var stage: SSHStage?
        var kind = SSHMessage.Kind.plain
        /// Whether it ends its connection.
        var isLast = false
        /// Whether it is of a program that changes accounts (``AccountLine``) and not of sshd.
        var isOfAccounts = false
        /// Where ``SSHConnections`` has the address and the user that the line itself lacks.
        var knownSource: Int?
        var knownUser: Int?
        /// From where the user of a line of another program logged in last.
        var loginSource: [UInt8]?
        /// A user that the line writes in hexadecimal digits.
        var decodedUser: [UInt8]?

        /// Its place among the lines of its connection that have the same time: as sshd writes them.
        var rank: UInt8 {
            if isOfAccounts { return 9 }
            if isLast { return 8 }
            if kind == .toldAgain { return 3 }
            switch outcome {
            case .failure: return 4
            case .refused: return 5
            case .success: return 6
            case .abandoned: return 7
            case nil: return stage == .session ? 7 : stage?.code ?? 0
            }
        }

        static func read(_ line: Span<UInt8>) -> Result<SSHLine, RejectionReason> {
            guard line.count > 0 else { return .failure(.emptyLine) }
            if let event = AuditLine.read(line) { return .success(event) }
            let header: SyslogHeader
            switch SyslogHeader.parse(line) {
            case .success(let parsed): header = parsed
            case .failure(let reason): return .failure(reason)
            }
            var read = SSHLine(header: header, code: SSHD.otherCode)
            // Fast path: sshd's own line, with a message that is in the grammar as it is written.
            guard isOfServer(line.extracting(header.process)) else { return read.readOther(line) }
            let (start, end) = read.unrepeated(line)
            if read.match(line, start, end) || read.matchUnusual(line, start, end) { return .success(read) }
            return .failure(.unknownMessage)
        }

        /// Where the message is, without its line end. Of `message repeated 5 times: [ Failed …]` it is the one inside, which
        /// counts as five.
        private mutating func unrepeated(_ line: Span<UInt8>) -> (start: Int, end: Int) {
            let start = Self.behindTitle(line, header.message)
            var end = line.count
            while end > start, line[end - 1] == UInt8(ascii: "\r") || line[end - 1] == UInt8(ascii: "\n") { end -= 1 }
            guard line.extracting(start..<end).starts(with: "message repeated "), line[end - 1] == UInt8(ascii: "]") else {
                return (start, end)
            }
            let digits = start + 17
            var at = digits
            while at < end, line[at].isDigit { at += 1 }
            let head: StaticString = " times: [ "
            guard let repeats = line.integer(in: digits..<at), repeats > 0, line.extracting(at..<end).starts(with: head) else {
                return (start, end)
            }
            count = repeats
            return (at + head.utf8CodeUnitCount, end - 1)
        }

        /// A line of another program: dropbear, one that changes accounts, or any.
        private mutating func readOther(_ line: Span<UInt8>) -> Result<SSHLine, RejectionReason> {
            let process = line.extracting(header.process)
            if process.isEqual(to: "dropbear") {
                let end = line.trimmedEnd(from: header.message)
                return match(line, header.message, end, in: SSHD.Dropbear.compiled) ? .success(self) : .failure(.unknownMessage)
            }
            if process.starts(with: "audi"), AuditLine.read(line, message: header.message, into: &self) { return .success(self) }
            AccountLine.read(line, into: &self)
            // A line that passes on one of sshd's in a form that is not known is not silently another program's.
            if code == SSHD.otherCode, Self.namesServer(line, header.message) { return .failure(.unreadableHeader) }
            return .success(self)
        }

        /// Whether a message begins with `sshd[600]: ` or `sshd: `.
        private static func namesServer(_ line: Span<UInt8>, _ start: Int) -> Bool {
            guard start < line.count, line.extracting(start..<line.count).starts(with: "sshd") else { return false }
            let word = line.extracting(start..<line.wordEnd(from: start))
            return word.ends(with: "]:") || word.isEqual(to: "sshd:") || word.isEqual(to: "sshd-session:")
                || word.isEqual(to: "sshd-auth:")
        }

        /// Where the message begins behind what a process that shows its title as its name puts before it: `sshd-session:
        /// ubuntu [priv][623]: Failed …`. sshd itself begins no message with such words.
        private static func behindTitle(_ line: Span<UInt8>, _ start: Int) -> Int {
            var at = start
            if at < line.count, line[at] != UInt8(ascii: "[") { at = line.skipBlanks(from: line.wordEnd(from: at)) }
            let rest = line.extracting(at..<line.count)
            guard
                rest.starts(with: "[priv]") || rest.starts(with: "[net]") || rest.starts(with: "[accepted]")
                    || rest.starts(with: "[pam]")
            else { return start }
            let end = line.wordEnd(from: at)
            return line.extracting(at..<end).ends(with: "]:") ? line.skipBlanks(from: end) : start
        }

        /// `sshd`, its helpers (`sshd-session`), `(sshd)` before systemd has started it, and its units, by which some name it.
        private static func isOfServer(_ process: Span<UInt8>) -> Bool {
            process.starts(with: "sshd") || process.starts(with: "(sshd") || process.starts(with: "ssh.service")
                || process.starts(with: "ssh@")
        }

        private mutating func match(
            _ line: Span<UInt8>, _ from: Int, _ to: Int, in messages: Messages = SSHD.compiled
        ) -> Bool {
            var start = from
            var end = to
            if Self.hasLevel(line.extracting(start..<end)) { start += 7 }
            // The OpenSSH of FreeBSD's base and of HPN renames functions, which some messages begin with.
            if line.extracting(start..<end).starts(with: "Fssh_") { start += 5 }
            let isPreauth = line.extracting(start..<end).ends(with: " [preauth]")
            if isPreauth { end -= 10 }
            var match = messages.grammar.match(line.extracting(start..<end))
            // A client's text at the end may look like the mark, which must not hide the line.
            if match == nil, isPreauth { match = messages.grammar.match(line.extracting(start..<(end + 10))) }
            guard let found = match else { return false }
            code = messages.codes[found.pattern]
            judge(messages.messages[found.pattern], isPreauth: isPreauth)
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

        /// Slow path: a message that is not in the grammar as it is written.
        private mutating func matchUnusual(_ line: Span<UInt8>, _ start: Int, _ to: Int) -> Bool {
            // Blanks at the end are not part of a name where the message is known without them.
            let end = line.extracting(0..<to).trimmedEnd(from: start)
            if match(line, start, end) { return true }
            // Forwarders put words of their own before the message.
            if let inner = Self.forwarded(line, start, end), match(line, inner, end) { return true }
            let text = Self.hasLevel(line.extracting(start..<end)) ? start + 7 : start
            let behind = Self.behindFunction(line, text, end)
            if let behind, match(line, behind, end) { return true }
            let message: SSHMessage
            if line.extracting(header.process).ends(with: ")") {  // `sshd(pam_winbind)[600]`
                message = .pamFailure
            } else if text > start || behind != nil {
                message = .serverError
            } else {
                return false
            }
            code = SSHD.code(of: message.event)
            judge(message, isPreauth: false)
            return true
        }

        /// `error: ` or `fatal: `, which sshd writes before messages of these levels.
        private static func hasLevel(_ message: Span<UInt8>) -> Bool {
            message.starts(with: "error: ") || message.starts(with: "fatal: ")
        }

        /// Where the message begins behind `mm_answer_keyverify: `, the name of a function: which messages have one differs
        /// between versions.
        private static func behindFunction(_ line: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
            var at = start, hasUnderscore = false
            while at < end, at - start < 64 {
                let byte = line[at]
                if byte == UInt8(ascii: "_") { hasUnderscore = true }
                guard byte.isDigit || byte == UInt8(ascii: "_") || byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") else {
                    break
                }
                at += 1
            }
            guard hasUnderscore, at + 2 < end, line[at] == UInt8(ascii: ":"), line[at + 1] == UInt8(ascii: " ") else {
                return nil
            }
            return at + 2
        }

        mutating func judge(_ message: SSHMessage, isPreauth: Bool) {
            (outcome, stage, kind, isLast) = (message.outcome, message.stage, message.kind, message.isLast)
            switch message.kind {
            case .onlyPreauth where !isPreauth: (outcome, stage) = (nil, .session)
            case .laterIfPreauth where isPreauth: stage = .keyExchange
            case .plain where isPreauth && stage == .session: stage = .keyExchange
            default: break
            }
        }

        /// `keyboard-interactive/pam` under `Failed {method}` is a kind of its own.
        private mutating func refine(_ line: Span<UInt8>) {
            if method.lowerBound >= 0, code == SSHD.code(of: .failedOther),
                line.extracting(method).starts(with: "keyboard-interactive")
            {
                code = SSHD.code(of: .failedKeyboardInteractive)
            }
        }

        /// An address without what is not part of it: brackets, `::ffff:` before IPv4, a zone, a comma. Empty where sshd says
        /// that it does not know it.
        static func address(_ line: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
            if line.extracting(range).isEqual(to: "UNKNOWN") { return range.lowerBound..<range.lowerBound }
            var start = range.lowerBound
            var end = range.upperBound
            if end - start > 2, line[start] == UInt8(ascii: "["), line[end - 1] == UInt8(ascii: "]") {
                (start, end) = (start + 1, end - 1)
            }
            if end > start, line[end - 1] == UInt8(ascii: ",") { end -= 1 }
            if end - start > 7, line.extracting(start..<end).starts(with: "::ffff:"),
                line.extracting(start..<end).firstIndex(of: UInt8(ascii: ".")) != nil
            {
                start += 7
            }
            if let zone = line.extracting(start..<end).firstIndex(of: UInt8(ascii: "%")), zone > 0 { end = start + zone }
            return start..<end
        }

        /// Where the message begins behind `[ID 800047 auth.info] `, `kernel:[ 970.699396]: ` or `2015-05-27T04:31:27.46667
        /// auth.info: `.
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
}
