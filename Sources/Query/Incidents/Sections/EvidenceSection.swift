import Incidents
import Columns
import Detection

/// The lines that led to the incident, those of its children included. A text and a page show the last of them, and none when
/// they show the lines around them instead.
struct EvidenceSection: IncidentSection {
    static let isReason = true

    private let incident: Incident
    private let evidence: [Evidence]
    private let marking: [String]
    private let hasContext: Bool

    init(_ view: IncidentView, _ sources: IncidentSources) {
        incident = view.incident
        evidence = view.evidence
        marking = view.tellingWords
        hasContext = sources.context != nil
    }

    func section(for medium: Medium) -> Section? {
        guard !evidence.isEmpty, !hasContext || medium == .review else { return nil }
        let limit =
            switch medium {
            case .text: 12
            case .page: 40
            case .review: Int.max
            }
        let shown = evidence.suffix(limit)
        let title =
            shown.count < evidence.count ? "Evidence (the last \(shown.count) of \(evidence.count) lines)" : "Evidence"
        return Section(
            title,
            .lines(shown.map { LogLine(file: $0.file, offset: $0.offset, text: $0.line) }, marking: marking),
            .link("With ten lines before and after each", to: "\(incident.id)?context=10"))
    }

    private struct Line: Encodable {
        var file: String
        var offset: Int64
        var time, line: String
    }

    var members: [(key: String, value: any Encodable & Sendable)] {
        [("evidence", evidence.map { Line(file: $0.file, offset: $0.offset, time: $0.time.description, line: $0.line) })]
    }
}
