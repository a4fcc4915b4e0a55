import Incidents
import Columns
import Detection

/// The features of a row that made a model report it, the strongest first.
struct ContributionsSection: IncidentSection {
    static let isReason = true

    private let contributions: [FeatureContribution]

    init(_ view: IncidentView, _ sources: IncidentSources) { contributions = view.incident.contributions }

    func section(for medium: Medium) -> Section? {
        guard !contributions.isEmpty else { return nil }
        return Section(
            "Unusual features",
            .records(
                [
                    RecordColumn("share"), RecordColumn("feature"), RecordColumn("value", before: " "),
                    RecordColumn("typical", before: ", typical "),
                ],
                contributions.map {
                    [
                        .text("\(Int(($0.share * 100).rounded())) %"), .text($0.feature),
                        .text(Value.double($0.value).description), .text(Value.double($0.typical).description),
                    ]
                }))
    }

    var members: [(key: String, value: any Encodable & Sendable)] { [("contributions", contributions)] }
}
