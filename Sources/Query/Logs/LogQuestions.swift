import Columns
import Lake
import LogQL
import Templates

/// Queries in LogQL on bronze and silver, and what the panels of Grafana ask beside them.
///
/// Source: Grafana Loki's documentation, "Loki HTTP API".
package struct LogQuestions: Sendable {
    private let lake: Lake

    /// Queries on the tables of a lake.
    package init(_ lake: Lake) {
        self.lake = lake
    }

    private var logs: LakeLogs { LakeLogs(lake) }

    /// The most distinct values of a label or field that are listed.
    static let maxValues = 1000
    /// The most lines that templates and fields are looked for in.
    private static let maxSample = 20_000

    // MARK: Queries

    /// The lines of a query, or its numbers at each step from the start of the range to its end.
    ///
    /// - Parameters:
    ///   - step: between two numbers.
    ///   - limit: of lines.
    /// - Throws: `LogQLError`, `LakeError`, `CancellationError`.
    package func answer(
        _ query: String, in range: ClosedRange<Timestamp>, step: Duration, limit: Int, oldestFirst: Bool
    ) throws -> LogAnswer {
        switch try LogQuery(parsing: query) {
        case .lines(let selector):
            return .lines(try lines(selector, in: range, limit: limit, oldestFirst: oldestFirst))
        case .metric(let expression):
            let steps = try Steps(from: range.lowerBound, to: range.upperBound, step: step)
            return .numbers(try logs.value(of: expression, at: steps), steps)
        }
    }

    /// The numbers of a query at one time.
    ///
    /// - Throws: `LogQLError`, also for a query that gives lines; `LakeError`, `CancellationError`.
    package func answer(_ query: String, at time: Timestamp) throws -> LogAnswer {
        guard case .metric(let expression) = try LogQuery(parsing: query) else {
            throw LogQLError.malformed("lines are asked for over a range of time; this asks for numbers at one time", at: 0)
        }
        let steps = Steps(at: time)
        return .numbers(try logs.value(of: expression, at: steps), steps)
    }

    private func lines(
        _ selector: LogSelector, in range: ClosedRange<Timestamp>, limit: Int, oldestFirst: Bool
    ) throws -> [LogAnswer.Line] {
        try logs.lines(selector, in: range, limit: limit, oldestFirst: oldestFirst).map { line in
            var line = line
            return LogAnswer.Line(
                time: line.record.time, text: line.text, labels: line.streamLabels,
                fields: line.metadata.map { ($0.name.string, $0.value) },
                extracted: line.extracted.map { ($0.name.string, $0.value) })
        }
    }

    // MARK: Labels and fields

    /// The names of all labels.
    package func labels() throws -> [String] {
        Set(try logs.tables().flatMap(\.columnLabels) + LakeLogs.tableLabels).sorted()
    }

    /// The values of a label, of the streams that a selector names.
    package func values(of label: String, in range: ClosedRange<Timestamp>, where selector: LogSelector? = nil) throws -> [String]
    {
        let matchers = selector?.matchers ?? []
        var values: Set<OutsideText> = []
        for table in try logs.tables(for: matchers) {
            if let value = table.labels[label] { values.insert(OutsideText(value)) }
            guard table.columnLabels.contains(label) else { continue }
            try logs.scan(table, conditions(matchers, table), in: range, columns: [label]) { batch, _, rows in
                guard let column = batch[label] else { return true }
                for row in rows { if let value = column.string(at: row) { values.insert(OutsideText(value)) } }
                return values.count < Self.maxValues
            }
        }
        return values.sorted().prefix(Self.maxValues).map(\.string)
    }

    private func conditions(_ matchers: [Matcher], _ table: LakeLogs.Table) -> [Matcher] {
        matchers.filter { !LakeLogs.tableLabels.contains($0.name) }
    }

    /// The labels of the streams that one of the selectors names.
    package func series(_ selectors: [LogSelector], in range: ClosedRange<Timestamp>) throws -> [Labels] {
        var known: Set<Labels> = []
        for selector in selectors {
            try logs.scan(LogSelector(matchers: selector.matchers), in: range) { record in
                known.insert(record.labels)
                return known.count < Self.maxValues
            }
        }
        return known.sorted { $0.description.precedesByBytes($1.description) }
    }

    /// The fields of lines: what the table knows, and what stages read; with their values, the most frequent first.
    package func fields(_ selector: LogSelector, in range: ClosedRange<Timestamp>) throws -> [LogField] {
        var found: [OutsideText: LogField] = [:]
        try sample(selector, in: range) { line in
            let pairs = line.metadata.map { ($0.name, $0.value, false) } + line.extracted.map { ($0.name, $0.value, true) }
            for (name, value, isExtracted) in pairs {
                found[name, default: LogField(name: name.string, isExtracted: isExtracted)].count(value)
            }
        }
        return found.values.sorted { $0.name.precedesByBytes($1.name) }
    }

    private func sample(
        _ selector: LogSelector, in range: ClosedRange<Timestamp>, _ body: (inout QueriedLine<LakeLogRecord>) -> Void
    ) throws {
        var left = Self.maxSample
        try logs.scan(selector, in: range) { record in
            guard var line = selector.line(of: record) else { return true }
            body(&line)
            left -= 1
            return left > 0
        }
    }

    // MARK: Figures

    /// How many streams, lines and bytes a selector has.
    package func volume(_ selector: LogSelector, in range: ClosedRange<Timestamp>) throws -> (
        streams: Int, lines: Int, bytes: Int
    ) {
        var streams: Set<Labels> = [], lines = 0, bytes = 0
        try logs.scan(selector, in: range) { record in
            guard var line = selector.line(of: record) else { return true }
            if streams.count < Self.maxValues { streams.insert(record.labels) }
            lines += 1
            bytes += line.text.utf8.count
            return true
        }
        return (streams.count, lines, bytes)
    }

    /// The templates of lines and how often each came in each step, the most frequent first.
    package func patterns(
        _ selector: LogSelector, in range: ClosedRange<Timestamp>, step: Duration
    ) throws -> [(pattern: String, counts: [(time: Timestamp, count: Int)])] {
        let steps = try Steps(from: range.lowerBound, to: range.upperBound, step: step)
        var miner = TemplateMiner(), counts: [UInt32: [Int: Int]] = [:]
        try sample(selector, in: range) { line in
            let number = miner.assign(line.text.utf8.span)
            let at = Int((line.record.time.microseconds - steps.start.microseconds) / steps.step)
            counts[number, default: [:]][at, default: 0] += 1
        }
        let found = counts.compactMap { number, counts -> (pattern: String, counts: [Int: Int])? in
            guard let text = miner.text(of: number) else { return nil }
            // Loki writes what varies so.
            return (OutsideText(String(decoding: text, as: UTF8.self)).replacing("<*>", with: "<_>"), counts)
        }
        return found.map { entry in
            (
                entry.pattern,
                entry.counts.sorted { $0.key < $1.key }.map { (Timestamp(microseconds: steps.time($0.key)), $0.value) }
            )
        }.sorted { left, right in
            let (a, b) = (left.counts.reduce(0) { $0 + $1.count }, right.counts.reduce(0) { $0 + $1.count })
            return a == b ? left.pattern.precedesByBytes(right.pattern) : a > b
        }
    }
}

