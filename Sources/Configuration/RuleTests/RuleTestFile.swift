import Columns
import Detection
import Foundation

/// A file of tests for rules: rows that come, and the findings that they must lead to. docs/rules.md has the keys.
struct RuleTestFile: Decodable {
    let ruleFiles: [String]
    /// Whose rules are tested, and whose columns rows have.
    let pipeline: String
    let allowedLateness: Duration
    let tests: [RuleTest]

    private enum CodingKeys: String, CodingKey {
        case tests, pipeline
        case ruleFiles = "rule_files"
        case allowedLateness = "allowed_lateness"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        ruleFiles = try container.decodeIfPresent([String].self, forKey: .ruleFiles) ?? []
        pipeline = try container.decode(String.self, forKey: .pipeline)
        allowedLateness = try container.duration(.allowedLateness) ?? .seconds(60)
        tests = try container.decode([RuleTest].self, forKey: .tests)
    }
}

/// One test: a story, and what is found in it.
struct RuleTest: Decodable {
    let name: String
    /// The rules that are looked at; nil for all of the files.
    let rules: [String]?
    let start: Timestamp
    /// Values of all rows that do not say otherwise.
    let defaults: RuleTestValues
    let events: [RuleTestEvent]
    /// How long the story goes on after its last row, for rules that wait for one.
    let until: Duration?
    let findings: [RuleTestFinding]

    private enum CodingKeys: CodingKey { case name, rules, start, defaults, events, until, findings }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        rules = try container.decodeIfPresent([String].self, forKey: .rules)
        let text = try container.decodeIfPresent(String.self, forKey: .start) ?? "2026-01-01T00:00:00Z"
        guard let date = try? Date(text, strategy: .iso8601) else {
            throw container.refused(.start, "start is '\(text)'; write a time such as 2026-01-01T00:00:00Z")
        }
        start = Timestamp(seconds: Int64(date.timeIntervalSince1970))
        defaults = try container.decodeIfPresent(RuleTestValues.self, forKey: .defaults) ?? RuleTestValues()
        events = try container.decode([RuleTestEvent].self, forKey: .events)
        until = try container.duration(.until)
        findings = try container.decodeIfPresent([RuleTestFinding].self, forKey: .findings) ?? []
    }
}

/// The values of a row by column, as they are written.
struct RuleTestValues: Decodable {
    var texts: [String: String] = [:]

    init() {}

    private struct Scalar: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() { text = "" } else { text = try container.decode(String.self) }
        }
    }

    init(from decoder: any Decoder) throws {
        texts = try [String: Scalar](from: decoder).mapValues(\.text)
    }

    func with(_ other: RuleTestValues) -> RuleTestValues {
        var both = self
        both.texts.merge(other.texts) { $1 }
        return both
    }
}

/// A row, or several at equal distances: `{ at: 0s, every: 20s, times: 10, … }`.
struct RuleTestEvent: Decodable {
    /// After the start of the test.
    let at: Duration
    let every: Duration
    let times: Int
    /// How long after its event time a row comes.
    let late: Duration
    /// The gold table that it is a row of, or the input that it is an event of; nil for the first input.
    let table: String?
    let input: String?
    let values: RuleTestValues

    private struct Repetition: Error, CustomStringConvertible {
        let key: String
        let value: String
        let wanted: String
        var description: String { "'\(key)' is '\(value)'; write \(wanted)" }
    }

    init(from decoder: any Decoder) throws {
        var values = try RuleTestValues(from: decoder)
        func duration(_ key: String) throws -> Duration? {
            guard let text = values.texts.removeValue(forKey: key) else { return nil }
            guard let duration = Duration(parsing: text) else {
                throw Repetition(key: key, value: text, wanted: "a duration such as 30s")
            }
            return duration
        }
        at = try duration("at") ?? .zero
        every = try duration("every") ?? .zero
        late = try duration("late") ?? .zero
        let count = values.texts.removeValue(forKey: "times") ?? "1"
        guard let times = Int(count), (1...1_000_000).contains(times) else {
            throw Repetition(key: "times", value: count, wanted: "a number from 1 to 1000000")
        }
        self.times = times
        table = values.texts.removeValue(forKey: "table")
        input = values.texts.removeValue(forKey: "input")
        self.values = values
    }
}

/// A finding that there must be: what is not written is not compared.
struct RuleTestFinding: Decodable {
    let rule: String
    let labels: [String: String]
    let severity: Severity?
    let count: Int?
    /// When it is first found, after the start of the test.
    let at: Duration?
    /// Its `starts_at`.
    let starts: Duration?
    let title: String?

    private enum CodingKeys: CodingKey { case rule, labels, severity, count, at, starts, title }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        rule = try container.decode(String.self, forKey: .rule)
        labels = try container.decodeIfPresent(RuleTestValues.self, forKey: .labels)?.texts ?? [:]
        severity = try container.decodeIfPresent(Severity.self, forKey: .severity)
        count = try container.decodeIfPresent(Int.self, forKey: .count)
        at = try container.duration(.at)
        starts = try container.duration(.starts)
        title = try container.decodeIfPresent(String.self, forKey: .title)
    }
}
