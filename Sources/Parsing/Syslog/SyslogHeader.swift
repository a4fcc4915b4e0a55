import Columns

/// Where the parts of a syslog line stand. Offsets into the line; a part that is absent is empty.
public struct SyslogHeader: Sendable {
    public enum Stamp: Sendable, Equatable {
        /// The line has none.
        case none
        /// RFC 3164: no year and no zone. Seconds count from the start of the day.
        case yearless(month: Int, day: Int, second: Int)
        /// ISO 8601 with a zone.
        case absolute(Timestamp)
        /// ISO 8601 without a zone.
        case local(year: Int, month: Int, day: Int, second: Int, microsecond: Int)
    }

    public var stamp = Stamp.none
    public var host = 0..<0
    public var process = 0..<0
    public var pid: Int32?
    /// From here to the end of the line is the message.
    public var message = 0

    /// Reads the header of `line`: RFC 3164 as syslogd, rsyslog and journald write it, RFC 5424, and either with an ISO 8601 stamp; an
    /// optional `<PRI>`; lines without stamp or host as `journalctl -o cat` and containers have them.
    ///
    ///     Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user …
    ///     2026-11-21T10:00:00.123456+01:00 host sshd-session[1]: …
    ///     <38>1 2026-11-21T10:00:00Z host sshd 44255 - [meta sequenceId="1"] …
    ///
    /// Sources: RFC 3164 §4.1, RFC 5424 §6.
    public static func parse(_ line: Span<UInt8>) -> Result<SyslogHeader, RejectionReason> {
        var header = SyslogHeader()
        var at = 0
        // <PRI>
        if !line.isEmpty, line[0] == UInt8(ascii: "<") {
            guard let close = line.firstIndex(of: UInt8(ascii: ">"), from: 1), close >= 2, close <= 4 else {
                return .failure(.unreadableHeader)
            }
            for index in 1..<close where !line[index].isDigit { return .failure(.unreadableHeader) }
            at = close + 1
            if at + 1 < line.count, line[at] == UInt8(ascii: "1"), line[at + 1] == UInt8(ascii: " ") {
                return parse5424(line, from: at + 2)
            }
        }
        // Fast path: an RFC 3164 stamp, nearly every line of an auth.log.
        if let stamp = SyslogTime.yearless(line, at: at) {
            guard let stamp = stamp.value else { return .failure(.badTimestamp) }
            header.stamp = .yearless(month: stamp.month, day: stamp.day, second: stamp.second)
            at = stamp.end
        } else if let stamp = SyslogTime.iso(line, at: at) {
            guard let stamp = stamp.value else { return .failure(.badTimestamp) }
            header.stamp = stamp.stamp
            at = stamp.end
        }
        while at < line.count, line[at] == UInt8(ascii: " ") { at += 1 }
        // `host process[pid]: message`; the host may be missing.
        var wordEnd = line.wordEnd(from: at)
        guard wordEnd > at else { return .failure(.unreadableHeader) }
        if !isTag(line, at..<wordEnd), wordEnd < line.count {
            header.host = at..<wordEnd
            at = wordEnd
            while at < line.count, line[at] == UInt8(ascii: " ") { at += 1 }
            wordEnd = line.wordEnd(from: at)
        }
        guard isTag(line, at..<wordEnd) else { return .failure(.unreadableHeader) }
        // `2026-11-02T08:02:` is what is left of a stamp, not the name of a process: it would count as an event of now.
        if header.stamp == .none, header.host.isEmpty, line[at].isDigit { return .failure(.badTimestamp) }
        readTag(line, at..<wordEnd, into: &header)
        at = wordEnd
        while at < line.count, line[at] == UInt8(ascii: " ") { at += 1 }
        header.message = at
        return .success(header)
    }

