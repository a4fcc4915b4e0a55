import Columns
import Detection

/// Something that needs attention: one or more findings of the same kind about the same thing.
public struct Incident: Sendable {
    /// Whether somebody still has to do something about it.
    public enum State: String, Sendable, CaseIterable, Codable { case open, acknowledged, resolved }

    /// How an incident ended.
    public enum Resolution: String, Sendable, CaseIterable, Codable {
        /// Somebody dealt with it.
        case fixed
        /// It was a mistake of the rule; statistics count these per rule.
        case falsePositive = "false_positive"
        /// It happened, and is known and accepted.
        case expected
        /// Nothing new was seen for the time-out, or its alerts ended.
        case quiet
        /// It had been over for longer than `notify_max_age` when it was found.
        case past
    }

    /// 1042 for `INC-1042`; never another incident's.
    public var number: Int64
    /// What it is about: 16 hexadecimal digits made of its labels (``Fingerprint``), or `group-N` for posted alerts.
    public var fingerprint: String
    /// The name of its rule or alert, in CamelCase; of its worst child when that is worse.
    public var name: String
    /// What found it: `rule`, `ensemble`, `forest`, `series`, or ``postedDetector``.
    public var detector: String
    /// The worst so far, its children included.
    public var severity: Severity
    /// Open until somebody acknowledges it, then acknowledged until it ends.
    public var state: State
    /// One line; of its worst child when that is worse.
    public var title: String
    /// A few sentences; of its worst child when that is worse.
    public var description: String
    /// Of its worst child when that is worse; otherwise ``ownLabels``.
    public var labels: Labels
    /// In event time.
    public var startsAt: Timestamp
    /// Time of its latest event.
    public var lastSeen: Timestamp
    /// When obs opened it.
    public var openedAt: Timestamp
    /// Nil until it is resolved.
    public var resolvedAt: Timestamp?
    /// The person who has it; nil when nobody has acknowledged it.
    public var acknowledgedBy: String?
    /// When it was first acknowledged; nil again after it was handed back.
    public var acknowledgedAt: Timestamp?
    /// The person who is to deal with it.
    public var assignee: String?
    /// Nil until it ends.
    public var resolution: Resolution?
    /// Grows with each decision about it. Whoever decides on what they have read names it, and is refused when somebody else
    /// was faster.
    public var version: Int
    /// Who made the decision that gave it its version; nil when it was obs.
    public var changedBy: String?
    /// The number of its parent incident, and why it became a child.
    public var mergedInto: Int64?
    /// Why it became a child.
    public var mergedBecause: String?
    /// How often it ended and came back.
    public var reopened: Int
    /// Whether it came and went so often that it stays open until it has been quiet for long.
    public var isFlapping: Bool
    /// Whether it had been over for long when it was found, though it may have turned out to go on.
    public var wasFoundInPast: Bool
    /// The first person who did something about it; nil when nobody has.
    public var seenBy: String?
    /// How it ends.
    var end: EndPolicy
    /// The labels that it began with; ``labels`` are those of its worst child.
    public var ownLabels: Labels
    /// The number of its worst child; nil when no child is worse than the incident itself.
    public var worst: Int64?
    /// The most events that its own rule saw within ``within``, and how many its children have in all.
    var ownCount: Int
    var mergedCount: Int
    /// How far its own rule looks back; nil when no rule found it.
    public var within: Duration?
    /// What is known of its own events in all.
    var lines: LineCount
    /// How many events it and its children have, each line once; nil where no lines are known.
    var lineCount: Int?
    /// Which features stood out; empty unless a model found it.
    public var contributions: [FeatureContribution]

    /// How many events it has, those of its children too; a line that several rules matched counts once.
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
        return finding.count > ownCount || finding.isUpdate && finding.startsAt < startsAt || known.add(finding)
    }

    /// The label, and its value, of incidents of rules that are tried out: nobody is notified of them.
    static let modeLabel = "mode", simulated = "simulate"

    var isSimulated: Bool { ownLabels[Self.modeLabel] == Self.simulated }

    /// What is named as the ``detector`` of posted alerts.
    public static let postedDetector = "posted"

    /// `INC-1042`: short, and never another incident's.
    public var id: String { "INC-\(number)" }

    /// The number in `INC-1042` or `1042`.
    public static func number(of id: String) -> Int64? {
        Int64(id.uppercased().hasPrefix("INC-") ? id.dropFirst(4) : id[...])
    }
}
