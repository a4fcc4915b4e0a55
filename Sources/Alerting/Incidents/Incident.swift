import Columns
import Detection

/// Something that somebody should look at: one or more findings of the same kind about the same thing.
public struct Incident: Sendable {
    public enum State: String, Sendable, CaseIterable, Codable { case open, acknowledged, resolved }

    /// How an incident ended.
    public enum Resolution: String, Sendable, CaseIterable, Codable {
        /// Somebody dealt with it.
        case fixed
        /// There was nothing; the rule is counted by it.
        case falsePositive = "false_positive"
        /// It happened, and is known and accepted.
        case expected
        /// Nothing new was seen for the time-out, or its alerts ended.
        case quiet
    }

    public var number: Int64
    public var fingerprint: String
    public var name: String
    public var detector: String
    public var severity: Severity
    public var state: State
    public var title: String
    public var description: String
    public var labels: Labels
    /// In event time.
    public var startsAt: Timestamp
    public var lastSeen: Timestamp
    public var openedAt: Timestamp
    public var resolvedAt: Timestamp?
    public var acknowledgedBy: String?
    public var acknowledgedAt: Timestamp?
    /// Who is to deal with it.
    public var assignee: String?
    /// Nil until it ends.
    public var resolution: Resolution?
    /// Grows with each decision about it. Whoever decides on what they have read names it, and is refused when somebody else was faster.
    public var version: Int
    /// Who made the decision that gave it its version; nil when it was obs.
    public var changedBy: String?
    /// The number of the incident that this one is a part of, and why.
    public var mergedInto: Int64?
    public var mergedBecause: String?
    /// How often it ended and came back.
    public var reopened: Int
    /// Whether it came and went so often that it stays open until it has been quiet for long.
    public var isFlapping: Bool
    /// How many events it stands for itself, and how many its parts do.
    var ownCount: Int
    var mergedCount: Int
    public var contributions: [FeatureContribution]

    /// How many events it stands for, those of its parts too.
    public var count: Int { ownCount + mergedCount }

    /// `INC-1042`: short, and never another incident's.
    public var id: String { "INC-\(number)" }

    /// The number in `INC-1042` or `1042`.
    public static func number(of id: String) -> Int64? {
        Int64(id.uppercased().hasPrefix("INC-") ? id.dropFirst(4) : id[...])
    }
}

/// Something that happened to an incident.
public struct TimelineEntry: Sendable {
    /// The number of the incident that it happened to, which may be a part of the one that was asked for.
    public var incident: Int64
    public var at: Timestamp
    public var actor: String
    public var kind: String
    public var text: String
}

/// Identifies what an alert is about, as Prometheus does: FNV-1a over the sorted labels, each name and value followed by 0xFF.
///
/// Source: prometheus/common, model.LabelSet.Fingerprint.
public enum Fingerprint {
    /// In 16 hexadecimal digits.
    public static func of(_ labels: Labels) -> String { text(number(of: labels)) }

    public static func number(of labels: Labels) -> UInt64 {
        var hash = StableHash()
        for (name, value) in labels {
            hash.add(name)
            hash.add(0xFF)
            hash.add(value)
            hash.add(0xFF)
        }
        return hash.value
    }

    static func text(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
