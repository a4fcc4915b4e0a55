import Columns

/// A rule on events: which rows it looks at, how they are grouped, and when a group is a finding.
///
///     name: SSHBruteForce
///     pipeline: ssh
///     severity: warning
///     title: "Brute force from {source} against {host}"
///     match: 'event=~"failed_.*"'
///     group_by: [source, host]
///     within: 5m
///     count: 10
public struct DetectionRule: Sendable, Hashable {
    public var name: String
    /// The pipeline whose rows it looks at; nil for each that has the table and the columns which it names.
    public var pipeline: String?
    /// The gold table whose rows it looks at; nil for the events of all inputs, as they are in silver.
    public var table: String?
    public var severity: Severity
    /// With `{column}` of ``groupBy``, `{count}` and `{distinct}` in it.
    public var title: String
    public var description: String
    public var match: [Matcher]
    public var groupBy: [String]
    /// In event time.
    public var within: Duration
    /// How many events (by their `count` column) make a finding; 0 asks for none.
    public var count: Int
    /// How many distinct values of a column make one.
    public var distinct: (column: String, count: Int)? {
        get { distinctColumn.map { ($0, distinctCount) } }
        set {
            distinctColumn = newValue?.column
            distinctCount = newValue?.count ?? 0
        }
    }
    private var distinctColumn: String?
    private var distinctCount = 0
    /// The event that completes the finding once the counts are there, such as a success; nil when the counts are enough.
    public var then: [Matcher]?
    /// How its incidents end; nil when it does not say.
    public var ends: IncidentEnd?

    public init(
        name: String, pipeline: String? = nil, table: String? = nil, severity: Severity, title: String, description: String,
        match: [Matcher],
        groupBy: [String], within: Duration, count: Int,
        distinct: (column: String, count: Int)? = nil, then: [Matcher]? = nil, ends: IncidentEnd? = nil
    ) {
        self.name = name
        self.pipeline = pipeline
        self.table = table
        self.severity = severity
        self.title = title
        self.description = description
        self.match = match
        self.groupBy = groupBy
        self.within = within
        self.count = count
        self.then = then
        self.ends = ends
        self.distinct = distinct
    }

    /// What may stand in braces in ``title`` and ``description``.
    public var placeholders: Set<String> { Set(groupBy + ["count"] + (distinct == nil ? [] : ["distinct"])) }

    /// What its findings say of their end: after a success that was waited for, quiet is no recovery.
    var ending: IncidentEnd? { ends ?? (then == nil ? nil : .byHand) }
}
