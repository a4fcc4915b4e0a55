import Columns

/// A date format that a program is configured with, compiled to a reader of bytes: Java's (`yyyy-MM-dd HH:mm:ss,SSS`) or C's
/// `strftime` (`%d/%b/%Y:%H:%M:%S %z`).
///
/// Names of months and days are the English ones. A time without a date, or a date without a year or a zone, is completed as
/// for syslog (``StampResolver``).
struct DatePattern: Sendable {
    enum Part: Sendable, Equatable {
        case year, shortYear, month, monthName, dayName, day, hour, halfDayHour, minute, second, fraction, afternoon, offset
        case zoneName
        /// Any notation of ISO 8601.
        case iso
        case seconds, milliseconds, microseconds
        case literal(UInt8)
    }

    /// What was read, and where it ends.
    struct Found {
        var stamp: SyslogHeader.Stamp
        /// The fraction that ``stamp`` has no room for.
        var microsecond: Int
        var end: Int
    }

    private(set) var parts: [Part] = []

    /// ISO 8601, with a `T` or a blank, `,` or `.` before the fraction, with or without a zone.
    static let iso = DatePattern(parts: [.iso])
    /// Seconds since 1970, with or without a fraction.
    static let epoch = DatePattern(parts: [.seconds])

    private init(parts: [Part]) { self.parts = parts }

    private struct Values {
        var year: Int?, month: Int?, day: Int?
        var hour = 0, minute = 0, second = 0, microsecond = 0
        var isAfternoon: Bool?
        var offset: Int?
        var hasClock = false
        var absolute: SyslogHeader.Stamp?
    }

    /// The time at `start`, read in one pass and without an allocation because every line has one.
    ///
    /// Nil where none is written there, a nil `value` where one is written that does not exist, such as 31 February.
    func read(_ line: Span<UInt8>, at start: Int) -> SyslogTime.Attempt<Found>? {
        var at = start
        var values = Values()
        for part in parts {
            guard let end = Self.read(part, line, at, &values) else { return nil }
            at = end
        }
        guard let stamp = Self.stamp(values) else { return .init(value: nil) }
        let hasRoom = if case .yearless = stamp { false } else { true }
        return .init(value: Found(stamp: stamp, microsecond: hasRoom ? 0 : values.microsecond, end: at))
    }

    private static func read(_ part: Part, _ line: Span<UInt8>, _ at: Int, _ values: inout Values) -> Int? {
        func number(_ line: Span<UInt8>, _ digits: ClosedRange<Int>, _ range: ClosedRange<Int>) -> (Int, Int)? {
            var end = at
            while end < line.count, end - at < digits.upperBound, line[end].isDigit { end += 1 }
            guard end - at >= digits.lowerBound, let value = line.integer(in: at..<end), range.contains(Int(value)) else {
                return nil
            }
            return (Int(value), end)
        }
        func take(_ found: (Int, Int)?, _ field: WritableKeyPath<Values, Int>) -> Int? {
            guard let (value, end) = found else { return nil }
            values[keyPath: field] = value
            return end
        }
        switch part {
        case .literal(let byte):
            return at < line.count && line[at] == byte ? at + 1 : nil
        case .year:
            guard let (value, end) = number(line, 4...4, 1...9999) else { return nil }
            values.year = value
            return end
        case .shortYear:
            guard let (value, end) = number(line, 2...2, 0...99) else { return nil }
            values.year = 2000 + value
            return end
        case .month:
            guard let (value, end) = number(line, 1...2, 1...12) else { return nil }
            values.month = value
            return end
        case .day:
            let start = at < line.count && line[at] == UInt8(ascii: " ") ? at + 1 : at
            var end = start
            while end < line.count, end - start < 2, line[end].isDigit { end += 1 }
            guard let value = line.integer(in: start..<end), (1...31).contains(value) else { return nil }
            values.day = Int(value)
            return end
        case .hour, .halfDayHour:
            values.hasClock = true
            return take(number(line, 1...2, 0...24), \.hour)
        case .minute: return take(number(line, 2...2, 0...59), \.minute)
        case .second: return take(number(line, 2...2, 0...60), \.second)
        case .fraction: return fraction(line, at, &values)
        case .afternoon:
            guard at + 2 <= line.count, line[at + 1] | 0x20 == UInt8(ascii: "m") else { return nil }
            values.isAfternoon = line[at] | 0x20 == UInt8(ascii: "p")
            return at + 2
        case .monthName: return monthName(line, at, &values)
        case .dayName: return letters(line, at, atLeast: 3)
        case .zoneName: return letters(line, at, atLeast: 1)
        case .offset: return offset(line, at, &values)
        case .iso: return iso(line, at, &values)
        case .seconds, .milliseconds, .microseconds: return epoch(part, line, at, &values)
        }
    }

