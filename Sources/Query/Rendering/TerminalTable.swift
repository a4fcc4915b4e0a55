import Columns

/// Aligned columns under a header, made to fit a terminal.
///
/// Numbers stand right; a column whose name ends in `_seconds` shows durations. A table that is too wide gives way in this order: times lose their seconds and the
/// year, columns that the answer can do without go, other texts are cut, the answer's main column is cut, and at last what is left, down to a few letters and an
/// ellipsis. The first column, which identifies the row, is not cut.
struct TerminalTable {
    let text: String

    /// Cells that a text must keep for its column to be worth its place, and that the main column must.
    private static let legible = 20, legibleMain = 48

    init(_ answer: Answer, width: Int?, hasColor: Bool) {
        var fields = answer.schema.fields
        var cells = answer.rows.map { row in zip(row, fields).map { Self.show($0, in: $1) } }
        if let width {
            if Self.wanted(fields, cells, answer.main) > width { Self.shortenTimes(answer.rows, &cells) }
            for name in answer.dispensable where Self.wanted(fields, cells, answer.main) > width {
                guard let index = fields.firstIndex(where: { $0.name == name }) else { continue }
                fields.remove(at: index)
                for row in cells.indices { cells[row].remove(at: index) }
            }
        }
        var widths = Self.widths(fields, cells)
        if let width { Self.fit(&widths, into: width - Self.gaps(fields), fields: fields, main: answer.main) }

        func line(_ row: [String], paint: (String, Int) -> String) -> String {
            var parts: [String] = []
            for (index, cell) in row.enumerated() {
                let fitted = Self.cut(cell, to: widths[index])
                let pad = String(repeating: " ", count: widths[index] - Self.width(fitted))
                let painted = paint(fitted, index)
                parts.append(fields[index].type.isNumeric ? pad + painted : index == row.count - 1 ? painted : painted + pad)
            }
            return parts.joined(separator: "  ") + "\n"
        }

        var lines = line(fields.map(Self.title)) { cell, _ in
            hasColor ? "\u{1B}[1m\(cell)\u{1B}[0m" : cell
        }
        for row in cells {
            lines += line(row) { cell, column in hasColor ? Self.paint(cell, column: fields[column].name) : cell }
        }
        text = lines
    }

    /// The columns of the terminal between those of the table.
    private static func gaps(_ fields: [Field]) -> Int { 2 * max(0, fields.count - 1) }

    private static func widths(_ fields: [Field], _ cells: [[String]]) -> [Int] {
        fields.indices.map { column in
            max(width(title(fields[column])), cells.map { width($0[column]) }.max() ?? 0)
        }
    }

    /// The columns of the terminal that the table needs when no text is cut further than it should be.
    private static func wanted(_ fields: [Field], _ cells: [[String]], _ main: String?) -> Int {
        zip(fields, widths(fields, cells)).enumerated().reduce(gaps(fields)) { sum, column in
            let (field, width) = column.element
            guard field.type == .text, column.offset > 0 else { return sum + width }
            return sum + min(width, field.name == main ? legibleMain : legible)
        }
    }

    /// `11-21 03:00` where the year is the newest one's, the date of others.
    private static func shortenTimes(_ rows: [[Value]], _ cells: inout [[String]]) {
        let year = rows.flatMap { $0 }.compactMap { if case .timestamp(let time) = $0 { time.components.year } else { nil } }
            .max()
        for (row, values) in rows.enumerated() {
            for (column, value) in values.enumerated() {
                guard case .timestamp(let time) = value else { continue }
                let whole = cells[row][column]
                cells[row][column] = String(time.components.year == year ? whole.dropFirst(5).dropLast(3) : whole.prefix(10))
            }
        }
    }

    static func title(_ field: Field) -> String {
        (isDuration(field) ? field.name.dropLast("_seconds".count) : field.name[...]).uppercased().replacing("_", with: " ")
    }

    private static func isDuration(_ field: Field) -> Bool { field.name.hasSuffix("_seconds") }

    static func show(_ value: Value, in field: Field) -> String {
        guard isDuration(field), case .double(let seconds) = value else { return show(value) }
        return seconds < 1 ? "\(Int((seconds * 1000).rounded())) ms" : IncidentView.spell(.seconds(seconds))
    }

    /// Times lose the `T` and the zone, which is UTC; what could drive the terminal is shown as `�`.
    static func show(_ value: Value) -> String {
        switch value {
        case .null: return "-"
        case .timestamp(let time):
            return String(
                Timestamp(seconds: time.microseconds.flooredSeconds).description.dropLast().map { $0 == "T" ? " " : $0 })
        default: return OutsideText(value.description).visibleInOneLine
        }
    }

    /// Cuts the widest of the other texts, then the main one, then whatever is left.
    private static func fit(_ widths: inout [Int], into available: Int, fields: [Field], main: String?) {
        let texts = widths.indices.filter { fields[$0].type == .text && $0 > 0 }
        let others = texts.filter { fields[$0].name != main }
        for (columns, least) in [(others, legible), (texts.filter { !others.contains($0) }, legible), (texts, 8)] {
            while widths.reduce(0, +) > available {
                guard let widest = columns.filter({ widths[$0] > least }).max(by: { widths[$0] < widths[$1] }) else { break }
                widths[widest] -= 1
            }
        }
    }

    private static func cut(_ text: String, to width: Int) -> String {
        guard Self.width(text) > width else { return text }
        var kept = ""
        var used = 0
        for character in text {
            let next = Self.width(String(character))
            if used + next > width - 1 { break }
            kept.append(character)
            used += next
        }
        return kept + "…"
    }

    /// Terminal cells: two for wide East Asian characters and emoji, one for the rest.
    static func width(_ text: String) -> Int {
        text.reduce(0) { sum, character in
            let scalar = character.unicodeScalars.first!.value
            let isWide =
                (0x1100...0x115F).contains(scalar) || (0x2E80...0xA4CF).contains(scalar) || (0xAC00...0xD7A3).contains(scalar)
                || (0xF900...0xFAFF).contains(scalar) || (0xFE30...0xFE6F).contains(scalar) || (0xFF00...0xFF60).contains(scalar)
                || (0x1F300...0x1FAFF).contains(scalar) || (0x20000...0x3FFFD).contains(scalar)
            return sum + (isWide ? 2 : 1)
        }
    }

    /// Severities and states in the colours that everybody uses for them; the word itself always says it too.
    private static func paint(_ cell: String, column: String) -> String {
        guard column == "severity" || column == "state" || column == "status" || column == "stage" else { return cell }
        return color(of: cell).map { "\u{1B}[\($0)m\(cell)\u{1B}[0m" } ?? cell
    }

    /// The colour of a severity or a state, as a terminal's code; nil for other words.
    static func color(of word: String) -> String? {
        switch word {
        case "critical", "open", "failed", "firing", "dead": "31;1"
        case "warning", "acknowledged", "pending": "33"
        case "resolved", "ok", "sent", "production": "32"
        case "info": "36"
        default: nil
        }
    }
}

extension Int64 {
    fileprivate var flooredSeconds: Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
