import Columns

/// Where the parts of a syslog line are. Offsets into the line; a part that is absent is empty.
struct SyslogHeader: Sendable {
    enum Stamp: Sendable, Equatable {
        /// The line has none.
        case none
        /// RFC 3164: no year and no zone. Seconds count from the start of the day.
        case yearless(month: Int, day: Int, second: Int)
        /// ISO 8601 with a zone.
        case absolute(Timestamp)
        /// ISO 8601 without a zone.
        case local(year: Int, month: Int, day: Int, second: Int, microsecond: Int)
        /// A time without a date, as Logback writes it by default.
        case timeOfDay(second: Int, microsecond: Int)
    }

    var stamp = Stamp.none
    var host = 0..<0
    var process = 0..<0
    var pid: Int32?
    /// From here to the end of the line is the message.
    var message = 0

    /// Reads the header of `line`: RFC 3164 as syslogd, rsyslog and journald write it, RFC 5424, and either with an ISO 8601
    /// stamp; an optional `<PRI>`; lines without stamp or host as `journalctl -o cat` and containers have them.
    ///
    ///     Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user …
    ///     2026-11-21T10:00:00.123456+01:00 host sshd-session[1]: …
    ///     <38>1 2026-11-21T10:00:00Z host sshd 44255 - [meta sequenceId="1"] …
    ///
    /// Sources: RFC 3164 §4.1, RFC 5424 §6. What other programs write before, between and behind these parts is read by
    /// ``parseUnusual(_:)``.
    static func parse(_ line: Span<UInt8>) -> Result<SyslogHeader, RejectionReason> {
        let usual = parseUsual(line)
        // Fast path: nearly every line of every log.
        if case .success = usual { return usual }
        return parseUnusual(line).map { .success($0) } ?? usual
    }

    static func parseUsual(_ line: Span<UInt8>, from start: Int = 0) -> Result<SyslogHeader, RejectionReason> {
        var header = SyslogHeader()
        var at = start
        // <PRI>
        if at < line.count, line[at] == UInt8(ascii: "<") {
            guard let close = line.firstIndex(of: UInt8(ascii: ">"), from: at + 1), close - at >= 2, close - at <= 4 else {
                return .failure(.unreadableHeader)
            }
            for index in (at + 1)..<close where !line[index].isDigit { return .failure(.unreadableHeader) }
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
        guard let names = readNames(line, from: at, into: &header) else { return .failure(.unreadableHeader) }
        // `2026-11-02T08:02:` is what is left of a stamp, not the name of a process: it would count as an event of now.
        if header.stamp == .none, header.host.isEmpty, line[names].isDigit { return .failure(.badTimestamp) }
        return .success(header)
    }

    /// Reads `host process[pid]:`, of which the host may be missing, and puts the message behind it; gives where the process
    /// is, or nil when there is none.
    static func readNames(_ line: Span<UInt8>, from start: Int, into header: inout SyslogHeader) -> Int? {
        var at = line.skipBlanks(from: start)
        // Seconds since the start of the machine, as the kernel and `journalctl -o short-monotonic` write them: they tell no
        // time.
        if header.stamp == .none, at < line.count, line[at] == UInt8(ascii: "["), let end = secondsOfUptime(line, from: at) {
            at = line.skipBlanks(from: end)
        }
        var word = at..<line.wordOfHeader(from: at)
        if !isTag(line, word), word.upperBound < line.count {
            header.host = word
            at = line.skipBlanks(from: word.upperBound)
            word = at..<line.wordOfHeader(from: at)
        }
        guard isTag(line, word) else { return nil }
        if let inner = tagOfServer(line, behind: word, in: header) {
            if header.host.isEmpty { header.host = word.lowerBound..<(word.upperBound - 1) }
            word = inner
        }
        readTag(line, word, into: &header)
        header.message = line.skipBlanks(from: behindSecondProcess(line, word))
        return word.lowerBound
    }

    /// Where `sandboxd[129] ([31211]): …` of macOS goes on behind the process that the line is about; else where the tag ends.
    private static func behindSecondProcess(_ line: Span<UInt8>, _ tag: Range<Int>) -> Int {
        // Fast path: a colon ends nearly every tag.
        guard line[tag.upperBound - 1] == UInt8(ascii: "]"), tag.upperBound + 1 < line.count,
            line[tag.upperBound + 1] == UInt8(ascii: "(")
        else { return tag.upperBound }
        let end = line.wordOfHeader(from: tag.upperBound + 1)
        return line.extracting(0..<end).ends(with: "):") ? end : tag.upperBound
    }

    /// sshd's own name in `gate: sshd[600]: …` and `gate 600: sshd[600]: …`, where a forwarder puts a colon behind the host or
    /// a number before the name. Behind any other name it is a text that a program wrote.
    private static func tagOfServer(_ line: Span<UInt8>, behind word: Range<Int>, in header: SyslogHeader) -> Range<Int>? {
        guard line[word.upperBound - 1] == UInt8(ascii: ":"), line[word.upperBound - 2] != UInt8(ascii: "]") else { return nil }
        let next = line.skipBlanks(from: word.upperBound)
        let inner = next..<line.wordOfHeader(from: next)
        guard inner.count > 4, line.extracting(inner).starts(with: "sshd"), line.extracting(inner).ends(with: "]:"),
            !line.extracting(word).starts(with: "sshd")
        else { return nil }
        return header.host.isEmpty || line.integer(in: word.lowerBound..<(word.upperBound - 1)) != nil ? inner : nil
    }

    /// The end of `[ 1234.567890]`, or nil when something else stands in brackets.
    private static func secondsOfUptime(_ line: Span<UInt8>, from start: Int) -> Int? {
        var at = line.skipBlanks(from: start + 1)
        let digits = at
        while at < line.count, line[at].isDigit || line[at] == UInt8(ascii: ".") { at += 1 }
        guard at > digits, at - digits <= 24, at < line.count, line[at] == UInt8(ascii: "]") else { return nil }
        return at + 1
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
        // A byte order mark may precede the message.
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
        // `(sshd)` is the process before systemd has started the program in it.
        if end - start > 2, line[start] == UInt8(ascii: "("), line[end - 1] == UInt8(ascii: ")") {
            (start, end) = (start + 1, end - 1)
        }
        header.process = start..<end
    }
}

extension Span<UInt8> {
    /// Where the word that begins at `start` ends: at a space or the end.
    @inline(__always) func wordEnd(from start: Int) -> Int {
        var end = start
        while end < count, self[end] != UInt8(ascii: " ") { end += 1 }
        return end
    }

    /// Where the word of a header that begins at `start` ends: some programs put a tab between two.
    @inline(__always) func wordOfHeader(from start: Int) -> Int {
        var end = start
        while end < count, self[end] != UInt8(ascii: " "), self[end] != UInt8(ascii: "\t") { end += 1 }
        return end
    }

    /// Where the blanks and line ends at the end begin, or `start`.
    func trimmedEnd(from start: Int) -> Int {
        var end = count
        while end > start, self[end - 1] <= 0x20, self[end - 1] != 0 { end -= 1 }
        return end
    }

    @inline(__always) func skipBlanks(from start: Int) -> Int {
        var at = start
        while at < count, self[at] == UInt8(ascii: " ") || self[at] == UInt8(ascii: "\t") { at += 1 }
        return at
    }
}
