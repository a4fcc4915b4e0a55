import Columns
import Foundation

extension KeyedDecodingContainer {
    /// The columns under `key`; none when it is not there.
    func columns(_ key: Key) throws -> [ColumnReference] {
        let names = try decodeIfPresent([String].self, forKey: key) ?? []
        return try refusing(key) { try names.map { try ColumnReference(parsing: $0) } }
    }

    func column(_ key: Key) throws -> ColumnReference {
        let name = try decode(String.self, forKey: key)
        return try refusing(key) { try ColumnReference(parsing: name) }
    }

    /// A duration of more than nothing, and of at most `most`.
    func span(_ key: Key, _ standard: Duration, upTo most: Duration = .seconds(86_400 * 366)) throws -> Duration {
        let duration = try duration(key) ?? standard
        guard duration > .zero else { throw refused(key, "'\(key.stringValue)' is 0; write a duration such as 5m") }
        guard duration <= most else {
            throw refused(key, "'\(key.stringValue)' is too long; write at most \(Int(most.inSeconds / 86_400))d")
        }
        return duration
    }

    /// Names and texts under `key`; none when it is not there.
    func constantLabels(_ key: Key) throws -> Labels {
        try decodeIfPresent(LabelsFile.self, forKey: key)?.labels ?? Labels()
    }

    /// `by hand`, `quiet`, or `quiet 10m`; nil when it is not there.
    func incidentEnd(_ key: Key) throws -> IncidentEnd? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        switch text.split(separator: " ").map(String.init) {
        case ["by", "hand"]: return .byHand
        case ["quiet"]: return .quiet(nil)
        case let words where words.count == 2 && words[0] == "quiet":
            if let duration = Duration(parsing: words[1]), duration > .zero { return .quiet(duration) }
        default: break
        }
        throw refused(key, "'\(key.stringValue)' is '\(text)'; write by hand, quiet, or quiet 10m")
    }
}

/// The keys of a rule in its file.
extension DetectionRule {
    enum CodingKeys: String, CodingKey {
        case name, pipeline, table, on, severity, mode, title, description, labels, match, except, within, include, ends
        case count, distinct, then, sequence, absent, new, rate
        case groupBy = "group_by"
        case oncePer = "once_per"
    }

    /// No window is longer: what a rule must remember grows with it.
    private static let maxWithin = Duration.seconds(30 * 86_400)

