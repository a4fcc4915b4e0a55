import Columns
import Detection
import Foundation
import Streaming

/// Runs files of tests for rules, as `obs rules test` does.
public struct RuleTester {
    /// What came of one test.
    public struct Outcome: Sendable {
        /// The file of the test.
        public let file: String
        /// Its name in the file.
        public let test: String
        /// One sentence for each difference; none when the test passed.
        public let differences: [String]

        /// Whether all findings were as expected.
        public var isPassed: Bool { differences.isEmpty }
    }

    private let configuration: Configuration

    /// - Parameter configuration: whose pipelines say which columns rows have.
    public init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// Runs all tests of a file.
    ///
    /// - Throws: ``ConfigurationError`` when the file, or a file of rules that it names, cannot be read; ``UsageError`` when it
    ///   names a pipeline that is not defined.
    public func run(_ path: String) throws -> [Outcome] {
        let document = try Self.document(path)
        let file = try document.decode(RuleTestFile.self)
        let folder = (path as NSString).deletingLastPathComponent
        let pipeline = try configuration.pipeline(file.pipeline)
        let rules = try file.ruleFiles.flatMap { name in
            let path = name.hasPrefix("/") || folder.isEmpty ? name : folder + "/" + name
            return try RuleFile(Self.document(path)).rules
        }.filter { $0.settings.pipeline ?? file.pipeline == file.pipeline }
        let schemas = try RuleTestSchemas(pipeline)
        return try file.tests.map { test in
            if let unknown = test.rules?.first(where: { name in !rules.contains { $0.name == name } }) {
                return Outcome(
                    file: path, test: test.name, differences: ["the rule '\(unknown)' is in none of the files of rules"])
            }
            let run = RuleTestRun(test, rules, schemas, allowedLateness: file.allowedLateness)
            return Outcome(file: path, test: test.name, differences: try run.differences())
        }
    }

    private static func document(_ path: String) throws -> YAMLDocument {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw UsageError("\(path): cannot be read; name a file of tests for rules")
        }
        return try YAMLDocument(String(decoding: bytes, as: UTF8.self), file: path)
    }
}

/// The columns of the rows of a pipeline.
private struct RuleTestSchemas {
    private let pipeline: PipelineDefinition
    private let schemas: PipelineSchemas

    init(_ pipeline: PipelineDefinition) throws {
        self.pipeline = pipeline
        schemas = try PipelineSchemas(pipeline)
    }

    func schema(_ event: RuleTestEvent) throws -> Schema {
        guard let table = event.table else {
            let name = event.input ?? pipeline.inputs[0].name
            guard let schema = schemas.schema(of: name), pipeline.inputs.contains(where: { $0.name == name }) else {
                throw UsageError(
                    "the pipeline '\(pipeline.name)' has no input '\(name)'; known are "
                        + "\(pipeline.inputs.map(\.name).joined(separator: ", "))"
                )
            }
            return schema
        }
        let stream = pipeline.streams.first { $0.table == table }?.name ?? table
        guard let schema = schemas.schema(of: stream) else {
            throw UsageError("the pipeline '\(pipeline.name)' has no gold table '\(table)'")
        }
        guard schema["event_time"] == nil else { return schema }
        return Schema([Field("event_time", .timestamp)] + schema.fields)
    }
}

/// One test: shows the rows to the rules, one after the other, and compares what they find.
private struct RuleTestRun {
    private struct Arrival {
        let row: [Value]
        let schema: Schema
        let table: String?
        let time: Timestamp
        let comes: Timestamp
    }

    private let test: RuleTest
    private let rules: [DetectionEntry]
    private let schemas: RuleTestSchemas
    private let lateness: Duration

    init(_ test: RuleTest, _ rules: [DetectionEntry], _ schemas: RuleTestSchemas, allowedLateness: Duration) {
        self.test = test
        self.rules = rules
        self.schemas = schemas
        lateness = allowedLateness
    }

    /// What a rule found for one group in one session.
    private struct Found {
        var finding: Finding
        let first: Duration
    }

    func differences() throws -> [String] {
        let found = try findings()
        var rest = found
        var differences: [String] = []
        for expected in test.findings {
            guard let index = rest.firstIndex(where: { Self.matches($0, expected, test.start) }) else {
                let near = rest.first { $0.finding.name == expected.rule }.map { "; found: \(Self.shown($0, test.start))" } ?? ""
                differences.append("not found: \(Self.shown(expected))\(near)")
                continue
            }
            rest.remove(at: index)
        }
        return differences + rest.map { "found, and not expected: \(Self.shown($0, test.start))" }
    }

