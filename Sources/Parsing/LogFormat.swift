import Columns
import Foundation

/// What a format must know that the lines do not say.
public struct ParsingContext: Sendable, Hashable, Codable {
    /// The year of the first line of each file whose stamps lack one; nil infers it from when the line arrived.
    public var year: Int?
    /// The zone of stamps that lack one.
    public var timeZone: TimeZone

    /// Whether files are read whole, so that lines that are not in the order in which they were written can be put into it. A
    /// line that is followed cannot wait for others.
    public var ordersLines: Bool

    /// The year is inferred from the arrival of lines unless it is given.
    public init(year: Int? = nil, timeZone: TimeZone = .current, ordersLines: Bool = false) {
        self.year = year
        self.timeZone = timeZone
        self.ordersLines = ordersLines
    }
}

/// A way to understand lines: raw lines in, typed events out, and a reason for each line that is neither.
///
/// One value reads the lines of one partition of one input (a followed file with its rotations, a file of a batch) in the order
/// in which they are there, from one task at a time; others read other partitions at the same time. It opens no file and asks
/// no clock: the same lines in the same order give the same events.
public protocol LogFormat: Sendable {
    /// The name in `format:` of a pipeline.
    static var name: String { get }
    /// Lines that show what the format reads: for `obs check`, the documentation and the tests.
    static var samples: [String] { get }
    /// Other names under which people look for it.
    static var aliases: [String] { get }

    /// - Throws: ``FormatError`` when the format cannot be as `options` want it; the sentence names the option.
    init(context: ParsingContext, options: FormatOptions) throws(FormatError)

    /// The columns of the events. There is always an `event_time`, a timestamp that is not null; a format whose lines have none
    /// gives the time of arrival. Formats of lines end with `file` and `offset`, which lead back to the line in bronze.
    var schema: Schema { get }

    /// The events and rejected lines of a batch of ``RawLines``. Every line is in exactly one of the two, save that a format of
    /// records of several lines gives one event for them all, once it knows that the record has ended; a line that names
    /// columns is neither; and a line that waits for others is given by ``due()`` or ``flush()``.
    mutating func parse(_ lines: Batch) -> ParsedBatch

    /// How a pipeline counts the events by what they say; nil where their number is enough.
    static var counter: EventCounter? { get }

    /// Whether its lines are syslog lines, so that an entry of systemd's journal (`journalctl -o json`) is given to it as one.
    static var readsSyslogLines: Bool { get }

    /// Whether a record may be several lines, so that ``flush()`` may have something to give.
    static var keepsRecords: Bool { get }
    /// What was kept because its record could still go on: asked for at the end of a partition, and when nothing has come in it
    /// for a while. Nil when nothing was.
    mutating func flush() -> FlushedLines?

    /// Lines that had to wait for others and whose turn it is: asked for behind each batch.
    mutating func due() -> [FlushedLines]

    /// What the format remembers between batches, for a checkpoint.
    var state: Data { get throws }
    /// Goes on from a state that ``state`` gave.
    mutating func restore(_ state: Data) throws
}

/// What a pipeline's definition says of an input's format beside its name.
public struct FormatOptions: Sendable, Hashable {
    /// A column that the definition declares, for formats whose lines may hold anything (JSON, CSV).
    public struct DeclaredColumn: Sendable, Hashable {
        /// Of the column in the events.
        public var name: String
        /// What its texts are read as; a text that cannot be is `bad_value`.
        public var type: ColumnType
        /// Where it stands in a record: a key, keys with dots between them, or a CSV file's heading; ``name`` by default.
        public var path: String
        /// A line without a value for a column that must have one goes to quarantine as `bad_value`.
        public var isNullable: Bool

        /// A column that is read from under `path`, by default from under its own name.
        public init(_ name: String, _ type: ColumnType, path: String? = nil, isNullable: Bool = true) {
            self.name = name
            self.type = type
            self.path = path ?? name
            self.isNullable = isNullable
        }
    }

    /// Empty for a format with columns of its own. One called `event_time` is the event time.
    public var columns: [DeclaredColumn] = []
    /// What else the format lets one choose, such as `delimiter` of CSV: key and value as they are under `options:`, sorted
    /// by key.
    public var settings: [Setting] = []

    /// One setting of a format.
    public struct Setting: Sendable, Hashable {
        /// As it is written under `options:`.
        public var key: String
        /// As it is written, without quotes.
        public var value: String

        /// A setting as it is written.
        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Columns and settings of a definition; most formats take neither.
    public init(columns: [DeclaredColumn] = [], settings: [Setting] = []) {
        self.columns = columns
        self.settings = settings
    }

    /// The value of a setting, or nil.
    public subscript(_ key: String) -> String? { settings.first { $0.key == key }?.value }
}

/// A format that cannot be as a definition wants it.
public enum FormatError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknown(String, known: [String])
    case takesNoColumns(format: String)
    case needsColumns(format: String)
    case unknownSetting(String, format: String, known: [String])
    case badSetting(String, value: String, format: String, wanted: String)
    case badColumn(String, format: String, reason: String)
    /// A layout that cannot be read back from lines.
    case badLayout(String, part: String, reason: String)