    /// Of an entry without `kind`, or with `kind: rule`.
    ///
    /// - Throws: one sentence about the first key that cannot be used.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        pipeline = try container.decodeIfPresent(String.self, forKey: .pipeline)
        rows = try Self.rows(container)
        severity = try container.decode(Severity.self, forKey: .severity)
        mode = try container.decodeIfPresent(DetectionMode.self, forKey: .mode) ?? .notify
        title = try container.decode(String.self, forKey: .title)
        description = try container.decode(String.self, forKey: .description)
        labels = try container.constantLabels(.labels)
        groupBy = try container.columns(.groupBy)
        oncePer = try container.columns(.oncePer)
        // A finding is reported again and again; it is one all the same.
        if rows == .findings, oncePer.isEmpty { oncePer = [ColumnReference("rule")] }
        include = try container.columns(.include)
        within = try container.span(.within, .seconds(300), upTo: Self.maxWithin)
        ends = try container.incidentEnd(.ends)
        exceptions = try container.decodeIfPresent([ExceptionFile].self, forKey: .except)?.map(\.exception) ?? []
        (steps, condition) = ([], .steps)
        try decodeCondition(container)
        guard !name.isEmpty else { throw container.refused(.name, "a rule has an empty name; give it one") }
        if !container.contains(.groupBy) {
            throw container.refused(.name, "the rule '\(name)' has no 'group_by'; write [] for one group of all rows")
        }
        try checkIncluded(container)
        try checkPlaceholders(container)
    }

    private static func rows(_ container: KeyedDecodingContainer<CodingKeys>) throws -> RowSource {
        let table = try container.decodeIfPresent(String.self, forKey: .table)
        guard let on = try container.decodeIfPresent(String.self, forKey: .on) else {
            return table.map(RowSource.table) ?? .events
        }
        guard on == "findings", table == nil else {
            throw container.refused(.on, "'on' is '\(on)'; write findings, and no 'table' beside it, or leave it out")
        }
        return .findings
    }

    private mutating func decodeCondition(_ container: KeyedDecodingContainer<CodingKeys>) throws {
        let match = try container.contains(.match) ? container.matchers(.match) : nil
        let kinds: [CodingKeys] = [.sequence, .absent, .new, .rate]
        let given =
            kinds.filter { container.contains($0) }
            + (container.contains(.count) || container.contains(.distinct) ? [.count] : [])
        if given.count > 1, !(given == [.absent, .count]) {
            throw container.refused(
                given[0], "the rule '\(name)' has '\(given[0].rawValue)' and '\(given[1].rawValue)'; write a rule for each")
        }
        if given.first == .sequence {
            steps = try container.decode([StepFile].self, forKey: .sequence).map(\.step)
            guard (2...8).contains(steps.count) else {
                throw container.refused(.sequence, "'sequence' has \(steps.count) steps; write 2 to 8")
            }
            return
        }
        guard let match else {
            throw DecodingError.keyNotFound(CodingKeys.match, .init(codingPath: container.codingPath, debugDescription: ""))
        }
        let distinct = try container.decodeIfPresent(DistinctFile.self, forKey: .distinct)?.distinct
        let count = try container.decodeIfPresent(Int.self, forKey: .count) ?? 0
        guard (0..<1 << 28).contains(count) else {
            throw container.refused(.count, "'count' is \(count); write how many events it takes")
        }
        steps = [Step(match: match, count: distinct == nil ? max(1, count) : count, distinct: distinct)]
        if container.contains(.then) { steps.append(Step(match: try container.matchers(.then))) }
        switch given.first {
        case .new: condition = .newValue(try container.decode(NewFile.self, forKey: .new).new)
        case .rate: condition = .rate(try container.decode(RateFile.self, forKey: .rate).rate)
        case .absent: try decodeAbsence(container)
        default: break
        }
    }

    private mutating func decodeAbsence(_ container: KeyedDecodingContainer<CodingKeys>) throws {
        if let text = try? container.decode(String.self, forKey: .absent) {
            guard let duration = Duration(parsing: text), duration > .zero, duration <= Self.maxWithin else {
                throw container.refused(
                    .absent, "'absent' is '\(text)'; write a duration such as 10m, or { match: …, within: 10m }")
            }
            (condition, within) = (.silence, duration)
            return
        }
        let missing = try container.decode(MissingFile.self, forKey: .absent)
        steps.append(Step(match: missing.match))
        (condition, within) = (.missing, missing.within)
    }

    /// A row that completes a rule that counts is any of them: its values would make a finding each.
    private func checkIncluded(_ container: KeyedDecodingContainer<CodingKeys>) throws {
        guard !include.isEmpty, let last = steps.last, last.count > 1 || last.distinct != nil else { return }
        throw container.refused(
            .include, "'include' of the rule '\(name)' needs one row that completes it: a sequence, 'then', 'new' or 'count: 1'")
    }

    private func checkPlaceholders(_ container: KeyedDecodingContainer<CodingKeys>) throws {
        for (key, text) in [(CodingKeys.title, title), (.description, description)] {
            guard let name = TextTemplate.names(in: text).first(where: { !placeholders.contains($0) }) else { continue }
            let known = placeholders.sorted().map { "{\($0)}" }.joined(separator: ", ")
            throw container.refused(
                key,
                "'\(key.stringValue)' has {\(name)}, which the rule '\(self.name)' cannot fill; it knows \(known), "
                    + "and each column that 'group_by' names")
        }
    }
}

// MARK: Parts of a rule

private struct LabelsFile: Decodable {
    private(set) var labels = Labels()

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        for name in container.allKeys { labels[name.stringValue] = try container.decode(String.self, forKey: name) }
    }
}

