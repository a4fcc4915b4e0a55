/// A date and time of day as ISO 8601, RFC 3339 and most programs write it: `2026-11-21T10:00:00.123456+01:00`.
///
/// The one reader of this notation: headers of log lines, columns of JSON and CSV, options of commands and posted alerts go
/// through it and differ only in what they make of a missing zone.
public struct ISOTime: Sendable, Equatable {
    /// False when the digits are where they belong and no such time exists, such as 31 February or the 25th hour. The other
    /// values are 0 then.
    public let isValid: Bool
    /// As they are written, in the zone of the time.
    public let year: Int, month: Int, day: Int
    /// The second of the day, up to 86400 because of leap seconds.
    public let second: Int
    /// The fraction of the second; what is finer is cut off.
    public let microsecond: Int
    /// Seconds east of UTC; nil where no zone is written.
    public let offset: Int?
    /// The index behind the last byte that belongs to the time.
    public let end: Int

    /// The point in time; a time without a zone is taken as UTC.
    public var timestamp: Timestamp {
        Timestamp(year: year, month: month, day: day, second: second - (offset ?? 0), microsecond: microsecond)
    }

    private static func invalid(at end: Int) -> ISOTime {
        ISOTime(isValid: false, year: 0, month: 0, day: 0, second: 0, microsecond: 0, offset: nil, end: end)
    }

    /// Reads the time that begins at `start`: a `T` or a blank between date and time of day, a fraction of any length behind
    /// `.` or `,` (what is finer than a microsecond is cut off), a zone as `Z`, `+01:00`, `+0100` or none.
    ///
    /// - Parameter canLackSeconds: whether `10:00` is a time of day.
    /// - Returns: nil when no such notation begins there.
    public static func read(_ text: Span<UInt8>, at start: Int = 0, canLackSeconds: Bool = false) -> ISOTime? {
        guard start + (canLackSeconds ? 16 : 19) <= text.count, text[start + 4] == UInt8(ascii: "-"),
            text[start + 7] == UInt8(ascii: "-"),
            text[start + 10] | 0x20 == UInt8(ascii: "t") || text[start + 10] == UInt8(ascii: " "),
            let year = text.integer(in: start..<(start + 4)), let month = text.integer(in: (start + 5)..<(start + 7)),
            let day = text.integer(in: (start + 8)..<(start + 10))
        else { return nil }
        guard (1...12).contains(month), day >= 1, Int(day) <= length(ofMonth: Int(month), year: Int(year)),
            let clock = clock(text, at: start + 11, canLackSeconds: canLackSeconds)
        else { return invalid(at: start) }
        var at = clock.end
        let microsecond = fraction(text, &at)
        let offset: Int?
        switch zone(text, &at) {
        case .none: offset = nil
        case .east(let seconds): offset = seconds
        case .invalid: return invalid(at: at)
        }
        return ISOTime(
            isValid: true, year: Int(year), month: Int(month), day: Int(day), second: clock.second, microsecond: microsecond,
            offset: offset, end: at)
    }

    /// The second of the day of `hh:mm:ss` at `start`, up to 86400 because of leap seconds. Nil when it is not one.
    public static func secondOfDay(_ text: Span<UInt8>, at start: Int) -> Int? {
        guard start + 8 <= text.count else { return nil }
        return clock(text, at: start, canLackSeconds: false)?.second
    }

    /// How many days a month of the Gregorian calendar has.
    @inlinable public static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func clock(_ text: Span<UInt8>, at start: Int, canLackSeconds: Bool) -> (second: Int, end: Int)? {
        guard text[start + 2] == UInt8(ascii: ":"), let hour = two(text, start), hour < 24, let minute = two(text, start + 3),
            minute < 60
        else { return nil }
        guard start + 8 <= text.count, text[start + 5] == UInt8(ascii: ":") else {
            return canLackSeconds ? (hour * 3600 + minute * 60, start + 5) : nil
        }
        guard let second = two(text, start + 6), second <= 60 else { return nil }
        return (hour * 3600 + minute * 60 + second, start + 8)
    }

    private static func two(_ text: Span<UInt8>, _ index: Int) -> Int? {
        guard text[index].isDigit, text[index + 1].isDigit else { return nil }
        return Int(text[index] &- UInt8(ascii: "0")) * 10 + Int(text[index + 1] &- UInt8(ascii: "0"))
    }

    private static func fraction(_ text: Span<UInt8>, _ at: inout Int) -> Int {
        guard at + 1 < text.count, text[at] == UInt8(ascii: ".") || text[at] == UInt8(ascii: ","), text[at + 1].isDigit else {
            return 0
        }
        at += 1
        var microsecond = 0, scale = 100_000
        while at < text.count, text[at].isDigit {
            microsecond += Int(text[at] &- UInt8(ascii: "0")) * scale
            scale /= 10
            at += 1
        }
        return microsecond
    }

    private enum Zone { case none, invalid, east(Int) }

    private static func zone(_ text: Span<UInt8>, _ at: inout Int) -> Zone {
        if at < text.count, text[at] == UInt8(ascii: "Z") || text[at] == UInt8(ascii: "z") {
            at += 1
            return .east(0)
        }
        guard at + 5 <= text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-"), text[at + 1].isDigit else {
            return .none
        }
        let minutesAt = text[at + 3] == UInt8(ascii: ":") ? at + 4 : at + 3
        guard minutesAt + 2 <= text.count, let hours = text.integer(in: (at + 1)..<(at + 3)),
            let minutes = text.integer(in: minutesAt..<(minutesAt + 2)), hours < 24, minutes < 60
        else { return .invalid }
        let sign = text[at] == UInt8(ascii: "-") ? -60 : 60
        at = minutesAt + 2
        return .east((Int(hours) * 60 + Int(minutes)) * sign)
    }
}

extension Timestamp {
    /// A time as RFC 3339 has it, with seconds and zone. Nil for anything else.
    public init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        guard let time = ISOTime.read(bytes.span), time.isValid, time.end == bytes.count, time.offset != nil else { return nil }
        self = time.timestamp
    }

    /// A time such as `2026-11-21T10:00:00Z`, `2026-11-21 10:00:00.5+01:00` or `2026-11-21`; UTC where no zone is written. Nil
    /// for anything else.
    public init?(iso8601 text: String) {
        let bytes = Array((text.utf8.count == 10 ? text + "T00:00:00Z" : text).utf8)
        guard let time = ISOTime.read(bytes.span), time.isValid, time.end == bytes.count else { return nil }
        self = time.timestamp
    }
}
