import Incidents
import Columns
import Detection

/// One incident as people and programs read it: a head, facts, and sections.
///
/// Its renderings (``lines``, ``html``, ``markdown``, ``json``) all come from the same sections.
public struct IncidentView: Sendable {
    /// The incident itself.
    public let incident: Incident
    /// The incidents that were merged into it.
    public let children: [Incident]
    /// The silences that were made from it, active or not.
    public let silences: [Silence]
    /// The lines that led to it, those of its children included, oldest first.
    let evidence: [Evidence]
    /// What happened to it and its children, oldest first.
    let timeline: [TimelineEntry]
    let notifications: [NotificationLog.Entry]
    /// When the view was made; nil leaves out how long ago things were.
    let now: Timestamp?
    private(set) var sections: [any IncidentSection] = []

    /// - Throws: `IncidentError.noIncident`; `LakeError` when a table cannot be read.
    init(_ id: String, _ sources: IncidentSources, now: Timestamp?) throws {
        let store = sources.store
        (incident, evidence, timeline, notifications) = try store.incident(id)
        children = try store.parts(of: incident.number)
        let silences = SilenceStore(store.store)
        self.silences = try store.silences(of: incident.number).compactMap { try? silences.silence($0) }
        self.now = now
        sections = try IncidentSections.all.map { try $0.init(self, sources) }
    }

    /// The words in a line of evidence that are worth the reader's eye: the values of the incident's labels, and the words with
    /// which programs say that something was refused.
    var tellingWords: [String] {
        let values = ([incident] + children).flatMap { $0.labels.ofSubject.map(\.value) }
        return values.filter { $0.unicodeScalars.count >= 2 }.distinctTexts.sorted {
            ($1.scalars.count, $0) < ($0.scalars.count, $1)
        }.map(\.string)
            + [
                "Failed", "failure", "Invalid", "invalid user", "Accepted", "refused", "denied", "error", "ERROR", "fatal",
                "FATAL",
            ]
    }

    /// The machines that the evidence names, those with most lines first.
    var hosts: [(name: String, lines: Int)] {
        evidence.reduce(into: [OutsideText: Int]()) { counts, line in
            if let host = line.host, !host.isEmpty { counts[OutsideText(host), default: 0] += 1 }
        }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (name: $0.key.string, lines: $0.value) }
    }

    /// The values for the commands of its runbook.
    var filling: RunbookFilling { RunbookFilling(incident, children: children, hosts: hosts.map(\.name)) }
}
