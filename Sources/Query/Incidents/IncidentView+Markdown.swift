import Incidents
import Columns
import Detection

/// The first draft of the review that follows an incident: all that obs knows is filled in, what only people know is asked for.
extension IncidentView {
    public var markdown: String {
        var text = "# \(incident.id): \(Self.escape(incident.title))\n\n"
        text +=
            "**\(incident.severity.rawValue)**, \(Self.escape(standing)).\(incident.description.isEmpty ? "" : " " + Self.escape(incident.description))\n\n"
        text += table(["", ""], facts.map { [$0.0, Self.escape($0.1)] })
        text += "\n## Impact\n\n_Who noticed what, and for how long?_\n"
        text += "\n## How long it took\n\n"
        text += table(["from", "to", "time"], durations.map { [$0.0, $0.1, Self.spell($0.2)] })
        if !parts.isEmpty {
            text += "\n## Parts\n\n"
            text += table(
                ["incident", "severity", "title", "why it belongs here"],
                parts.map { [$0.id, $0.severity.rawValue, Self.escape($0.title), Self.escape($0.mergedBecause ?? "")] })
        }
        text += "\n## Timeline\n\nTimes are UTC.\n\n"
        text += table(
            ["time", "who", "what"],
            story.map { entry in
                let part = entry.incident == incident.number ? "" : "INC-\(entry.incident): "
                return [Self.time(entry.at), Self.escape(entry.actor), part + Self.escape(entry.text)]
            })
        if !evidence.isEmpty {
            text += "\n## Evidence\n\n"
            for line in evidence {
                let marked = Self.clean(line.line).marking(tellingWords, before: "**", after: "**", escaping: Self.escape)
                text += "- `\(OutsideText(line.file).markdownCode):\(line.offset)` \(marked)\n"
            }
        }
        for stretch in context {
            text += "\n### Around it in `\(OutsideText(stretch.file).markdownCode)`\n\n"
            for line in stretch.lines {
                let shown = Self.escape(line.text)
                text += "- `\(line.offset)` \(line.isEvidence ? "**\(shown)**" : shown)\n"
            }
        }
        if !figures.isEmpty {
            text += "\n## Figures\n"
            for figure in figures { text += "\n" + describe(figure) }
        }
        if !notifications.isEmpty {
            text += "\n## Who was told\n\n"
            text += table(
                ["receiver", "state", "when", "tries", "last error"],
                notifications.map {
                    [
                        Self.escape($0.receiver), $0.state.rawValue, $0.sentAt.map(Self.time) ?? "", "\($0.attempts)",
                        Self.escape($0.lastError ?? ""),
                    ]
                })
        }
        if let firstMinutes { text += "\n## First five minutes (from the runbook)\n\n\(firstMinutes)\n" }
        if !related.isEmpty {
            text += "\n## Related\n\n"
            text += related.map {
                "- \($0.incident.id) \(Self.escape($0.incident.title)) (same \(Self.escape($0.shared.joined(separator: ", "))))\n"
            }.joined()
        }
        if !similar.isEmpty {
            text += "\n## Earlier ones like it\n\n"
            text += similar.map { "- \($0.incident.id), \(Self.time($0.incident.startsAt)): \(Self.escape($0.ending))\n" }
                .joined()
        }
        return text
            + "\n## Cause\n\n_What led to it? What let it through?_\n\n## What we change\n\n- [ ] _what, who, until when_\n"
    }

    /// What a table counted around it, window by window, as a line of bars for each figure.
    private func describe(_ figure: IncidentFigures) -> String {
        let windows = figure.columns.first?.values.count ?? 0
        let from = Self.time(figure.start), to = Self.time(figure.time(of: windows))
        var text =
            "`\(figure.table)` where \(Self.escape(figure.subject)): windows of \(Self.spell(figure.length)), from \(from) to \(to); it began in window \(figure.began + 1) of \(windows). A dot is a window without a row.\n\n"
        text += table(
            ["figure", "each window", "greatest", "at"],
            figure.columns.map { column in
                let peak = column.peak
                return [
                    Self.escape(column.name), "`\(column.graph)`", peak.map { Value.double($0.value).description } ?? "",
                    peak.map { Self.time(figure.time(of: $0.window)) } ?? "",
                ]
            })
        return text
    }

    /// How long each step took, of those that have been taken.
    private var durations: [(String, String, Duration)] {
        var found = [("began", "opened", max(.zero, incident.openedAt - incident.startsAt))]
        if let told = notifications.compactMap(\.sentAt).min() {
            found.append(("opened", "first told", max(.zero, told - incident.openedAt)))
        }
        if let taken = incident.acknowledgedAt { found.append(("opened", "acknowledged", taken - incident.openedAt)) }
        if let end = incident.resolvedAt { found.append(("opened", "resolved", end - incident.openedAt)) }
        return found
    }

    private func table(_ header: [String], _ rows: [[String]]) -> String {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
        return line(header) + line(header.map { _ in "---" }) + rows.map { line($0) }.joined()
    }

    /// What came from outside must neither break a table nor become markup or a link.
    static func escape(_ text: String) -> String { OutsideText(text).markdown }
}
