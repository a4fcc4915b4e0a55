import Columns

/// The columns of events whose shape a pipeline's definition declares: JSON, logfmt and CSV fill it cell by cell.
///
/// A record is all or nothing: its cells are read and checked first, and only then appended, so a record with a bad value
/// leaves no half row behind.
///
///     event_time   declared columns, in their order   file   offset
struct RecordColumns: Sendable {
    /// A value as it was found in a record, of the type that its column wants.
    enum Cell: Sendable {
        case absent
        case bool(Bool)
        case int(Int64)
        case double(Double)
        /// A range of ``RecordColumns/scratch``.
        case text(Range<Int>)
    }

    /// The unit of a time that is written as a number.
    enum EpochUnit: String, CaseIterable, Sendable {
        case seconds = "s", milliseconds = "ms", microseconds = "us", nanoseconds = "ns"

        /// Microseconds, or nil when it is out of range.
        func microseconds(_ number: Double) -> Int64? {
            let scaled: Double =
                switch self {
                case .seconds: number * 1e6
                case .milliseconds: number * 1e3
                case .microseconds: number
                case .nanoseconds: number / 1e3
                }
            // Beyond the year 9999 a number is a mistake of the unit, not a time.
            return scaled.magnitude < 2.6e17 ? Int64(scaled.rounded()) : nil
        }
    }

    struct TypedColumn: Sendable {
        let type: ColumnType
        let isNullable: Bool
        let isEventTime: Bool
        var cell = Cell.absent
        // One of these is used; see `ColumnBuilder`.
        var bools = NumberBuilder<Bool>()
        var int32s = NumberBuilder<Int32>()
        var int64s = NumberBuilder<Int64>()
        var floats = NumberBuilder<Float>()
        var doubles = NumberBuilder<Double>()
        var texts = TextBuilder()
        var dictionary = DictionaryBuilder()
        /// Texts go through a dictionary until they prove to be mostly distinct.
        var isDictionary = true
    }

    let declared: [FormatOptions.DeclaredColumn]
    let schema: Schema
    private var columns: [TypedColumn]
    /// The index of the event time among the declared columns; nil takes the time of arrival.
    private let timeIndex: Int?
    private let epochUnit: EpochUnit
    private let zone: StampResolver
    private var arrivals = NumberBuilder<Int64>()
    private var files = DictionaryBuilder()
    private var offsets = NumberBuilder<Int64>()
    private var lineRows: [Int32] = []
    /// The bytes of the texts of the record at hand.
    private(set) var scratch: [UInt8] = []

    static let settings = ["epoch_unit"]

    /// - Throws: ``FormatError`` when the columns cannot be.
    init(format: String, context: ParsingContext, options: FormatOptions) throws(FormatError) {
        guard !options.columns.isEmpty else { throw .needsColumns(format: format) }
        var fields: [Field] = []
        for column in options.columns {
            guard column.name != "file", column.name != "offset" else {
                throw .badColumn(column.name, format: format, reason: "each event has it already; choose another name")
            }
            guard !fields.contains(where: { $0.name == column.name }) else {
                throw .badColumn(column.name, format: format, reason: "it is declared twice")
            }
            guard !column.path.isEmpty else { throw .badColumn(column.name, format: format, reason: "its path is empty") }
            if column.name == "event_time", column.type != .timestamp {
                throw .badColumn(column.name, format: format, reason: "its type is \(column.type.rawValue); it is a timestamp")
            }
            fields.append(Field(column.name, column.type, isNullable: column.isNullable && column.name != "event_time"))
        }
        if let unit = options["epoch_unit"] {
            guard let known = EpochUnit(rawValue: unit) else {
                throw .badSetting("epoch_unit", value: unit, format: format, wanted: "s, ms, us or ns")
            }
            epochUnit = known
        } else {
            epochUnit = .seconds
        }
        declared = options.columns
        timeIndex = fields.firstIndex { $0.name == "event_time" }
        columns = fields.map { TypedColumn(type: $0.type, isNullable: $0.isNullable, isEventTime: $0.name == "event_time") }
        let time = timeIndex == nil ? [Field("event_time", .timestamp)] : []
        schema = Schema(time + fields + [Field("file", .text), Field("offset", .int64)])
        zone = StampResolver(context: context)
    }

    mutating func begin() {
        scratch.removeAll(keepingCapacity: true)
        for index in columns.indices { columns[index].cell = .absent }
    }

    // MARK: Cells

    /// Sets a cell to a text; false when the text is not a value of the column's type.
    mutating func set(_ index: Int, text: Span<UInt8>) -> Bool {
        let start = scratch.count
        text.withUnsafeBufferPointer { scratch.append(contentsOf: $0) }
        return set(index, scratchFrom: start)
    }

    /// Appends a byte of a text that is built up; ``set(_:scratchFrom:)`` ends it.
    mutating func append(_ byte: UInt8) { scratch.append(byte) }
    mutating func append(_ bytes: Span<UInt8>) { bytes.withUnsafeBufferPointer { scratch.append(contentsOf: $0) } }

    /// Sets a cell to the text that stands in ``scratch`` from `start` on.
    mutating func set(_ index: Int, scratchFrom start: Int) -> Bool {
        let range = start..<scratch.count
        if isText(index) {
            columns[index].cell = .text(range)
            return true
        }
        guard let cell = read(scratch.span.extracting(range), as: columns[index].type) else { return false }
        columns[index].cell = cell
        return true
    }

    /// Sets a cell of whole numbers or of times, these in microseconds since 1970.
    mutating func set(_ index: Int, int: Int64) { columns[index].cell = .int(int) }