    private static func fraction(_ line: Span<UInt8>, _ at: Int, _ values: inout Values) -> Int? {
        var end = at, scale = 100_000
        while end < line.count, end - at < 9, line[end].isDigit {
            values.microsecond += Int(line[end] &- UInt8(ascii: "0")) * scale
            scale /= 10
            end += 1
        }
        return end > at ? end : nil
    }

    private static func letters(_ line: Span<UInt8>, _ at: Int, atLeast count: Int) -> Int? {
        var end = at
        while end < line.count, end - at < 32, line[end].isASCIILetter { end += 1 }
        return end - at >= count ? end : nil
    }

    private static func monthName(_ line: Span<UInt8>, _ at: Int, _ values: inout Values) -> Int? {
        guard at + 3 <= line.count, let month = SyslogTime.month(line[at], line[at + 1], line[at + 2]) else { return nil }
        values.month = month
        return letters(line, at, atLeast: 3)
    }

    /// `+0100`, `+01:00`, `+01` or `Z`.
    private static func offset(_ line: Span<UInt8>, _ at: Int, _ values: inout Values) -> Int? {
        guard at < line.count else { return nil }
        if line[at] | 0x20 == UInt8(ascii: "z") {
            values.offset = 0
            return at + 1
        }
        guard line[at] == UInt8(ascii: "+") || line[at] == UInt8(ascii: "-"), at + 3 <= line.count,
            let hours = line.integer(in: (at + 1)..<(at + 3))
        else { return nil }
        var end = at + 3
        if end < line.count, line[end] == UInt8(ascii: ":") { end += 1 }
        var minutes: Int32 = 0
        if end + 2 <= line.count, let found = line.integer(in: end..<(end + 2)) {
            minutes = found
            end += 2
        } else {
            end = at + 3
        }
        values.offset = (Int(hours) * 3600 + Int(minutes) * 60) * (line[at] == UInt8(ascii: "-") ? -1 : 1)
        return end
    }

    private static func iso(_ line: Span<UInt8>, _ at: Int, _ values: inout Values) -> Int? {
        guard let found = SyslogTime.iso(line, at: at) else { return nil }
        guard let (stamp, end) = found.value else {
            // No such time. The month is set so that it is not taken for a time of day.
            values.month = 0
            return at
        }
        values.absolute = stamp
        return end
    }

    private static func epoch(_ part: Part, _ line: Span<UInt8>, _ at: Int, _ values: inout Values) -> Int? {
        var end = at
        while end < line.count, end - at < 17, line[end].isDigit { end += 1 }
        guard end > at, let whole = Int64(decimal: line.extracting(at..<end)) else { return nil }
        let unit: Int64 = part == .seconds ? 1_000_000 : part == .milliseconds ? 1000 : 1
        // Beyond the year 9999 a number is a mistake of the unit and not a time.
        let (time, isTooLarge) = whole.multipliedReportingOverflow(by: unit)
        guard !isTooLarge, time < 253_402_300_800_000_000 else { return nil }
        if part == .seconds, end + 1 < line.count, line[end] == UInt8(ascii: "."), line[end + 1].isDigit,
            let last = fraction(line, end + 1, &values)
        {
            end = last
        }
        values.absolute = .absolute(Timestamp(microseconds: time + Int64(values.microsecond)))
        return end
    }

    private static func stamp(_ values: Values) -> SyslogHeader.Stamp? {
        if let absolute = values.absolute { return absolute }
        var hour = values.hour
        // 12 AM is midnight and 12 PM is noon, which is why the hour cannot simply be added to.
        if let isAfternoon = values.isAfternoon { hour = hour % 12 + (isAfternoon ? 12 : 0) }
        let second = hour * 3600 + values.minute * 60 + values.second
        guard let month = values.month, let day = values.day else {
            return values.hasClock && values.month == nil && values.day == nil
                ? .timeOfDay(second: second, microsecond: values.microsecond) : nil
        }
        guard (1...12).contains(month), day <= ISOTime.length(ofMonth: month, year: values.year ?? 2000) else { return nil }
        guard let year = values.year else { return .yearless(month: month, day: day, second: second) }
        guard let offset = values.offset else {
            return .local(year: year, month: month, day: day, second: second, microsecond: values.microsecond)
        }
        return .absolute(
            Timestamp(year: year, month: month, day: day, second: second - offset, microsecond: values.microsecond))
    }
}

// MARK: Notations

extension DatePattern {
    /// A pattern that cannot be read back: the part that is the reason.
    struct Unknown: Error, Equatable {
        let part: String
    }

    /// A pattern of Java's `SimpleDateFormat` or `DateTimeFormatter`.
    init(java pattern: String) throws(Unknown) {
        let letters = Array(pattern.unicodeScalars)
        var at = 0
        while at < letters.count {
            let letter = letters[at]
            var end = at + 1
            if letter == "'" {
                while end < letters.count, letters[end] != "'" { end += 1 }
                parts += literal(end == at + 1 ? "'" : String(String.UnicodeScalarView(letters[(at + 1)..<end])))
                at = end + 1
                continue
            }
            guard letter.isASCII, letter.properties.isAlphabetic else {
                parts += literal(String(letter))
                at = end
                continue
            }
            while end < letters.count, letters[end] == letter { end += 1 }
            parts.append(try Self.java(letter, count: end - at))
            at = end
        }
    }

