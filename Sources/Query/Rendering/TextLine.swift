import Columns

/// A line of a text for people that was not yet fitted to anything. Its texts contain nothing that could drive a terminal.
///
/// ``plain`` is for pipes; a terminal wraps, marks and colors by what the case says.
public enum TextLine: Sendable {
    /// Words side by side. Each may take the color of a severity or a state; without one it is emphasized.
    case status([(text: String, color: String?)])
    /// The title of the text, or of a section.
    case heading(String)
    /// A text that may be wrapped: `lead` begins its first line, and further lines are indented by `indent` spaces. Each of the
    /// words in `marking` is worth the reader's eye.
    case text(String, lead: String, indent: Int, marking: [String] = [])
    /// Nothing.
    case blank

    /// The line as it is, of any width.
    var plain: String {
        switch self {
        case .status(let words): words.map(\.text).joined(separator: "  ")
        case .heading(let text): text
        case .text(let text, let lead, _, _): lead + text
        case .blank: ""
        }
    }
}

extension TextLine {
    /// The section under its heading, after a blank line; nothing if it has no content.
    static func lines(of section: Section) -> [TextLine] {
        let lines = section.blocks.flatMap(lines)
        return lines.isEmpty ? [] : [.blank, .heading(clean(section.title))] + lines
    }

    private static func lines(of block: Block) -> [TextLine] {
        switch block {
        case .records(let columns, let rows):
            return rows.map { row in .text(record(columns, row), lead: "  ", indent: 12) }
        case .timeline(let moments):
            return moments.map { moment in
                let actor = clean(moment.actor).padding(to: 4)
                return .text(clean(moment.text), lead: "  \(Shown.time(moment.time))  \(actor)  ", indent: 23)
            }
        case .lines(let lines, let marking):
            return lines.map { .text(clean($0.text), lead: "  ", indent: 4, marking: marking) }
        case .excerpt(let file, let lines, let marking):
            let shown = lines.map { line, isMarked in
                TextLine.text(clean(line.text), lead: isMarked ? "  > " : "    ", indent: 6, marking: isMarked ? marking : [])
            }
            return [.text(clean(file), lead: "  ", indent: 4)] + shown
        case .paragraph(let cells):
            return [.text(clean(cells.map(\.text).joined()), lead: "  ", indent: 2)]
        case .markdown(let text):
            // The fences of code say nothing to a reader of plain text.
            return OutsideText(text).lines.filter { !$0.isEmpty && !OutsideText($0).starts(with: "```") }
                .map { .text(clean($0), lead: "  ", indent: 4) }
        case .link: return []
        }
    }

    private static func record(_ columns: [RecordColumn], _ row: [Cell]) -> String {
        zip(columns, row).enumerated().reduce("") { line, cell in
            let (column, value) = cell.element
            return line + (cell.offset == 0 ? "" : column.before) + clean(value.text) + column.after
        }
    }

    /// A text from outside in one line, without characters that could drive a terminal.
    static func clean(_ text: String) -> String { OutsideText(text).visibleInOneLine }
}

extension String {
    func padding(to count: Int) -> String { self + String(repeating: " ", count: Swift.max(0, count - self.count)) }

    /// Puts marks around each of `words` that is between characters other than letters and digits. Earlier words win where
    /// two overlap.
    ///
    /// - Parameter escape: applied to every piece of the text, marked or not.
    public func marking(_ words: [String], before: String, after: String, escaping escape: (String) -> String = { $0 }) -> String
    {
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
