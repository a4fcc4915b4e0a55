import Incidents
import Columns

/// Earlier incidents of the same rule that have ended: those with the same labels first, then the newest.
struct SimilarSection: IncidentSection {
    private let similar: [IncidentStore.Ending]

    init(_ view: IncidentView, _ sources: IncidentSources) throws {
        similar = try sources.store.similar(to: view.incident)
    }

    func section(for medium: Medium) -> Section? {
        guard !similar.isEmpty else { return nil }
        return Section(
            "Earlier ones like it",
            .records(
                [RecordColumn("incident"), RecordColumn("began"), RecordColumn("end")],
                similar.map { [.incident($0.incident.id), .time($0.incident.startsAt), .text($0.ending)] }))
    }

    private struct Document: Encodable {
        var id, title, starts_at: String
        var resolution, words: String?
        var resolve_seconds: Double?
    }

    var members: [(key: String, value: any Encodable & Sendable)] {
        let value = similar.map { earlier in
            Document(
                id: earlier.incident.id, title: earlier.incident.title, starts_at: earlier.incident.startsAt.description,
                resolution: earlier.incident.resolution?.rawValue, words: earlier.words,
                resolve_seconds: earlier.incident.resolvedAt.map { ($0 - earlier.incident.openedAt).inSeconds })
        }
        return [("similar", value)]
    }
}

extension IncidentStore.Ending {
    /// How it ended: `false positive after 12 min (ann: the backup job)`.
    fileprivate var ending: String {
        let how =
            switch incident.resolution {
            case .fixed: "fixed"
            case .falsePositive: "false positive"
            case .expected: "expected"
            case .quiet: "ended by itself"
            case .past: "found in the past"
            case nil: "ended"
            }
        let after = incident.resolvedAt.map { " after \(Shown.duration($0 - incident.openedAt))" } ?? ""
        return how + after + (words.map { " (\($0))" } ?? "")
    }
}
