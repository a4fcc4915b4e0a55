import Columns
import Foundation

/// Text logs by the layout that the program itself is configured with: Log4j's and Logback's `PatternLayout`, Python's `logging`,
/// nginx's `log_format`, Apache's `LogFormat`, a pattern of the user's own, or one that has a name (``LayoutPresets``).
///
///     format: layout
///     options: { log4j: "%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m%n" }
///
/// The columns are the fields of the layout. A line that does not begin as the layout says belongs to the event before it
/// (`stack_trace`), except for logs of web servers: the event is given once the next one begins, or the partition is flushed.
struct Layout: LogFormat {
    static let name = "layout"
    static let keepsRecords = true
    static let samples = [
        "2026-11-26 10:00:00,747 - INFO  [main:QuorumPeerMain@127] - Starting quorum peer",
        "2026-11-26 10:00:01,017 - ERROR [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - it failed",
        "java.lang.IllegalStateException: no input",
        "\tat com.example.Job.run(Job.java:42)",
    ]
    /// The layout of ``samples``.
    static let samplePattern = "%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m%n"

    static let maxTraceBytes = 64 << 10
    static let settings = LayoutPresets.Notation.allCases.map(\.rawValue) + ["preset", "datefmt", "time_format", "multiline"]

    private let readers: [LayoutReader]
    private let isMultiline: Bool
    /// By reader, for each of its fields the column, of a request the first of three.
    private let columns: [[Int]]
    private let traceColumn: Int
    private var record: RecordColumns
    private var resolver: StampResolver
    /// Kept between lines, because its arrays would otherwise be allocated once per line.
    private var found = LayoutMatch()
    /// The reader that read the last line: nearly always the next one too.
    private var lastReader = 0
    private var open: Open?
    /// The event that was open when obs was stopped, where the layout no longer reads its line: that is given as rejected.
    private var stranded: Open?

    /// An event that may still get lines. Its cells are set in ``record``.
    private struct Open: Codable {
        var line: [UInt8] = []
        var trace: [UInt8] = []
        var lines: Int32 = 1
        var file: [UInt8] = []
        var offset: Int64 = 0
        var arrival: Int64 = 0
        /// Its first row in the batch at hand; not kept between batches.
        var row: Int?

