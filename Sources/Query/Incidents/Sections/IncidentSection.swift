import Incidents
import Lake

/// One section of an incident, for people and for programs.
///
/// All renderings come from it: text, page (HTML) and review (Markdown) from ``section(for:)``, JSON from ``members``. A new
/// section is a file in this folder and a line in ``IncidentSections/all``.
protocol IncidentSection: Sendable {
    /// Whether a page shows it before the runbook: the reasons for the incident, rather than what happened since.
    static var isReason: Bool { get }

    /// Called once per view. Reads what the section needs beyond the incident itself.
    init(_ view: IncidentView, _ sources: IncidentSources) throws

    /// The section as it is read in a medium; nil when there is nothing to show.
    func section(for medium: Medium) -> Section?

    /// Its members of the incident's JSON object.
    var members: [(key: String, value: any Encodable & Sendable)] { get }
}

extension IncidentSection {
    static var isReason: Bool { false }
    var members: [(key: String, value: any Encodable & Sendable)] { [] }
}

/// What sections may read, as far as the caller wants them to.
struct IncidentSources {
    let store: IncidentStore
    /// The folder of the runbooks; nil leaves out what they say.
    let runbooks: String?
    /// The tables for the figures; nil leaves the figures out.
    let lake: Lake?
    /// How many lines to show around evidence, and the tables that have them; nil for none.
    let context: (lines: Int, lake: Lake)?
}

enum IncidentSections {
    /// In the order in which all renderings show them.
    static let all: [any IncidentSection.Type] = [
        ImpactSection.self, DurationsSection.self, ContributionsSection.self, EvidenceSection.self, ContextSection.self,
        FiguresSection.self, ChildrenSection.self, TimelineSection.self, NotificationsSection.self, FirstMinutesSection.self,
        RelatedSection.self, SimilarSection.self, CauseSection.self, ChangesSection.self,
    ]
}
