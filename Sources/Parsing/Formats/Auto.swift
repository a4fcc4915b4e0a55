import Columns
import Foundation

/// Text logs whose layout nobody has named: the first line that any format reads decides for its
/// partition, and `format` says how.
///
/// For a first look, and for folders of logs of all kinds. It gives what most logs have; the format that it names gives all that
/// they have.
struct Auto: LogFormat {
    static let name = "auto"
    static let keepsRecords = true
    static let samples = [
        "Nov 26 10:00:00 gate systemd[1]: Started session 4 of user alice.",
        "Nov 26 10:00:01 gate cron[77]: (root) CMD (run-parts /etc/cron.hourly)",
    ]

    static let schema = Schema([
        Field("event_time", .timestamp), Field("level", .text, isNullable: true), Field("host", .text, isNullable: true),
        /// The logger, or the program of a line of syslog.
        Field("component", .text, isNullable: true), Field("pid", .int64, isNullable: true),
        Field("thread", .text, isNullable: true), Field("message", .text), Field("stack_trace", .text, isNullable: true),
        Field("line_count", .int32),
        /// As which the line was read: a name in `format:`, or `text`.
        Field("format", .text), Field("file", .text), Field("offset", .int64),
    ])

    private let context: ParsingContext
    private var chosen: (name: String, format: any LogFormat)?

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        guard options.columns.isEmpty else { throw .takesNoColumns(format: Self.name) }
        try options.checkSettings([], format: Self.name)
        self.context = context
    }

    var schema: Schema { Self.schema }

    mutating func parse(_ lines: Batch) -> ParsedBatch {
        if chosen != nil { return parseChosen(lines) }
        for row in 0..<lines.count {
            chosen = choose(lines.slice(row..<(row + 1)))
            guard chosen != nil else { continue }
            guard row > 0 else { return parseChosen(lines) }
            // The lines before it were not read by any format; they must not wait for one, since one may never come.
            let head = texts(lines.slice(0..<row)), tail = parseChosen(lines.slice(row..<lines.count))
            return ParsedBatch(
                events: Batch.concatenating([head.events, tail.events], schema: schema),
                lineRows: head.lineRows + tail.lineRows.map { $0 + Int32(row) },
                rejected: tail.rejected.map { RejectedLine(row: $0.row + row, reason: $0.reason) })
        }
        return texts(lines)
    }

    private mutating func parseChosen(_ lines: Batch) -> ParsedBatch {
        guard let name = chosen?.name, var format = chosen?.format else { return texts(lines) }
        let parsed = format.parse(lines)
        chosen = (name, format)
        return shown(parsed, of: lines, as: name)
    }

    mutating func flush() -> FlushedLines? {
        guard let name = chosen?.name, var format = chosen?.format, let flushed = format.flush() else { return nil }
        chosen = (name, format)
        return FlushedLines(lines: flushed.lines, parsed: shown(flushed.parsed, of: flushed.lines, as: name))
    }

    // MARK: The choice

    /// The first format that reads a line, of those that are hardly mistaken for another first. One line decides, so that the
    /// same lines give the same events however they come in batches.
    private func choose(_ line: Batch) -> (name: String, format: any LogFormat)? {
        for (name, columns) in Self.records(line) {
            guard var format = try? make(name, columns), format.parse(line).events.count > 0 else { continue }
            return (try? make(name, columns)).map { (name, $0) }
        }
        let found = line.columns[4].withBytes(at: 0) { text -> Int? in
            var match = LayoutMatch()
            return Self.candidates.firstIndex { $0.readers.contains { $0.read(text, &match) } }
        }
        guard let found, let layout = try? layout(Self.candidates[found]) else { return nil }
        return (Self.candidates[found].name, layout)
    }

    private typealias Candidate = (name: String, readers: [LayoutReader], isMultiline: Bool)

    /// The layouts that have a name, compiled once because every partition asks for them.
    private static let candidates: [Candidate] = LayoutPresets.all.compactMap { preset in
        (try? LayoutSettings.readers(of: preset)).map { (preset.name, $0, preset.isMultiline) }
    }

    private func layout(_ candidate: Candidate) throws(FormatError) -> Layout {
        try Layout(context: context, readers: candidate.readers, isMultiline: candidate.isMultiline)
    }

    private func make(_ name: String, _ columns: [FormatOptions.DeclaredColumn]) throws(FormatError) -> any LogFormat {
        try LogFormats.make(name, context: context, options: FormatOptions(columns: columns))
    }

    /// JSON and logfmt with the keys that a line has; of what it has not, the most usual ones.
    private static func records(_ line: Batch) -> [(String, [FormatOptions.DeclaredColumn])] {
        let first = line.columns[4].withBytes(at: 0) { $0.withUnsafeBufferPointer(Array.init) }
        guard first.contains(UInt8(ascii: "=")) || first.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else { return [] }
        return [JSONLines.name, Logfmt.name].compactMap { name in
            guard let found = FormatOptions.inferred(from: [first], format: name)?.columns, !found.isEmpty else { return nil }
            var columns: [FormatOptions.DeclaredColumn] = [], known = 0, hasMessage = false
            for (column, keys) in wanted {
                let path = keys.first { key in found.contains { $0.path == key } }
                if path == nil, column == "event_time" { continue }
                known += path != nil && (column == "event_time" || column == "level") ? 1 : 0
                hasMessage = hasMessage || path != nil && column == "message"
                let type: ColumnType = column == "event_time" ? .timestamp : column == "pid" ? .int64 : .text
                columns.append(.init(column, type, path: path ?? keys[0]))
            }
            return hasMessage || known == 2 ? (name, columns) : nil
        }
    }

    /// The usual keys of what ``schema`` has.
    private static let wanted: [(String, [String])] = [
        ("event_time", ["ts", "time", "timestamp", "@timestamp", "datetime", "date"]),
        ("level", ["level", "severity", "lvl", "levelname", "log\\.level"]), ("host", ["host", "hostname"]),
        ("component", ["logger", "logger_name", "component", "name", "module", "caller"]), ("pid", ["pid", "process"]),
        ("thread", ["thread", "thread_name"]), ("message", ["msg", "message", "event"]),
        ("stack_trace", ["stack_trace", "stacktrace", "exception", "error"]),
    ]

    // MARK: The columns

    private static let text = "text"

    /// Lines that no format is known for: each is a message of the time of its arrival.
    private func texts(_ lines: Batch) -> ParsedBatch {
        let rows = (0..<lines.count).map(Int32.init)
        let events = Batch(
            schema: Schema([
                Field("event_time", .timestamp), Field("message", .text), Field("file", .text), Field("offset", .int64),
            ]),
            columns: [lines.columns[3], lines.columns[4], lines.columns[1], lines.columns[2]])
        return shown(ParsedBatch(events: events, lineRows: rows, rejected: []), of: lines, as: Self.text)
    }

    private func shown(_ parsed: ParsedBatch, of lines: Batch, as name: String) -> ParsedBatch {
        let events = parsed.events, count = events.count
        let columns = schema.fields.map { field -> Column in
            switch field.name {
            case "format":
                var names = DictionaryBuilder()
                for _ in 0..<count { names.append(utf8: name) }
                return names.finish()
            case "component": return events["logger"] ?? events["component"] ?? events["process"] ?? .nulls(.text, count: count)
            case "level": return events["level"].map(Self.levels) ?? .nulls(.text, count: count)
            case "line_count":
                if let known = events["line_count"] { return known }
                var ones = NumberBuilder<Int32>()
                for _ in 0..<count { ones.append(1) }
                return ones.finish()
            case "message": return Self.messages(events["message"], of: lines, parsed.lineRows)
            default: return events[field.name] ?? .nulls(field.type, count: count)
            }
        }
        return ParsedBatch(events: Batch(schema: schema, columns: columns), lineRows: parsed.lineRows, rejected: parsed.rejected)
    }

    /// The message of each event; the line where its format knows none.
    private static func messages(_ known: Column?, of lines: Batch, _ rows: [Int32]) -> Column {
        let texts = lines.columns[4]
        var builder = TextBuilder()
        for (index, row) in rows.enumerated() {
            if let known, !known.isNull(at: index) {
                known.withBytes(at: index) { builder.append($0) }
            } else {
                texts.withBytes(at: Int(row)) { builder.append($0) }
            }
        }
        return builder.finish()
    }

    private static func levels(_ column: Column) -> Column {
        var builder = DictionaryBuilder()
        for row in 0..<column.count {
            guard !column.isNull(at: row) else {
                builder.appendNull()
                continue
            }
            column.withBytes(at: row) { text -> Void in
                if let code = LogLevel.code(of: text) {
                    builder.append(utf8: Log4jHeader.levelNames[code])
                } else {
                    builder.append(text)
                }
            }
        }
        return builder.finish()
    }

    // MARK: Checkpoints

    private struct State: Codable {
        var name: String?
        var columns: [Key] = []
        var inner = Data()

        /// A column of a record, by its name, type and path.
        struct Key: Codable {
            var name: String, type: String, path: String
        }
    }

    var state: Data {
        get throws {
            guard let (name, format) = chosen else { return try JSONEncoder().encode(State()) }
            let keys = (format as? any DeclaredFormat)?.declared.map {
                State.Key(name: $0.name, type: $0.type.rawValue, path: $0.path)
            }
            return try JSONEncoder().encode(State(name: name, columns: keys ?? [], inner: format.state))
        }
    }

    mutating func restore(_ state: Data) throws {
        let state = try JSONDecoder().decode(State.self, from: state)
        chosen = nil
        guard let name = state.name else { return }
        let columns = state.columns.compactMap { key in
            ColumnType(rawValue: key.type).map { FormatOptions.DeclaredColumn(key.name, $0, path: key.path) }
        }
        var format: any LogFormat
        if let known = Self.candidates.first(where: { $0.name == name }) {
            format = try layout(known)
        } else {
            format = try make(name, columns)
        }
        try format.restore(state.inner)
        chosen = (name, format)
    }
}

/// A format whose columns a definition declares.
protocol DeclaredFormat {
    var declared: [FormatOptions.DeclaredColumn] { get }
}

extension JSONLines: DeclaredFormat {}
extension Logfmt: DeclaredFormat {}
