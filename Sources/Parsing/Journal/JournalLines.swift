import Columns

/// Entries of systemd's journal among lines of a format that reads syslog lines: `journalctl -o json` in a file, a pipe, or
/// pushed by a shipper. Bronze keeps the entry as it came; the format is given the syslog line that it stands for.
enum JournalLines {
    /// The lines with each that is an entry of the journal as a syslog line; rows and columns stay where they are.
    static func asSyslog(_ lines: Batch) -> Batch {
        guard let column = lines["line"], mayHoldEntries(column, count: lines.count) else { return lines }
        var entry = JournalEntry(), texts = TextBuilder(), text: [UInt8] = []
        for row in 0..<lines.count {
            text.removeAll(keepingCapacity: true)
            column.withBytes(at: row) { line in
                guard isObject(line), entry.read(line), entry.hasMessage else { return texts.append(line) }
                entry.appendLine(to: &text)
                if text.span.isValidUTF8 {
                    texts.append(text.span)
                } else {
                    texts.append(utf8: String(decoding: text, as: UTF8.self))
                }
            }
        }
        let changed = texts.finish()
        return Batch(
            schema: lines.schema, columns: zip(lines.schema.fields, lines.columns).map { $0.name == "line" ? changed : $1 })
    }

    /// Fast path: a log of syslog lines holds none, which their first bytes say.
    private static func mayHoldEntries(_ column: Column, count: Int) -> Bool {
        (0..<count).contains { row in column.withBytes(at: row) { isObject($0) } }
    }

    private static func isObject(_ line: Span<UInt8>) -> Bool { !line.isEmpty && line[0] == UInt8(ascii: "{") }
}

extension SSHD {
    static let readsSyslogLines = true
}