    private func literal(_ text: String) -> [Part] { text.utf8.map { .literal($0) } }

    private static func java(_ letter: Unicode.Scalar, count: Int) throws(Unknown) -> Part {
        switch letter {
        case "y", "u": return count == 2 ? .shortYear : .year
        // `M` and `MM` are read alike, because `MM` of `MMdd` and `M` of `M/d` both end where the digits of a month do.
        case "M", "L": return count > 2 ? .monthName : .month
        case "d": return .day
        case "E": return .dayName
        case "H", "k": return .hour
        case "h", "K": return .halfDayHour
        case "m": return .minute
        case "s": return .second
        case "S", "n": return .fraction
        case "a": return .afternoon
        case "X", "x", "Z": return .offset
        case "z", "V", "v", "O": return .zoneName
        default: throw Unknown(part: String(repeating: String(letter), count: count))
        }
    }

    /// A pattern of C's `strftime`, as Python and Apache have it.
    init(strftime pattern: String) throws(Unknown) {
        var isConversion = false
        for scalar in pattern.unicodeScalars {
            guard isConversion else {
                if scalar == "%" { isConversion = true } else { parts += literal(String(scalar)) }
                continue
            }
            if scalar == "-" { continue }
            isConversion = false
            parts += try Self.strftime(scalar)
        }
    }

    private static func strftime(_ letter: Unicode.Scalar) throws(Unknown) -> [Part] {
        switch letter {
        case "Y": return [.year]
        case "y": return [.shortYear]
        case "m": return [.month]
        case "b", "B", "h": return [.monthName]
        case "d", "e": return [.day]
        case "a", "A": return [.dayName]
        case "H", "k": return [.hour]
        case "I", "l": return [.halfDayHour]
        case "M": return [.minute]
        case "S": return [.second]
        case "f", "L", "N": return [.fraction]
        case "p", "P": return [.afternoon]
        case "z": return [.offset]
        case "Z": return [.zoneName]
        case "s": return [.seconds]
        case "T": return try DatePattern(strftime: "%H:%M:%S").parts
        case "R": return try DatePattern(strftime: "%H:%M").parts
        case "F": return try DatePattern(strftime: "%Y-%m-%d").parts
        case "D": return try DatePattern(strftime: "%m/%d/%y").parts
        case "c": return try DatePattern(strftime: "%a %b %e %H:%M:%S %Y").parts
        case "%": return [.literal(UInt8(ascii: "%"))]
        default: throw Unknown(part: "%\(letter)")
        }
    }

    /// A pattern of Java, or the name of one that Log4j and Logback know.
    init(log4j pattern: String) throws(Unknown) {
        switch pattern {
        case "", "ISO8601", "ISO8601_OFFSET_DATE_TIME_HH", "ISO8601_OFFSET_DATE_TIME_HHMM",
            "ISO8601_OFFSET_DATE_TIME_HHCMM", "DEFAULT", "DEFAULT_MICROS", "DEFAULT_NANOS", "STRICT":
            self = .iso
        case "ISO8601_BASIC": try self.init(java: "yyyyMMdd'T'HHmmss,SSS")
        case "ISO8601_PERIOD", "ISO8601_PERIOD_MICROS", "DEFAULT_PERIOD": self = .iso
        case "ABSOLUTE", "ABSOLUTE_MICROS", "ABSOLUTE_NANOS": try self.init(java: "HH:mm:ss,SSS")
        case "ABSOLUTE_PERIOD": try self.init(java: "HH:mm:ss.SSS")
        case "DATE": try self.init(java: "dd MMM yyyy HH:mm:ss,SSS")
        case "DATE_PERIOD": try self.init(java: "dd MMM yyyy HH:mm:ss.SSS")
        case "COMPACT": try self.init(java: "yyyyMMddHHmmssSSS")
        case "UNIX": self = .epoch
        case "UNIX_MILLIS": self = DatePattern(parts: [.milliseconds])
        default: try self.init(java: pattern)
        }
    }

    /// `strftime` where a `%` is in it, `iso`, `epoch`, `epoch_ms` or `epoch_us`, else Java's.
    init(any pattern: String) throws(Unknown) {
        switch pattern {
        case "iso": self = .iso
        case "epoch": self = .epoch
        case "epoch_ms": self = DatePattern(parts: [.milliseconds])
        case "epoch_us": self = DatePattern(parts: [.microseconds])
        default:
            if pattern.utf8.contains(UInt8(ascii: "%")) {
                try self.init(strftime: pattern)
            } else {
                try self.init(java: pattern)
            }
        }
    }
}
