import Columns
import Detection

/// Which incidents a question is about. All conditions hold together; what is left out holds always.
public struct IncidentFilter: Sendable {
    /// Nil is all.
    public var state: Incident.State?
    /// Nil is all.
    public var severity: Severity?
    /// The person who has it: its assignee, or else whoever acknowledged it.
    public var assignee: String?
    /// Matchers on labels, as routes have them.
    public var matchers = ""
    /// Words of title, name, labels and timeline; the last letters of a word may be left out with `*`.
    public var text: String?
    /// Only those that ended by themselves and that nobody did anything about.
    public var isUnseen = false
    /// Only those that had been over for long when they were found.
    public var isFoundInPast = false
    /// Only those that were opened at or after it.
    public var since: Timestamp?
    /// Only those that were opened at or before it.
    public var until: Timestamp?
    /// How many incidents a page has at most.
    public var limit = 100
    /// Where an earlier answer ended, as ``IncidentPage/next`` gives it.
    public var cursor: String?
    /// How many incidents are compared for one page where no index answers the question.
    var patience = Self.patience
    /// How many rows a question compares at most where no index answers it.
    public static let patience = 20_000

    /// All conditions are left out unless they are given.
    public init(
        state: Incident.State? = nil, severity: Severity? = nil, assignee: String? = nil, matchers: String = "",
        text: String? = nil,
        since: Timestamp? = nil, until: Timestamp? = nil, limit: Int = 100, cursor: String? = nil, isUnseen: Bool = false,
        isFoundInPast: Bool = false
    ) {
        self.state = state
        self.severity = severity
        self.assignee = assignee
        self.matchers = matchers
        self.text = text
        self.since = since
        self.until = until
        self.limit = limit
        self.cursor = cursor
        self.isUnseen = isUnseen
        self.isFoundInPast = isFoundInPast
    }

    /// Incidents of rules that are tried out (`mode: simulate`) are for whoever asks for that mode, or for the rule by its name.
    var showsSimulated: Bool {
        ((try? [Matcher](parsing: matchers)) ?? []).contains { [Incident.modeLabel, "alertname"].contains($0.name) }
    }

    /// The state with a name that somebody wrote: `open`, `acknowledged` or `resolved`; nil for nil.
    ///
    /// - Throws: ``FilterError/unknown(_:_:known:)`` for another name.
    public static func state(_ name: String?) throws(FilterError) -> Incident.State? { try read(name, "state") }

    /// The severity with a name that somebody wrote: `info`, `warning` or `critical`; nil for nil.
    ///
    /// - Throws: ``FilterError/unknown(_:_:known:)`` for another name.
    public static func severity(_ name: String?) throws(FilterError) -> Severity? { try read(name, "severity") }

    private static func read<Value: RawRepresentable<String> & CaseIterable>(
        _ name: String?, _ what: String
    ) throws(FilterError) -> Value? {
        guard let name else { return nil }
        guard let value = Value(rawValue: name) else {
            throw .unknown(what, name, known: Value.allCases.map(\.rawValue))
        }
        return value
    }
}

/// What is wrong with a filter. Each description is a sentence for the person who asked.
public enum FilterError: Error, CustomStringConvertible {
    /// What it is, the word that was given, and the words that there are.
    case unknown(String, String, known: [String])
    /// The text that holds no word.
    case badText(String)
    /// The text that is not a cursor.
    case badCursor(String)

    /// A sentence for the person who asked.
    public var description: String {
        switch self {
        case .unknown(let what, let value, let known):
            "there is no \(what) '\(value)'; known are \(known.joined(separator: ", "))"
        case .badText(let text): "'\(text)' holds no word to search for; write letters or digits"
        case .badCursor(let text): "'\(text)' is not a cursor; take it from 'next' of an earlier answer"
        }
    }
}

/// Some incidents, newest first, and how to go on after them.
public struct IncidentPage: Sendable {
    /// In the order of the answer.
    public var incidents: [Incident]
    /// The cursor for the next page; nil after the last.
    public var next: String?
    /// How many were compared before it was broken off, because no index answers the question; nil when it was not. ``next``
    /// goes on from there.
    public var compared: Int?
}

/// A position in the order of the answers: no incident is shown twice or left out while others begin and end.
struct IncidentCursor {
    var listedAt: Int64
    var number: Int64

    init(listedAt: Int64, number: Int64) {
        self.listedAt = listedAt
        self.number = number
    }

    init(_ text: String) throws(FilterError) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let listedAt = parts[0], let number = parts[1] else { throw .badCursor(text) }
        self.listedAt = listedAt
        self.number = number
    }

    var text: String { "\(listedAt).\(number)" }
}
