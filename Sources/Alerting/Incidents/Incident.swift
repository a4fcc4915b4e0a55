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
        /// It had been over for longer than `notify_max_age` when it was found.
        case past
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
    /// Whether it had been over for long when it was found, though it may have turned out to go on.
    public var wasFoundInPast: Bool
    /// Who did something about it first; nil when nobody has.
    public var seenBy: String?
    /// How it ends.
    var end: EndPolicy
    /// The labels that it began with; ``labels`` are those of its worst part.
    public var ownLabels: Labels
    /// The number of its worst part; nil when that is itself.
    public var worst: Int64?
    /// The most events that its own rule saw within ``within``, and how many its parts stand for, each in all.
    var ownCount: Int
    var mergedCount: Int
    /// How far its own rule looks back; nil when it is none.
    public var within: Duration?
    /// What is known of its own events in all.
    var lines: LineCount
    /// How many events it and its parts stand for, each line once; nil where no lines are known.
    var lineCount: Int?
    public var contributions: [FeatureContribution]

    /// How many events it stands for, those of its parts too; a line that several rules matched counts once.
    public var count: Int { lineCount ?? ownCount + mergedCount }

    /// The most events that its own rule saw within ``within``; ``count`` is all that came.
    public var peak: Int { ownCount }

    /// Whether only a person ends it.
    public var endsByHand: Bool { end.isByHand }

    /// How long nothing new must be seen for it to end by itself; nil is `resolve_timeout`.
    public var endsAfter: Duration? { end.quiet }

    /// Whether a finding says more of it than is known, though it is not later.
    func learns(from finding: Finding) -> Bool {
        var known = lines
        return finding.count > ownCount || known.add(finding)
    }

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
