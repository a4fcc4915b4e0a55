import Columns

/// Writes an ``Answer`` as text.
public struct Renderer: Sendable {
    public var format: OutputFormat
    /// The columns of the terminal, or nil when the output is not one: then nothing is cut, and texts are what they are.
    ///
    /// On a terminal no text may drive it: what would is U+FFFD, and in JSON an escape (``OutsideText/visible``).
    public var terminalWidth: Int?
    public var hasColor: Bool

    public init(format: OutputFormat, terminalWidth: Int? = nil, hasColor: Bool = false) {
        self.format = format
        self.terminalWidth = terminalWidth
        self.hasColor = hasColor
    }

    private var isTerminal: Bool { terminalWidth != nil }

    /// The whole answer, ending in a line end unless it is empty.
    public func render(_ answer: Answer) -> String {
        switch format {
        case .table: TerminalTable(answer, width: terminalWidth, hasColor: hasColor).text
        case .json:
            json(
                answer.rows.isEmpty
                    ? "[]\n" : "[\n" + answer.rows.map { "  " + object($0, answer.schema) }.joined(separator: ",\n") + "\n]\n")
        case .jsonl: json(answer.rows.map { object($0, answer.schema) + "\n" }.joined())
        case .csv: csv(answer)
        case .markdown: markdown(answer)
        }
    }

    /// One row as a JSON object; nulls are left out.
    private func object(_ row: [Value], _ schema: Schema) -> String {
        let members = zip(schema.fields, row).compactMap { field, value in
            value == .null ? nil : "\(JSONText.quote(field.name)):\(JSONText.render(value))"
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private func json(_ text: String) -> String { isTerminal ? OutsideText(text).visibleJSON : text }

    private func csv(_ answer: Answer) -> String {
        let lines = [answer.schema.fields.map(\.name)] + answer.rows.map { $0.map(\.description) }
        return lines.map {
            $0.map { OutsideText(isTerminal ? OutsideText($0).visible : $0).csvFieldWithoutFormula }.joined(separator: ",")
                + "\r\n"
        }.joined()
    }

    private func markdown(_ answer: Answer) -> String {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
        let header = line(answer.schema.fields.map { markdownCell($0.name) })
        let rule = line(answer.schema.fields.map { $0.type.isNumeric ? "---:" : "---" })
        return header + rule + answer.rows.map { line($0.map { markdownCell($0.description) }) }.joined()
    }

    private func markdownCell(_ text: String) -> String {
        OutsideText(isTerminal ? OutsideText(text).visible : text).markdownCell
    }
}

extension ColumnType {
    var isNumeric: Bool {
        switch self {
        case .int32, .int64, .float, .double: true
        default: false
        }
    }
}

extension Answer {
    /// A table with aligned columns, complete and without colours, for people who read it through a pipe or with `curl`.
    public var text: String { Renderer(format: .table).render(self) }
}
