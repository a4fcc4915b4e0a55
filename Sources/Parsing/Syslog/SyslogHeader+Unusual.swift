import Columns

/// Headers that are neither RFC 3164's nor RFC 5424's, read only where those fail.
///
///     142 <38>1 2026-11-26T10:00:01Z gate sshd …               octets counted (RFC 6587 §3.4.1)
///     1 2026-11-26T10:00:01Z gate sshd …                       RFC 5424 without its <PRI>
///     Thu Nov 26 10:00:01 2026 authpriv.info sshd[51]: …       OpenWrt's logread
///     Nov 26 10:00:01 <auth.info> bsd1 sshd[600]: …            FreeBSD's syslogd -v
///     Nov 26 10:00:01 alp auth.info sshd[600]: …               BusyBox, AIX (`auth|security:info`)
///     Nov 26 2026 10:00:01 cis sshd[600]: …                    with a year
///     Thu 2026-11-26 10:00:01 CET gate sshd[600]: …            journalctl -o short-full
///     1795687201.373474 gate sshd[600]: …                      journalctl -o short-unix
///     Nov 26 10:00:01 192.0.2.1 Nov 26 09:59:59 gate sshd[6]:  a relay's header before the machine's own, which counts
///     2026 Nov 26 10:00:01 gate sshd[600]: …                   with the year first
///     Nov 26 10:00:01 CET gate sshd[600]: …                    with the name of a zone
///     Nov 26 10:00:01 gate Microsoft Word[14463]: …            a program whose name has blanks in it
extension SyslogHeader {
    static func parseUnusual(_ line: Span<UInt8>) -> SyslogHeader? {
        var at = 0
        while at < line.count, at < 7, line[at].isDigit { at += 1 }
        if at > 0, at + 1 < line.count, line[at] == UInt8(ascii: " ") {
            if line[at + 1] == UInt8(ascii: "<") { return try? parseUsual(line, from: at + 1).get() }
            if at == 1, line[0] == UInt8(ascii: "1"), SyslogTime.iso(line, at: 2) != nil {
                return try? parse5424(line, from: 2).get()
            }
        }
        at = 0
        if line.count > 0, line[0] == UInt8(ascii: "<"), let close = line.firstIndex(of: UInt8(ascii: ">")), close <= 4 {
            at = close + 1
        }
        var header = SyslogHeader()
        guard let stamp = anyStamp(line, at: at) else { return nil }
        (header.stamp, at) = stamp
        at = skipPriority(line, from: skipZone(line, from: line.skipBlanks(from: at)))
        let host = at..<line.wordOfHeader(from: at)
        let behind = line.skipBlanks(from: host.upperBound)
        if let own = anyStamp(line, at: behind) {
            header.stamp = own.0
            at = own.1
        } else if !isTag(line, host), skipPriority(line, from: behind) > behind {
            // The priority between host and name is passed by reading the name alone.
            guard readNames(line, from: skipPriority(line, from: behind), into: &header) != nil, header.host.isEmpty else {
                return nil
            }
            header.host = host
            return header
        }
        if readNames(line, from: at, into: &header) != nil { return header }
        return readLongName(line, host: host, from: behind, into: &header) ? header : nil
    }

    /// `Microsoft Word[14463]: …` and `syslogd 1.4.1: …` behind a host: up to four words, of which the last one ends as a name
    /// does.
    private static func readLongName(_ line: Span<UInt8>, host: Range<Int>, from start: Int, into header: inout SyslogHeader)
        -> Bool
    {
        var at = start
        for _ in 0..<4 {
            let word = at..<line.wordOfHeader(from: at)
            guard !word.isEmpty, word.upperBound < line.count else { return false }
            if line[word.upperBound - 1] == UInt8(ascii: ":"), isTag(line, word) {
                readTag(line, word, into: &header)
                (header.host, header.process) = (host, start..<header.process.upperBound)
                header.message = line.skipBlanks(from: word.upperBound)
                return true
            }
            at = line.skipBlanks(from: word.upperBound)
        }
        return false
    }

    /// Behind the name of a zone, in which the stamp is taken to be in that of the machine: it is only one where the words of a
    /// header follow it.
    private static func skipZone(_ line: Span<UInt8>, from start: Int) -> Int {
        let word = start..<line.wordOfHeader(from: start)
        guard (3...4).contains(word.count), word.upperBound < line.count else { return start }
        for index in word where line[index] < UInt8(ascii: "A") || line[index] > UInt8(ascii: "Z") { return start }
        let next = line.skipBlanks(from: word.upperBound)
        let host = next..<line.wordOfHeader(from: next)
        guard !host.isEmpty, !isTag(line, host) else { return start }
        let name = line.skipBlanks(from: host.upperBound)
        return isTag(line, name..<line.wordOfHeader(from: name)) ? next : start
    }

