/// What only people know: a review asks for it.
struct ImpactSection: IncidentSection {
    init(_ view: IncidentView, _ sources: IncidentSources) {}

    func section(for medium: Medium) -> Section? {
        medium == .review ? Section("Impact", .markdown("_Who noticed what, and for how long?_")) : nil
    }
}

/// The cause, at the end of a review.
struct CauseSection: IncidentSection {
    init(_ view: IncidentView, _ sources: IncidentSources) {}

    func section(for medium: Medium) -> Section? {
        medium == .review ? Section("Cause", .markdown("_What led to it? What let it through?_")) : nil
    }
}

/// The tasks that a review ends in.
struct ChangesSection: IncidentSection {
    init(_ view: IncidentView, _ sources: IncidentSources) {}

    func section(for medium: Medium) -> Section? {
        medium == .review ? Section("What we change", .markdown("- [ ] _what, who, until when_")) : nil
    }
}
