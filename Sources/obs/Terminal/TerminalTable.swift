import Columns
import Query

/// An answer as a table that fits a terminal.
///
/// A table that is too wide is narrowed in this order: times lose their seconds and the year; columns that the answer can do
/// without are left out; other texts are cut; the answer's main column is cut; finally whatever is left is cut, down to a few
/// letters and an ellipsis. The first column, which identifies the row, is not cut.
struct TerminalTable {
    private var columns: [TextTable.Column]
    private var cells: [[String]]
    private let main: String?
    private let width: Int

    /// The letters that a text column, and the main column, keep as long as others can be narrowed.
    private static let legible = 20, legibleMain = 48

    /// - Parameter width: the terminal's columns.
    init(_ answer: Answer, width: Int) {
        let table = TextTable(answer)
        (columns, cells, main) = (table.columns, table.cells, answer.main)
        self.width = width
        if wanted > width { shortenTimes(answer.rows) }
        for name in answer.dispensable where wanted > width { remove(name) }
    }

    /// The whole table, one line per row.
    func text(hasColor: Bool) -> String {
        let widths = fittedWidths
        func line(_ row: [String], paint: (String, Int) -> String) -> String {
            row.indices.map { index in
                let fitted = Self.cut(row[index], to: widths[index])
                let pad = String(repeating: " ", count: widths[index] - TextTable.width(of: fitted))
                let painted = hasColor ? paint(fitted, index) : fitted
                return columns[index].isNumeric ? pad + painted : index == row.count - 1 ? painted : painted + pad
            }.joined(separator: "  ") + "\n"
        }
        let header = line(columns.map(\.heading)) { heading, _ in TerminalColor.bold(heading) }
        // The word itself always says it too: colors are not for everybody.
        let painted = ["severity", "state", "status", "stage"]
        return header
            + cells.map { row in
                line(row) { cell, column in
                    painted.contains(columns[column].field.name) ? TerminalColor.paint(cell, as: cell) : cell
                }
            }.joined()
    }

    private mutating func remove(_ name: String) {
        guard let index = columns.firstIndex(where: { $0.field.name == name }) else { return }
        columns.remove(at: index)
        for row in cells.indices { cells[row].remove(at: index) }
    }

    /// `11-21 03:00` in the year of the newest time; the date only in others.
    private mutating func shortenTimes(_ rows: [[Value]]) {
        let year = rows.flatMap { $0 }.compactMap { if case .timestamp(let time) = $0 { time.components.year } else { nil } }
            .max()
        for (row, values) in rows.enumerated() {
            for (column, value) in values.enumerated() {
                guard case .timestamp(let time) = value else { continue }
                let shown = cells[row][column]
                cells[row][column] = String(time.components.year == year ? shown.dropFirst(5).dropLast(3) : shown.prefix(10))
            }
        }
    }

    /// The columns of the terminal between those of the table.
    private var gaps: Int { 2 * max(0, columns.count - 1) }

    private var widths: [Int] {
        columns.indices.map { column in
            max(TextTable.width(of: columns[column].heading), cells.map { TextTable.width(of: $0[column]) }.max() ?? 0)
        }
    }

    /// The columns of the terminal that the table needs when no text is cut further than to what is legible.
    private var wanted: Int {
        zip(columns, widths).enumerated().reduce(gaps) { sum, item in
            let (column, width) = item.element
            guard column.field.type == .text, item.offset > 0 else { return sum + width }
            return sum + min(width, column.field.name == main ? Self.legibleMain : Self.legible)
        }
    }

    /// Narrows the widest of the other texts, then the main one, then whatever is left.
    private var fittedWidths: [Int] {
        var widths = widths
        let available = width - gaps
        let texts = widths.indices.filter { columns[$0].field.type == .text && $0 > 0 }
        let others = texts.filter { columns[$0].field.name != main }
        let steps = [(others, Self.legible), (texts.filter { !others.contains($0) }, Self.legible), (texts, 8)]
        for (candidates, least) in steps {
            while widths.reduce(0, +) > available {
                let wide = candidates.filter { widths[$0] > least }
                guard let widest = wide.max(by: { widths[$0] < widths[$1] }) else { break }
                widths[widest] -= 1
            }
        }
        return widths
    }

    private static func cut(_ text: String, to width: Int) -> String {
        guard TextTable.width(of: text) > width else { return text }
        var kept = ""
        var used = 0
        for character in text {
            let next = TextTable.width(of: String(character))
            if used + next > width - 1 { break }
            kept.append(character)
            used += next
        }
        return kept + "…"
    }
}
