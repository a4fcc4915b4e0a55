import Columns

/// What a computed column is computed by: `energy_kwh / distance_km`, `if(status >= 500, 'error', 'ok')`, `start_of(event_time,
/// '1d')`.
///
/// | | |
/// |---|---|
/// | values | `12`, `0.5`, `'text'`, `true`, `null`, the name of a column |
/// | operators | `or`, `and`, `not`, `== != < <= > >=`, `+ - * / %`, in this order of binding |
/// | functions | ``Function`` |
///
/// Null in, null out, save for `coalesce`, `is_null`, `if`, `and` and `or`. `/` gives a double, and null for a divisor of 0.
/// The other operators give a whole number of two whole numbers; where that does not fit in 64 bits it is null. Comparing a
/// time with a text reads the text as a time.
struct Expression: Sendable, Hashable, CustomStringConvertible {
    struct Malformed: Error, Equatable, CustomStringConvertible {
        let text: String
        let reason: String
        var description: String { "'\(text)' is not an expression: \(reason)" }
    }

    indirect enum Node: Sendable, Hashable {
        case column(String)
        case integer(Int64)
        case double(Double)
        case text(String)
        case bool(Bool)
        case null
        case unary(Operator, Node)
        case binary(Operator, Node, Node)
        case call(Function, [Node])
    }

    enum Operator: String, Sendable, Hashable {
        case or, and, not
        case equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
        case plus = "+", minus = "-", times = "*", divided = "/", remainder = "%"
    }

    enum Function: String, Sendable, Hashable, CaseIterable {
        /// Of a number.
        case abs, floor, ceil, round
        /// The least and the greatest of numbers.
        case min, max
        /// The first that is not null.
        case coalesce
        case isNull = "is_null"
        /// `if(condition, then, else)`.
        case `if`
        case lower, upper, length, concat, contains
        case startsWith = "starts_with"
        case endsWith = "ends_with"
        /// Of a time, in UTC: `2026-11-21` as text, 0 to 23, 1 (Monday) to 7.
        case day, hour, weekday
        /// Seconds since 1970 as a double.
        case seconds
        /// `start_of(time, '15m')`: the last multiple of a duration since 1970.
        case startOf = "start_of"
        /// As a number or null; as text.
        case number, text

        var arguments: ClosedRange<Int> {
            switch self {
            case .min, .max, .coalesce, .concat: 1...16
            case .if: 3...3
            case .contains, .startsWith, .endsWith, .startOf: 2...2
            default: 1...1
            }
        }
    }

    let root: Node
    /// As it was written, blanks put in order.
    let description: String

    /// - Throws: ``Malformed``. Whether the columns are there and of types that fit is asked by ``type(in:)``.
    init(_ text: String) throws(Malformed) {
        guard text.utf8.count <= 4096 else {
            throw Malformed(text: String(text.prefix(40)) + "…", reason: "it is longer than 4096 bytes")
        }
        var parser = ExpressionParser(text)
        root = try parser.parse()
        description = parser.normalized
    }

    /// The columns that it reads.
    var columns: Set<String> {
        func names(_ node: Node) -> Set<String> {
            switch node {
            case .column(let name): [name]
            case .unary(_, let operand): names(operand)
            case .binary(_, let left, let right): names(left).union(names(right))
            case .call(_, let arguments): arguments.reduce(into: []) { $0.formUnion(names($1)) }
            default: []
            }
        }
        return names(root)
    }
}

/// Recursive descent over the tokens of an expression, at most 64 levels deep.
private struct ExpressionParser {
    private enum Token: Equatable {
        case number(String)
        case text(String)
        case name(String)
        case symbol(String)
    }

    private static let maxDepth = 64
    private let source: String
    private var tokens: [Token] = []
    private var lexicalError: String?
    private var at = 0
    private var depth = 0

    init(_ text: String) {
        source = text
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.first {
            if scalar.properties.isWhitespace {
                rest.removeFirst()
            } else if ("0"..."9").contains(scalar) {
                tokens.append(.number(Self.take(&rest) { ("0"..."9").contains($0) || $0 == "." || $0 == "_" }))
            } else if Self.isNameStart(scalar) {
                tokens.append(.name(Self.take(&rest) { Self.isNameStart($0) || ("0"..."9").contains($0) }))
            } else if scalar == "'" || scalar == "\"" {
                rest.removeFirst()
                let text = Self.take(&rest) { $0 != scalar }
                guard rest.first == scalar else {
                    lexicalError = "a closing quote is missing"
                    return
                }
                rest.removeFirst()
                tokens.append(.text(text))
            } else {
                let two = String(String.UnicodeScalarView(rest.prefix(2)))
                let symbol = ["==", "!=", "<=", ">="].contains(two) ? two : String(scalar)
                guard symbol.count == 2 || "<>+-*/%(),".unicodeScalars.contains(scalar) else {
                    lexicalError = "'\(scalar)' has no meaning in it"
                    return
                }
                rest.removeFirst(symbol.unicodeScalars.count)
                tokens.append(.symbol(symbol))
            }
        }
    }

