import Columns

/// Readers for the stamps at the start of a syslog line. Nil means that no stamp stands there, a nil `value` that one does and it is no time.
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
        guard let second = clock(line, at: at + 1) else { return Attempt(value: nil) }
        at += 9
        // A fraction of the second, as rsyslog can be told to write, is skipped: there is no zone with it to make it worth more.
        if at < line.count, line[at] == UInt8(ascii: ".") {
            at += 1
            while at < line.count, line[at].isDigit { at += 1 }
        }
        guard at == line.count || line[at] == UInt8(ascii: " ") || line[at] == UInt8(ascii: ":") else { return nil }
        if at < line.count, line[at] == UInt8(ascii: ":") { at += 1 }
        // February has 29 days here; whether it does in the inferred year is asked there.
        guard day >= 1, day <= longestMonth[month - 1] else { return Attempt(value: nil) }
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

    /// `2026-11-21T10:00:00.123456+01:00`: a `T` or a blank between, a fraction of any length behind `.` or `,`, a zone as `Z`,
    /// `+01:00`, `+0100` or none.
    static func iso(_ line: Span<UInt8>, at start: Int) -> Attempt<(stamp: SyslogHeader.Stamp, end: Int)>? {
        guard start + 19 <= line.count, line[start + 4] == UInt8(ascii: "-"), line[start + 7] == UInt8(ascii: "-"),
            line[start + 10] | 0x20 == UInt8(ascii: "t") || line[start + 10] == UInt8(ascii: " "),
            let year = line.integer(in: start..<(start + 4)), let month = line.integer(in: (start + 5)..<(start + 7)),
            let day = line.integer(in: (start + 8)..<(start + 10))
        else { return nil }
        guard (1...12).contains(month), day >= 1, Int(day) <= length(ofMonth: Int(month), year: Int(year)),
            let second = clock(line, at: start + 11)
        else { return Attempt(value: nil) }
        var at = start + 19
        var microsecond = 0
        if at + 1 < line.count, line[at] == UInt8(ascii: ".") || line[at] == UInt8(ascii: ","), line[at + 1].isDigit {
            at += 1
            var scale = 100_000
            while at < line.count, line[at].isDigit {
                microsecond += Int(line[at] &- UInt8(ascii: "0")) * scale
                scale /= 10
                at += 1
            }
        }
        if at < line.count, line[at] == UInt8(ascii: "Z") || line[at] == UInt8(ascii: "z") {
            let time = Timestamp(year: Int(year), month: Int(month), day: Int(day), second: second, microsecond: microsecond)
            return Attempt(value: (.absolute(time), at + 1))
        }
        if at + 5 <= line.count, line[at] == UInt8(ascii: "+") || line[at] == UInt8(ascii: "-"), line[at + 1].isDigit {
            let minutesAt = line[at + 3] == UInt8(ascii: ":") ? at + 4 : at + 3
            guard minutesAt + 2 <= line.count, let hours = line.integer(in: (at + 1)..<(at + 3)),
                let minutes = line.integer(in: minutesAt..<(minutesAt + 2)), hours < 24, minutes < 60
            else { return Attempt(value: nil) }
            let offset = (Int(hours) * 60 + Int(minutes)) * (line[at] == UInt8(ascii: "-") ? -60 : 60)
            let time = Timestamp(
                year: Int(year), month: Int(month), day: Int(day), second: second - offset, microsecond: microsecond)
            return Attempt(value: (.absolute(time), minutesAt + 2))
        }
        let local = SyslogHeader.Stamp.local(
            year: Int(year), month: Int(month), day: Int(day), second: second, microsecond: microsecond)
        return Attempt(value: (local, at))
    }

    /// The second of the day of `hh:mm:ss`, up to 86400 because of leap seconds.
    static func clock(_ line: Span<UInt8>, at start: Int) -> Int? {
        guard line[start + 2] == UInt8(ascii: ":"), line[start + 5] == UInt8(ascii: ":") else { return nil }
        func two(_ line: Span<UInt8>, _ index: Int) -> Int {
            line[index].isDigit && line[index + 1].isDigit
                ? Int(line[index] &- UInt8(ascii: "0")) * 10 + Int(line[index + 1] &- UInt8(ascii: "0")) : 99
        }
        let hour = two(line, start), minute = two(line, start + 3), second = two(line, start + 6)
        guard hour < 24, minute < 60, second <= 60 else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static func month(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> Int? {
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

    static let longestMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

    static func length(ofMonth month: Int, year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 && !isLeap ? 28 : longestMonth[month - 1]
    }
}
