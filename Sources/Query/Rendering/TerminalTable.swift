import Columns

/// Aligned columns under a header, made to fit a terminal.
///
/// Numbers stand right; a column whose name ends in `_seconds` shows durations. When the table is too wide, the widest text columns give way first, down to a few letters and an ellipsis; the
/// first column, which identifies the row, is cut last.
struct TerminalTable {
    let text: String

    /// Letters that a text must keep for its column to be worth its place.
    private static let legible = 28

    init(_ answer: Answer, width: Int?, hasColor: Bool) {
        var fields = answer.schema.fields
        var cells = answer.rows.map { row in zip(row, fields).map { Self.show($0, in: $1) } }
        if let width {
            for name in answer.dispensable where Self.least(fields, cells) > width {
                guard let index = fields.firstIndex(where: { $0.name == name }) else { continue }
                fields.remove(at: index)
                for row in cells.indices { cells[row].remove(at: index) }
            }
        }
        var widths = fields.indices.map { column in
            max(Self.width(Self.title(fields[column])), cells.map { Self.width($0[column]) }.max() ?? 0)
        }
        if let width { Self.fit(&widths, into: width - 2 * max(0, fields.count - 1), fields: fields) }

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

    /// The columns of the terminal that the table needs when its texts are cut as far as they may.
    private static func least(_ fields: [Field], _ cells: [[String]]) -> Int {
        let widths = fields.indices.map { column in
            let widest = max(width(title(fields[column])), cells.map { width($0[column]) }.max() ?? 0)
            return fields[column].type == .text && column > 0 ? min(widest, legible) : widest
        }
        return widths.reduce(0, +) + 2 * max(0, fields.count - 1)
    }

    private static func title(_ field: Field) -> String {
        (isDuration(field) ? field.name.dropLast("_seconds".count) : field.name[...]).uppercased().replacing("_", with: " ")
    }

    private static func isDuration(_ field: Field) -> Bool { field.name.hasSuffix("_seconds") }

    private static func show(_ value: Value, in field: Field) -> String {
        guard isDuration(field), case .double(let seconds) = value else { return show(value) }
        return seconds < 1 ? "\(Int((seconds * 1000).rounded())) ms" : IncidentView.spell(.seconds(seconds))
    }

    /// Times lose the `T` and the zone, which is UTC; control characters, which could drive the terminal, are shown as `�`.
    static func show(_ value: Value) -> String {
        switch value {
        case .null: return "-"
        case .timestamp(let time):
            return String(
                Timestamp(seconds: time.microseconds.flooredSeconds).description.dropLast().map { $0 == "T" ? " " : $0 })
        default:
            return String(
                String.UnicodeScalarView(
                    value.description.unicodeScalars.map { $0.isControl ? ($0 == "\n" || $0 == "\t" ? " " : "\u{FFFD}") : $0 }))
        }
    }

    private static func fit(_ widths: inout [Int], into available: Int, fields: [Field]) {
        while widths.reduce(0, +) > available {
            let shrinkable = widths.indices.filter { fields[$0].type == .text && widths[$0] > 8 && $0 > 0 }
            guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { return }
            widths[widest] -= 1
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

extension Unicode.Scalar {
    fileprivate var isControl: Bool { properties.generalCategory == .control }
}

extension Int64 {
    fileprivate var flooredSeconds: Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
