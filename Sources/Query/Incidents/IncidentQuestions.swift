import Incidents
import Columns
import Detection
import Lake

/// What can be asked of incidents; the command line, the API and the page ask here.
public struct IncidentQuestions: Sendable {
    public typealias Filter = IncidentFilter

    let store: IncidentStore

    public init(_ store: IncidentStore) {
        self.store = store
    }

    /// Newest first; see `IncidentStore.page`.
    ///
    /// - Throws: `FilterError` for a state, severity, cursor or text that cannot be, `Matcher.Malformed` for bad matchers.
    public func page(_ filter: IncidentFilter) throws -> IncidentPage { try store.page(filter) }

    /// The same as a table.
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
        // A column of nobodies says nothing.
        if page.incidents.allSatisfy({ $0.assignee == nil && $0.acknowledgedBy == nil }) {
            answer.dispensable.insert("who", at: 0)
        }
        answer.dispensable.append("count")
        answer.main = "title"
        return answer
    }

    /// What is said of an answer that goes on.
    private static func note(on page: IncidentPage, limit: Int) -> String? {
        guard let next = page.next else { return nil }
        let why =
            page.compared.map { "only the newest \($0) were compared; narrow the question with --since or name=\"value\"" }
            ?? "only the newest \(limit) are shown; ask for more with --limit"
        return "\(why), or go on with --cursor \(next)"
    }

    /// One incident with all that is known of it.
    ///
    /// - Parameters:
    ///   - runbooks: the folder with a page for each rule.
    ///   - lake: where the figures of the time around it are; nil leaves them out.
    ///   - context: how many lines before and after each line of evidence, and the lake that has them.
    /// - Throws: `IncidentError.noIncident`; `LakeError` when a table cannot be read.
    public func one(
        _ id: String, runbooks: String? = nil, lake: Lake? = nil, context: (lines: Int, lake: Lake)? = nil, now: Timestamp? = nil
    ) throws -> IncidentView {
        let (incident, evidence, timeline, notifications) = try store.incident(id)
        let parts = try store.parts(of: incident.number)
        var view = IncidentView(
            incident: incident, parts: parts, evidence: evidence,
            context: try context.map {
                try EvidenceContext.around(evidence, of: [incident] + parts, count: $0.lines, in: $0.lake)
            } ?? [],
            timeline: timeline,
            notifications: notifications, related: try store.related(to: incident, children: parts),
            similar: try store.similar(to: incident),
            figures: try lake.map { try IncidentFigures.all(of: incident, in: $0) } ?? [],
            now: now)
        let silences = SilenceStore(store.store)
        view.silences = try store.silences(of: incident.number).compactMap { try? silences.silence($0) }
        view.firstMinutes = runbooks.flatMap { folder in
            Runbook(folder: folder, name: incident.name)?.filled(for: view).section("First five minutes")
        }
        return view
    }
}
