import Detection
import Incidents

/// The incidents that were merged into it.
struct ChildrenSection: IncidentSection {
    private let children: [Incident]

    init(_ view: IncidentView, _ sources: IncidentSources) { children = view.children }

    func section(for medium: Medium) -> Section? {
        guard !children.isEmpty else { return nil }
        return Section(
            "Child incidents",
            .records(
                [
                    RecordColumn("incident"), RecordColumn("severity"), RecordColumn("state"), RecordColumn("title"),
                    RecordColumn("why", before: ": "),
                ],
                children.map {
                    [
                        .incident($0.id), .severity($0.severity), .text($0.state.rawValue), .text($0.title),
                        .text($0.mergedBecause ?? "merged"),
                    ]
                }))
    }

    private struct Child: Encodable { var id, severity, state, title, because: String }

    var members: [(key: String, value: any Encodable & Sendable)] {
        let value = children.map {
            Child(
                id: $0.id, severity: $0.severity.rawValue, state: $0.state.rawValue, title: $0.title,
                because: $0.mergedBecause ?? "")
        }
        return [("parts", value)]
    }
}
