import Detection
import Incidents
import Columns

/// Other incidents that share a label with this one or its children and were active within a day of it, most in common first.
struct RelatedSection: IncidentSection {
    private let related: [IncidentStore.Related]

    init(_ view: IncidentView, _ sources: IncidentSources) throws {
        related = try sources.store.related(to: view.incident, children: view.children)
    }

    func section(for medium: Medium) -> Section? {
        guard !related.isEmpty else { return nil }
        return Section(
            "Related",
            .records(
                [
                    RecordColumn("incident"), RecordColumn("severity"), RecordColumn("state"), RecordColumn("title"),
                    RecordColumn("in common", before: " (same ", after: ")"),
                ],
                related.map {
                    [
                        .incident($0.incident.id), .severity($0.incident.severity), .text($0.incident.state.rawValue),
                        .text($0.incident.title), .text($0.shared.joined(separator: ", ")),
                    ]
                }))
    }

    private struct Document: Encodable {
        var id, severity, state, title: String
        var shared: [String]
    }

    var members: [(key: String, value: any Encodable & Sendable)] {
        let value = related.map {
            Document(
                id: $0.incident.id, severity: $0.incident.severity.rawValue, state: $0.incident.state.rawValue,
                title: $0.incident.title, shared: $0.shared)
        }
        return [("related", value)]
    }
}
