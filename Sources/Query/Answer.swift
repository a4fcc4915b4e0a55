import Columns

/// The result of a query: named, typed columns and rows of values, to be rendered in any ``OutputFormat``.
public struct Answer: Sendable {
    /// The names and types of the columns.
    public let schema: Schema
    /// By row: one value per column.
    public var rows: [[Value]]
    /// A remark beside the result, such as that a limit cut it off; the command line prints it on standard error.
    public var note: String?
    /// Columns that a narrow terminal may leave out, in this order. Other formats always have them.
    public var dispensable: [String] = []
    /// The column that people read first; a narrow terminal cuts it last.
    public var main: String?

    /// An answer with the columns of a schema.
    public init(schema: Schema, rows: [[Value]], note: String? = nil) {
        self.schema = schema
        self.rows = rows
        self.note = note
    }

    /// An answer with columns that may contain nulls.
    public init(_ columns: [(String, ColumnType)], rows: [[Value]], note: String? = nil) {
        self.init(schema: Schema(columns.map { Field($0.0, $0.1, isNullable: true) }), rows: rows, note: note)
    }

    /// The rows of batches, one after the other.
    public init(_ batches: some Sequence<Batch>, schema: Schema) {
        self.init(schema: schema, rows: batches.flatMap { batch in (0..<batch.count).map(batch.row) })
    }
}

/// The formats of the option `-o`.
public enum OutputFormat: String, Sendable, CaseIterable {
    /// Aligned columns; fitted to the width and colored on a terminal, complete and plain otherwise.
    case table
    /// One array of objects.
    case json
    /// One object per line.
    case jsonl
    /// RFC 4180 with a header line.
    case csv
    /// A table in Markdown.
    case markdown
}