        enum CodingKeys: String, CodingKey { case line, trace, lines, file, offset, arrival }
    }

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        try options.checkSettings(Self.settings, format: Self.name)
        let parts = try LayoutSettings(options)
        try self.init(context: context, readers: parts.readers, isMultiline: parts.isMultiline)
    }

    init(context: ParsingContext, readers: [LayoutReader], isMultiline: Bool) throws(FormatError) {
        self.readers = readers
        self.isMultiline = isMultiline
        resolver = StampResolver(context: context)
        var declared: [FormatOptions.DeclaredColumn] = [.init("event_time", .timestamp, isNullable: false)]
        for reader in readers { try Self.checkColumns(of: reader) }
        func place(_ name: String, _ type: ColumnType) -> Int {
            if let known = declared.firstIndex(where: { $0.name == name }) { return known }
            declared.append(.init(name, type))
            return declared.count - 1
        }
        columns = readers.map { reader in
            reader.fields.map { field in
                switch field.kind {
                case .text, .level: return place(field.name, .text)
                case .integer: return place(field.name, .int64)
                case .real: return place(field.name, .double)
                case .request:
                    let first = place("method", .text)
                    _ = (place("path", .text), place("protocol", .text))
                    return first
                }
            }
        }
        traceColumn = declared.count
        if isMultiline { declared += [.init("stack_trace", .text), .init("line_count", .int32, isNullable: false)] }
        record = try RecordColumns(format: Self.name, context: context, options: FormatOptions(columns: declared))
    }

    /// Two fields must not write one column, nor a field the time: what the later one says would take the place of the other.
    private static func checkColumns(of reader: LayoutReader) throws(FormatError) {
        var known: Set = ["event_time"]
        for field in reader.fields {
            for column in field.kind == .request ? ["method", "path", "protocol"] : [field.name] {
                guard known.insert(column).inserted else {
                    throw .badColumn(column, format: name, reason: "two parts of the layout write it; leave one out")
                }
            }
        }
    }

    var schema: Schema { record.schema }

    mutating func parse(_ lines: Batch) -> ParsedBatch {
        var rejected: [RejectedLine] = []
        lines.forEachLine { row, line, file, offset, arrival in
            guard let reader = read(line) else {
                if found.hasBadTime {
                    rejected.append(RejectedLine(row: row, reason: .badTimestamp))
                } else if open != nil {
                    goOn(line, row: row)
                } else {
                    rejected.append(RejectedLine(row: row, reason: line.isBlank ? .emptyLine : .unreadableHeader))
                }
                return
            }
            // What is set in the cells so far is of the event before.
            if open != nil { close(row: row) }
            guard set(line, reader, file: file, arrival: arrival) else {
                rejected.append(RejectedLine(row: row, reason: .badTimestamp))
                return
            }
            guard isMultiline else {
                _ = record.commit(badColumn: nil, file: file, offset: offset, arrival: arrival, row: row)
                return
            }
            open = Open(
                line: line.withUnsafeBufferPointer(Array.init), file: file.withUnsafeBufferPointer(Array.init), offset: offset,
                arrival: arrival, row: row)
        }
        open?.row = nil
        return record.finish(rejected: rejected)
    }

    /// The reader whose layout `line` has; ``found`` has its fields then.
    private mutating func read(_ line: Span<UInt8>) -> Int? {
        // Fast path: the layout of the line before.
        if readers[lastReader].read(line, &found) { return lastReader }
        var hasBadTime = found.hasBadTime
        for index in readers.indices where index != lastReader {
            if readers[index].read(line, &found) {
                lastReader = index
                return index
            }
            hasBadTime = hasBadTime || found.hasBadTime
        }
        found.hasBadTime = hasBadTime
        return nil
    }

    /// Sets the cells of a line; false when its time does not exist.
    private mutating func set(_ line: Span<UInt8>, _ reader: Int, file: Span<UInt8>, arrival: Int64) -> Bool {
        let name = resolver.needsFile ? file.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } : ""
        guard let time = resolver.resolve(found.stamp, file: name, arrival: Timestamp(microseconds: arrival)) else {
            return false
        }
        record.begin()
        record.set(0, int: time.microseconds &+ Int64(found.microsecond))
        for (index, field) in readers[reader].fields.enumerated() {
            let range = found.fields[index], column = columns[reader][index]
            if field.kind == .level, let level = found.level {
                setLevel(level, column)
                continue
            }
            guard range.lowerBound >= 0 else { continue }
            set(line.extracting(range), field, column)
        }
        return true
    }

    private mutating func set(_ text: Span<UInt8>, _ field: LayoutField, _ column: Int) {
        if field.isDashForNone, text.count == 1, text[0] == UInt8(ascii: "-") { return }
        switch field.kind {
        case .text: _ = record.set(column, text: text)
        case .integer, .real: _ = record.set(column, number: text)
        case .level:
            if let level = LogLevel.code(of: text) { setLevel(level, column) } else { _ = record.set(column, text: text) }
        case .request: setRequest(text, column)
        }
    }

    private mutating func setLevel(_ level: Int, _ column: Int) {
        let name = LogLevel.names[level]
        _ = record.set(column, text: name.span)
    }

    /// `GET /index.html HTTP/1.1` in its three parts; what has another form is the path.
    private mutating func setRequest(_ text: Span<UInt8>, _ column: Int) {
        guard let first = text.firstIndex(of: UInt8(ascii: " ")), let last = text.lastIndex(of: UInt8(ascii: " ")), last > first,
            text.extracting((last + 1)..<text.count).starts(with: "HTTP/")
        else {
            _ = record.set(column + 1, text: text)
            return
        }
        _ = record.set(column, text: text.extracting(0..<first))
        _ = record.set(column + 1, text: text.extracting((first + 1)..<last))
        _ = record.set(column + 2, text: text.extracting((last + 1)..<text.count))
    }

    private mutating func goOn(_ line: Span<UInt8>, row: Int) {
        // Every line counts, but a trace must not grow without a limit while no event follows it.
        open!.lines += 1
        if open!.row == nil { open!.row = row }
        guard open!.trace.count + line.count < Self.maxTraceBytes else { return }
        if open!.lines > 2 { open!.trace.append(UInt8(ascii: "\n")) }
        line.withUnsafeBufferPointer { open!.trace.append(contentsOf: $0) }
    }

    /// Gives the event that was open; `row` is where the next one begins.
    ///
    /// Called before the cells of the next event are set, because ``record`` holds those of one event.
    private mutating func close(row: Int) {
        guard let last = open else { return }
        open = nil
        if last.lines > 1 { _ = record.set(traceColumn, text: last.trace.span) }
        record.set(traceColumn + 1, int: Int64(last.lines))
        _ = record.commit(badColumn: nil, file: last.file.span, offset: last.offset, arrival: last.arrival, row: last.row ?? row)
    }

    mutating func flush() -> FlushedLines? {
        var builder = RawLinesBuilder(), rejected: [RejectedLine] = []
        for event in [stranded, open].compactMap({ $0 }) {
            builder.append(
                event.line.span, offset: event.offset, source: "", file: String(decoding: event.file, as: UTF8.self),
                arrival: Timestamp(microseconds: event.arrival))
        }
        guard builder.count > 0 else { return nil }
        if stranded != nil {
            stranded = nil
            rejected = [RejectedLine(row: 0, reason: .unreadableHeader)]
        }
        open?.row = rejected.count
        close(row: rejected.count)
        return FlushedLines(lines: builder.finish(), parsed: record.finish(rejected: rejected))
    }

    private struct State: Codable {
        var years: [String: StampResolver.FileYear]
        var open: Open?
        var stranded: Open?
    }

    var state: Data {
        get throws { try JSONEncoder().encode(State(years: resolver.years, open: open, stranded: stranded)) }
    }

    mutating func restore(_ state: Data) throws {
        let state = try JSONDecoder().decode(State.self, from: state)
        resolver.years = state.years
        (open, stranded) = (state.open, state.stranded)
        guard let open else { return }
        guard let reader = read(open.line.span), set(open.line.span, reader, file: open.file.span, arrival: open.arrival) else {
            (self.open, stranded) = (nil, stranded ?? open)
            return
        }
    }
}

