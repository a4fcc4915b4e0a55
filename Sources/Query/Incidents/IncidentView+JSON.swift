import Incidents
import Columns
import Detection
import Foundation

/// One JSON object: what the API gives, and `-o json`.
extension IncidentView {
    public var json: String { Self.encode(Document(self)) }

    /// The same in one line.
    public var jsonLine: String { Self.encode(Document(self), isPretty: false) }

    private struct Document: Encodable {
        struct Line: Encodable {
            var file: String
            var offset: Int64
            var time, line: String
        }
        struct Stretch: Encodable {
            struct Line: Encodable {
                var offset: Int64
                var line: String
                var is_evidence: Bool
            }
            var file: String
            var lines: [Line]
        }
        struct Notification: Encodable {
            var receiver, state: String
            var attempts: Int
            var due_at: String
            var sent_at: String?
            var last_error: String?
        }
        struct Part: Encodable { var id, severity, state, title, because: String }
        struct Relation: Encodable {
            var id, severity, state, title: String
            var shared: [String]
        }
        struct Earlier: Encodable {
            var id, title, starts_at: String
            var resolution, words: String?
            var resolve_seconds: Double?
        }

        let summary: IncidentDocument
        let fingerprint: String
        let contributions: [FeatureContribution]
        let parts: [Part]
        let evidence: [Line]
        /// Only where it was asked for.
        let context: [Stretch]?
        let timeline: [TimelineDocument]
        let notifications: [Notification]
        let related: [Relation]
        let similar: [Earlier]

        init(_ view: IncidentView) {
            summary = IncidentDocument(view.incident)
            fingerprint = view.incident.fingerprint
            contributions = view.incident.contributions
            parts = view.parts.map {
                Part(
                    id: $0.id, severity: $0.severity.rawValue, state: $0.state.rawValue, title: $0.title,
                    because: $0.mergedBecause ?? "")
            }
            evidence = view.evidence.map { Line(file: $0.file, offset: $0.offset, time: $0.time.description, line: $0.line) }
            let stretches = view.context.map {
                Stretch(
                    file: $0.file, lines: $0.lines.map { .init(offset: $0.offset, line: $0.text, is_evidence: $0.isEvidence) })
            }
            context = stretches.isEmpty ? nil : stretches
            timeline = view.timeline.map(TimelineDocument.init)
            notifications = view.notifications.map {
                Notification(
                    receiver: $0.receiver, state: $0.state.rawValue, attempts: $0.attempts, due_at: $0.dueAt.description,
                    sent_at: $0.sentAt?.description, last_error: $0.lastError)
            }
            related = view.related.map {
                Relation(
                    id: $0.incident.id, severity: $0.incident.severity.rawValue, state: $0.incident.state.rawValue,
                    title: $0.incident.title, shared: $0.shared)
            }
            similar = view.similar.map { ending in
                Earlier(
                    id: ending.incident.id, title: ending.incident.title, starts_at: ending.incident.startsAt.description,
                    resolution: ending.incident.resolution?.rawValue, words: ending.words,
                    resolve_seconds: ending.incident.resolvedAt.map { ($0 - ending.incident.openedAt).inSeconds })
            }
        }

        private enum CodingKeys: String, CodingKey {
            case fingerprint, contributions, parts, evidence, context, timeline, notifications, related, similar
        }

        func encode(to encoder: any Encoder) throws {
            try summary.encode(to: encoder)
            var keys = encoder.container(keyedBy: CodingKeys.self)
            try keys.encode(fingerprint, forKey: .fingerprint)
            try keys.encode(contributions, forKey: .contributions)
            try keys.encode(parts, forKey: .parts)
            try keys.encode(evidence, forKey: .evidence)
            try keys.encodeIfPresent(context, forKey: .context)
            try keys.encode(timeline, forKey: .timeline)
            try keys.encode(notifications, forKey: .notifications)
            try keys.encode(related, forKey: .related)
            try keys.encode(similar, forKey: .similar)
        }
    }

    static func encode(_ value: some Encodable, isPretty: Bool = true) -> String {
        // Texts and numbers: it always encodes.
        String(decoding: try! JSON(value).bytes(isPretty: isPretty), as: UTF8.self) + "\n"
    }
}

/// What is known of an incident without asking for more, as lists and answers to actions give it.
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
}

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
    /// The incidents of a page, as the API gives them.
    public func json(_ page: IncidentPage) -> String { IncidentView.encode(page.incidents.map(IncidentDocument.init)) }

    /// One incident in short, as it is after an action.
    public func json(_ incident: Incident) -> String { IncidentView.encode(IncidentDocument(incident)) }

    /// What happened to an incident and its parts.
    public func timeline(_ id: String) throws -> String {
        IncidentView.encode(try store.incident(id).timeline.map(TimelineDocument.init))
    }

    /// The same as a table.
    public func timelineTable(_ id: String) throws -> Answer {
        Answer(
            [("at", .timestamp), ("incident", .text), ("actor", .text), ("kind", .text), ("text", .text)],
            rows: try store.incident(id).timeline.map {
                [.timestamp($0.at), .text("INC-\($0.incident)"), .text($0.actor), .text($0.kind.rawValue), .text($0.text)]
            })
    }
}
