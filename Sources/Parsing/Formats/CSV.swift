import Columns
import Foundation

/// Comma-separated values, typed by the columns that the definition declares. The first line of a file names its columns, and a
/// column's path is such a name; with the option `header: "false"` the file's columns are the declared ones in their order.
///
/// Blanks around the names of columns are not part of them, and where a name has some before it, those before values are not
/// either. The line of names is in quarantine as `missing_column` when it lacks a declared one.
///
/// A value in quotes may hold the delimiter, line ends and quotes (doubled): such a record is kept until its last line has
/// come. An empty value without quotes is null. A record with more or fewer values than the header is refused, because
/// nobody knows which of them is missing. `delimiter` is `,` by default; `tab` is a tab.
///
/// Source: RFC 4180.
struct CSV: LogFormat {
    static let name = "csv"
    static let keepsRecords = true
    static let samples = [
        "event_time,user,amount,comment",
        #"2026-11-21T10:00:00Z,alice,12.50,"said ""yes"", twice""#,
        "2026-11-21T10:00:01Z,bob,,",
    ]

    /// A record that is longer is refused: a quote that nobody closes must not swallow the file.
    static let maxRecordLines = 256
    static let maxRecordBytes = 1 << 20

    private var record: RecordColumns
    private let delimiter: UInt8
    private let hasHeader: Bool
    private let tree: PathTree
    private var memory = Memory()
    /// Records that are refused and that an earlier batch began: their first lines are not in this one.
    private var refused: [(record: OpenRecord, reason: RejectionReason)] = []

    /// What is remembered between batches.
    private struct Memory: Codable {
        /// For each value of a record the declared column that it belongs to; nil before a header was seen.
        var layout: [Int?]?
        /// Whether there are blanks before values that are not part of them; nil is false.
        var skipsBlanks: Bool?
        var open: OpenRecord?
    }

    /// The lines of a record whose last quote is still open.
    private struct OpenRecord: Codable {
        var bytes: [UInt8]
        var lines: Int
        var file: [UInt8]
        var offset: Int64
        var arrival: Int64
        /// The rows of this batch among its lines; not kept between batches.
        var rows: [Int] = []

