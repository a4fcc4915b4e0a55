import Columns
import Telemetry

/// Rows of a gold table as rules look at them: with an `event_time`, and with each row as the line that it is evidence by.
struct GoldRows {
    let events: Batch
    let lines: Batch
    let lineRows: [Int32]

    /// Nil for a table whose rows have no time.
    init?(_ rows: Batch, table: String) {
        // A window is known when it ends; a row of a stream has its own time.
        guard let time = rows["event_time"] ?? rows["window_end"] else { return nil }
        if rows["event_time"] == nil {
            events = Batch(
                schema: Schema([Field("event_time", .timestamp)] + rows.schema.fields), columns: [time] + rows.columns)
        } else {
            events = rows
        }
        var texts = TextBuilder(), files = DictionaryBuilder(), offsets = NumberBuilder<Int64>()
        let names = rows.schema.fields.map { Array((JSONText.quote($0.name) + ":").utf8) }
        var text: [UInt8] = []
        for row in 0..<rows.count {
            text.removeAll(keepingCapacity: true)
            for (index, column) in rows.columns.enumerated() {
                text.append(UInt8(ascii: index == 0 ? "{" : ","))
                text += names[index]
                JSONText.append(column, at: row, as: rows.schema.fields[index].type, to: &text)
            }
            text.append(UInt8(ascii: "}"))
            texts.append(text.span)
            files.append(utf8: "gold.\(table)")
            offsets.append(time.integer(at: row) ?? 0)
        }
        lines = Batch(
            schema: Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)]),
            columns: [files.finish(), offsets.finish(), texts.finish()])
        lineRows = (0..<rows.count).map(Int32.init)
    }
}
