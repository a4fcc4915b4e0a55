import Columns
import Foundation

/// An expectation as a file has it: a name, one check, an action.
extension Expectation {
    private enum CodingKeys: String, CodingKey {
        case name, action, range, matches, usual
        case notNull = "not_null"
        case inSet = "in_set"
        case uniqueInWindow = "unique_in_window"
        case freshWithin = "fresh_within"
        case rowCount = "row_count"
    }

    private static let checks: [CodingKeys] = [
        .notNull, .range, .inSet, .matches, .uniqueInWindow, .freshWithin, .rowCount, .usual,
    ]

    private struct Range: Decodable {
        var column: String
        var from: Double?
        var to: Double?
    }
    private struct InSet: Decodable {
        var column: String
        var values: [String]
    }
    private struct Matches: Decodable {
        var column: String
        var pattern: String
    }
    private struct Unique: Decodable {
        let check: Check

        private enum CodingKeys: CodingKey { case columns, within }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            check = .uniqueInWindow(
                columns: try container.decode(TextList.self, forKey: .columns).texts,
                within: try container.requiredDuration(.within))
        }
    }
    private struct RowCount: Decodable {
        var from: Int?
        var to: Int?
    }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            guard text == CodingKeys.usual.rawValue else {
                throw DefinitionError.bad("an expectation is '\(text)'; write 'usual', or a mapping with a name and a check")
            }
            self = .usual
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        let action = try container.decodeIfPresent(Action.self, forKey: .action) ?? .warn
        let given = Self.checks.filter { container.contains($0) }
        guard given.count == 1 else {
            let known = Self.checks.map(\.rawValue).joined(separator: ", ")
            throw DefinitionError.bad(
                "the expectation '\(name)' has \(given.isEmpty ? "no check" : "several checks"); give one of \(known)")
        }
        let check: Check
        switch given[0] {
        case .notNull: check = .notNull(column: try container.decode(String.self, forKey: .notNull))
        case .range:
            let file = try container.decode(Range.self, forKey: .range)
            check = .range(column: file.column, from: file.from, to: file.to)
        case .inSet:
            let file = try container.decode(InSet.self, forKey: .inSet)
            check = .inSet(column: file.column, values: file.values)
        case .matches:
            let file = try container.decode(Matches.self, forKey: .matches)
            check = .matches(column: file.column, pattern: file.pattern)
        case .uniqueInWindow: check = try container.decode(Unique.self, forKey: .uniqueInWindow).check
        case .freshWithin: check = .freshWithin(try container.requiredDuration(.freshWithin))
        case .usual: check = .usual(try container.decode(UsualExpectation.self, forKey: .usual))
        default:
            let file = try container.decode(RowCount.self, forKey: .rowCount)
            check = .rowCount(from: file.from, to: file.to)
        }
        self.init(name, check, action: action)
    }
}
