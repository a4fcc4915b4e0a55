import Columns

/// A rule on rows: which rows it looks at, how they are grouped, and when a group is a finding. docs/rules.md has the language.
///
///     name: SSHBruteForce
///     pipeline: ssh
///     severity: warning
///     title: "Brute force from {source} against {host}"
///     match: 'event=~"failed_.*"'
///     group_by: [source, host]
///     within: 5m
///     count: 10
public struct DetectionRule: DetectorSettings {
    /// `rule`; a file need not say it.
    public static let kind = "rule"
    /// The one kind.
    public static let kinds = [kind]
    /// `rule`.
    public var kind: String { Self.kind }

    /// In CamelCase; its runbook has this name.
    public var name: String
    /// The pipeline whose rows it looks at; nil for each that has the table and the columns that it names.
    public var pipeline: String?
    /// The events of all inputs, a gold table, or findings of other rules.
    public var rows: RowSource
    /// Of its incidents.
    public var severity: Severity
    /// Whether its incidents are notified, only recorded, or only seen by other rules.
    public var mode: DetectionMode
    /// With labels of its findings, `{count}`, `{distinct}` and `{usual}` in braces.
    var title: String
    var description: String
    /// What all its findings bear beside the values of their group.
    public var labels: Labels
    /// What must be there, step after step; a rule that counts has one step.
    var steps: [Step]
    var condition: Condition
    var exceptions: [Exception]
    /// Rows without a value in one of them belong to no group; none of them is one group.
    var groupBy: [ColumnReference]
    /// Rows with the same values in these count once within ``within``.
    var oncePer: [ColumnReference]
    /// Columns of the row that completes a finding, as further labels.
    var include: [ColumnReference]
    /// How far it looks back, in event time.
    var within: Duration
    /// How its incidents end; nil when it does not say.
    var ends: IncidentEnd?

    /// Rows of one kind, and how many of them it takes.
    struct Step: Sendable, Hashable {
        var match: [Matcher]
        /// How many events (by their `count` column); 0 asks for none where ``distinct`` does.
        var count: Int
        var distinct: Distinct?

        init(match: [Matcher], count: Int = 1, distinct: Distinct? = nil) {
            self.match = match
            self.count = count
            self.distinct = distinct
        }
    }

    /// How many distinct values of a column it takes.
    struct Distinct: Sendable, Hashable {
        var column: ColumnReference
        var count: Int

        init(_ column: ColumnReference, count: Int) {
            self.column = column
            self.count = count
        }
    }

    /// What makes a group a finding.
    enum Condition: Sendable, Hashable {
        /// The steps, one after the other, within ``DetectionRule/within``.
        case steps
        /// A row of a value that its group has not had within ``NewValue/within``.
        case newValue(NewValue)
        /// So many rows as ``Rate`` says.
        case rate(Rate)
        /// A group that has had rows has none for ``DetectionRule/within``.
        case silence
        /// A row of the first step is not followed by one of the second within ``DetectionRule/within``.
        case missing
    }

    struct NewValue: Sendable, Hashable {
        var column: ColumnReference
        var within: Duration
        /// What comes in the first so long of a group is learned, not found; zero finds the very first value too.
        var learn: Duration
    }

    /// At least so many times what a group usually has.
    struct Rate: Sendable, Hashable {
        var times: Double
        /// The mean age of what counts as usual: older rows weigh less and less.
        var history: Duration
        var atLeast: Int
        /// How long a group must be known.
        var learn: Duration
    }

    /// Rows that do not count.
    enum Exception: Sendable, Hashable {
        case matchers([Matcher])
        case values(ColumnReference, [String])
        case file(ColumnReference, String)
        case seen(Seen)
    }

    /// A row is excepted when one that fulfils ``match``, with the same values in ``by``, came between ``within`` and ``after``
    /// before it.
    struct Seen: Sendable, Hashable {
        var match: [Matcher]
        var by: [ColumnReference]
        var within: Duration
        var after: Duration
        /// What keeps a row that fulfils ``match`` from making anything known.
        var unless: Unless?
    }

