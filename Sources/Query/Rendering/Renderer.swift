import Columns

/// Writes an ``Answer`` as text.
public struct Renderer: Sendable {
    public var format: OutputFormat
    /// The columns of the terminal, or nil when the output is not one: then nothing is cut.
    public var terminalWidth: Int?
    public var hasColor: Bool

    public init(format: OutputFormat, terminalWidth: Int? = nil, hasColor: Bool = false) {
        self.format = format
        self.terminalWidth = terminalWidth
        self.hasColor = hasColor
    }

    /// The whole answer, ending in a line end unless it is empty.
    public func render(_ answer: Answer) -> String {
        switch format {
        case .table: TerminalTable(answer, width: terminalWidth, hasColor: hasColor).text
        case .json:
            answer.rows.isEmpty
                ? "[]\n" : "[\n" + answer.rows.map { "  " + object($0, answer.schema) }.joined(separator: ",\n") + "\n]\n"
        case .jsonl: answer.rows.map { object($0, answer.schema) + "\n" }.joined()
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

    private func csv(_ answer: Answer) -> String {
        let lines = [answer.schema.fields.map(\.name)] + answer.rows.map { $0.map(\.description) }
        return lines.map { $0.map(Self.csvCell).joined(separator: ",") + "\r\n" }.joined()
    }

    /// A cell by RFC 4180 §2; what a spreadsheet would run as a formula is quoted by a leading apostrophe.
    private static func csvCell(_ text: String) -> String {
        var text = text
        if let first = text.first, "=+@\t\r".contains(first) || (first == "-" && Double(text) == nil) { text = "'" + text }
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    private func markdown(_ answer: Answer) -> String {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
        let header = line(answer.schema.fields.map { Self.markdownCell($0.name) })
        let rule = line(answer.schema.fields.map { $0.type.isNumeric ? "---:" : "---" })
        return header + rule + answer.rows.map { line($0.map { Self.markdownCell($0.description) }) }.joined()
    }

    private static func markdownCell(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("|", with: "\\|").replacing("<", with: "&lt;")
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "<br>")
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
