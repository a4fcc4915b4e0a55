import Columns
import Foundation

/// Any format, of a program that runs in a container: the lines of the runtime are taken apart (``ContainerLine``), parts of a
/// line are joined, and the format reads what the program printed. What has no time of its own has that of the runtime.
///
///     format: sshd
///     options: { container: true }
///
/// A joined line has the file and the offset of its first part, and is read when its last one comes. Standard output and standard
/// error are joined each for itself, because a runtime mixes them.
struct InContainer<Inner: LogFormat>: LogFormat {
    static var name: String { Inner.name }
    static var samples: [String] { Inner.samples }
    static var counter: EventCounter? { Inner.counter }
    static var keepsRecords: Bool { true }

    private var inner: any LogFormat
    /// By stream, what came of a line that has not ended.
    private var open = [Open?](repeating: nil, count: ContainerLine.Stream.allCases.count)
    /// Kept between lines, because its array would otherwise be allocated once per line.
    private var found = ContainerLine()

    private struct Open: Codable {
        var text: [UInt8] = []
        var file: [UInt8]
        var offset: Int64
        var time: Int64

        /// What is longer than a line may be is not kept; the format is given so much that it refuses it.
        mutating func append(_ part: [UInt8]) { text += part.prefix(max(0, RawLines.maxLineLength - text.count)) }
    }

    init(_ inner: Inner) { self.inner = inner }

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        inner = try Inner(context: context, options: options)
    }

    var schema: Schema { inner.schema }

    mutating func parse(_ lines: Batch) -> ParsedBatch {
        var joined = JoinedLines(), rejected: [RejectedLine] = []
        let raws = lines.columns[5]
        lines.forEachLine { row, line, file, offset, _ in
            // A character may be in two parts, neither of which is UTF-8 alone.
            let isRead = raws.isNull(at: row) ? found.read(line) : raws.withBytes(at: row) { found.read($0) }
            guard isRead else {
                rejected.append(RejectedLine(row: row, reason: line.isBlank ? .emptyLine : .unreadableHeader))
                return
            }
            let stream = found.stream.rawValue
            if open[stream] == nil {
                // Fast path: nearly every line is whole.
                guard found.isPartial else {
                    return joined.append(found.text.span, time: found.time, file: file, offset: offset, row: row)
                }
                open[stream] = Open(file: file.withUnsafeBufferPointer(Array.init), offset: offset, time: found.time)
            }
            open[stream]!.append(found.text)
            guard !found.isPartial, let whole = open[stream] else { return }
            open[stream] = nil
            joined.append(whole.text.span, time: whole.time, file: whole.file.span, offset: whole.offset, row: row)
        }
        let rows = joined.rows
        let parsed = RawLines.parse(joined.finish(sources: lines.columns[0].gather(rows)), with: &inner)
        rejected += parsed.rejected.map { RejectedLine(row: rows[$0.row], reason: $0.reason) }
        return ParsedBatch(
            events: parsed.events, lineRows: parsed.lineRows.map { Int32(rows[Int($0)]) },
            rejected: rejected.sorted { $0.row < $1.row })
    }

    mutating func due() -> [FlushedLines] { inner.due() }

    mutating func flush() -> FlushedLines? {
        var joined = JoinedLines(), sources = DictionaryBuilder()
        for (index, line) in open.compactMap({ $0 }).enumerated() {
            joined.append(line.text.span, time: line.time, file: line.file.span, offset: line.offset, row: index)
            sources.append(utf8: "")
        }
        open = open.map { _ in nil }
        guard !joined.rows.isEmpty else { return inner.flush() }
        let lines = joined.finish(sources: sources.finish()), parsed = RawLines.parse(lines, with: &inner)
        guard let last = inner.flush() else { return FlushedLines(lines: lines, parsed: parsed) }
        return FlushedLines(
            lines: Batch.concatenating([lines, last.lines], schema: RawLines.schema),
            parsed: ParsedBatch(
                events: Batch.concatenating([parsed.events, last.parsed.events], schema: schema),
                lineRows: parsed.lineRows + last.parsed.lineRows.map { $0 + Int32(lines.count) },
                rejected: parsed.rejected
                    + last.parsed.rejected.map { RejectedLine(row: $0.row + lines.count, reason: $0.reason) }))
    }

    // MARK: Checkpoints

    private struct State: Codable {
        var open: [Open?]
        var inner: Data
    }

    var state: Data { get throws { try JSONEncoder().encode(State(open: open, inner: try inner.state)) } }

    mutating func restore(_ state: Data) throws {
        let state = try JSONDecoder().decode(State.self, from: state)
        if state.open.count == open.count { open = state.open }
        try inner.restore(state.inner)
    }
}

/// Lines as a program printed them, with the row that each was completed in.
private struct JoinedLines {
    private(set) var rows: [Int] = []
    private var files = DictionaryBuilder()
    private var offsets = NumberBuilder<Int64>()
    private var times = NumberBuilder<Int64>()
    private var texts = TextBuilder()

    mutating func append(_ text: Span<UInt8>, time: Int64, file: Span<UInt8>, offset: Int64, row: Int) {
        rows.append(row)
        files.append(file)
        offsets.append(offset)
        times.append(time)
        if text.isValidUTF8 {
            texts.append(text)
        } else {
            texts.append(utf8: text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
        }
    }

    /// Of the schema ``RawLines/schema``.
    mutating func finish(sources: Column) -> Batch {
        Batch(
            schema: RawLines.schema,
            columns: [
                sources, files.finish(), offsets.finish(), times.finish(), texts.finish(),
                .nulls(.binary, count: rows.count),
            ])
    }
}

extension FormatOptions {
    /// Whether `container: true` is among the settings; it is taken out, because it is of no format.
    mutating func takeContainer(of format: String) throws(FormatError) -> Bool {
        guard let index = settings.firstIndex(where: { $0.key == "container" }) else { return false }
        switch settings.remove(at: index).value {
        case "true": return true
        case "false": return false
        case let other: throw .badSetting("container", value: other, format: format, wanted: "true or false")
        }
    }
}