    /// Rows with the same values in ``by`` that came before, at least ``count`` of them, without a pause as long as ``within``.
    struct Unless: Sendable, Hashable {
        var match: [Matcher]
        var by: [ColumnReference]
        /// From 1 to 8.
        var count: Int
        var within: Duration
    }

    /// A rule that counts rows, or waits for a row after them.
    init(
        name: String, pipeline: String? = nil, table: String? = nil, severity: Severity, title: String, description: String,
        match: [Matcher], groupBy: [ColumnReference], within: Duration, count: Int, distinct: Distinct? = nil,
        then: [Matcher]? = nil, ends: IncidentEnd? = nil
    ) {
        self.name = name
        self.pipeline = pipeline
        rows = table.map(RowSource.table) ?? .events
        self.severity = severity
        mode = .notify
        self.title = title
        self.description = description
        labels = Labels()
        let first = Step(match: match, count: distinct == nil ? max(1, count) : count, distinct: distinct)
        steps = [first] + (then.map { [Step(match: $0)] } ?? [])
        condition = .steps
        exceptions = []
        self.groupBy = groupBy
        oncePer = []
        include = []
        self.within = within
        self.ends = ends
    }

    /// The columns whose values are labels of its findings: those of its groups, of a new value, and those that it includes.
    public var labelColumns: [ColumnReference] { keyColumns + include }

    /// What distinguishes its groups.
    var keyColumns: [ColumnReference] {
        if case .newValue(let new) = condition, !groupBy.contains(new.column) { return groupBy + [new.column] }
        return groupBy
    }

    /// What may stand in braces in ``title`` and ``description``.
    var placeholders: Set<String> {
        var names = Set(labelColumns.map(\.label) + labels.keys + ["count"])
        if steps.contains(where: { $0.distinct != nil }) { names.insert("distinct") }
        if case .rate = condition { names.insert("usual") }
        return names
    }

    /// What its findings say of their end: after a success that was waited for, quiet is not a recovery.
    var ending: IncidentEnd? { ends ?? (condition == .steps && steps.count > 1 ? .byHand : nil) }

    /// How much of the past it must have seen to judge a row: its window, and what it knows by history.
    public var lookback: Duration {
        var longest = within
        switch condition {
        case .newValue(let new): longest = max(longest, new.within)
        case .rate(let rate): longest = max(longest, rate.history)
        case .steps, .silence, .missing: break
        }
        for case .seen(let seen) in exceptions { longest = max(longest, seen.within) }
        return longest
    }

    /// The columns of each step, and of each exception.
    public var requirements: [ColumnRequirement] {
        let keys = (groupBy + oncePer).map(\.column)
        var needed = steps.enumerated().map { index, step in
            let key = steps.count == 1 || index == 0 ? "match" : "then"
            var columns = [(key: key, columns: step.match.map(\.name)), (key: "group_by", columns: keys)]
            if let distinct = step.distinct { columns.append((key: "distinct", columns: [distinct.column.column])) }
            if index == 0, case .newValue(let new) = condition { columns.append((key: "new", columns: [new.column.column])) }
            if index == steps.count - 1 { columns.append((key: "include", columns: include.map(\.column))) }
            return ColumnRequirement(columns)
        }
        for exception in exceptions {
            switch exception {
            case .matchers(let matchers): needed.append(ColumnRequirement([(key: "except", columns: matchers.map(\.name))]))
            case .values(let column, _), .file(let column, _):
                needed.append(ColumnRequirement([(key: "except", columns: [column.column])]))
            case .seen(let seen):
                let unless = seen.unless.map { $0.match.map(\.name) + $0.by.map(\.column) } ?? []
                needed.append(
                    ColumnRequirement([(key: "except", columns: seen.match.map(\.name) + seen.by.map(\.column) + unless)]))
            }
        }
        return needed
    }

    /// Of `except: FILE`.
    public mutating func resolveFiles(in folder: String) {
        for index in exceptions.indices {
            guard case .file(let column, let path) = exceptions[index], !path.hasPrefix("/"), !folder.isEmpty else { continue }
            exceptions[index] = .file(column, folder + "/" + path)
        }
    }

    /// Its state machine, with nothing remembered.
    public func detector(_ context: DetectorContext) -> any Detector { RuleDetector(self, context) }
}
