import Columns

/// Sections and tables in Markdown. Texts from outside can neither break a table nor become markup or a link.
enum MarkdownText {
    /// The section under a heading of the second level, after a blank line.
    static func section(_ section: Section) -> String {
        "\n## \(escape(section.title))\n" + section.blocks.map(block).joined()
    }

    private static func block(_ block: Block) -> String {
        switch block {
        case .records(let columns, let rows):
            return "\n" + table(columns.map(\.name), rows.map { $0.map(cell) })
        case .timeline(let moments):
            return "\nTimes are UTC.\n\n"
                + table(["time", "who", "what"], moments.map { [Shown.time($0.time), escape($0.actor), escape($0.text)] })
        case .lines(let lines, let marking):
            return "\n"
                + lines.map { line in
                    let marked = TextLine.clean(line.text).marking(marking, before: "**", after: "**", escaping: escape)
                    return "- `\(OutsideText(line.file).markdownCode):\(line.offset)` \(marked)\n"
                }.joined()
        case .excerpt(let file, let lines, _):
            return "\n### `\(OutsideText(file).markdownCode)`\n\n"
                + lines.map { line, isMarked in
                    let shown = escape(line.text)
                    return "- `\(line.offset)` \(isMarked ? "**\(shown)**" : shown)\n"
                }.joined()
        case .paragraph(let cells): return "\n\(cells.map(cell).joined())\n"
        case .markdown(let text): return "\n\(text)\n"
        case .link: return ""
        }
    }

    private static func cell(_ cell: Cell) -> String {
        switch cell {
        case .text(let text): escape(text)
        case .code(let text): "`\(OutsideText(text).markdownCode)`"
        case .incident, .severity, .time: cell.text
        }
    }

    /// - Parameters:
    ///   - header, rows: cells that are already escaped.
    ///   - isRight: by column, whether it is aligned right; nil for none.
    static func table(_ header: [String], _ rows: [[String]], isRight: [Bool]? = nil) -> String {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
        let rule = header.indices.map { isRight?[$0] == true ? "---:" : "---" }
        return line(header) + line(rule) + rows.map(line).joined()
    }

    static func escape(_ text: String) -> String { OutsideText(text).markdown }
}