/// What a query in LogQL gives.
package enum LogAnswer: Sendable {
    /// A line of a log.
    package struct Line: Sendable {
        /// When it was written.
        package let time: Timestamp
        /// Its text.
        package let text: String
        /// Of its stream.
        package let labels: Labels
        /// What the table knows beside them.
        package let fields: [(name: String, value: String)]
        /// What stages have read from it.
        package let extracted: [(name: String, value: String)]
    }

    case lines([Line])
    case numbers(MetricValue, Steps)
}

/// A field of lines, and its values.
package struct LogField: Sendable {
    /// Its name.
    package let name: String
    /// Whether a stage reads it from the text.
    package let isExtracted: Bool
    private var counts: [OutsideText: Int] = [:]

    init(name: String, isExtracted: Bool) {
        self.name = name
        self.isExtracted = isExtracted
    }

    mutating func count(_ value: String) {
        let value = OutsideText(value)
        if counts[value] != nil || counts.count < LogQuestions.maxValues { counts[value, default: 0] += 1 }
    }

    /// How many distinct values there are, as far as they were counted.
    package var cardinality: Int { counts.count }
    /// The values, the most frequent first.
    package var values: [String] {
        counts.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }.map(\.key.string)
    }
    /// `int`, `float`, `boolean`, `duration`, `bytes` or `string`.
    package var kind: String {
        func all(_ holds: (String) -> Bool) -> Bool { counts.keys.allSatisfy { holds($0.string) } }
        if all({ Int64($0) != nil }) { return "int" }
        if all({ Double($0) != nil }) { return "float" }
        if all({ $0 == "true" || $0 == "false" }) { return "boolean" }
        if all({ Duration(parsing: $0) != nil }) { return "duration" }
        return "string"
    }
}
