import Columns

/// A condition on the fields of a line: `user="root"`, `latency > 500ms`, `source = ip("192.0.2.0/24")`, with `and` and `or`.
package indirect enum FieldCondition: Sendable {
    /// Written as its raw value.
    package enum Comparison: String, Sendable {
        case equal = "=="
        case notEqual = "!="
        case greater = ">"
        case greaterOrEqual = ">="
        case less = "<"
        case lessOrEqual = "<="

        func holds(_ left: Double, _ right: Double) -> Bool {
            switch self {
            case .equal: left == right
            case .notEqual: left != right
            case .greater: left > right
            case .greaterOrEqual: left >= right
            case .less: left < right
            case .lessOrEqual: left <= right
            }
        }
    }

    case text(Matcher)
    case and(FieldCondition, FieldCondition)
    case or(FieldCondition, FieldCondition)
    /// A field as a number, a duration or a size. A line without the field is left out; one whose field is none stays, with an
    /// error.
    case number(OutsideText, Comparison, Quantity)
    /// A field as an address.
    case address(OutsideText, isWithin: Bool, IPNetwork)

    /// Matchers that hold for each line that stays.
    var requiredMatchers: [Matcher] {
        switch self {
        case .text(let matcher): [matcher]
        case .and(let left, let right): left.requiredMatchers + right.requiredMatchers
        default: []
        }
    }

    /// Whether the line stays.
    func keeps<Record: LogRecord>(_ line: inout QueriedLine<Record>) -> Bool {
        switch self {
        case .text(let matcher): return matcher.matches(line.value(of: OutsideText(matcher.name)) ?? "")
        case .and(let left, let right): return left.keeps(&line) && right.keeps(&line)
        case .or(let left, let right): return left.keeps(&line) || right.keeps(&line)
        case .number(let name, let comparison, let quantity):
            guard let text = line.value(of: name) else { return false }
            guard let number = quantity.number(text) else {
                line.fail("LabelFilterErr", "'\(OutsideText(text).prefix(100))' is not a number of this kind")
                return true
            }
            return comparison.holds(number, quantity.value)
        case .address(let name, let isWithin, let network):
            guard let text = line.value(of: name) else { return false }
            guard let address = IPAddress(text) else { return !isWithin }
            return network.contains(address) == isWithin
        }
    }
}
