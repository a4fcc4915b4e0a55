import Columns

/// What messages of pipelines tell of themselves: a stage, and how long something took.
enum StageFacts {
    /// The number behind the first `stage `, as `2.0` in `task 0.0 in stage 2.0 (TID 2)`.
    static func stage(_ message: Span<UInt8>) -> Range<Int>? {
        var at = 0
        while let found = message.firstIndex(of: UInt8(ascii: "t"), from: at) {
            at = found + 1
            // `tage `, before it an s in either case.
            guard found > 0, message[found - 1] | 0x20 == UInt8(ascii: "s"), found + 5 < message.count,
                message.extracting(found..<(found + 5)).isEqual(to: "tage ")
            else { continue }
            var end = found + 5
            while end < message.count, message[end].isDigit || message[end] == UInt8(ascii: ".") { end += 1 }
            while end > found + 5, message[end - 1] == UInt8(ascii: ".") { end -= 1 }
            if end > found + 5, end - found < 25 { return (found + 5)..<end }
        }
        return nil
    }

    /// Milliseconds, of `in 1063 ms`, `took 1.5 s`, `finished in 3 seconds`, `after 20ms`.
    static func duration(_ message: Span<UInt8>) -> Double? {
        var at = 0
        while at < message.count {
            let end = message.wordEnd(from: at)
            let word = message.extracting(at..<end)
            at = end + 1
            guard word.isEqual(to: "in") || word.isEqual(to: "took") || word.isEqual(to: "after"), at < message.count else {
                continue
            }
            var numberEnd = at
            while numberEnd < message.count, message[numberEnd].isDigit || message[numberEnd] == UInt8(ascii: ".") {
                numberEnd += 1
            }
            guard let number = Double(ascii: message.extracting(at..<numberEnd)) else { continue }
            var unit = numberEnd
            if unit < message.count, message[unit] == UInt8(ascii: " ") { unit += 1 }
            var unitEnd = unit
            while unitEnd < message.count, message[unitEnd] | 0x20 >= UInt8(ascii: "a"),
                message[unitEnd] | 0x20 <= UInt8(ascii: "z")
            {
                unitEnd += 1
            }
            let name = message.extracting(unit..<unitEnd)
            if name.isEqual(to: "ms") || name.isEqual(to: "milliseconds") || name.isEqual(to: "millis") { return number }
            if name.isEqual(to: "s") || name.isEqual(to: "sec") || name.isEqual(to: "seconds") || name.isEqual(to: "second") {
                return number * 1000
            }
            if name.isEqual(to: "min") || name.isEqual(to: "minutes") { return number * 60_000 }
        }
        return nil
    }
}
