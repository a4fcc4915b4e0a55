import Incidents
import Columns

/// The evidence with the lines around it, when it is asked for.
struct ContextSection: IncidentSection {
    static let isReason = true

    let excerpts: [EvidenceContext]
    private let marking: [String]

    /// - Throws: `LakeError` when a table cannot be read.
    init(_ view: IncidentView, _ sources: IncidentSources) throws {
        excerpts =
            try sources.context.map {
                try EvidenceContext.around(
                    view.evidence, of: [view.incident] + view.children, count: $0.lines, in: $0.lake)
            } ?? []
        marking = view.tellingWords
    }

    func section(for medium: Medium) -> Section? {
        guard !excerpts.isEmpty else { return nil }
        return Section(
            medium == .text ? "Evidence (>) and the lines around it" : "Evidence and the lines around it",
            excerpts.map { excerpt in
                .excerpt(
                    file: excerpt.file,
                    excerpt.lines.map { line in
                        (LogLine(file: excerpt.file, offset: line.offset, text: line.text), line.isEvidence)
                    }, marking: marking)
            })
    }

    private struct Excerpt: Encodable {
        struct Line: Encodable {
            var offset: Int64
            var line: String
            var is_evidence: Bool
        }
        var file: String
        var lines: [Line]
    }

    var members: [(key: String, value: any Encodable & Sendable)] {
        guard !excerpts.isEmpty else { return [] }
        let value = excerpts.map {
            Excerpt(file: $0.file, lines: $0.lines.map { .init(offset: $0.offset, line: $0.text, is_evidence: $0.isEvidence) })
        }
        return [("context", value)]
    }
}