    private static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }

    private static func take(_ rest: inout ArraySlice<Unicode.Scalar>, _ belongs: (Unicode.Scalar) -> Bool) -> String {
        let taken = rest.prefix(while: belongs)
        rest.removeFirst(taken.count)
        return String(String.UnicodeScalarView(taken))
    }

    var normalized: String {
        tokens.map { token in
            switch token {
            case .number(let text), .name(let text), .symbol(let text): text
            case .text(let text): text.utf8.contains(UInt8(ascii: "'")) ? "\"\(text)\"" : "'\(text)'"
            }
        }.joined(separator: " ")
    }

    private func bad(_ reason: String) -> Expression.Malformed { .init(text: source, reason: reason) }

    mutating func parse() throws(Expression.Malformed) -> Expression.Node {
        if let lexicalError { throw bad(lexicalError) }
        let node = try or()
        guard at == tokens.count else { throw bad("\(shown(tokens[at])) is not expected there") }
        return node
    }

    private func shown(_ token: Token) -> String {
        switch token {
        case .number(let text), .name(let text), .symbol(let text), .text(let text): "'\(text)'"
        }
    }

    private mutating func take(word: String) -> Bool {
        guard at < tokens.count, tokens[at] == .name(word) else { return false }
        at += 1
        return true
    }

    private mutating func take(symbols: [String]) -> Expression.Operator? {
        guard at < tokens.count, case .symbol(let text) = tokens[at], symbols.contains(text) else { return nil }
        at += 1
        return Expression.Operator(rawValue: text)
    }

    private mutating func take(symbol: String) -> Bool {
        guard at < tokens.count, tokens[at] == .symbol(symbol) else { return false }
        at += 1
        return true
    }

    private mutating func or() throws(Expression.Malformed) -> Expression.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maxDepth else { throw bad("it is nested more than \(Self.maxDepth) deep") }
        var node = try and()
        while take(word: "or") { node = .binary(.or, node, try and()) }
        return node
    }

    private mutating func and() throws(Expression.Malformed) -> Expression.Node {
        var node = try not()
        while take(word: "and") { node = .binary(.and, node, try not()) }
        return node
    }

    private mutating func not() throws(Expression.Malformed) -> Expression.Node {
        var count = 0
        while take(word: "not") { count += 1 }
        let node = try comparison()
        return count % 2 == 1 ? .unary(.not, node) : node
    }

    private mutating func comparison() throws(Expression.Malformed) -> Expression.Node {
        let left = try sum()
        guard let found = take(symbols: ["==", "!=", "<", "<=", ">", ">="]) else { return left }
        return .binary(found, left, try sum())
    }

    private mutating func sum() throws(Expression.Malformed) -> Expression.Node {
        var node = try product()
        while let found = take(symbols: ["+", "-"]) { node = .binary(found, node, try product()) }
        return node
    }

    private mutating func product() throws(Expression.Malformed) -> Expression.Node {
        var node = try factor()
        while let found = take(symbols: ["*", "/", "%"]) { node = .binary(found, node, try factor()) }
        return node
    }

    private mutating func factor() throws(Expression.Malformed) -> Expression.Node {
        var isNegated = false
        while take(symbol: "-") { isNegated.toggle() }
        let node = try primary()
        return isNegated ? .unary(.minus, node) : node
    }

    private mutating func primary() throws(Expression.Malformed) -> Expression.Node {
        guard at < tokens.count else { throw bad("it ends too early") }
        let token = tokens[at]
        at += 1
        switch token {
        case .text(let text): return .text(text)
        case .number(let text):
            let digits = text.replacing("_", with: "")
            if let whole = Int64(digits) { return .integer(whole) }
            guard let number = Double(digits) else { throw bad("'\(text)' is not a number") }
            return .double(number)
        case .name("true"): return .bool(true)
        case .name("false"): return .bool(false)
        case .name("null"): return .null
        case .name(let name):
            guard take(symbol: "(") else { return .column(name) }
            guard let function = Expression.Function(rawValue: name) else {
                throw bad(
                    "there is no function '\(name)'; known are "
                        + "\(Expression.Function.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            var arguments: [Expression.Node] = []
            if !take(symbol: ")") {
                repeat { arguments.append(try or()) } while take(symbol: ",")
                guard take(symbol: ")") else { throw bad("a ')' is missing after the arguments of \(name)") }
            }
            guard function.arguments.contains(arguments.count) else {
                let (least, most) = (function.arguments.lowerBound, function.arguments.upperBound)
                throw bad("\(name) has \(arguments.count) arguments; it takes \(least == most ? "\(least)" : "1 to 16")")
            }
            return .call(function, arguments)
        case .symbol("("):
            let node = try or()
            guard take(symbol: ")") else { throw bad("a ')' is missing") }
            return node
        case .symbol(let text): throw bad("'\(text)' is not expected there")
        }
    }
}
