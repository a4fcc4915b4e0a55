import Columns

/// `last message repeated 4 times`, which syslogd writes in the place of four lines that are as the one before.
///
///     Nov 26 10:00:01 gate last message repeated 4 times
///     Nov 26 10:00:01 gate syslogd: last message repeated 4 times
struct RepeatedMessage {
    var stamp: SyslogHeader.Stamp
    /// Where the host stands in the line; empty where there is none.
    var host: Range<Int>
    var count: Int32

    /// Nil when `line` is not such a line, which its last word says of nearly all.
    static func read(_ line: Span<UInt8>) -> RepeatedMessage? {
        guard line.ends(with: " times") else { return nil }
        let end = line.count - 6
        var digits = end
        while digits > 0, line[digits - 1].isDigit { digits -= 1 }
        guard let count = line.integer(in: digits..<end), count > 0,
            line.extracting(0..<digits).ends(with: "last message repeated ")
        else { return nil }
        let text = digits - 22
        // With the name of a program before it, the header is a usual one; without, the text is read as the name would be.
        if case .success(let header) = SyslogHeader.parse(line), header.message == text,
            line.extracting(header.process).starts(with: "syslog")
        {
            return RepeatedMessage(stamp: header.stamp, host: header.host, count: count)
        }
        guard let (stamp, at) = SyslogHeader.anyStamp(line, at: 0) else { return nil }
        let host = line.skipBlanks(from: at)
        let hostEnd = line.wordOfHeader(from: host)
        guard line.skipBlanks(from: hostEnd) == text else { return nil }
        return RepeatedMessage(stamp: stamp, host: host..<hostEnd, count: count)
    }
}
