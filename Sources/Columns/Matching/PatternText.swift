/// A pattern as RE2 is given it, and how much its counted repetitions ask for.
///
/// Go writes a named group also as `(?<name>…)`, which RE2 has learnt only in 2023: such a group gets the older spelling,
/// `(?P<name>…)`. What is in classes, behind backslashes and within `\Q…\E` is left as it is.
///
/// Source: Go, regexp/syntax.
struct PatternText {
    private(set) var bytes: [UInt8] = []
    /// The sum of the upper ends of all `{m,n}`, which RE2 writes out before it measures the program.
    private(set) var repetitions = 0

    private let source: [UInt8]
    private var at = 0

    init(_ pattern: String) {
        source = Array(pattern.utf8)
        bytes.reserveCapacity(source.count)
        while at < source.count {
            switch source[at] {
            case UInt8(ascii: "\\"): takeEscape()
            case UInt8(ascii: "["): takeClass()
            case UInt8(ascii: "{"):
                if let count = countedRepetition() { repetitions += count }
                take(1)
            case UInt8(ascii: "(") where isNamedGroup:
                take(2)
                bytes.append(UInt8(ascii: "P"))
            default: take(1)
            }
        }
    }

    private func starts(with text: StaticString, at index: Int) -> Bool {
        index + text.utf8CodeUnitCount <= source.count && source.span.extracting(index...).starts(with: text)
    }

    /// `(?<=` and `(?<!` are look-behinds, which RE2 refuses itself.
    private var isNamedGroup: Bool {
        starts(with: "(?<", at: at) && !starts(with: "(?<=", at: at) && !starts(with: "(?<!", at: at)
    }

    private mutating func take(_ count: Int) {
        let end = min(at + count, source.count)
        bytes += source[at..<end]
        at = end
    }

    /// Up to and with the next `end`, or all that is left.
    private mutating func take(through end: StaticString) {
        while at < source.count, !starts(with: end, at: at) { take(1) }
        take(end.utf8CodeUnitCount)
    }

    private mutating func takeEscape() {
        guard !starts(with: "\\Q", at: at) else { return take(through: "\\E") }
        let hasBraces = ["\\x{", "\\p{", "\\P{"].contains { starts(with: $0, at: at) }
        if hasBraces { take(through: "}") } else { take(2) }
    }

    private mutating func takeClass() {
        take(starts(with: "[^", at: at) ? 2 : 1)
        if starts(with: "]", at: at) { take(1) }
        while at < source.count, source[at] != UInt8(ascii: "]") {
            if source[at] == UInt8(ascii: "\\") {
                take(2)
            } else if starts(with: "[:", at: at), (at + 2..<source.count).contains(where: { starts(with: ":]", at: $0) }) {
                take(through: ":]")
            } else {
                take(1)
            }
        }
        take(1)
    }

    /// The upper end of a repetition that begins here, the lower one where it has no end; nil where the brace is a plain
    /// character.
    private func countedRepetition() -> Int? {
        var index = at + 1
        func number() -> Int? {
            var value: Int?
            // More than a thousand is refused anyway: five digits say so.
            while index < source.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(source[index]) {
                value = min((value ?? 0) * 10 + Int(source[index] - UInt8(ascii: "0")), 99_999)
                index += 1
            }
            return value
        }
        guard let least = number() else { return nil }
        var most = least
        if index < source.count, source[index] == UInt8(ascii: ",") {
            index += 1
            most = number() ?? least
        }
        return index < source.count && source[index] == UInt8(ascii: "}") ? max(least, most) : nil
    }
}