    /// After `<PRI>1 `: TIMESTAMP HOST APP PROCID MSGID STRUCTURED-DATA MSG, `-` for what is absent.
    static func parse5424(_ line: Span<UInt8>, from start: Int) -> Result<SyslogHeader, RejectionReason> {
        var header = SyslogHeader()
        var at = start
        func next(_ line: Span<UInt8>) -> Range<Int> {
            let end = line.wordEnd(from: at)
            defer { at = Swift.min(end + 1, line.count) }
            return at..<end
        }
        func isNil(_ range: Range<Int>) -> Bool { range.count == 1 && line[range.lowerBound] == UInt8(ascii: "-") }

        let stampWord = next(line)
        if !isNil(stampWord) {
            guard let stamp = SyslogTime.iso(line, at: stampWord.lowerBound)?.value, stamp.end == stampWord.upperBound else {
                return .failure(.badTimestamp)
            }
            header.stamp = stamp.stamp
        }
        let host = next(line), process = next(line), pid = next(line), id = next(line)
        guard !id.isEmpty else { return .failure(.unreadableHeader) }
        if !isNil(host) { header.host = host }
        if !isNil(process) { header.process = process }
        header.pid = line.integer(in: pid)
        // Structured data: elements in brackets, one behind another, in which quotes and escapes hide a bracket.
        if at < line.count, line[at] == UInt8(ascii: "-") {
            at += 1
        } else {
            while at < line.count, line[at] == UInt8(ascii: "[") {
                var isQuoted = false
                at += 1
                while at < line.count, isQuoted || line[at] != UInt8(ascii: "]") {
                    if line[at] == UInt8(ascii: "\\"), isQuoted {
                        at += 1
                    } else if line[at] == UInt8(ascii: "\"") {
                        isQuoted.toggle()
                    }
                    at += 1
                }
                at = Swift.min(at + 1, line.count)
            }
        }
        if at < line.count, line[at] == UInt8(ascii: " ") { at += 1 }
        // A byte order mark may stand before the message.
        if at + 3 <= line.count, line[at] == 0xEF, line[at + 1] == 0xBB, line[at + 2] == 0xBF { at += 3 }
        header.message = at
        return .success(header)
    }

    /// Whether a word is `name:`, `name[pid]:`, `name[pid]` or `[name]`.
    static func isTag(_ line: Span<UInt8>, _ word: Range<Int>) -> Bool {
        guard word.count >= 2 else { return false }
        let last = line[word.upperBound - 1]
        if last == UInt8(ascii: "]") { return true }
        // An IPv6 host ends in a colon only as `::`.
        return last == UInt8(ascii: ":") && line[word.upperBound - 2] != UInt8(ascii: ":")
    }

    static func readTag(_ line: Span<UInt8>, _ word: Range<Int>, into header: inout SyslogHeader) {
        var end = word.upperBound
        if line[end - 1] == UInt8(ascii: ":") { end -= 1 }
        if line[end - 1] == UInt8(ascii: "]") {
            var open = end - 2
            while open >= word.lowerBound, line[open] != UInt8(ascii: "[") { open -= 1 }
            if open == word.lowerBound {  // `[sshd]`
                header.process = (open + 1)..<(end - 1)
                return
            }
            if open > word.lowerBound {
                header.pid = line.integer(in: (open + 1)..<(end - 1))
                end = open
            }
        }
        // A path says no more than its last part.
        var start = word.lowerBound
        for index in start..<end where line[index] == UInt8(ascii: "/") { start = index + 1 }
        header.process = start..<end
    }
}

extension UInt8 {
    @inline(__always) var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }
}

extension Span<UInt8> {
    /// Where the word that begins at `start` ends: at a space or the end.
    @inline(__always) func wordEnd(from start: Int) -> Int {
        var end = start
        while end < count, self[end] != UInt8(ascii: " ") { end += 1 }
        return end
    }

    /// The number in `range`, or nil if it is empty, holds another byte than digits, or does not fit.
    @inline(__always) func integer(in range: Range<Int>) -> Int32? {
        guard (1...10).contains(range.count) else { return nil }
        var value = 0
        for index in range {
            guard self[index].isDigit else { return nil }
            value = value * 10 + Int(self[index] &- UInt8(ascii: "0"))
        }
        return Int32(exactly: value)
    }
}
