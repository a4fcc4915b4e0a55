import Incidents

/// What happened to the incident and its children.
struct TimelineSection: IncidentSection {
    private let number: Int64
    private let timeline: [TimelineEntry]

    init(_ view: IncidentView, _ sources: IncidentSources) {
        number = view.incident.number
        timeline = view.timeline
    }

    func section(for medium: Medium) -> Section? {
        // That a child was merged is on the timeline of its parent too.
        let shown = timeline.filter { $0.incident == number || $0.kind != .merged }
        guard !shown.isEmpty else { return nil }
        return Section(
            "Timeline",
            .timeline(
                shown.map { entry in
                    let child = entry.incident == number ? "" : "INC-\(entry.incident): "
                    return Moment(time: entry.at, actor: entry.actor, text: child + entry.text)
                }))
    }

    var members: [(key: String, value: any Encodable & Sendable)] { [("timeline", timeline.map(TimelineDocument.init))] }
}
