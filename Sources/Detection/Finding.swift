import Columns

public enum Severity: String, Codable, Sendable, Comparable, CaseIterable {
    case info, warning, critical

    public static func < (left: Severity, right: Severity) -> Bool {
        allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
}

/// Something that a rule or a model has found. It says what and why; who is told is not its business.
///
/// The same events give the same finding, whenever they are read: `name` and `labels` identify it.
public struct Finding: Sendable, Codable, Equatable {
    /// In CamelCase, as alerts are named: `SSHBruteForce`. Its runbook has this name.
    public var name: String
    /// What found it: `rule` or `forest`.
    public var detector: String
    public var severity: Severity
    /// What it is about, such as the source address.
    public var labels: Labels
    /// One line for a person.
    public var title: String
    public var description: String
    /// In event time.
    public var startsAt: Timestamp
    public var lastSeen: Timestamp
    /// How many events it stands for.
    public var count: Int
    public var evidence: [Evidence]
    /// Which features stood out, most telling first; of models only.
    public var contributions: [FeatureContribution]
    public var score: Double?

    public init(
        name: String, detector: String, severity: Severity, labels: Labels, title: String, description: String,
        startsAt: Timestamp,
        lastSeen: Timestamp, count: Int, evidence: [Evidence] = [], contributions: [FeatureContribution] = [],
        score: Double? = nil
    ) {
        self.name = name
        self.detector = detector
        self.severity = severity
        self.labels = labels
        self.title = title
        self.description = description
        self.startsAt = startsAt
        self.lastSeen = lastSeen
        self.count = count
        self.evidence = evidence
        self.contributions = contributions
        self.score = score
    }
}

/// A raw line that a finding stands on.
public struct Evidence: Sendable, Codable, Equatable {
    public var file: String
    public var offset: Int64
    public var line: String
    public var time: Timestamp

    public init(file: String, offset: Int64, line: String, time: Timestamp) {
        self.file = file
        self.offset = offset
        self.line = line
        self.time = time
    }
}

/// How far one feature stood out in a row that a model found anomalous.
public struct FeatureContribution: Sendable, Codable, Equatable {
    public var feature: String
    public var value: Double
    /// The median of the rows that the model was trained on.
    public var typical: Double
    /// Its part of what isolated the row: all parts of a row sum to 1.
    public var share: Double
}
