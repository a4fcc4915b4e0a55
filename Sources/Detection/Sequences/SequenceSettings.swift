import Columns
import Foundation

/// The entry of a detector of sessions unlike those before: a task, a job, a block or a request whose messages are new, too many
/// or missing.
///
///     name: SelfTaskUnusual
///     kind: sequence
///     pipeline: self
///     event: template_id
///     text: template
///     session: message
///     keys: ["TID ", "attempt_"]
///     severity: info
///     title: "{session} is unlike the tasks before"
///     description: "{reason}."
struct SequenceSettings: DetectorSettings {
    static let kind = "sequence"
    static let kinds = [kind]
    var kind: String { Self.kind }

    var name: String
    var pipeline: String?
    var rows: RowSource
    /// The rows that are looked at; all where it is empty.
    var match: [Matcher]
    /// The column that says what kind of event a row is, such as the id of its template.
    var event: String
    /// The column with that event for people; the id itself where there is none.
    var text: String?
    /// The columns that say which session a row belongs to.
    var session: [String]
    /// What the key of a session begins with in the first column of ``session``; where it is empty the whole value is the key.
    /// Sessions whose keys begin differently are kinds of their own.
    var keys: [String]
    /// Sessions of different groups are kinds of their own too.
    var groupBy: [ColumnReference]
    /// A session is over when so much event time has passed without a row of it.
    var idle: Duration
    /// How long a kind of session must be known, in event time, before any of it is a finding.
    var learn: Duration
    var severity: Severity
    var mode: DetectionMode
    var title: String
    var description: String
    var labels: Labels
    var ends: IncidentEnd?

    private static let idle = Duration.seconds(600), learn = Duration.seconds(86_400)
    private static let maxKeys = 16, maxKeyLength = 64

    var lookback: Duration { max(.seconds(7 * 86_400), learn) }

    var requirements: [ColumnRequirement] {
        [
            ColumnRequirement([
                (key: "match", columns: match.map(\.name)), (key: "event", columns: [event]),
                (key: "text", columns: text.map { [$0] } ?? []), (key: "session", columns: session),
                (key: "group_by", columns: groupBy.map(\.column)),
            ])
        ]
    }

    private enum CodingKeys: String, CodingKey {
        case name, pipeline, table, match, event, text, session, keys, idle, learn, severity, mode, title, description, labels,
            ends
        case groupBy = "group_by"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        pipeline = try container.decodeIfPresent(String.self, forKey: .pipeline)
        rows = try container.decodeIfPresent(String.self, forKey: .table).map(RowSource.table) ?? .events
        match = container.contains(.match) ? try container.matchers(.match) : []
        event = try container.decode(String.self, forKey: .event)
        text = try container.decodeIfPresent(String.self, forKey: .text)
        session = try container.textsOrText(.session)
        keys = try container.decodeIfPresent([String].self, forKey: .keys) ?? []
        groupBy = try container.columns(.groupBy)
        idle = container.contains(.idle) ? try container.span(.idle, Self.idle) : Self.idle
        learn = container.contains(.learn) ? try container.span(.learn, Self.learn) : Self.learn
        severity = try container.decode(Severity.self, forKey: .severity)
        mode = try container.decodeIfPresent(DetectionMode.self, forKey: .mode) ?? .notify
        title = try container.decode(String.self, forKey: .title)
        description = try container.decode(String.self, forKey: .description)
        labels = try container.constantLabels(.labels)
        ends = try container.incidentEnd(.ends)
        try check(container)
    }

    private func check(_ container: KeyedDecodingContainer<CodingKeys>) throws {
        guard !session.isEmpty else {
            throw container.refused(.session, "session is empty; name the column that tells sessions apart")
        }
        guard keys.count <= Self.maxKeys, keys.allSatisfy({ (1...Self.maxKeyLength).contains($0.utf8.count) }) else {
            throw container.refused(
                .keys,
                "keys has a text that is empty or too long, or too many; write at most \(Self.maxKeys) of 1 to "
                    + "\(Self.maxKeyLength) bytes")
        }
        for (key, text) in [(CodingKeys.title, title), (.description, description)] {
            guard let unknown = TextTemplate.names(in: text).first(where: { !placeholders.contains($0) }) else { continue }
            let known = placeholders.sorted().map { "{\($0)}" }.joined(separator: ", ")
            throw container.refused(key, "'\(key.stringValue)' has {\(unknown)}, which '\(name)' cannot fill; it knows \(known)")
        }
    }

    var placeholders: Set<String> { Set(groupBy.map(\.label) + ["session", "reason", "event", "count", "usual", "length"]) }

    func detector(_ context: DetectorContext) -> any Detector { SequenceWatcher(self, context) }
}

extension KeyedDecodingContainer {
    fileprivate func textsOrText(_ key: Key) throws -> [String] {
        if let one = try? decode(String.self, forKey: key) { return [one] }
        return try decode([String].self, forKey: key)
    }
}
