import Columns

extension SSHD {
    /// What the audit trail of the kernel says of log-ins (`/var/log/audit/audit.log`, or under `audit[600]:` in the journal).
    ///
    ///     type=USER_LOGIN msg=audit(1373330716.415:4063): pid=11998 … msg='op=login acct="root" … res=failed'
    ///
    /// A name with a blank, a quote or a control in it is written in hexadecimal digits, so no text of a client can look like a
    /// field. sshd's own log has the same attempts; whoever reads both counts them twice.
    ///
    /// Source: audit-userspace, `audit_log_acct_message` and `audit_encode_nv_string`.
    enum AuditLine {
        /// The fields that matter, as ranges of the line.
        private struct Fields {
            var pid: Int32?
            var account = 0..<0, program = 0..<0, host = 0..<0, address = 0..<0
            var hasFailed = false, hasSucceeded = false

            mutating func set(_ line: Span<UInt8>, key: Range<Int>, value: Range<Int>) {
                let name = line.extracting(key)
                if name.isEqual(to: "pid") {
                    pid = line.integer(in: value)
                } else if name.isEqual(to: "acct") {
                    account = value
                } else if name.isEqual(to: "exe") {
                    program = value
                } else if name.isEqual(to: "hostname") {
                    host = value
                } else if name.isEqual(to: "addr") {
                    address = value
                } else if name.isEqual(to: "res") {
                    hasSucceeded = line.extracting(value).isEqual(to: "success")
                    hasFailed = line.extracting(value).isEqual(to: "failed")
                }
            }
        }

        /// A line of auditd's own file; nil for any other. Asked of every line, so it must not cost more than a look at the
        /// first bytes.
        static func read(_ line: Span<UInt8>) -> SSHLine? {
            var header = SyslogHeader()
            var at = 0
            if line.starts(with: "node=") {
                at = line.wordEnd(from: 0)
                header.host = 5..<at
                at = line.skipBlanks(from: at)
            }
            guard line.count > at, line.extracting(at..<line.count).starts(with: "type="),
                let time = time(line, at: line.skipBlanks(from: line.wordEnd(from: at)))
            else { return nil }
            header.stamp = time
            header.message = at + 5
            var read = SSHLine(header: header, code: SSHD.otherCode)
            _ = self.read(line, message: header.message, into: &read)
            return read
        }

        /// `msg=audit(1373330716.415:4063):`.
        private static func time(_ line: Span<UInt8>, at start: Int) -> SyslogHeader.Stamp? {
            guard start < line.count, line.extracting(start..<line.count).starts(with: "msg=audit("),
                let colon = line.firstIndex(of: UInt8(ascii: ":"), from: start), colon - start < 40,
                let dot = line.firstIndex(of: UInt8(ascii: "."), from: start), dot + 4 == colon,
                let seconds = Int64(decimal: line.extracting((start + 10)..<dot)), (0..<253_402_300_800).contains(seconds),
                let milliseconds = line.integer(in: (dot + 1)..<colon)
            else { return nil }
            return .absolute(Timestamp(microseconds: seconds * 1_000_000 + Int64(milliseconds) * 1000))
        }

        /// Reads the record whose type is at `start`; false when it says nothing of a log-in.
        static func read(_ line: Span<UInt8>, message start: Int, into read: inout SSHLine) -> Bool {
            let type = start..<line.wordEnd(from: start)
            guard let event = event(line.extracting(type)) else { return false }
            var fields = Fields()
            var at = type.upperBound
            while at < line.count {
                let end = line.wordEnd(from: at)
                if let equals = line.firstIndex(of: UInt8(ascii: "="), from: at), equals < end {
                    set(line, at..<end, equals, in: &fields)
                }
                at = end + 1
            }
            read.code = SSHD.code(of: event)
            read.stage = .authentication
            read.header.pid = fields.pid ?? read.header.pid
            if let slash = (fields.program).last(where: { line[$0] == UInt8(ascii: "/") }) {
                read.header.process = (slash + 1)..<fields.program.upperBound
            }
            if isKnown(line, fields.address) {
                read.source = SSHLine.address(line, fields.address)
            } else if isKnown(line, fields.host) {
                read.source = fields.host
            }
            setUser(line, fields.account, in: &read)
            decide(event, fields, in: &read)
            return true
        }

        /// A field such as `(hostname=gate,` or `msg='op=login`, without what is around it.
        private static func set(_ line: Span<UInt8>, _ word: Range<Int>, _ equals: Int, in fields: inout Fields) {
            var start = word.lowerBound, valueStart = equals + 1, end = word.upperBound
            if line[start] == UInt8(ascii: "(") { start += 1 }
            while end > valueStart, isMark(line[end - 1]) { end -= 1 }
            if valueStart < end, line[valueStart] == UInt8(ascii: "\"") {
                valueStart += 1
                if end > valueStart, line[end - 1] == UInt8(ascii: "\"") { end -= 1 }
            }
            fields.set(line, key: start..<equals, value: valueStart..<end)
        }

        private static func isMark(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "'") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ")") || byte < 0x20
        }

        private static func isKnown(_ line: Span<UInt8>, _ value: Range<Int>) -> Bool {
            !value.isEmpty && !line.extracting(value).isEqual(to: "?")
        }

        private static func event(_ type: Span<UInt8>) -> SSHEvent? {
            if type.isEqual(to: "USER_AUTH") { return .auditAuthentication }
            if type.isEqual(to: "USER_LOGIN") { return .auditLogin }
            if type.isEqual(to: "USER_ERR") { return .auditError }
            if type.isEqual(to: "USER_START") { return .sessionOpened }
            return type.isEqual(to: "USER_END") ? .sessionClosed : nil
        }

        /// A wrong password is a `USER_AUTH`, and at the end of the connection a `USER_LOGIN` again.
        private static func decide(_ event: SSHEvent, _ fields: Fields, in read: inout SSHLine) {
            switch event {
            case .auditAuthentication where fields.hasFailed, .auditError where fields.hasFailed: read.outcome = .failure
            case .auditLogin where fields.hasSucceeded: read.outcome = .success
            case .auditLogin where fields.hasFailed: read.isLast = true
            case .sessionOpened, .sessionClosed: read.stage = .session
            default: break
            }
        }

        /// `acct="root"`, or `acct=28756E6B6E6F776E207573657229`: `(unknown user)` is sshd's word for one that it does not say.
        private static func setUser(_ line: Span<UInt8>, _ value: Range<Int>, in read: inout SSHLine) {
            guard isKnown(line, value) else { return }
            if line[value.lowerBound - 1] == UInt8(ascii: "\"") {
                if line[value.lowerBound] != UInt8(ascii: "(") { read.user = value }
                return
            }
            // The text comes from a client: its length is bounded before it is decoded, so that one line cannot ask for more.
            guard value.count.isMultiple(of: 2), value.count <= 2 * MessageGrammar.maxNameLength else { return }
            var name: [UInt8] = []
            for at in stride(from: value.lowerBound, to: value.upperBound, by: 2) {
                guard let high = line[at].hexValue, let low = line[at + 1].hexValue else { return }
                name.append(UInt8(high << 4 | low))
            }
            guard name.first != UInt8(ascii: "("), name.span.isValidUTF8 else { return }
            read.decodedUser = name
        }
    }
}