    /// Sets a cell to a number as it is written.
    mutating func set(_ index: Int, number text: Span<UInt8>) -> Bool {
        guard columns[index].type != .bool, columns[index].type != .date, !isText(index) else { return set(index, text: text) }
        guard let cell = read(text, as: columns[index].type) else { return false }
        columns[index].cell = cell
        return true
    }

    /// The value of a type other than text that `text` is; nil when it is none.
    private func read(_ text: Span<UInt8>, as type: ColumnType) -> Cell? {
        switch type {
        case .bool:
            if text.isEqual(to: "true") || text.isEqual(to: "1") { return .bool(true) }
            return text.isEqual(to: "false") || text.isEqual(to: "0") ? .bool(false) : nil
        case .int32, .int64:
            // Fast path: digits. Else a number without a fraction, such as 3.0 or 1e3.
            guard let whole = Int64(decimal: text) ?? Int64(whole: text) ?? Double(ascii: text).flatMap({ Int64(exactly: $0) })
            else {
                return nil
            }
            return type == .int32 && Int32(exactly: whole) == nil ? nil : .int(whole)
        case .float, .double: return Double(ascii: text).flatMap { $0.isFinite ? .double($0) : nil }
        case .timestamp: return time(text).map { .int($0) }
        case .date: return SyslogTime.date(text).map { .int(Int64($0)) }
        case .text, .binary: return nil
        }
    }

    mutating func set(_ index: Int, bool: Bool) -> Bool {
        switch columns[index].type {
        case .bool: columns[index].cell = .bool(bool)
        case .text, .binary: return set(index, text: bool ? Self.trueText.span : Self.falseText.span)
        default: return false
        }
        return true
    }

    private static let trueText = Array("true".utf8), falseText = Array("false".utf8)

    /// Whether a column takes its value as it is written, also that of a JSON object.
    func isText(_ index: Int) -> Bool { columns[index].type == .text || columns[index].type == .binary }

    private func time(_ text: Span<UInt8>) -> Int64? {
        if let stamp = SyslogTime.iso(text, at: 0) {
            guard let found = stamp.value, let stamp = SyslogTime.zoned(found.stamp, text, from: found.end) else { return nil }
            var zone = zone
            return zone.resolve(stamp, file: "", arrival: Timestamp(microseconds: 0))?.microseconds
        }
        if text.count == 10, let days = SyslogTime.date(text) {
            var zone = zone
            let date = Timestamp.civil(days: days)
            let stamp = SyslogHeader.Stamp.local(year: date.year, month: date.month, day: date.day, second: 0, microsecond: 0)
            return zone.resolve(stamp, file: "", arrival: Timestamp(microseconds: 0))?.microseconds
        }
        return Double(ascii: text).flatMap(epochUnit.microseconds)
    }

    // MARK: Records

    /// Appends the record whose cells were set, or says why it is none.
    ///
    /// - Parameter isWhole: false when a cell could not be read: the record is refused.
    mutating func commit(badColumn: Int?, file: Span<UInt8>, offset: Int64, arrival: Int64, row: Int) -> RejectionReason? {
        if let badColumn { return badColumn == timeIndex ? .badTimestamp : .badValue }
        for column in columns where !column.isNullable {
            if case .absent = column.cell { return column.isEventTime ? .badTimestamp : .badValue }
        }
        for index in columns.indices { columns[index].append(scratch) }
        if timeIndex == nil { arrivals.append(arrival) }
        files.append(file)
        offsets.append(offset)
        lineRows.append(Int32(row))
        return nil
    }

    /// The events so far; the columns are empty after it.
    mutating func finish(rejected: [RejectedLine]) -> ParsedBatch {
        var built: [Column] = timeIndex == nil ? [arrivals.finish()] : []
        for index in columns.indices { built.append(columns[index].finish()) }
        let events = Batch(schema: schema, columns: built + [files.finish(), offsets.finish()])
        defer { lineRows = [] }
        return ParsedBatch(events: events, lineRows: lineRows, rejected: rejected)
    }
}

extension RecordColumns.TypedColumn {
    mutating func append(_ scratch: [UInt8]) {
        switch (type, cell) {
        case (.bool, .bool(let value)): bools.append(value)
        case (.bool, _): bools.appendNull()
        case (.int32, .int(let value)), (.date, .int(let value)): int32s.append(Int32(truncatingIfNeeded: value))
        case (.int32, _), (.date, _): int32s.appendNull()
        case (.int64, .int(let value)), (.timestamp, .int(let value)): int64s.append(value)
        case (.int64, _), (.timestamp, _): int64s.appendNull()
        case (.float, .double(let value)): floats.append(Float(value))
        case (.float, _): floats.appendNull()
        case (.double, .double(let value)): doubles.append(value)
        case (.double, _): doubles.appendNull()
        case (.text, .text(let range)), (.binary, .text(let range)): appendText(scratch.span.extracting(range))
        case (.text, _), (.binary, _): if isDictionary { dictionary.appendNull() } else { texts.appendNull() }
        }
    }

    /// Method, host and status repeat; ids do not. After some rows it is known which.
    private mutating func appendText(_ text: Span<UInt8>) {
        guard isDictionary else {
            texts.append(text)
            return
        }
        dictionary.append(text)
        if dictionary.count == 1024, dictionary.distinctCount > 512 {
            let column = dictionary.finish()
            for row in 0..<column.count {
                if column.isNull(at: row) { texts.appendNull() } else { column.withBytes(at: row) { texts.append($0) } }
            }
            isDictionary = false
        }
    }

    mutating func finish() -> Column {
        defer { isDictionary = true }
        switch type {
        case .bool: return bools.finish()
        case .int32, .date: return int32s.finish()
        case .int64, .timestamp: return int64s.finish()
        case .float: return floats.finish()
        case .double: return doubles.finish()
        case .text, .binary: return isDictionary ? dictionary.finish() : texts.finish()
        }
    }
}
