import Columns

/// The table of templates in the lake: a row for each ``TemplateChange``, appended and committed with the rows that caused it.
///
///     event_time            template_id   change   template                       resolved_to
///     2026-11-21T10:00:00Z  0f3b92c4d1a7  new      interface eth up
///     2026-11-21T10:00:09Z  0f3b92c4d1a7  widened  interface <*> up
///     2026-11-21T10:00:09Z  5a17e0b2c993  merged   interface alt up               0f3b92c4d1a7
///
/// How many rows each template has, and the first and the newest, is in a table of windows beside it (``countsName(of:)``).
public struct TemplateTable: Sendable {
    /// The columns.
    public static let schema = Schema([
        Field("event_time", .timestamp), Field("template_id", .text), Field("change", .text), Field("template", .text),
        Field("resolved_to", .text, isNullable: true),
    ])

    /// The table of windows with the rows per template.
    public static func countsName(of table: String) -> String { table + "_counts" }

    /// An id as it is in columns: twelve hexadecimal digits.
    public static func text(of id: UInt64) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// The id in a row of a column; nil for a null and for a text that is not an id.
    public static func id(_ column: Column?, _ row: Int) -> UInt64? {
        column?.string(at: row).flatMap { UInt64($0, radix: 16) }
    }

    private var times = NumberBuilder<Int64>()
    private var ids = DictionaryBuilder(), changes = DictionaryBuilder(), targets = DictionaryBuilder()
    private var texts = TextBuilder()

    /// No rows yet.
    public init() {}

    /// The rows so far.
    public var count: Int { times.count }

    /// Adds a row.
    ///
    /// - Parameter time: the event time of the row that caused the change, in microseconds.
    public mutating func append(_ change: TemplateChange, at time: Int64) {
        times.append(time)
        ids.append(utf8: Self.text(of: change.id))
        changes.append(utf8: change.kind.rawValue)
        texts.append(change.text.span)
        if let into = change.into { targets.append(utf8: Self.text(of: into)) } else { targets.appendNull() }
    }

    /// The rows; afterwards there are none.
    public mutating func finish() -> Batch {
        Batch(
            schema: Self.schema,
            columns: [times.finish(), ids.finish(), changes.finish(), texts.finish(), targets.finish()])
    }
}
