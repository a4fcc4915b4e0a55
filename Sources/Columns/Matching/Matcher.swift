/// One condition on a label or a column: `name="value"`, `!=`, `=~` or `!~`, as Alertmanager has them. The same grammar is used
/// in routes, silences, rules, windows and `obs query`.
///
/// An absent label counts as the empty text. Regular expressions match whole values.
///
/// Names and values are equal when their bytes are (``OutsideText``).
public struct Matcher: Sendable, Hashable, CustomStringConvertible {
    /// How the value is compared; the raw value is how it is written.
    public enum Operator: String, Sendable, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case matches = "=~"
        case doesNotMatch = "!~"
    }

    /// Text that is not a matcher, or a list of them.
    public struct Malformed: Error, CustomStringConvertible {
        /// The part of the text that could not be read.
        public let text: String
        /// What is wrong with it.
        public let reason: String
        /// The sentence for people, with the way a matcher is written.
        public var description: String { "'\(text)' is not a matcher: \(reason); write name=\"value\", or !=, =~, !~" }
    }

    /// Of a label or a column.
    public let name: String
    /// How ``value`` is compared.
    public let `operator`: Operator
    /// The text, or the pattern of `=~` and `!~`, which must match the whole value.
    public let value: String
    private let expression: RegularExpression?

    /// - Throws: ``RegularExpression/Malformed`` when the operator takes a pattern and `value` is not one.
    public init(_ name: String, _ operator: Operator, _ value: String) throws(RegularExpression.Malformed) {
        self.name = name
        self.operator = `operator`
        self.value = value
        expression = `operator` == .matches || `operator` == .doesNotMatch ? try RegularExpression(value) : nil
    }

    /// Whether a value matches; an empty text stands for a label that is absent.
    public func matches(_ text: String) -> Bool { matches(text.utf8.span) }

    /// The same of bytes in UTF-8: two texts are equal when their bytes are.
    public func matches(_ text: Span<UInt8>) -> Bool {
        switch `operator` {
        case .equal: text.isEqual(to: value.utf8.span)
        case .notEqual: !text.isEqual(to: value.utf8.span)
        case .matches: expression!.matches(text)
        case .doesNotMatch: !expression!.matches(text)
        }
    }

    /// How many steps a byte of text may cost; 0 without a regular expression.
    var programSize: Int { expression?.programSize ?? 0 }

    /// Whether the label of this name matches.
    public func matches(_ labels: Labels) -> Bool {
        matches(labels[name] ?? "")
    }

    /// Equal when name, operator and value have the same bytes.
    public static func == (left: Matcher, right: Matcher) -> Bool {
        left.operator == right.operator && left.name.hasSameBytes(as: right.name) && left.value.hasSameBytes(as: right.value)
    }

    /// Of the bytes, as equality is.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(`operator`)
        hasher.combine(bytesOf: name)
        hasher.combine(bytesOf: value)
    }

    /// As it is read again, whatever its name and its value hold: by both grammars where the older one knows the name and the
    /// value has no control characters, else by the newer one, which has the name in quotes and knows more escapes.
    public var description: String {
        let isClassic = Self.isClassic(name) && !value.unicodeScalars.contains { $0.isControl && $0 != "\n" && $0 != "\t" }
        return isClassic
            ? "\(name)\(`operator`.rawValue)\(OutsideText(value).quotedLabel)"
            : "\(OutsideText(name).quotedWithEscapes)\(`operator`.rawValue)\(OutsideText(value).quotedWithEscapes)"
    }

    /// A label's name as matchers have it: in quotes unless it is a classic one, as Prometheus writes it since version 3.
    public static func shown(_ name: String) -> String { isClassic(name) ? name : OutsideText(name).quotedWithEscapes }

    /// Letters, digits, `_` and `:`, and no digit first.
    private static func isClassic(_ name: String) -> Bool {
        guard let first = name.utf8.first, !first.isDigit else { return false }
        return name.utf8.allSatisfy {
            $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ":") || (0x61...0x7A).contains($0 | 0x20) || $0.isDigit
        }
    }
}

extension Array<Matcher> {
    /// Reads a list such as `{severity="critical", host=~"web.*"}`; braces and quotes may be left out where nothing is ambiguous.
    ///
    /// As Alertmanager has it since 0.27: the grammar that knows any name in UTF-8 comes first, the classic one where that
    /// fails or says otherwise.
    ///
    /// - Throws: ``Matcher/Malformed`` or ``RegularExpression/Malformed``.
    ///
    /// Source: Alertmanager, matcher/compat, FallbackMatchersParser.
    public init(parsing text: String) throws {
        guard text.utf8.count <= Self.maxLength else {
            throw Matcher.Malformed(
                text: String(String.UnicodeScalarView(text.unicodeScalars.prefix(60))) + "…",
                reason: "it has \(text.utf8.count) bytes, and at most \(Self.maxLength) are taken")
        }
        self = try Self(inEitherGrammar: text).bounded()
    }

    private init(inEitherGrammar text: String) throws {
        let strict: Self
        do {
            strict = try Self(utf8: text)
        } catch {
            self = try Self(classic: text)
            return
        }
        // The two read the same but for escapes.
        guard text.utf8.contains(UInt8(ascii: "\\")), let classic = try? Self(classic: text) else {
            self = strict
            return
        }
        self = classic
    }

    /// Whether all hold.
    public func match(_ labels: Labels) -> Bool {
        allSatisfy { $0.matches(labels) }
    }

    /// Which rows of `batch` all matchers hold for; a column that is not there is the empty text, a number is its decimal text.
    ///
    /// In a dictionary column each distinct text is matched once, not each row.
    public func rows(in batch: Batch) -> [Bool] {
        var isMatched = [Bool](repeating: true, count: batch.count)
        for matcher in self {
            guard let index = batch.schema.index(of: matcher.name) else {
                if !matcher.matches("") { return Swift.Array(repeating: false, count: batch.count) }
                continue
            }
            let column = batch.columns[index]
            let ofNull = matcher.matches("")
            if case .dictionary(let values) = column.values {
                var known = [Bool?](repeating: nil, count: values.dictionary.count)
                for row in 0..<batch.count where isMatched[row] {
                    if column.isNull(at: row) {
                        isMatched[row] = ofNull
                        continue
                    }
                    let code = Int(values.codes[column.range.lowerBound + row])
                    let holds = known[code] ?? matcher.matches(values.dictionary[code])
                    known[code] = holds
                    isMatched[row] = holds
                }
            } else if case .text = column.values, batch.schema.fields[index].type == .text {
                for row in 0..<batch.count where isMatched[row] {
                    isMatched[row] = column.isNull(at: row) ? ofNull : column.withBytes(at: row, matcher.matches)
                }
            } else {
                let type = batch.schema.fields[index].type
                for row in 0..<batch.count where isMatched[row] {
                    isMatched[row] = matcher.matches(column.value(at: row, as: type).description)
                }
            }
        }
        return isMatched
    }
}
