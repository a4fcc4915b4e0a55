import Incidents
import Columns

/// How long each step of the response took, for the steps that were taken. Reviews only.
struct DurationsSection: IncidentSection {
    private let steps: [(from: String, to: String, duration: Duration)]

    init(_ view: IncidentView, _ sources: IncidentSources) {
        let incident = view.incident
        var steps = [("began", "opened", max(.zero, incident.openedAt - incident.startsAt))]
        if let notified = view.notifications.compactMap(\.sentAt).min() {
            steps.append(("opened", "first notified", max(.zero, notified - incident.openedAt)))
        }
        if let acknowledged = incident.acknowledgedAt {
            steps.append(("opened", "acknowledged", acknowledged - incident.openedAt))
        }
        if let end = incident.resolvedAt { steps.append(("opened", "resolved", end - incident.openedAt)) }
        self.steps = steps
    }

    func section(for medium: Medium) -> Section? {
        guard medium == .review else { return nil }
        return Section(
            "How long it took",
            .records(
                [RecordColumn("from"), RecordColumn("to"), RecordColumn("time")],
                steps.map { [.text($0.from), .text($0.to), .text(Shown.duration($0.duration))] }))
    }
}
