import Columns

/// Keeps lines that have a text, match a regular expression or fit a pattern, or those that do not.
package struct LineFilter: Sendable {
    /// Written as its raw value.
    enum Operator: String {
        case contains = "|="
        case lacks = "!="
        case matches = "|~"
        case doesNotMatch = "!~"
        case fits = "|>"
        case doesNotFit = "!>"
    }

    private enum Test: Sendable {
        case text(String)
        case expression(RegularExpression)
        case pattern(LinePattern)

        func holds(_ line: String) -> Bool {
            switch self {
            case .text(let text): OutsideText(line).contains(text)
            case .expression(let expression): expression.matches(line)
            case .pattern(let pattern): pattern.fits(line)
            }
        }
    }

    private let tests: [Test]
    private let keepsMatches: Bool

    /// - Parameter texts: alternatives, with their places in the query.
    init(_ kind: Operator, _ texts: [(text: String, place: Int)]) throws(LogQLError) {
        keepsMatches = kind == .contains || kind == .matches || kind == .fits
        var tests: [Test] = []
        for (text, place) in texts {
            switch kind {
            case .contains, .lacks: tests.append(.text(text))
            case .matches, .doesNotMatch:
                do {
                    // The whole line is compared, in which it may be anywhere.
                    tests.append(.expression(try RegularExpression("(?s:.*)(?:\(text))(?s:.*)")))
                } catch {
                    throw .malformed("'\(OutsideText(text).prefix(200))' is not a regular expression: \(error.reason)", at: place)
                }
            case .fits, .doesNotFit: tests.append(.pattern(try LinePattern(text, at: place)))
            }
        }
        self.tests = tests
    }

    /// Whether the line stays.
    func keeps(_ line: String) -> Bool { tests.contains { $0.holds(line) } == keepsMatches }
}

/// A line with names in it: `<ip> - - <_> "<method> <path>"`. What is between two texts is a field, or with `_` nothing.
///
/// Source: Loki's documentation, "Pattern" of the parser expressions.
package struct LinePattern: Sendable {
    private enum Part: Sendable {
        case text([UInt8])
        /// Nil for `<_>`.
        case field(OutsideText?)
    }

    private let parts: [Part]

    /// A pattern for a line filter, whose fields have no names.
    init(_ pattern: String, at place: Int) throws(LogQLError) {
        parts = try Self.parts(pattern, at: place)
        for case .field(.some) in parts { throw .malformed("the pattern of a line filter has <_> only", at: place) }
    }

    /// A pattern that reads fields.
    init(capturing pattern: String, at place: Int) throws(LogQLError) {
        parts = try Self.parts(pattern, at: place)
        guard parts.contains(where: { if case .field(.some) = $0 { true } else { false } }) else {
            throw .malformed("the pattern has no field such as <name>", at: place)
        }
    }

    private static func parts(_ pattern: String, at place: Int) throws(LogQLError) -> [Part] {
        var parts: [Part] = [], text: [UInt8] = []
        var rest = Array(pattern.utf8)[...]
        while let byte = rest.first {
            let name = rest.dropFirst().prefix { $0.isWordByte || $0.isDigit }
            if byte == UInt8(ascii: "<"), !name.isEmpty, rest.dropFirst(1 + name.count).first == UInt8(ascii: ">") {
                if !text.isEmpty { parts.append(.text(text)) }
                if case .field = parts.last {
                    throw .malformed("the pattern has two fields with nothing between them", at: place)
                }
                text = []
                parts.append(
                    .field(name.elementsEqual([UInt8(ascii: "_")]) ? nil : OutsideText(String(decoding: name, as: UTF8.self))))
                rest = rest.dropFirst(2 + name.count)
            } else {
                text.append(byte)
                rest = rest.dropFirst()
            }
        }
        if !text.isEmpty { parts.append(.text(text)) }
        guard !parts.isEmpty else { throw .malformed("the pattern is empty", at: place) }
        return parts
    }

    /// What the named fields are in a line, as far as it fits: a field whose text does not follow goes to the end.
    func fields(of line: String) -> [(OutsideText, String)] {
        var found: [(OutsideText, String)] = []
        let bytes = line.utf8
        var start = bytes.startIndex, index = 0
        if case .text(let text) = parts[0] {
            guard bytes.starts(with: text) else { return [] }
            start = bytes.index(start, offsetBy: text.count)
            index = 1
        }
        while index < parts.count, case .field(let name) = parts[index] {
            var end = bytes.endIndex, next: String.Index?
            if index + 1 < parts.count, case .text(let text) = parts[index + 1],
                let range = line.utf8[start...].firstRange(of: text)
            {
                end = range.lowerBound
                next = range.upperBound
            }
            if let name { found.append((name, String(line[start..<end]))) }
            guard let next else { return found }
            start = next
            index += 2
        }
        return found
    }

    /// Whether the whole line is so, with something for each field.
    func fits(_ line: String) -> Bool {
        let bytes = line.utf8
        var start = bytes.startIndex
        for (index, part) in parts.enumerated() {
            guard case .text(let text) = part else {
                if index == parts.count - 1 { return start < bytes.endIndex }
                continue
            }
            if index == 0 {
                guard bytes.starts(with: text) else { return false }
                start = bytes.index(start, offsetBy: text.count)
                continue
            }
            // A field has a byte at least.
            guard start < bytes.endIndex else { return false }
            let from = bytes.index(after: start)
            if index == parts.count - 1 {
                return bytes[from...].count >= text.count && bytes.reversed().starts(with: text.reversed())
            }
            guard let range = line.utf8[from...].firstRange(of: text) else { return false }
            start = range.upperBound
        }
        return start == bytes.endIndex
    }
}
