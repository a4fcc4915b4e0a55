import Columns

/// An answer as text in each ``OutputFormat``.
extension Answer {
    /// The whole answer, ending in a line end unless it is empty. Nothing is cut.
    ///
    /// - Parameter clean: applied to every cell and heading of CSV and Markdown before it is escaped; by default texts are what
    ///   they are. A table is always without characters that could drive a terminal.
    public func rendered(as format: OutputFormat, cleaning clean: (String) -> String = { $0 }) -> String {
        switch format {
        case .table: TextTable(self).text
        case .json: rows.isEmpty ? "[]\n" : "[\n" + rows.map { "  " + object($0) }.joined(separator: ",\n") + "\n]\n"
        case .jsonl: rows.map { object($0) + "\n" }.joined()
        case .csv: csv(clean)
        case .markdown: markdown(clean)
        }
    }

    /// One row as a JSON object; nulls are left out.
    private func object(_ row: [Value]) -> String {
        let members = zip(schema.fields, row).compactMap { field, value in
            value == .null ? nil : "\(JSONText.quote(field.name)):\(JSONText.render(value))"
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private func csv(_ clean: (String) -> String) -> String {
        ([schema.fields.map(\.name)] + rows.map { $0.map(\.description) }).map { line in
            line.map { OutsideText(clean($0)).csvFieldWithoutFormula }.joined(separator: ",") + "\r\n"
        }.joined()
    }

    private func markdown(_ clean: (String) -> String) -> String {
        func cell(_ text: String) -> String { OutsideText(clean(text)).markdownCell }
        return MarkdownText.table(
            schema.fields.map { cell($0.name) }, rows.map { $0.map { cell($0.description) } },
            isRight: schema.fields.map(\.type.isNumeric))
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
