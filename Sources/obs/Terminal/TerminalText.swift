import Columns
import Query

/// Lines of text as a terminal shows them: wrapped at its width, with colors where it has them.
struct TerminalText {
    let text: String

    /// - Parameter width: the terminal's columns; nil wraps nothing.
    init(_ lines: [TextLine], width: Int?, hasColor: Bool) {
        let width = width.map { max(40, $0) }
        text = lines.flatMap { line -> [String] in
            switch line {
            case .status(let words):
                guard hasColor else { return [words.map(\.text).joined(separator: "  ")] }
                let painted = words.map { text, color in
                    color.map { TerminalColor.paint(text, as: $0) } ?? TerminalColor.bold(text)
                }
                return [painted.joined(separator: "  ")]
            case .heading(let text): return [hasColor ? TerminalColor.bold(text) : text]
            case .text(let text, let lead, let indent, let marking):
                let wrapped = Self.wrap(text, lead: lead, indent: indent, width)
                let mark = TerminalColor.mark
                return hasColor && !marking.isEmpty
                    ? wrapped.map { $0.marking(marking, before: mark.before, after: mark.after) } : wrapped
            case .blank: return [""]
            }
        }.map { $0 + "\n" }.joined()
    }

    /// Breaks between words at the width; a word that is longer than a line is broken inside.
    private static func wrap(_ text: String, lead: String, indent: Int, _ width: Int?) -> [String] {
        guard let width else { return [lead + text] }
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = lead, isEmpty = true
        for word in OutsideText(text).split(where: { $0 == " " }) {
            var word = word
            if !isEmpty, TextTable.width(of: line) + 1 + TextTable.width(of: word) > width {
                lines.append(line)
                line = margin
                isEmpty = true
            }
            while TextTable.width(of: line) + TextTable.width(of: word) > width, isEmpty, width > indent + 1 {
                let room = max(1, width - TextTable.width(of: line))
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
