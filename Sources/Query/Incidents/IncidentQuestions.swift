import Incidents
import Columns
import Detection
import Lake

/// Queries on incidents, for command line, API and pages.
public struct IncidentQuestions: Sendable {
    let store: IncidentStore

    /// Queries on the incidents of a store.
    public init(_ store: IncidentStore) {
        self.store = store
    }

    /// A page of incidents, newest first; see `IncidentStore.page`.
    ///
    /// - Throws: `FilterError` for an invalid cursor or text, `Matcher.Malformed` for bad matchers.
    public func page(_ filter: IncidentFilter) throws -> IncidentPage { try store.page(filter) }

    /// The same as a table.
    ///
    /// - Throws: as ``page(_:)``.
    public func list(_ filter: IncidentFilter) throws -> Answer {
        let page = try page(filter)
        var answer = Answer(
            [
                ("id", .text), ("severity", .text), ("state", .text), ("title", .text), ("who", .text), ("count", .int64),
                ("starts_at", .timestamp), ("last_seen", .timestamp), ("name", .text),
            ],
            rows: page.incidents.map {
                [
                    .text($0.id), .text($0.severity.rawValue), .text($0.state.rawValue), .text($0.title),
                    ($0.assignee ?? $0.acknowledgedBy).map(Value.text) ?? .null, .int(Int64($0.count)), .timestamp($0.startsAt),
                    .timestamp($0.lastSeen), .text($0.name),
                ]
            },
            note: Self.note(on: page, limit: filter.limit))
        answer.dispensable = ["name", "last_seen"]
        // An empty column says nothing.
        if page.incidents.allSatisfy({ $0.assignee == nil && $0.acknowledgedBy == nil }) {
            answer.dispensable.insert("who", at: 0)
        }
        answer.dispensable.append("count")
        answer.main = "title"
        return answer
    }

    /// The note of an answer that has a next page.
    private static func note(on page: IncidentPage, limit: Int) -> String? {
        guard let next = page.next else { return nil }
        let why =
            page.compared.map { "only the newest \($0) were compared; narrow the question with --since or name=\"value\"" }
            ?? "only the newest \(limit) are shown; ask for more with --limit"
        return "\(why), or go on with --cursor \(next)"
    }

    /// One incident with its sections.
    ///
    /// - Parameters:
    ///   - runbooks: the folder with a page per rule; nil leaves out what they say.
    ///   - lake: the tables for the figures of the time around it; nil leaves them out.
    ///   - context: how many lines to show before and after each line of evidence, and the tables that have them.
    ///   - now: for how long ago things were; nil leaves that out.
    /// - Throws: `IncidentError.noIncident`; `LakeError` when a table cannot be read.
    public func one(
        _ id: String, runbooks: String? = nil, lake: Lake? = nil, context: (lines: Int, lake: Lake)? = nil, now: Timestamp? = nil
    ) throws -> IncidentView {
        try IncidentView(
            id, IncidentSources(store: store, runbooks: runbooks, lake: lake, context: context), now: now)
    }

    /// What the tables count about the subject of an incident.
    ///
    /// - Throws: `IncidentError.noIncident`; `LakeError` when a table cannot be read.
    public func figures(of id: String, in lake: Lake) throws -> [IncidentFigures] {
        try IncidentFigures.all(of: try store.incident(id).incident, in: lake)
    }
}
