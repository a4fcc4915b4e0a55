import Incidents
import Columns
import Detection

/// For a terminal or a pipe.
extension IncidentView {
    /// Without colours and of any width, as a pipe and a phone's browser want it.
    public var text: String { text(width: nil, hasColor: false) }

    /// - Parameter width: the terminal's columns, to which words are wrapped; nil wraps nothing.
    public func text(width: Int?, hasColor: Bool) -> String {
        let style = Style(hasColor: hasColor, width: width.map { max(40, $0) })
        let severity = incident.severity.rawValue
        var lines = [
            "\(style.bold(incident.id))  \(style.paint(severity, as: severity))  \(style.paint(Self.clean(standing), as: incident.state.rawValue))",
            style.bold(Self.clean(incident.title)), "",
        ]
        if !incident.description.isEmpty { lines += style.wrap(Self.clean(incident.description), indent: 2) + [""] }
        for (name, value) in facts {
            lines += style.wrap(Self.clean(value), indent: 13, first: "  " + name.padding(to: 11))
        }
        func section(_ title: String, _ body: [String]) { if !body.isEmpty { lines += ["", style.bold(title)] + body } }
        section(
            "What stood out",
            incident.contributions.map {
                "  \(Int(($0.share * 100).rounded())) %  \($0.feature) \(Value.double($0.value)), typical \(Value.double($0.typical))"
            })
        if context.isEmpty {
            section(
                evidence.count > Self.shownEvidence
                    ? "Evidence (the last \(Self.shownEvidence) of \(evidence.count) lines)" : "Evidence",
                evidence.suffix(Self.shownEvidence).flatMap { line in
                    style.wrap(Self.clean(line.line), indent: 4, first: "  ").map { style.mark(tellingWords, in: $0) }
                })
        } else {
            section(
                "Evidence (>) and what stands around it",
                context.flatMap { stretch in
                    ["  \(Self.clean(stretch.file))"]
                        + stretch.lines.flatMap { line in
                            let lines = style.wrap(Self.clean(line.text), indent: 6, first: line.isEvidence ? "  > " : "    ")
                            return line.isEvidence ? lines.map { style.mark(tellingWords, in: $0) } : lines
                        }
                })
        }
        section(
            "Parts",
            parts.flatMap {
                style.wrap(
                    "\($0.id)  \($0.severity.rawValue)  \($0.state.rawValue)  \(Self.clean($0.title)): \(Self.clean($0.mergedBecause ?? "merged"))",
                    indent: 12, first: "  ")
            })
        section(
            "Timeline",
            story.flatMap { entry in
                let part = entry.incident == incident.number ? "" : "INC-\(entry.incident): "
                return style.wrap(
                    part + Self.clean(entry.text), indent: 23,
                    first: "  \(Self.time(entry.at))  \(Self.clean(entry.actor).padding(to: 4))  ")
            })
        section(
            "Notifications",
            notifications.flatMap { sent in
                style.wrap(
                    "\(sent.receiver.isEmpty ? "nobody (no route takes it)" : Self.clean(sent.receiver)): \(outcome(sent))",
                    indent: 4,
                    first: "  ")
            })
        section(
            "First five minutes (runbooks/\(incident.name).md)",
            OutsideText(firstMinutes ?? "").lines.filter { !$0.isEmpty && !OutsideText($0).starts(with: "```") }.flatMap {
                style.wrap(Self.clean($0), indent: 4, first: "  ")
            })
        section(
            "Related",
            related.flatMap {
                style.wrap(
                    "\($0.incident.id)  \($0.incident.severity.rawValue)  \($0.incident.state.rawValue)  \(Self.clean($0.incident.title)) (same \(Self.clean($0.shared.joined(separator: ", "))))",
                    indent: 12, first: "  ")
            })
        section(
            "Earlier ones like it",
            similar.flatMap {
                style.wrap("\($0.incident.id)  \(Self.time($0.incident.startsAt))  \($0.ending)", indent: 12, first: "  ")
            })
        return lines.joined(separator: "\n") + "\n"
    }

