import Columns

/// What a question gives: named, typed columns and rows of values, ready to be rendered in any ``OutputFormat``.
public struct Answer: Sendable {
    public let schema: Schema
    public var rows: [[Value]]
    /// Said beside the answer on standard error, such as that a limit cut it off.
    public var note: String?
    /// Columns that a terminal too narrow for all may leave out, the first first. Other formats always have them.
    public var dispensable: [String] = []
    /// The column that people read first; a terminal too narrow cuts it last.
    public var main: String?

    public init(schema: Schema, rows: [[Value]], note: String? = nil) {
        self.schema = schema
        self.rows = rows
        self.note = note
    }

    public init(_ columns: [(String, ColumnType)], rows: [[Value]], note: String? = nil) {
        self.init(schema: Schema(columns.map { Field($0.0, $0.1, isNullable: true) }), rows: rows, note: note)
    }

    public init(_ batches: some Sequence<Batch>, schema: Schema) {
        self.init(schema: schema, rows: batches.flatMap { batch in (0..<batch.count).map(batch.row) })
    }
}

/// The ways in which `-o` shows an answer.
public enum OutputFormat: String, Sendable, CaseIterable {
    /// Aligned columns; fitted to the width and coloured on a terminal, whole and plain otherwise.
    case table
    /// One array of objects.
    case json
    /// One object a line.
    case jsonl
    /// RFC 4180 with a header line.
    case csv
    case markdown
}