        enum CodingKeys: String, CodingKey { case bytes, lines, file, offset, arrival }
    }

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        try options.checkSettings(RecordColumns.settings + ["delimiter", "header"], format: Self.name)
        record = try RecordColumns(format: Self.name, context: context, options: options)
        tree = PathTree(
            options.columns.map { OutsideText($0.path).replacingScalars { $0 == "\\" || $0 == "." ? "\\\($0)" : nil } })
        switch options["delimiter"] ?? "," {
        case "tab", "\t": delimiter = UInt8(ascii: "\t")
        case let text where text.utf8.count == 1 && text != "\"": delimiter = text.utf8.first!
        case let text:
            throw .badSetting("delimiter", value: text, format: Self.name, wanted: "one character such as , or ;, or tab")
        }
        switch options["header"] ?? "true" {
        case "true": hasHeader = true
        case "false":
            hasHeader = false
            memory.layout = Array(options.columns.indices)
        case let text: throw .badSetting("header", value: text, format: Self.name, wanted: "true or false")
        }
    }

    var schema: Schema { record.schema }

    mutating func parse(_ lines: Batch) -> ParsedBatch {
        var rejected: [RejectedLine] = []
        lines.forEachLine { row, line, file, offset, arrival in
            take(line, file: file, offset: offset, arrival: arrival, row: row, &rejected)
        }
        memory.open?.rows = []
        return record.finish(rejected: rejected)
    }

    /// A record that the end of its file has cut off goes to quarantine.
    mutating func flush() -> FlushedLines? {
        guard let open = memory.open else { return nil }
        memory.open = nil
        return whole(open, .badValue)
    }

    mutating func due() -> [FlushedLines] {
        defer { refused = [] }
        return refused.map { whole($0.record, $0.reason) }
    }

    /// A refused record as one line, with all of its lines in it.
    private mutating func whole(_ open: OpenRecord, _ reason: RejectionReason) -> FlushedLines {
        var builder = RawLinesBuilder()
        builder.append(
            open.bytes.span, offset: open.offset, source: "", file: String(decoding: open.file, as: UTF8.self),
            arrival: Timestamp(microseconds: open.arrival))
        return FlushedLines(lines: builder.finish(), parsed: record.finish(rejected: [RejectedLine(row: 0, reason: reason)]))
    }

    /// Refuses each line of a record, or the record as a whole where some of its lines were in an earlier batch.
    private mutating func refuse(_ open: OpenRecord, _ reason: RejectionReason, _ rejected: inout [RejectedLine]) {
        if open.rows.count < open.lines {
            refused.append((open, reason))
        } else {
            rejected += open.rows.map { RejectedLine(row: $0, reason: reason) }
        }
    }

    private mutating func take(
        _ line: Span<UInt8>, file: Span<UInt8>, offset: Int64, arrival: Int64, row: Int, _ rejected: inout [RejectedLine]
    ) {
        if var open = memory.open {
            memory.open = nil
            open.bytes.append(UInt8(ascii: "\n"))
            line.withUnsafeBufferPointer { open.bytes.append(contentsOf: $0) }
            open.lines += 1
            open.rows.append(row)
            guard open.lines <= Self.maxRecordLines, open.bytes.count <= Self.maxRecordBytes else {
                return refuse(open, .lineTooLong, &rejected)
            }
            guard !leavesQuoteOpen(line, isOpen: true) else {
                memory.open = open
                return
            }
            if open.offset == 0, hasHeader {
                if !readHeader(open.bytes.span) { refuse(open, .missingColumn, &rejected) }
                return
            }
            if let reason = append(
                open.bytes.span, file: open.file.span, offset: open.offset, arrival: open.arrival, row: open.rows[0])
            {
                refuse(open, reason, &rejected)
            }
            return
        }
        guard !leavesQuoteOpen(line, isOpen: false) else {
            memory.open = OpenRecord(
                bytes: line.withUnsafeBufferPointer(Array.init), lines: 1, file: file.withUnsafeBufferPointer(Array.init),
                offset: offset, arrival: arrival, rows: [row])
            return
        }
        if offset == 0, hasHeader {
            if !readHeader(line) { rejected.append(RejectedLine(row: row, reason: .missingColumn)) }
            return
        }
        if let reason = append(line, file: file, offset: offset, arrival: arrival, row: row) {
            rejected.append(RejectedLine(row: row, reason: reason))
        }
    }

    /// Whether a record is still within quotes at the end of `line`. A quote opens a value only where the value begins.
    private func leavesQuoteOpen(_ line: Span<UInt8>, isOpen: Bool) -> Bool {
        guard isOpen || line.firstIndex(of: UInt8(ascii: "\"")) != nil else { return false }
        var isQuoted = isOpen
        var isStart = !isOpen
        var index = 0
        while index < line.count {
            let byte = line[index]
            if isQuoted {
                if byte == UInt8(ascii: "\"") {
                    if index + 1 < line.count, line[index + 1] == UInt8(ascii: "\"") { index += 1 } else { isQuoted = false }
                }
            } else if byte == delimiter {
                isStart = true
                index += 1
                continue
            } else if byte == UInt8(ascii: "\""), isStart {
                isQuoted = true
            } else if isStart, memory.skipsBlanks == true, byte == UInt8(ascii: " ") {
                index += 1
                continue
            }
            isStart = false
            index += 1
        }
        return isQuoted
    }

    /// Takes the names of columns; whether all that are declared are among them.
    private mutating func readHeader(_ line: Span<UInt8>) -> Bool {
        var start = 0
        // A byte order mark, as spreadsheets write it.
        if line.count >= 3, line[0] == 0xEF, line[1] == 0xBB, line[2] == 0xBF { start = 3 }
        var layout: [Int?] = []
        var skipsBlanks = false
        Self.forEachValue(line.extracting(start..<line.count), delimiter) { value, isQuoted in
            if !isQuoted, layout.count > 0, value.first == UInt8(ascii: " ") { skipsBlanks = true }
            layout.append(column(value))
        }
        memory.layout = layout
        memory.skipsBlanks = skipsBlanks ? true : nil
        return record.declared.indices.allSatisfy(layout.contains)
    }

    /// The declared column of a name: as it is written, or with each run of blanks and line ends in it taken as one blank.
    private func column(_ name: [UInt8]) -> Int? {
        if let exact = tree.child(of: 0, name.span).flatMap({ tree.columns[$0] }) { return exact }
        let plain = Self.plain(name)
        return record.declared.firstIndex { Self.plain(Array($0.path.utf8)) == plain }
    }

    private static func plain(_ name: [UInt8]) -> [UInt8] {
        Array(name.split { $0 <= 0x20 }.joined(separator: [0x20]))
    }

    private mutating func append(_ text: Span<UInt8>, file: Span<UInt8>, offset: Int64, arrival: Int64, row: Int)
        -> RejectionReason?
    {
        guard !text.isBlank else { return .emptyLine }
        guard let layout = memory.layout else { return .unreadableHeader }
        record.begin()
        var index = 0
        var bad: Int?
        Self.forEachValue(text, delimiter, skipsBlanks: memory.skipsBlanks == true) { value, isQuoted in
            defer { index += 1 }
            guard index < layout.count, let column = layout[index], !value.isEmpty || isQuoted else { return }
            if !record.set(column, text: value.span), bad == nil { bad = column }
        }
        guard index == layout.count else { return .badValue }
        return record.commit(badColumn: bad, file: file, offset: offset, arrival: arrival, row: row)
    }

    /// The values of a record, unquoted.
    private static func forEachValue(
        _ text: Span<UInt8>, _ delimiter: UInt8, skipsBlanks: Bool = false, _ body: ([UInt8], _ isQuoted: Bool) -> Void
    ) {
        var value: [UInt8] = []
        var index = 0
        while true {
            value.removeAll(keepingCapacity: true)
            var isQuoted = false
            while skipsBlanks, index < text.count, text[index] == UInt8(ascii: " ") { index += 1 }
            if index < text.count, text[index] == UInt8(ascii: "\"") {
                isQuoted = true
                index += 1
                while index < text.count {
                    if text[index] == UInt8(ascii: "\"") {
                        guard index + 1 < text.count, text[index + 1] == UInt8(ascii: "\"") else {
                            index += 1
                            break
                        }
                        index += 1
                    }
                    value.append(text[index])
                    index += 1
                }
            }
            while index < text.count, text[index] != delimiter {
                value.append(text[index])
                index += 1
            }
            body(value, isQuoted)
            guard index < text.count else { return }
            index += 1
        }
    }

    /// The values of one line; for cold paths.
    static func values(_ line: [UInt8], delimiter: UInt8) -> [String] {
        var values: [String] = []
        forEachValue(line.span, delimiter) { value, _ in values.append(String(decoding: value, as: UTF8.self)) }
        return values
    }

    var state: Data { get throws { try JSONEncoder().encode(memory) } }
    mutating func restore(_ state: Data) throws { memory = try JSONDecoder().decode(Memory.self, from: state) }
}
