import Columns

/// Readers for the stamps at the start of a syslog line. Nil means that no stamp is there, a nil `value` that one does and
/// it is not a time.
enum SyslogTime {
    struct Attempt<Value> {
        let value: Value?
        init(value: Value?) { self.value = value }
    }

    struct Yearless {
        let month: Int, day: Int, second: Int, end: Int
    }

    /// `Dec 10 06:55:46`, the day padded by a blank, a zero or nothing.
    static func yearless(_ line: Span<UInt8>, at start: Int) -> Attempt<Yearless>? {
        guard start + 14 <= line.count, let month = month(line[start], line[start + 1], line[start + 2]),
            line[start + 3] == UInt8(ascii: " ")
        else { return nil }
        var at = start + 4
        if line[at] == UInt8(ascii: " ") { at += 1 }
        guard line[at].isDigit else { return nil }
        var day = Int(line[at] &- UInt8(ascii: "0"))
        at += 1
        if line[at].isDigit {
            day = day * 10 + Int(line[at] &- UInt8(ascii: "0"))
            at += 1
        }
        guard at + 9 <= line.count, line[at] == UInt8(ascii: " ") else { return nil }
        guard let second = ISOTime.secondOfDay(line, at: at + 1) else { return Attempt(value: nil) }
        at += 9
        // A fraction of the second, as rsyslog can be set to write, is skipped: there is no zone with it to make it worth more.
        if at < line.count, line[at] == UInt8(ascii: ".") {
            at += 1
            while at < line.count, line[at].isDigit { at += 1 }
        }
        guard at == line.count || line[at] == UInt8(ascii: " ") || line[at] == UInt8(ascii: ":") else { return nil }
        if at < line.count, line[at] == UInt8(ascii: ":") { at += 1 }
        // February has 29 days here; whether it does in the inferred year is asked there.
        guard day >= 1, day <= ISOTime.length(ofMonth: month, year: 2000) else { return Attempt(value: nil) }
        return Attempt(value: Yearless(month: month, day: day, second: second, end: at))
    }

    /// `Nov 26`, and where it ends.
    static func monthAndDay(_ line: Span<UInt8>, at start: Int) -> (month: Int, day: Int, end: Int)? {
        guard start + 6 <= line.count, let month = month(line[start], line[start + 1], line[start + 2]),
            line[start + 3] == UInt8(ascii: " ")
        else { return nil }
        let at = line[start + 4] == UInt8(ascii: " ") ? start + 5 : start + 4
        var end = at
        while end < line.count, end < at + 2, line[end].isDigit { end += 1 }
        return line.integer(in: at..<end).map { (month, Int($0), end) }
    }

    /// `1795687201.373474`, seconds since 1970 with a blank behind them.
    static func epoch(_ line: Span<UInt8>, at start: Int) -> (SyslogHeader.Stamp, Int)? {
        guard start + 12 < line.count, line[start + 10] == UInt8(ascii: "."), let seconds = line.integer(in: start..<(start + 10))
        else {
            return nil
        }
        var at = start + 11
        var microsecond = 0, scale = 100_000
        while at < line.count, line[at].isDigit {
            microsecond += Int(line[at] &- UInt8(ascii: "0")) * scale
            scale /= 10
            at += 1
        }
        guard at > start + 11, at < line.count, line[at] == UInt8(ascii: " ") else { return nil }
        return (.absolute(Timestamp(microseconds: Int64(seconds) * 1_000_000 + Int64(microsecond))), at)
    }

    /// An ISO 8601 stamp, and where it ends; see ``ISOTime``.
    static func iso(_ line: Span<UInt8>, at start: Int) -> Attempt<(stamp: SyslogHeader.Stamp, end: Int)>? {
        guard let time = ISOTime.read(line, at: start) else { return nil }
        guard time.isValid else { return Attempt(value: nil) }
        guard time.offset == nil else { return Attempt(value: (.absolute(time.timestamp), time.end)) }
        return Attempt(
            value: (
                .local(
                    year: time.year, month: time.month, day: time.day, second: time.second, microsecond: time.microsecond),
                time.end
            ))
    }

    static func month(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> Int? {
        switch UInt32(a) << 16 | UInt32(b) << 8 | UInt32(c) {
        case 0x4A616E: 1
        case 0x466562: 2
        case 0x4D6172: 3
        case 0x417072: 4
        case 0x4D6179: 5
        case 0x4A756E: 6
        case 0x4A756C: 7
        case 0x417567: 8
        case 0x536570: 9
        case 0x4F6374: 10
        case 0x4E6F76: 11
        case 0x446563: 12
        default: nil
        }
    }
}
