import Columns
import Foundation
import Parsing
import Streaming

/// One step of an input or stream: a mapping with one key, which says what is done.
struct StepFile: Decodable {
    let step: Step

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case `where`, compute, select, deduplicate, join, lookup, expect, score
    }

    private struct JoinFile: Decodable {
        let join: StreamJoin

        private enum CodingKeys: CodingKey { case with, on, within, before, kind, prefix }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            join = StreamJoin(
                with: try container.decode(String.self, forKey: .with),
                on: try container.decode(TextList.self, forKey: .on).texts,
                within: try container.requiredDuration(.within), before: try container.duration(.before) ?? .zero,
                kind: try container.refusing(.kind) {
                    try StepFile.kind(try container.decodeIfPresent(String.self, forKey: .kind) ?? "inner")
                },
                prefix: try container.decodeIfPresent(String.self, forKey: .prefix))
        }
    }

    private struct LookupFile: Decodable {
        var file: String
        var on: TextList
        var columns: [String]?
        var kind: String?
    }

    private struct ScoreFile: Decodable {
        var model: String
        var column: String
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // Each key is asked for, so that a step with two of them is told apart from one with an unknown key.
        let given = CodingKeys.allCases.filter { container.contains($0) }
        guard given.count == 1 else {
            throw UsageError(
                "a step has \(given.isEmpty ? "none" : "several") of the keys \(CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")); write each as a step of its own"
            )
        }
        switch given[0] {
        case .where: step = .filter(try container.matchers(.where))
        case .compute:
            let text = try container.decode(String.self, forKey: .compute)
            guard let match = text.firstMatch(of: #/^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(?!=)/#) else {
                throw UsageError("'\(text)' computes no column; write name = expression")
            }
            step = .compute(name: String(match.1), try Expression(String(text[match.range.upperBound...])))
        case .select: step = .select(try container.decode(TextList.self, forKey: .select).texts)
        case .deduplicate: step = .deduplicate(by: try container.decode(TextList.self, forKey: .deduplicate).texts)
        case .join: step = .join(try container.decode(JoinFile.self, forKey: .join).join)
        case .lookup:
            let file = try container.decode(LookupFile.self, forKey: .lookup)
            step = .lookup(
                ReferenceLookup(
                    file: file.file, on: file.on.texts, columns: file.columns ?? [], kind: try Self.kind(file.kind ?? "left")))
        case .expect: step = .expect(try container.decode(ExpectationFile.self, forKey: .expect).expectation)
        case .score:
            let file = try container.decode(ScoreFile.self, forKey: .score)
            step = .score(model: file.model, column: file.column)
        }
    }

    private static func kind(_ name: String) throws -> StreamJoin.Kind {
        guard let kind = StreamJoin.Kind(rawValue: name) else { throw UsageError("'kind' is '\(name)'; write inner or left") }
        return kind
    }
}

/// An expectation: a name, one check, an action.
private struct ExpectationFile: Decodable {
    let expectation: Expectation

    private enum CodingKeys: String, CodingKey {
        case name, action, range, matches
        case notNull = "not_null"
        case inSet = "in_set"
        case uniqueInWindow = "unique_in_window"
        case freshWithin = "fresh_within"
        case rowCount = "row_count"
    }

    private static let checks: [CodingKeys] = [.notNull, .range, .inSet, .matches, .uniqueInWindow, .freshWithin, .rowCount]

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
        let check: Expectation.Check

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
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        let actionName = try container.decodeIfPresent(String.self, forKey: .action) ?? "warn"
        guard let action = Expectation.Action(rawValue: actionName) else {
            throw container.refused(
                .action, "the action of the expectation '\(name)' is '\(actionName)'; write warn, drop or fail")
        }
        let given = Self.checks.filter { container.contains($0) }
        guard given.count == 1 else {
            throw UsageError(
                "the expectation '\(name)' has \(given.isEmpty ? "no check" : "several checks"); give one of \(Self.checks.map(\.rawValue).joined(separator: ", "))"
            )
        }
        let check: Expectation.Check
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
        default:
            let file = try container.decode(RowCount.self, forKey: .rowCount)
            check = .rowCount(from: file.from, to: file.to)
        }
        expectation = Expectation(name, check, action: action)
    }
}
