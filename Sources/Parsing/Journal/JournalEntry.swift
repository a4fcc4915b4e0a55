import Columns

/// An entry of systemd's journal as `journalctl -o json` writes it, and the syslog line that it is shown as.
///
///     {"__CURSOR":"s=76…;i=1;…","_HOSTNAME":"gate","SYSLOG_IDENTIFIER":"sshd","_PID":"100","MESSAGE":"Failed password …", …}
///     2026-11-28T00:00:00.000001Z gate sshd[100]: Failed password …
///
/// The journal itself writes the fields whose names begin with `_`; what a program says of itself is believed only where such a
/// field is missing, as `journalctl` does it.
///
/// Sources: systemd, "Journal JSON Format" and systemd.journal-fields(7).
public struct JournalEntry: Sendable {
    private enum Field: Int, CaseIterable {
        case cursor, time, sourceTime, host, identifier, command, pid, claimedPID, message

        init?(_ name: Span<UInt8>) {
            switch name.count {
            case 4 where name.isEqual(to: "_PID"): self = .pid
            case 5 where name.isEqual(to: "_COMM"): self = .command
            case 7 where name.isEqual(to: "MESSAGE"): self = .message
            case 8 where name.isEqual(to: "__CURSOR"): self = .cursor
            case 9 where name.isEqual(to: "_HOSTNAME"): self = .host
            case 10 where name.isEqual(to: "SYSLOG_PID"): self = .claimedPID
            case 17 where name.isEqual(to: "SYSLOG_IDENTIFIER"): self = .identifier
            case 20 where name.isEqual(to: "__REALTIME_TIMESTAMP"): self = .time
            case 26 where name.isEqual(to: "_SOURCE_REALTIME_TIMESTAMP"): self = .sourceTime
            default: return nil
            }
        }
    }

    /// The fields that a line is made of; `journalctl` gives the cursor and its own time whatever is asked for.
    public static let fieldsOfLine = "MESSAGE,_HOSTNAME,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID,_SOURCE_REALTIME_TIMESTAMP"

    private var values = [[UInt8]](repeating: [], count: Field.allCases.count)
    private var given: UInt16 = 0

    /// An entry without fields.
    public init() {}

    /// Takes the fields of another entry in the place of those that are there.
    ///
    /// - Parameter json: an object in one line.
    /// - Returns: whether it is an entry: JSON, with a time.
    public mutating func read(_ json: Span<UInt8>) -> Bool {
        given = 0
        for field in values.indices { values[field].removeAll(keepingCapacity: true) }
        var cursor = JSONCursor()
        guard (try? readObject(json, &cursor)) != nil else { return false }
        return time != nil
    }

    /// Whether a program wrote a text; an entry without one is data.
    public var hasMessage: Bool { isGiven(.message) }

    /// Where the journal goes on behind the entry, for `--after-cursor`; nil when the entry does not say it.
    public var cursor: String? {
        isGiven(.cursor) ? String(validating: values[Field.cursor.rawValue], as: UTF8.self) : nil
    }

    /// When the message was sent, or else when the journal got it.
    private var time: Timestamp? {
        let field: Field = isGiven(.sourceTime) ? .sourceTime : .time
        // The first and last microsecond of four-digit years.
        guard let number = Int64(String(decoding: values[field.rawValue], as: UTF8.self)),
            (0...253_402_300_799_999_999).contains(number)
        else { return nil }
        return Timestamp(microseconds: number)
    }

    /// Appends the entry as a syslog line, without its end.
    public func appendLine(to line: inout [UInt8]) {
        let message = values[Field.message.rawValue]
        let name: Field? = isGiven(.identifier) ? .identifier : isGiven(.command) ? .command : nil
        SyslogLine.append(
            time: time ?? Timestamp(microseconds: 0), host: values[Field.host.rawValue],
            program: name.map { values[$0.rawValue] } ?? Array("unknown".utf8),
            pid: values[(isGiven(.pid) ? Field.pid : .claimedPID).rawValue], message: message.span,
            to: &line)
    }

    private func isGiven(_ field: Field) -> Bool { given & 1 << UInt16(field.rawValue) != 0 }

    // MARK: Reading

    private mutating func readObject(_ json: Span<UInt8>, _ cursor: inout JSONCursor) throws(MalformedJSON) {
        cursor.skipBlanks(json)
        guard cursor.take(json, UInt8(ascii: "{")) else { throw cursor.malformed("a '{' is missing") }
        repeat {
            cursor.skipBlanks(json)
            let name = try cursor.text(json)
            cursor.skipBlanks(json)
            guard cursor.take(json, UInt8(ascii: ":")) else { throw cursor.malformed("a ':' is missing") }
            // A field that is there several times is the first of them.
            let field = Field(json.extracting(name.range)).flatMap { isGiven($0) ? nil : $0 }
            if try readValue(json, &cursor, into: field, depth: 0), let field { given |= 1 << UInt16(field.rawValue) }
            cursor.skipBlanks(json)
        } while cursor.take(json, UInt8(ascii: ","))
        guard cursor.take(json, UInt8(ascii: "}")) else { throw cursor.malformed("a '}' is missing") }
        cursor.skipBlanks(json)
        guard cursor.position == json.count else { throw cursor.malformed("something follows") }
    }

    /// A text, or a list: of the numbers of bytes where they are not UTF-8, or of values where a field has several, of which
    /// the first is taken.
    ///
    /// - Returns: whether there is a value; `null` is none.
    private mutating func readValue(
        _ json: Span<UInt8>, _ cursor: inout JSONCursor, into field: Field?, depth: Int
    ) throws(MalformedJSON) -> Bool {
        cursor.skipBlanks(json)
        guard cursor.position < json.count else { throw cursor.malformed("a value is missing") }
        switch json[cursor.position] {
        case UInt8(ascii: "\""):
            let text = try cursor.text(json)
            if let field { values[field.rawValue] = JSONCursor.unescaped(json, text.range) }
            return true
        case UInt8(ascii: "["):
            // A list of lists is as deep as an entry goes.
            guard depth < 2 else { throw cursor.malformed("more than two lists are nested") }
            return try readList(json, &cursor, into: field, depth: depth)
        case UInt8(ascii: "n"):
            try cursor.literal(json, "null")
            return false
        default:
            let digits = try cursor.number(json)
            if let field { values[field.rawValue] = (digits.lowerBound..<digits.upperBound).map { json[$0] } }
            return true
        }
    }

    private mutating func readList(
        _ json: Span<UInt8>, _ cursor: inout JSONCursor, into field: Field?, depth: Int
    ) throws(MalformedJSON) -> Bool {
        cursor.position += 1
        var isFirst = true, hasValue = false
        while true {
            cursor.skipBlanks(json)
            if cursor.take(json, UInt8(ascii: "]")) { return hasValue }
            guard isFirst || cursor.take(json, UInt8(ascii: ",")) else { throw cursor.malformed("a ',' or ']' is missing") }
            cursor.skipBlanks(json)
            if cursor.position < json.count, json[cursor.position].isDigit {
                guard let byte = byte(json, try cursor.number(json)) else { throw cursor.malformed("this is not a byte") }
                if let field { values[field.rawValue].append(byte) }
                hasValue = true
            } else if try readValue(json, &cursor, into: hasValue ? nil : field, depth: depth + 1) {
                hasValue = true
            }
            isFirst = false
        }
    }

    private func byte(_ json: Span<UInt8>, _ digits: Range<Int>) -> UInt8? {
        json.integer(in: digits).flatMap { UInt8(exactly: $0) }
    }
}
