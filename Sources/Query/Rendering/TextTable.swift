import Columns

/// An answer as aligned columns under a header, at its full width.
///
/// It knows no terminal: whoever has one takes the cells and fits them to it.
public struct TextTable: Sendable {
    /// One column: its field, its heading, and whether its cells are numbers, which are aligned right.
    public struct Column: Sendable {
        /// The column's name and type in the answer.
        public let field: Field
        /// In capital letters, without a unit.
        public let heading: String
        /// Numbers are aligned right.
        public let isNumeric: Bool
    }

    /// In the order of the answer.
    public let columns: [Column]
    /// By row: one text per column, in one line, without characters that could drive a terminal.
    public let cells: [[String]]

    /// The table of an answer.
    public init(_ answer: Answer) {
        let fields = answer.schema.fields
        columns = fields.map { Column(field: $0, heading: Shown.heading($0), isNumeric: $0.type.isNumeric) }
        cells = answer.rows.map { row in zip(row, fields).map { Shown.value($0, in: $1) } }
    }

    /// The whole table, one line per row; nothing is cut.
    var text: String {
        let widths = columns.indices.map { column in
            max(Self.width(of: columns[column].heading), cells.map { Self.width(of: $0[column]) }.max() ?? 0)
        }
        func line(_ row: [String]) -> String {
            row.indices.map { index in
                let pad = String(repeating: " ", count: widths[index] - Self.width(of: row[index]))
                return columns[index].isNumeric ? pad + row[index] : index == row.count - 1 ? row[index] : row[index] + pad
            }.joined(separator: "  ") + "\n"
        }
        return line(columns.map(\.heading)) + cells.map(line).joined()
    }

    /// How many columns of letters a text takes: two per wide East Asian character or emoji, one per other character.
    public static func width(of text: String) -> Int {
        text.reduce(0) { sum, character in
            let scalar = character.unicodeScalars.first!.value
            let isWide =
                (0x1100...0x115F).contains(scalar) || (0x2E80...0xA4CF).contains(scalar) || (0xAC00...0xD7A3).contains(scalar)
                || (0xF900...0xFAFF).contains(scalar) || (0xFE30...0xFE6F).contains(scalar) || (0xFF00...0xFF60).contains(scalar)
                || (0x1F300...0x1FAFF).contains(scalar) || (0x20000...0x3FFFD).contains(scalar)
            return sum + (isWide ? 2 : 1)
        }
    }
}
