import Columns
import Foundation

/// How bad it is, from the least to the worst: what routes, escalations and colors go by.
public enum Severity: String, Codable, Sendable, Comparable, CaseIterable {
    case info, warning, critical

    /// Whether `left` is less bad.
    public static func < (left: Severity, right: Severity) -> Bool {
        allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
}

/// Something that a rule or a model has found. It says what and why; whom to notify is decided elsewhere.
///
/// The same events give the same finding, whenever they are read: `name` and `labels` identify it.
public struct Finding: Sendable, Codable, Equatable {
    /// In CamelCase, as alerts are named: `SSHBruteForce`. Its runbook has this name.
    public var name: String
    /// The kind of detector that found it: `rule`, `forest`, `series` or `sequence`.
    public var detector: String
    /// Of the incident that it opens; a worse one raises the severity of an open incident.
    public var severity: Severity
    /// What it is about, such as the source address.
    public var labels: Labels
    /// One line for a person.
    public var title: String
    /// What was seen, in a sentence or two.
    public var description: String
    /// Of the first event that counts, in event time.
    public var startsAt: Timestamp
    /// Of the last event that counts, in event time.
    public var lastSeen: Timestamp
    /// The time of the event with which its rule first held, or at which something was missing; nil for models.
    public var completedAt: Timestamp?
    /// How many events it stands for: the most that its rule saw within ``within``.
    public var count: Int
    /// How far the rule looked back; nil for models.
    public var within: Duration?
    /// The session that it is about: events without a pause as long as ``within``. Nil for models.
    public var session: Session?
    /// How its incident ends; nil when the rule does not say.
    public var ends: IncidentEnd?
    /// Whether it only brings what was found up to date: it joins an incident and opens none.
    public var isUpdate = false
    /// Whether its incident is only recorded, and nobody is notified of it.
    public var isSimulated = false
    /// Lines that show it, the oldest first; a few of perhaps many.
    public var evidence: [Evidence]
    /// Which features stood out, most telling first; of models only.
    public var contributions: [FeatureContribution]
    /// How unusual it is, in (0, 1); of models only.
    public var score: Double?

    /// A finding that may open an incident; what it lacks is of models, or of rules, only.
    public init(
        name: String, detector: String, severity: Severity, labels: Labels, title: String, description: String,
        startsAt: Timestamp,
        lastSeen: Timestamp, completedAt: Timestamp? = nil, count: Int, evidence: [Evidence] = [],
        contributions: [FeatureContribution] = [], score: Double? = nil, within: Duration? = nil, session: Session? = nil,
        ends: IncidentEnd? = nil
    ) {
        self.name = name
        self.detector = detector
        self.severity = severity
        self.labels = labels
        self.title = title
        self.description = description
        self.startsAt = startsAt
        self.lastSeen = lastSeen
        self.completedAt = completedAt
        self.count = count
        self.evidence = evidence
        self.contributions = contributions
        self.score = score
        self.within = within
        self.session = session
        self.ends = ends
    }

    /// All that a rule saw of a group since events came without a long pause, be it hours.
    public struct Session: Sendable, Codable, Equatable {
        /// When the event came with which it began; it names the session.
        public var start: Timestamp
        /// How many events.
        public var count: Int
        /// Their lines.
        public var lines: LineSet

        /// A session as it is at this moment.
        public init(start: Timestamp, count: Int, lines: LineSet) {
            self.start = start
            self.count = count
            self.lines = lines
        }
    }
}

/// A raw line that supports a finding.
public struct Evidence: Sendable, Codable, Equatable {
    /// The path under which the file was read, or the name of the source.
    public var file: String
    /// Where the line begins in the file, in bytes.
    public var offset: Int64
    /// Its text, at most its first 2,000 bytes.
    public var line: String
    /// The time of its event.
    public var time: Timestamp
    /// The machine that it speaks of; nil when its event has none.
    public var host: String?

    /// A line of a file, or of what stands for one.
    public init(file: String, offset: Int64, line: String, time: Timestamp, host: String? = nil) {
        self.file = file
        self.offset = offset
        self.line = line
        self.time = time
        self.host = host
    }
}

/// How far one feature stood out in a row that a model found anomalous.
public struct FeatureContribution: Sendable, Codable, Equatable {
    /// The column.
    public var feature: String
    /// What the row has there. A column without a value in the row has no contribution.
    public var value: Double
    /// The median of the rows that the model was trained on.
    public var typical: Double
    /// Its part of what isolated the row: all parts of a row sum to 1.
    public var share: Double
    /// What was expected of a value in a series; nil when another kind of detector found it.
    public var usual: UsualRange?
}

/// What was expected of a value in a series, and what is unusual about it.
public struct UsualRange: Sendable, Codable, Equatable {
    /// Below this lies about one value in two hundred.
    public var low: Double
    /// Above this lies about one value in two hundred.
    public var high: Double
    /// What is unusual, as the end of a sentence: "the value jumped".
    public var reason: String
    /// How many of its usual deviations the unusual part of the series is from what is usual of it; negative below.
    public var deviations: Double
    /// The time of the first unusual value.
    public var since: Timestamp

    /// In a sentence: "usual are 20 to 35; the value jumped, 6.1 deviations".
    public var sentence: String {
        let distance = Self.shown(deviations.magnitude)
        return "usual are \(Self.shown(low)) to \(Self.shown(high)); \(reason), \(distance) deviations from usual"
    }

    /// A number for a person: four digits of it, all of those before the point.
    public static func shown(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value.isFinite ? "0" : "\(value)" }
        let digits = Int(log10(value.magnitude).rounded(.down))
        if digits >= 15 || digits < -6 { return String(format: "%.3e", value) }
        let scale = pow(10, Double(max(0, 3 - digits)))
        return Value.double((value * scale).rounded() / scale).description
    }
}