    private func findings() throws -> [Found] {
        let start = test.start
        let set = DetectorSet(rules, DetectorContext(allowedLateness: lateness, now: { start }))
        var found: [Found] = []
        func take(_ findings: [Finding], _ at: Duration) {
            for finding in findings where test.rules?.contains(finding.name) ?? true {
                // The same session of the same group, as an incident is the same.
                let known = found.lastIndex {
                    $0.finding.name == finding.name && $0.finding.labels == finding.labels
                        && ($0.finding.session.map { $0.start <= finding.lastSeen } ?? false)
                        && (finding.session?.start ?? finding.startsAt) <= $0.finding.lastSeen
                }
                if let known { found[known].finding = finding } else { found.append(Found(finding: finding, first: at)) }
            }
        }
        let arrivals = try arrivals()
        for (number, arrival) in arrivals.enumerated() {
            let events = try Batch(schema: arrival.schema, rows: [arrival.row])
            let lines = try Batch(
                schema: Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)]),
                rows: [["test", .int(Int64(number)), .text("row \(number)")]])
            take(set.observe(events: events, lines: lines, lineRows: [0], table: arrival.table), arrival.comes - start)
        }
        take(set.updates(), (arrivals.last?.comes ?? start) - start)
        return found
    }

    /// The rows in the order in which they come.
    private func arrivals() throws -> [Arrival] {
        var arrivals: [Arrival] = []
        for event in test.events {
            let schema = try schemas.schema(event)
            let values = test.defaults.with(event.values)
            if let unknown = event.values.texts.keys.sorted().first(where: { schema[$0] == nil }) {
                throw UsageError(
                    "the test '\(test.name)' has a row with '\(unknown)', which is not a column; known are "
                        + "\(schema.fields.map(\.name).joined(separator: ", "))"
                )
            }
            for number in 0..<event.times {
                let time = test.start + event.at + event.every * number
                let row = try schema.fields.map {
                    try value($0, values.texts[$0.name]?.replacing("{n}", with: "\(number)"), time)
                }
                arrivals.append(Arrival(row: row, schema: schema, table: event.table, time: time, comes: time + event.late))
            }
        }
        let sorted = arrivals.enumerated().sorted { ($0.element.comes, $0.offset) < ($1.element.comes, $1.offset) }.map(\.element)
        guard let until = test.until, let last = sorted.last else { return sorted }
        // A row that says nothing lets the time pass.
        let time = last.time + until + lateness
        let row = try last.schema.fields.map { try value($0, nil, time) }
        return sorted + [Arrival(row: row, schema: last.schema, table: last.table, time: time, comes: time)]
    }

    private func value(_ field: Field, _ text: String?, _ time: Timestamp) throws -> Value {
        if field.name == "event_time" { return .timestamp(time) }
        guard let text, !(text.isEmpty && field.isNullable) else { return field.isNullable ? .null : Self.empty(field, time) }
        let value: Value? =
            switch field.type {
            case .text: .text(text)
            case .int32, .int64: Int64(text).map(Value.int)
            case .float, .double: Double(text).map(Value.double)
            case .bool: Bool(text).map(Value.bool)
            default: nil
            }
        guard let value else {
            throw UsageError("the test '\(test.name)': '\(text)' is not a value of the column '\(field.name)' (\(field.type))")
        }
        return value
    }

    private static func empty(_ field: Field, _ time: Timestamp) -> Value {
        switch field.type {
        case .text: .text("")
        case .int32, .int64: .int(field.name == "count" ? 1 : 0)
        case .float, .double: .double(0)
        case .bool: .bool(false)
        case .timestamp: .timestamp(time)
        case .date: .date(0)
        case .binary: .binary([])
        }
    }

    // MARK: Comparing

    private static func matches(_ found: Found, _ expected: RuleTestFinding, _ start: Timestamp) -> Bool {
        let finding = found.finding
        return finding.name == expected.rule && expected.labels.allSatisfy { finding.labels[$0.key] == $0.value }
            && expected.severity.map { $0 == finding.severity } ?? true && expected.count.map { $0 == finding.count } ?? true
            && expected.at.map { $0 == found.first } ?? true && expected.starts.map { start + $0 == finding.startsAt } ?? true
            && expected.title.map { $0 == finding.title } ?? true
    }

    private static func shown(_ found: Found, _ start: Timestamp) -> String {
        let finding = found.finding
        let labels = finding.labels.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        return "{ rule: \(finding.name), labels: { \(labels) }, severity: \(finding.severity.rawValue), count: \(finding.count), "
            + "at: \(spelled(found.first)), starts: \(spelled(finding.startsAt - start)), title: \"\(finding.title)\" }"
    }

    private static func shown(_ expected: RuleTestFinding) -> String {
        var parts = ["rule: \(expected.rule)"]
        if !expected.labels.isEmpty {
            let labels = expected.labels.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            parts.append("labels: { \(labels.joined(separator: ", ")) }")
        }
        if let severity = expected.severity { parts.append("severity: \(severity.rawValue)") }
        if let count = expected.count { parts.append("count: \(count)") }
        if let at = expected.at { parts.append("at: \(spelled(at))") }
        if let starts = expected.starts { parts.append("starts: \(spelled(starts))") }
        if let title = expected.title { parts.append("title: \"\(title)\"") }
        return "{ \(parts.joined(separator: ", ")) }"
    }

    private static func spelled(_ duration: Duration) -> String {
        let seconds = Int(duration.inSeconds)
        let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")]
        var rest = seconds, text = ""
        for (length, unit) in units where rest >= length {
            text += "\(rest / length)\(unit)"
            rest %= length
        }
        return text.isEmpty ? "\(seconds)s" : text
    }
}