    /// The sentence for people, with the way out.
    public var description: String {
        switch self {
        case .unknown(let name, let known): "there is no format '\(name)'; known are \(known.joined(separator: ", "))"
        case .takesNoColumns(let format): "the format '\(format)' has columns of its own; leave 'columns' out"
        case .needsColumns(let format): "the format '\(format)' needs 'columns': a list of name, type and path"
        case .unknownSetting(let key, let format, let known):
            "the format '\(format)' has no option '\(key)'\(known.isEmpty ? "" : "; known are \(known.joined(separator: ", "))")"
        case .badSetting(let key, let value, let format, let wanted):
            "the option '\(key)' of the format '\(format)' is '\(value)'; write \(wanted)"
        case .badLayout(let option, let part, let reason):
            "the option '\(option)' of the format 'layout'\(part.isEmpty ? "" : ": '\(part)'"): \(reason)"
        case .badColumn(let column, let format, let reason): "column '\(column)' of the format '\(format)': \(reason)"
        }
    }
}

/// What a format makes of one batch of raw lines.
public struct ParsedBatch: Sendable {
    /// Of the schema ``LogFormat/schema``, in the order of the lines.
    public let events: Batch
    /// For each event the row of its line in the batch that was parsed.
    public let lineRows: [Int32]
    /// The lines that go to quarantine, in their order.
    public let rejected: [RejectedLine]

    /// What a format made of a batch; `lineRows` has one entry per event.
    public init(events: Batch, lineRows: [Int32], rejected: [RejectedLine]) {
        self.events = events
        self.lineRows = lineRows
        self.rejected = rejected
    }
}

extension LogFormat {
    /// None.
    public static var aliases: [String] { [] }
    /// False: a line is given to the format as it came.
    public static var readsSyslogLines: Bool { false }
    /// False: each line is a record.
    public static var keepsRecords: Bool { false }
    /// None.
    public static var counter: EventCounter? { nil }
    /// Nothing is kept.
    public mutating func flush() -> FlushedLines? { nil }
    /// No line waits for others.
    public mutating func due() -> [FlushedLines] { [] }
}

/// The record that a format had kept, and the line that it began with; or the lines that had to wait. They are in bronze already.
public struct FlushedLines: Sendable {
    /// Of the schema ``RawLines/schema``.
    public let lines: Batch
    /// What the format made of them.
    public let parsed: ParsedBatch

    /// A record that was kept until now.
    public init(lines: Batch, parsed: ParsedBatch) {
        self.lines = lines
        self.parsed = parsed
    }

    /// The same with the name of the source that the lines came from, which a format does not know.
    public func of(source: String) -> FlushedLines {
        var names = DictionaryBuilder()
        for _ in 0..<lines.count { names.append(utf8: source) }
        let columns = zip(lines.schema.fields, lines.columns).map { $0.name == "source" ? names.finish() : $1 }
        return FlushedLines(lines: Batch(schema: lines.schema, columns: columns), parsed: parsed)
    }
}

/// A line that no event could be made of.
public struct RejectedLine: Sendable, Hashable {
    /// In the batch that was parsed.
    public let row: Int
    /// Why no event could be made of it.
    public let reason: RejectionReason

    /// A line of the batch at hand.
    public init(row: Int, reason: RejectionReason) {
        self.row = row
        self.reason = reason
    }
}

/// Why a line is in quarantine. The list is closed, because it is also the label of a metric.
public enum RejectionReason: String, Error, Sendable, CaseIterable, Codable {
    case emptyLine = "empty_line"
    /// The line does not begin as the format's lines do.
    case unreadableHeader = "unreadable_header"
    /// The header's time does not exist, such as the 31st of February.
    case badTimestamp = "bad_timestamp"
    /// The header is fine, but the grammar has no entry for the message.
    case unknownMessage = "unknown_message"
    /// A value is missing or of the wrong type.
    case badValue = "bad_value"
    /// The line that names columns lacks one that the definition declares: it is null in the rows of the file.
    case missingColumn = "missing_column"
    /// An expectation of the pipeline did not hold.
    case expectation
    /// A line of a MiB or more was cut into pieces; this is one of them.
    case lineTooLong = "line_too_long"
}

/// The log formats that obs reads. A new format is a file in `Formats` and a line here; a layout of text with a name is a line in
/// ``LayoutPresets``.
public enum LogFormats {
    /// All formats, the one that people most often want first.
    public static let all: [any LogFormat.Type] = [
        SSHD.self, JSONLines.self, Logfmt.self, CSV.self, Log4j.self, ObsLog.self, Layout.self, Auto.self,
    ]

    /// The names of layouts that are known: each is a format too.
    public static var layouts: [String] { LayoutPresets.names }

    /// The format of that name or alias; nil when there is none.
    public static func named(_ name: String) -> (any LogFormat.Type)? {
        if let type = all.first(where: { $0.name == name || $0.aliases.contains(name) }) { return type }
        if LayoutPresets.named(name) != nil { return Layout.self }
        return LayoutPresets.json.contains { $0.name == name } ? JSONLines.self : nil
    }

    /// The format called `name`, ready to read.
    public static func make(_ name: String, context: ParsingContext, options: FormatOptions) throws(FormatError) -> any LogFormat
    {
        guard let type = named(name) else { throw .unknown(name, known: all.map { $0.name } + layouts) }
        var options = options
        let isInContainer = try options.takeContainer(of: name)
        // A runtime writes the lines of a container in their order.
        var context = context
        context.ordersLines = context.ordersLines && !isInContainer
        if LayoutPresets.named(name) != nil, type.name == Layout.name {
            options.settings.append(.init("preset", name))
        } else if type.name == JSONLines.name, let preset = LayoutPresets.json.first(where: { $0.name == name }) {
            options.columns = preset.columns + options.columns
        }
        let format = try type.init(context: context, options: options)
        return isInContainer ? inContainer(format) : format
    }

    private static func inContainer(_ format: some LogFormat) -> any LogFormat { InContainer(format) }
}