private struct DistinctFile: Decodable {
    let distinct: DetectionRule.Distinct

    private enum CodingKeys: CodingKey { case column, count }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let count = try container.decode(Int.self, forKey: .count)
        guard (1...1_000_000).contains(count) else { throw container.refused(.count, "'count' is \(count); write 1 to 1000000") }
        distinct = .init(try container.column(.column), count: count)
    }
}

private struct StepFile: Decodable {
    let step: DetectionRule.Step

    private enum CodingKeys: CodingKey { case match, count, distinct }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let text = try container.decode(String.self, forKey: .match)
        let match = try container.refusing(.match) { try [Matcher](parsing: text) }
        let distinct = try container.decodeIfPresent(DistinctFile.self, forKey: .distinct)?.distinct
        let count = try container.decodeIfPresent(Int.self, forKey: .count) ?? (distinct == nil ? 1 : 0)
        guard (0..<1 << 28).contains(count) else {
            throw container.refused(.count, "'count' is \(count); write how many events it takes")
        }
        step = .init(match: match, count: distinct == nil ? max(1, count) : count, distinct: distinct)
    }
}

private struct MissingFile: Decodable {
    let match: [Matcher]
    let within: Duration

    private enum CodingKeys: CodingKey { case match, within }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let text = try container.decode(String.self, forKey: .match)
        match = try container.refusing(.match) { try [Matcher](parsing: text) }
        within = try container.span(.within, .seconds(300), upTo: .seconds(30 * 86_400))
    }
}

private struct NewFile: Decodable {
    let new: DetectionRule.NewValue

    private enum CodingKeys: CodingKey { case column, within, learn }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        new = .init(
            column: try container.column(.column), within: try container.span(.within, .seconds(30 * 86_400)),
            learn: try container.duration(.learn) ?? .seconds(600))
    }
}

private struct RateFile: Decodable {
    let rate: DetectionRule.Rate

    private enum CodingKeys: String, CodingKey {
        case times, history, learn
        case atLeast = "at_least"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let times = try container.decode(Double.self, forKey: .times)
        guard times >= 1, times.isFinite else { throw container.refused(.times, "'times' is \(times); write 1 or more") }
        let atLeast = try container.decodeIfPresent(Int.self, forKey: .atLeast) ?? 1
        guard (1..<1 << 28).contains(atLeast) else {
            throw container.refused(.atLeast, "'at_least' is \(atLeast); write 1 or more")
        }
        let history = try container.span(.history, .seconds(7 * 86_400))
        rate = .init(times: times, history: history, atLeast: atLeast, learn: try container.duration(.learn) ?? history / 7)
    }
}

private struct ExceptionFile: Decodable {
    let exception: DetectionRule.Exception

    private enum CodingKeys: CodingKey { case column, file, values, seen, by, within, after, unless }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            exception = .matchers(try [Matcher](parsing: text))
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if container.contains(.seen) {
            exception = .seen(
                .init(
                    match: try container.matchers(.seen), by: try container.columns(.by),
                    within: try container.span(.within, .seconds(30 * 86_400)),
                    after: try container.duration(.after) ?? .seconds(600),
                    unless: try container.decodeIfPresent(UnlessFile.self, forKey: .unless)?.unless))
            return
        }
        let column = try container.column(.column)
        if let file = try container.decodeIfPresent(String.self, forKey: .file) {
            exception = .file(column, file)
        } else {
            exception = .values(column, try container.decode([String].self, forKey: .values))
        }
    }
}

private struct UnlessFile: Decodable {
    let unless: DetectionRule.Unless

    private enum CodingKeys: CodingKey { case match, by, count, within }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let count = try container.decodeIfPresent(Int.self, forKey: .count) ?? 1
        guard (1...8).contains(count) else { throw container.refused(.count, "'count' is \(count); write 1 to 8") }
        unless = .init(
            match: try container.matchers(.match), by: try container.columns(.by), count: count,
            within: try container.span(.within, .seconds(12 * 3600), upTo: .seconds(30 * 86_400)))
    }
}