/// What the options of a layout say.
struct LayoutSettings {
    private(set) var readers: [LayoutReader] = []
    private(set) var isMultiline = true

    /// A line is matched step by step, each within the one before.
    private static let maxPatternBytes = 4096

    init(_ options: FormatOptions) throws(FormatError) {
        let chosen = options.settings.filter { $0.key == "preset" || LayoutPresets.Notation(rawValue: $0.key) != nil }
        guard chosen.count == 1, let setting = chosen.first else {
            let names = LayoutPresets.Notation.allCases.map(\.rawValue) + ["preset"]
            throw .badSetting(
                "layout", value: chosen.map(\.key).joined(separator: ", "), format: Layout.name,
                wanted: "exactly one of \(names.joined(separator: ", "))")
        }
        let types = try Self.types(options)
        if let notation = LayoutPresets.Notation(rawValue: setting.key) {
            readers = [
                try Self.reader(
                    notation, setting.value, dateFormat: options["datefmt"], timeFormat: options["time_format"], types: types)
            ]
            isMultiline = notation != .nginx && notation != .apache
        } else {
            guard let preset = LayoutPresets.named(setting.value) else {
                throw .badSetting(
                    "preset", value: setting.value, format: Layout.name,
                    wanted: "one of \(LayoutPresets.all.map(\.name).joined(separator: ", "))")
            }
            (readers, isMultiline) = (try Self.readers(of: preset), preset.isMultiline)
        }
        switch options["multiline"] {
        case nil: break
        case "true": isMultiline = true
        case "false": isMultiline = false
        case let other?: throw .badSetting("multiline", value: other, format: Layout.name, wanted: "true or false")
        }
    }

    static func readers(of preset: LayoutPresets.Preset) throws(FormatError) -> [LayoutReader] {
        if let reader = preset.reader { return [reader] }
        var readers: [LayoutReader] = []
        for (notation, pattern) in preset.layouts {
            readers.append(
                try reader(notation, pattern, dateFormat: nil, timeFormat: preset.timeFormat, types: LayoutPresets.types))
        }
        return readers
    }

    private static func reader(
        _ notation: LayoutPresets.Notation, _ pattern: String, dateFormat: String?, timeFormat: String?,
        types: [String: LayoutField.Kind]
    ) throws(FormatError) -> LayoutReader {
        do throws(LayoutError) {
            guard pattern.utf8.count <= maxPatternBytes else {
                throw LayoutError(part: "", reason: "it is longer than \(maxPatternBytes) bytes")
            }
            switch notation {
            case .log4j, .logback: return .program(try PatternLayout.compile(pattern))
            case .python: return .program(try PythonLayout.compile(pattern, dateFormat: dateFormat))
            case .nginx: return .program(try WebServerLayout.nginx(pattern))
            case .apache: return .program(try WebServerLayout.apache(pattern))
            case .regex: return .expression(try LayoutExpression(pattern, date: try date(timeFormat), types: types))
            }
        } catch {
            throw .badLayout(notation.rawValue, part: error.part, reason: error.reason)
        }
    }

    private static func date(_ format: String?) throws(LayoutError) -> DatePattern? {
        guard let format else { return nil }
        do throws(DatePattern.Unknown) {
            return try DatePattern(any: format)
        } catch {
            throw LayoutError(part: error.part, reason: "this part of the time cannot be read")
        }
    }

    /// Types of the groups of a `regex`, as `columns` declares them.
    private static func types(_ options: FormatOptions) throws(FormatError) -> [String: LayoutField.Kind] {
        guard options.columns.isEmpty || options["regex"] != nil else { throw .takesNoColumns(format: Layout.name) }
        var types: [String: LayoutField.Kind] = [:]
        for column in options.columns {
            switch column.type {
            case .text: types[column.path] = .text
            case .int64, .int32: types[column.path] = .integer
            case .double, .float: types[column.path] = .real
            default:
                throw .badColumn(
                    column.name, format: Layout.name, reason: "a group is a text, int64 or double; 'time_format' reads its time")
            }
        }
        return types
    }
}
