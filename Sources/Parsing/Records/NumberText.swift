import Columns

extension Int64 {
    /// The whole number that `text` is, all of it: an optional minus and digits. Nil for anything else and for what does not fit.
    init?(decimal text: Span<UInt8>) {
        var at = 0
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if isNegative { at = 1 }
        guard at < text.count, text.count - at <= 19 else { return nil }
        var value: UInt64 = 0  // nineteen digits fit in 64 bits
        while at < text.count {
            let digit = text[at] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + UInt64(digit)
            at += 1
        }
        guard value <= UInt64(Int64.max) + (isNegative ? 1 : 0) else { return nil }
        self = isNegative ? Int64(truncatingIfNeeded: 0 &- value) : Int64(value)
    }
}

extension Int64 {
    /// The whole number that `text` is with a fraction of zeros, such as `9007199254740993.0`, which a double would round.
    init?(whole text: Span<UInt8>) {
        guard let dot = text.firstIndex(of: UInt8(ascii: ".")), dot + 1 < text.count else { return nil }
        for index in (dot + 1)..<text.count where text[index] != UInt8(ascii: "0") { return nil }
        self.init(decimal: text.extracting(0..<dot))
    }
}

extension Double {
    private static let powersOfTen: [Double] = (0...22).map { exponent in (0..<exponent).reduce(1) { value, _ in value * 10 } }

    /// The number that `text` is, all of it, as JSON writes numbers (a leading plus and leading zeros are let pass). Nil for
    /// anything else.
    init?(ascii text: Span<UInt8>) {
        var at = 0
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if isNegative || text.count > 0 && text[0] == UInt8(ascii: "+") { at = 1 }
        var digits: UInt64 = 0, count = 0, scale = 0
        while at < text.count, text[at].isDigit, count < 19 {
            digits = digits * 10 + UInt64(text[at] &- UInt8(ascii: "0"))
            at += 1
            count += 1
        }
        guard count > 0 else { return nil }
        if at < text.count, text[at] == UInt8(ascii: ".") {
            at += 1
            let start = at
            while at < text.count, text[at].isDigit, count < 19 {
                digits = digits * 10 + UInt64(text[at] &- UInt8(ascii: "0"))
                at += 1
                count += 1
                scale += 1
            }
            guard at > start else { return nil }
        }
        // Fast path: up to 2⁵³ divided by an exact power of ten is rounded once, so it is the nearest double.
        // Source: Clinger: How to Read Floating Point Numbers Accurately, PLDI 1990.
        if at == text.count, digits <= 1 << 53, scale <= 22 {
            let value = Swift.Double(digits) / Self.powersOfTen[scale]
            self = isNegative ? -value : value
            return
        }
        // Slow path: exponents and long numbers. Only bytes that numbers are written with, so that "nan", "0x1" and " 1" are
        // none.
        guard text.count <= 400 else { return nil }
        for index in 0..<text.count {
            switch text[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"),
                UInt8(ascii: "+"),
                UInt8(ascii: "-"):
                continue
            default: return nil
            }
        }
        guard let value = text.withUnsafeBufferPointer({ Swift.Double(String(decoding: $0, as: UTF8.self)) }) else { return nil }
        self = value
    }
}

extension SyslogTime {
    /// A stamp with what may follow it in a value that is a time and nothing else: nothing, or a zone as other programs
    /// write it, ` +0100`, `+01` or ` UTC`.
    static func zoned(_ stamp: SyslogHeader.Stamp, _ text: Span<UInt8>, from end: Int) -> SyslogHeader.Stamp? {
        if end == text.count { return stamp }
        guard case .local(let year, let month, let day, let second, let microsecond) = stamp else { return nil }
        let start = text[end] == UInt8(ascii: " ") ? end + 1 : end
        let rest = text.extracting(start..<text.count)
        var offset = 0
        if !rest.isEqual(to: "UTC") && !rest.isEqual(to: "GMT") && !rest.isEqual(to: "Z") && !rest.isEqual(to: "z") {
            guard rest.count >= 3, rest[0] == UInt8(ascii: "+") || rest[0] == UInt8(ascii: "-"),
                let hours = rest.integer(in: 1..<3), hours < 24
            else { return nil }
            let minutesAt = rest.count > 3 && rest[3] == UInt8(ascii: ":") ? 4 : 3
            let minutes = rest.count == 3 ? 0 : rest.integer(in: minutesAt..<rest.count)
            guard let minutes, minutes < 60, rest.count == 3 || rest.count == minutesAt + 2 else { return nil }
            offset = (Int(hours) * 60 + Int(minutes)) * (rest[0] == UInt8(ascii: "-") ? -60 : 60)
        }
        return .absolute(Timestamp(year: year, month: month, day: day, second: second - offset, microsecond: microsecond))
    }

    /// The days since 1970 of `2026-11-21`, which is all of `text`.
    static func date(_ text: Span<UInt8>) -> Int? {
        guard text.count == 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), let year = text.integer(in: 0..<4),
            let month = text.integer(in: 5..<7), let day = text.integer(in: 8..<10), (1...12).contains(month), day >= 1,
            Int(day) <= ISOTime.length(ofMonth: Int(month), year: Int(year))
        else { return nil }
        return Timestamp.days(year: Int(year), month: Int(month), day: Int(day))
    }
}
