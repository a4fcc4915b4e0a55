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
        if let usual = contributions.first?.usual { return section(contributions[0], usual) }
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

    /// Of a series: its value, the band, and what is unusual.
    private func section(_ found: FeatureContribution, _ usual: UsualRange) -> Section {
        let value = UsualRange.shown(found.value), expected = UsualRange.shown(found.typical)
        return Section(
            "Unusual values",
            .paragraph([
                .code(found.feature), .text(" was \(value), expected \(expected); \(usual.sentence), since "),
                .time(usual.since), .text("."),
            ]))
    }

    var members: [(key: String, value: any Encodable & Sendable)] { [("contributions", contributions)] }
}
