import Incidents

/// What the runbook says to do first, filled in for this incident. A page shows the whole runbook instead.
struct FirstMinutesSection: IncidentSection {
    private let name: String
    private let text: String?

    init(_ view: IncidentView, _ sources: IncidentSources) {
        let name = view.incident.name
        self.name = name
        text = sources.runbooks.flatMap { folder in
            Runbook(folder: folder, name: name)?.filled(for: view).section("First five minutes")
        }
    }

    func section(for medium: Medium) -> Section? {
        guard medium != .page, let text else { return nil }
        return Section("First five minutes (runbooks/\(name).md)", .markdown(text))
    }
}
