import Detection
import Incidents
import Columns

/// An incident as JSON in lists and in the responses to actions, and the beginning of the whole object.
struct IncidentDocument: Encodable {
    let id, name, detector, severity, state, title, description: String
    let labels: Labels
    let starts_at, last_seen, opened_at: String
    let resolved_at, acknowledged_by, acknowledged_at, assignee, resolution, changed_by, merged_into, merged_because: String?
    let reopened, count, peak, version: Int
    let is_flapping, found_in_past: Bool
    /// `by hand`, `quiet`, or `alerts`: how it ends.
    let ends: String
    let seen_by: String?

    init(_ incident: Incident) {
        id = incident.id
        name = incident.name
        detector = incident.detector
        severity = incident.severity.rawValue
        state = incident.state.rawValue
        title = incident.title
        description = incident.description
        labels = incident.labels
        starts_at = incident.startsAt.description
        last_seen = incident.lastSeen.description
        opened_at = incident.openedAt.description
        resolved_at = incident.resolvedAt?.description
        acknowledged_by = incident.acknowledgedBy
        acknowledged_at = incident.acknowledgedAt?.description
        assignee = incident.assignee
        resolution = incident.resolution?.rawValue
        changed_by = incident.changedBy
        merged_into = incident.mergedInto.map { "INC-\($0)" }
        merged_because = incident.mergedBecause
        reopened = incident.reopened
        count = incident.count
        peak = incident.peak
        found_in_past = incident.wasFoundInPast
        ends = incident.detector == "posted" ? "alerts" : incident.endsByHand ? "by hand" : "quiet"
        seen_by = incident.seenBy
        version = incident.version
        is_flapping = incident.isFlapping
    }

    static func encode(_ value: some Encodable, isPretty: Bool = true) -> String {
        // Texts and numbers: it always encodes.
        String(decoding: try! JSON(value).bytes(isPretty: isPretty), as: UTF8.self) + "\n"
    }
}

/// An entry of a timeline as JSON.
struct TimelineDocument: Encodable {
    let incident, at, actor, kind, text: String

    init(_ entry: TimelineEntry) {
        incident = "INC-\(entry.incident)"
        at = entry.at.description
        actor = entry.actor
        kind = entry.kind.rawValue
        text = entry.text
    }
}

extension IncidentQuestions {
    /// The incidents of a page as a JSON array.
    public func json(_ page: IncidentPage) -> String { IncidentDocument.encode(page.incidents.map(IncidentDocument.init)) }

    /// One incident as a JSON object, without its sections: the response to an action.
    public func json(_ incident: Incident) -> String { IncidentDocument.encode(IncidentDocument(incident)) }

    /// What happened to an incident and its children, oldest first, as a JSON array.
    ///
    /// - Throws: `IncidentError.noIncident`.
    public func timeline(_ id: String) throws -> String {
        IncidentDocument.encode(try store.incident(id).timeline.map(TimelineDocument.init))
    }

    /// The same as a table.
    ///
    /// - Throws: `IncidentError.noIncident`.
    public func timelineTable(_ id: String) throws -> Answer {
        Answer(
            [("at", .timestamp), ("incident", .text), ("actor", .text), ("kind", .text), ("text", .text)],
            rows: try store.incident(id).timeline.map {
                [.timestamp($0.at), .text("INC-\($0.incident)"), .text($0.actor), .text($0.kind.rawValue), .text($0.text)]
            })
    }
}
