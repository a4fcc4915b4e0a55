import Columns

/// Values as people read them, the same in texts, tables and pages.
public enum Shown {
    /// `2026-11-21 13:47:27`, in UTC.
    public static func time(_ time: Timestamp) -> String {
        // Without the `T` and the zone.
        String(Timestamp(seconds: time.microseconds.flooredSeconds).description.dropLast().map { $0 == "T" ? " " : $0 })
    }

    /// `2 h 5 min`: the two largest units, which is as exact as people need.
    public static func duration(_ duration: Duration) -> String {
        let seconds = Int(duration.components.seconds)
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" + (seconds % 60 == 0 || seconds >= 600 ? "" : " \(seconds % 60) s") }
        if seconds < 86_400 { return "\(seconds / 3600) h" + (seconds / 60 % 60 == 0 ? "" : " \(seconds / 60 % 60) min") }
        return "\(seconds / 86_400) d" + (seconds / 3600 % 24 == 0 || seconds >= 10 * 86_400 ? "" : " \(seconds / 3600 % 24) h")
    }

    /// `1,234,567`.
    static func count(_ number: Int) -> String {
        var digits = Array(String(number).utf8.reversed())
        for position in stride(from: (digits.count - 1) / 3 * 3, to: 0, by: -3) {
            digits.insert(UInt8(ascii: ","), at: position)
        }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }

    /// A value of a column. A null is `-`; numbers in a column whose name ends in `_seconds` are durations; characters that could
    /// drive a terminal or break the line are `�`.
    static func value(_ value: Value, in field: Field) -> String {
        if case .double(let seconds) = value, field.isDuration {
            let length = abs(seconds)
            let text = length < 1 ? "\(Int((length * 1000).rounded())) ms" : duration(.seconds(length))
            return (seconds < 0 ? "-" : "") + text
        }
        return switch value {
        case .null: "-"
        case .timestamp(let time): Self.time(time)
        default: OutsideText(value.description).visibleInOneLine
        }
    }

    /// The heading of a column: `MEDIAN TO RESOLVE` for `median_to_resolve_seconds`.
    static func heading(_ field: Field) -> String {
        (field.isDuration ? field.name.dropLast("_seconds".count) : field.name[...]).uppercased().replacing("_", with: " ")
    }
}

extension Field {
    /// Whether the column contains durations in seconds.
    var isDuration: Bool { name.hasSuffix("_seconds") }
}

extension Int64 {
    fileprivate var flooredSeconds: Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
