import Alerting
import Columns
import Detection
@preconcurrency import GRDB

/// What can be asked of incidents; the command line, the API and the page ask here.
public struct IncidentQuestions: Sendable {
    /// Which incidents.
    public struct Filter: Sendable {
        public var state: String?
        public var severity: String?
        /// Matchers on labels, as routes have them.
        public var matchers = ""
        /// Only those that began at or after it, in event time.
        public var since: Timestamp?
        public var limit = 100

        public init(
            state: String? = nil, severity: String? = nil, matchers: String = "", since: Timestamp? = nil, limit: Int = 100
        ) {
            self.state = state
            self.severity = severity
            self.matchers = matchers
            self.since = since
            self.limit = limit
        }
    }

    private let store: IncidentStore

    public init(_ store: IncidentStore) {
        self.store = store
    }

    /// Newest first.
    ///
    /// - Throws: ``QueryError`` for a state or severity that there is not, `Matcher.Malformed` for bad matchers.
    public func list(_ filter: Filter) throws -> Answer {
        var conditions = ["1"]
        var arguments: [any DatabaseValueConvertible] = []
        if let state = filter.state {
            guard Incident.State(rawValue: state) != nil else {
                throw QueryError.unknown("state", state, known: Incident.State.allCases.map(\.rawValue))
            }
            conditions.append("state = ?")
            arguments.append(state)
        }
        if let severity = filter.severity {
            guard Severity(rawValue: severity) != nil else {
                throw QueryError.unknown("severity", severity, known: Severity.allCases.map(\.rawValue))
            }
            conditions.append("severity = ?")
            arguments.append(severity)
        }
        if let since = filter.since {
            conditions.append("last_seen >= ?")
            arguments.append(since.microseconds)
        }
        let matchers = try [Matcher](parsing: filter.matchers)
        // Matchers are asked of what the other conditions leave; with them the limit is applied after.
        let found = try store.incidents(
            where: conditions.joined(separator: " AND "), arguments: StatementArguments(arguments),
            limit: matchers.isEmpty ? filter.limit + 1 : 100_000
        ).filter { matchers.match($0.labels) }
        let shown = found.prefix(filter.limit)
        return Answer(
            [
                ("id", .text), ("severity", .text), ("state", .text), ("title", .text), ("count", .int64),
                ("starts_at", .timestamp), ("last_seen", .timestamp),
                ("name", .text),
            ],
            rows: shown.map {
                [
                    .text($0.id), .text($0.severity.rawValue), .text($0.state.rawValue), .text($0.title), .int(Int64($0.count)),
                    .timestamp($0.startsAt),
                    .timestamp($0.lastSeen), .text($0.name),
                ]
            }, note: found.count > shown.count ? "only the newest \(filter.limit) are shown; ask for more with --limit" : nil)
    }

    /// One incident with all that is known of it.
    ///
    /// - Throws: `AlertingError.noIncident`.
    public func one(_ id: String) throws -> IncidentView {
        let (incident, evidence, timeline, notifications) = try store.incident(id)
        return IncidentView(incident: incident, evidence: evidence, timeline: timeline, notifications: notifications)
    }

    /// How often each rule has fired, by severity and state.
    public func stats() throws -> Answer {
        let all = try store.incidents(limit: 1_000_000)
        let groups = Dictionary(grouping: all) { [$0.name, $0.severity.rawValue] }.sorted {
            ($1.value.count, $0.key[0]) < ($0.value.count, $1.key[0])
        }
        return Answer(
            [
                ("name", .text), ("severity", .text), ("incidents", .int64), ("open", .int64), ("events", .int64),
                ("last_seen", .timestamp),
            ],
            rows: groups.map { key, members in
                [
                    .text(key[0]), .text(key[1]), .int(Int64(members.count)),
                    .int(Int64(members.filter { $0.state != .resolved }.count)),
                    .int(Int64(members.reduce(0) { $0 + $1.count })), .timestamp(members.map(\.lastSeen).max()!),
                ]
            })
    }
}

public enum QueryError: Error, CustomStringConvertible {
    case unknown(String, String, known: [String])
    case badSQL(String)
    case badTime(String)

    public var description: String {
        switch self {
        case .unknown(let what, let value, let known):
            "there is no \(what) '\(value)'; known are \(known.joined(separator: ", "))"
        case .badSQL(let reason): "the statement was not run: \(reason)"
        case .badTime(let text): "'\(text)' is no time; write 2h, today, or 2026-11-21T10:00:00Z"
        }
    }
}
