import Detection
import Incidents
import Columns

/// The four renderings of an incident.
extension IncidentView {
    /// For a terminal, which fits the lines to itself.
    public var lines: [TextLine] {
        let severity = incident.severity.rawValue
        var lines: [TextLine] = [
            .status([
                (incident.id, nil), (severity, severity), (TextLine.clean(stateInWords), incident.state.rawValue),
            ]),
            .heading(TextLine.clean(incident.title)), .blank,
        ]
        if !incident.description.isEmpty {
            lines += [.text(TextLine.clean(incident.description), lead: "  ", indent: 2), .blank]
        }
        lines += facts(for: .text).map { .text(TextLine.clean($0.value), lead: "  " + $0.name.padding(to: 11), indent: 13) }
        return lines + sections.compactMap { $0.section(for: .text) }.flatMap(TextLine.lines)
    }

    /// For a pipe or `curl`: without colors, of any width.
    public var text: String { lines.map { $0.plain + "\n" }.joined() }

    /// For the page of an incident, below its head: the description, the facts, and the reasons for it. Links lead to other
    /// incidents by their ids, relative to this one.
    public var html: HTML {
        let description: HTML = incident.description.isEmpty ? "" : "<p>\(incident.description)</p>\n"
        let facts = facts(for: .page).map { "<dt>\($0.name)</dt><dd>\($0.value)</dd>\n" as HTML }
        return "\(description)<dl>\(facts)</dl>\n\(html(ofReasons: true))"
    }

    /// For the same page, below the runbook: what happened since, newest first, and other incidents.
    public var htmlStory: HTML { html(ofReasons: false) }

    private func html(ofReasons areReasons: Bool) -> HTML {
        let shown = sections.filter { type(of: $0).isReason == areReasons }.compactMap { $0.section(for: .page) }
        return "\(shown.map { HTML($0) })"
    }

    /// The draft of the review that follows an incident, in Markdown: everything that obs knows is filled in, what only people
    /// know is asked for.
    public var markdown: String {
        let title = MarkdownText.escape(incident.title), state = MarkdownText.escape(stateInWords)
        let description = incident.description.isEmpty ? "" : " " + MarkdownText.escape(incident.description)
        return "# \(incident.id): \(title)\n\n**\(incident.severity.rawValue)**, \(state).\(description)\n\n"
            + MarkdownText.table(["", ""], facts(for: .review).map { [$0.name, MarkdownText.escape($0.value)] })
            + sections.compactMap { $0.section(for: .review) }.map(MarkdownText.section).joined()
    }

    /// One JSON object over several lines: what the API responds with, and `-o json`.
    public var json: String { IncidentDocument.encode(Document(view: self)) }

    /// The same object in one line.
    public var jsonLine: String { IncidentDocument.encode(Document(view: self), isPretty: false) }

    private struct Document: Encodable {
        let view: IncidentView

        struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        func encode(to encoder: any Encoder) throws {
            try IncidentDocument(view.incident).encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(view.incident.fingerprint, forKey: Key(stringValue: "fingerprint"))
            for (key, value) in view.sections.flatMap(\.members) {
                try container.encode(value, forKey: Key(stringValue: key))
            }
        }
    }
}