    /// What became of a notification, or when it is due. A repetition is owed only if the alert still holds by then.
    func outcome(_ sent: NotificationLog.Entry) -> String {
        var text = sent.state.rawValue
        if let at = sent.sentAt {
            text += " at \(Self.time(at))"
        } else if sent.state == .pending {
            let isLater = now.map { sent.attempts == 0 && sent.dueAt > $0 } ?? false
            text = isLater ? "looked at again at \(Self.time(sent.dueAt))" : "pending, due \(Self.time(sent.dueAt))"
        }
        if sent.attempts > 1 { text += " after \(sent.attempts) tries" }
        return text + (sent.lastError.map { ", last try: \(Self.clean($0))" } ?? "")
    }

    static let shownEvidence = 12

    static func clean(_ text: String) -> String { TerminalTable.show(.text(text)) }
}

extension IncidentView.Ending {
    /// How it ended: `false positive after 12 min (ann: the backup job)`.
    var ending: String {
        let how =
            switch incident.resolution {
            case .fixed: "fixed"
            case .falsePositive: "false positive"
            case .expected: "expected"
            case .quiet: "ended by itself"
            case .past: "found in the past"
            case nil: "ended"
            }
        let after = incident.resolvedAt.map { " after \(IncidentView.spell($0 - incident.openedAt))" } ?? ""
        return how + after + (words.map { " (\(IncidentView.clean($0)))" } ?? "")
    }
}

/// Colours and line ends, where there is a terminal for them.
private struct Style {
    let hasColor: Bool
    let width: Int?

    func bold(_ text: String) -> String { hasColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    func paint(_ text: String, as word: String) -> String {
        guard hasColor, let code = TerminalTable.color(of: word) else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    /// Sets off each of `words` where it stands as a word of its own.
    func mark(_ words: [String], in line: String) -> String {
        guard hasColor else { return line }
        return line.marking(words, before: "\u{1B}[1;33m", after: "\u{1B}[0m")
    }

    /// Breaks between words at the width; what is longer than a line is broken inside.
    func wrap(_ text: String, indent: Int, first: String? = nil) -> [String] {
        let margin = String(repeating: " ", count: indent)
        var line = first ?? margin
        guard let width else { return [line + text] }
        var lines: [String] = []
        var isEmpty = true
        for word in OutsideText(text).split(where: { $0 == " " }) {
            var word = word
            if !isEmpty, TerminalTable.width(line) + 1 + TerminalTable.width(word) > width {
                lines.append(line)
                line = margin
                isEmpty = true
            }
            while TerminalTable.width(line) + TerminalTable.width(word) > width, isEmpty, width > indent + 1 {
                let room = max(1, width - TerminalTable.width(line))
                lines.append(line + word.prefix(room))
                word = String(word.dropFirst(room))
                line = margin
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return lines + [line]
    }
}

extension String {
    func padding(to count: Int) -> String { self + String(repeating: " ", count: Swift.max(0, count - self.count)) }

    /// Puts marks around each of `words` that stands between other than letters and digits; earlier words win where two overlap.
    func marking(_ words: [String], before: String, after: String, escaping escape: (String) -> String = { $0 }) -> String {
        let scalars = unicodeScalars
        func isPartOfWord(_ scalar: Unicode.Scalar?) -> Bool {
            scalar.map { $0.properties.isAlphabetic || $0.properties.numericType != nil || $0.properties.isGraphemeExtend }
                ?? false
        }
        var ranges: [Range<Index>] = []
        for word in words {
            for range in OutsideText(self).ranges(of: word) {
                if !isPartOfWord(scalars[..<range.lowerBound].last), !isPartOfWord(scalars[range.upperBound...].first),
                    !ranges.contains(where: { $0.overlaps(range) })
                {
                    ranges.append(range)
                }
            }
        }
        var marked = ""
        var from = startIndex
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            marked += escape(String(scalars[from..<range.lowerBound])) + before + escape(String(scalars[range])) + after
            from = range.upperBound
        }
        return marked + escape(String(scalars[from...]))
    }
}