    /// A stamp in any of the forms above, and where it ends.
    static func anyStamp(_ line: Span<UInt8>, at start: Int) -> (Stamp, Int)? {
        var at = start
        if isWeekday(line, at: at) { at += 4 }
        if let found = SyslogTime.iso(line, at: at) {
            guard let (stamp, end) = found.value else { return nil }
            return zoneName(line, stamp, end)
        }
        if let (stamp, end) = yearInside(line, at: at) ?? SyslogTime.epoch(line, at: at) { return (stamp, end) }
        if at + 5 < line.count, line[at + 4] == UInt8(ascii: " "), let year = line.integer(in: at..<(at + 4)), year >= 1970,
            let found = SyslogTime.yearless(line, at: at + 5)?.value,
            found.day <= ISOTime.length(ofMonth: found.month, year: Int(year))
        {
            return (.local(year: Int(year), month: found.month, day: found.day, second: found.second, microsecond: 0), found.end)
        }
        guard let found = SyslogTime.yearless(line, at: at)?.value else { return nil }
        if let year = year(line, at: found.end) {
            return (.local(year: year, month: found.month, day: found.day, second: found.second, microsecond: 0), found.end + 5)
        }
        return (.yearless(month: found.month, day: found.day, second: found.second), found.end)
    }

    private static func isWeekday(_ line: Span<UInt8>, at start: Int) -> Bool {
        guard start + 4 <= line.count, line[start + 3] == UInt8(ascii: " ") else { return false }
        let word = line.extracting(start..<(start + 3))
        return word.isEqual(to: "Mon") || word.isEqual(to: "Tue") || word.isEqual(to: "Wed") || word.isEqual(to: "Thu")
            || word.isEqual(to: "Fri") || word.isEqual(to: "Sat") || word.isEqual(to: "Sun")
    }

    /// ` 2026` at `start`, with a blank behind it.
    private static func year(_ line: Span<UInt8>, at start: Int) -> Int? {
        guard start + 5 < line.count, line[start] == UInt8(ascii: " "), line[start + 5] == UInt8(ascii: " "),
            let year = line.integer(in: (start + 1)..<(start + 5)), year >= 1970
        else { return nil }
        return Int(year)
    }

    /// `Nov 26 2026 10:00:01`.
    private static func yearInside(_ line: Span<UInt8>, at start: Int) -> (Stamp, Int)? {
        guard let (month, day, end) = SyslogTime.monthAndDay(line, at: start), let year = year(line, at: end),
            end + 14 <= line.count,
            let second = ISOTime.secondOfDay(line, at: end + 6), day >= 1, day <= ISOTime.length(ofMonth: month, year: year)
        else { return nil }
        return (.local(year: year, month: month, day: day, second: second, microsecond: 0), end + 14)
    }

    /// A zone's name behind a stamp without an offset: UTC is known, any other is the zone of the machine, which the
    /// configuration says.
    private static func zoneName(_ line: Span<UInt8>, _ stamp: Stamp, _ end: Int) -> (Stamp, Int) {
        guard case .local(let year, let month, let day, let second, let microsecond) = stamp, end < line.count,
            line[end] == UInt8(ascii: " ")
        else { return (stamp, end) }
        let word = (end + 1)..<line.wordOfHeader(from: end + 1)
        guard (3...5).contains(word.count), word.upperBound < line.count else { return (stamp, end) }
        for index in word where line[index] < UInt8(ascii: "A") || line[index] > UInt8(ascii: "Z") { return (stamp, end) }
        guard line.extracting(word).isEqual(to: "UTC") || line.extracting(word).isEqual(to: "GMT") else {
            return (stamp, word.upperBound)
        }
        let time = Timestamp(year: year, month: month, day: day, second: second, microsecond: microsecond)
        return (.absolute(time), word.upperBound)
    }

    /// Where what follows `<auth.info>`, `<4.6>`, `authpriv.notice` or `auth|security:info` begins; `start` where none of these
    /// is there.
    private static func skipPriority(_ line: Span<UInt8>, from start: Int) -> Int {
        let end = line.wordOfHeader(from: start)
        let word = line.extracting(start..<end)
        guard (3...32).contains(word.count) else { return start }
        let isBracketed = word[0] == UInt8(ascii: "<") && word[word.count - 1] == UInt8(ascii: ">")
        let mark = word.firstIndex(of: UInt8(ascii: ".")) ?? word.firstIndex(of: UInt8(ascii: ":"))
        let isNamed = mark.map { isSeverity(word.extracting(($0 + 1)..<word.count)) && isFacility(word) } ?? false
        return isBracketed || isNamed ? line.skipBlanks(from: end) : start
    }

    /// The severities of RFC 5424 §6.2.1, as syslogd names them.
    private static let severities: [StaticString] = [
        "emerg", "panic", "alert", "crit", "err", "error", "warn", "warning", "notice", "info", "debug",
    ]

    /// Those of RFC 5424 §6.2.1 in which programs that one logs in by write.
    private static let facilities: [StaticString] = [
        "auth", "local", "daemon", "security", "user", "kern", "mail", "syslog", "cron", "console", "ftp", "audit",
    ]

    private static func isFacility(_ word: Span<UInt8>) -> Bool { facilities.contains { word.starts(with: $0) } }

    /// A severity, with or without a colon behind it.
    private static func isSeverity(_ word: Span<UInt8>) -> Bool {
        let end = word.ends(with: ":") ? word.count - 1 : word.count
        return severities.contains { word.extracting(0..<end).isEqual(to: $0) }
    }
}
