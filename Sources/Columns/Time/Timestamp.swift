import FoundationEssentials

/// A point in time in whole microseconds since 1970-01-01T00:00:00Z, as a ``ColumnType/timestamp`` column holds it.
public struct Timestamp: Sendable, Hashable, Comparable, Codable {
    /// Since 1970-01-01T00:00:00Z, without leap seconds; negative before.
    public var microseconds: Int64

    /// So many microseconds after 1970.
    @inlinable public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// So many seconds after 1970.
    @inlinable public init(seconds: Int64) {
        microseconds = seconds * 1_000_000
    }

    /// Midnight UTC of a date of the proleptic Gregorian calendar, plus a time of day. Values are not checked here;
    /// a second of 60 (a leap second) is the first of the next minute.
    @inlinable public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0)
    {
        let seconds = (Self.days(year: year, month: month, day: day) * 24 + hour) * 3600 + minute * 60 + second
        microseconds = Int64(seconds) * 1_000_000 + Int64(microsecond)
    }

    /// The time of day by the clock of this machine. Logic takes a `now` instead; only the edges of the program ask the clock.
    public static var now: Timestamp {
        // A double of seconds since 1970 still tells quarters of a microsecond apart.
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    /// Whether `left` is earlier.
    @inlinable public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// Later by `duration`; wraps around at the ends of `Int64`.
    @inlinable public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(microseconds: time.microseconds &+ duration.inMicroseconds)
    }

    /// Earlier by `duration`; wraps around at the ends of `Int64`.
    @inlinable public static func - (time: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(microseconds: time.microseconds &- duration.inMicroseconds)
    }

    /// How much later the one is than the other; negative when it is earlier.
    @inlinable public static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        .microseconds(later.microseconds &- earlier.microseconds)
    }

    /// Seconds since 1970 with their fraction, as Prometheus exports points in time.
    public var secondsSince1970: Double { Double(microseconds) / 1e6 }

    /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
    ///
    /// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    @inlinable public static func days(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date `days` days after 1970-01-01 (civil_from_days of the same source).
    public static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// Year, month, day, hour, minute, second and microsecond in UTC.
    public var components: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, microsecond: Int) {
        let (seconds, fraction) = Int(microseconds).flooringDivision(by: 1_000_000)
        let (days, second) = seconds.flooringDivision(by: 86_400)
        let date = Self.civil(days: days)
        return (date.year, date.month, date.day, second / 3600, second / 60 % 60, second % 60, fraction)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with as many digits of the second as are needed (0, 3 or 6): `2026-11-21T10:00:00Z`.
    public var description: String {
        let fraction = Int(microseconds).flooringDivision(by: 1_000_000).remainder
        return rfc3339(fractionDigits: fraction == 0 ? 0 : fraction % 1000 == 0 ? 3 : 6)
    }

    /// RFC 3339 in UTC with milliseconds, as log lines bear it; what is finer is cut off.
    public var withMilliseconds: String { rfc3339(fractionDigits: 3) }

    private func rfc3339(fractionDigits: Int) -> String {
        let c = components
        var text = [UInt8]()
        text.reserveCapacity(27)
        text.append(number: c.year, digits: 4)
        for (separator, value) in zip("--T::".utf8, [c.month, c.day, c.hour, c.minute, c.second]) {
            text.append(separator)
            text.append(number: value, digits: 2)
        }
        if fractionDigits > 0 {
            text.append(UInt8(ascii: "."))
            text.append(number: fractionDigits == 3 ? c.microsecond / 1000 : c.microsecond, digits: fractionDigits)
        }
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }
}

extension Duration {
    /// Whole microseconds; what is finer is cut off.
    @inlinable public var inMicroseconds: Int64 {
        components.seconds &* 1_000_000 &+ components.attoseconds / 1_000_000_000_000
    }

    /// Seconds with their fraction, as Prometheus takes durations.
    public var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}

extension Int {
    /// Quotient rounded down and the remainder, which is never negative. Before 1970 plain `/` would round towards it.
    func flooringDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

extension [UInt8] {
    /// Appends `number` in decimal with at least `digits` digits.
    fileprivate mutating func append(number: Int, digits: Int) {
        let text = String(number.magnitude)
        if number < 0 { append(UInt8(ascii: "-")) }
        for _ in 0..<Swift.max(0, digits - text.utf8.count) { append(UInt8(ascii: "0")) }
        append(contentsOf: text.utf8)
    }
}
