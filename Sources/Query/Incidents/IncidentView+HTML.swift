import Incidents
import Columns
import Detection

/// For a browser: what the page of an incident shows below its head. Links lead to other incidents by their ids, which lie beside it.
extension IncidentView {
    /// How it stands, in one phrase: `acknowledged by ann`.
    public var standingText: String { standing }

    public var html: HTML {
        var page: HTML = incident.description.isEmpty ? "" : "<p>\(incident.description)</p>\n"
        let shown = facts.filter { $0.0 != "runbook" && $0.0 != "who" || incident.assignee ?? incident.acknowledgedBy != nil }
        page += "<dl>\(shown.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>\n" as HTML })</dl>\n"
        page += section(
            "What stood out",
            incident.contributions.map {
                "\(Int(($0.share * 100).rounded())) % \($0.feature): \(Value.double($0.value).description), typical \(Value.double($0.typical).description)"
            })
        if !context.isEmpty {
            page += "<h2>Evidence and what stands around it</h2>\n"
            for stretch in context {
                let lines = stretch.lines.map { line -> HTML in
                    line.isEvidence
                        ? "<b>\(HTML.marking(tellingWords, in: line.text))</b>\n" : "<span class=\"dim\">\(line.text)</span>\n"
                }
                page += "<p>\(stretch.file)</p>\n<pre class=\"lines\">\(lines)</pre>\n"
            }
        } else if !evidence.isEmpty {
            let lines = evidence.suffix(Self.shownOnPage).map { line -> HTML in
                "<span title=\"\(line.file):\(line.offset)\">\(HTML.marking(tellingWords, in: line.line))</span>\n"
            }
            let of = evidence.count > Self.shownOnPage ? " (the last \(Self.shownOnPage) of \(evidence.count) lines)" : ""
            page += """
                <h2>Evidence\(of)</h2>
                <pre class="lines">\(lines)</pre>
                <p><a href="\(incident.id)?context=10">With ten lines before and after each</a></p>

                """
        }
        return page
    }

    /// What happened and to whom, newest first, and what is near it.
    public var htmlStory: HTML {
        var page = section(
            "Parts",
            parts.map {
                "\(link($0)) <b class=\"\($0.severity.rawValue)\">\($0.severity.rawValue)</b> \($0.state.rawValue) \($0.title): \($0.mergedBecause ?? "merged")"
            })
        page += section(
            "Timeline",
            story.reversed().map { entry in
                let part = entry.incident == incident.number ? "" : "INC-\(entry.incident): "
                return "<time>\(Self.time(entry.at))</time> \(entry.actor): \(part + entry.text)"
            })
        page += section(
            "Notifications",
            notifications.map { "\($0.receiver.isEmpty ? "nobody (no route takes it)" : $0.receiver): \(outcome($0))" })
        page += section(
            "Related",
            related.map {
                "\(link($0.incident)) <b class=\"\($0.incident.severity.rawValue)\">\($0.incident.severity.rawValue)</b> \($0.incident.state.rawValue) \($0.incident.title) (same \($0.shared.joined(separator: ", ")))"
            })
        page += section(
            "Earlier ones like it",
            similar.map { "\(link($0.incident)) <time>\(Self.time($0.incident.startsAt))</time> \($0.ending)" })
        return page
    }

    private func link(_ incident: Incident) -> HTML { "<a href=\"\(incident.id)\">\(incident.id)</a>" }

    private func section(_ title: String, _ items: [HTML]) -> HTML {
        items.isEmpty ? "" : "<h2>\(title)</h2>\n<ul>\n\(items.map { "<li>\($0)</li>\n" as HTML })</ul>\n"
    }

    private static let shownOnPage = 40
}
