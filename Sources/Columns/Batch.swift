/// A few thousand rows of typed columns: what flows on every arrow between rooms.
///
/// - Invariant: one column a field, each of `count` rows and with storage that fits its field's type; a field that is not
///   nullable has no null.
public struct Batch: Sendable {
    /// The names and types of the columns.
    public let schema: Schema
    /// In the order of ``schema``, all of the same length.
    public let columns: [Column]
    /// The number of rows.
    public let count: Int

    /// - Precondition: the columns fit the schema as the invariant says.
    public init(schema: Schema, columns: [Column]) {
        precondition(schema.count == columns.count, "a batch has one column a field")
        let count = columns.first?.count ?? 0
        for (field, column) in zip(schema.fields, columns) {
            precondition(column.count == count, "column \(field.name) has as many rows as the others")
            precondition(column.values.fits(field.type), "column \(field.name) holds \(field.type) values")
            precondition(field.isNullable || column.nullCount == 0, "column \(field.name) is not nullable")
        }
        self.schema = schema
        self.columns = columns
        self.count = count
    }

    /// A batch of no rows.
    public init(empty schema: Schema) {
        self.init(schema: schema, columns: schema.fields.map { Column.nulls($0.type, count: 0) })
    }

    /// Whether there are no rows. There may be columns all the same.
    public var isEmpty: Bool { count == 0 }

    /// The column called `name`, or nil if the schema has none.
    public subscript(_ name: String) -> Column? {
        schema.index(of: name).map { columns[$0] }
    }

    /// The rows `rows`, sharing storage with this batch.
    public func slice(_ rows: Range<Int>) -> Batch {
        Batch(schema: schema, columns: columns.map { $0.slice(rows) })
    }

    /// The rows that `rows` names, in that order, in new storage.
    public func gather(_ rows: [Int]) -> Batch {
        Batch(schema: schema, columns: columns.map { $0.gather(rows) })
    }

    /// The columns called `names`, in that order; a name that is not there is left out.
    public func selecting(_ names: [String]) -> Batch {
        let kept = names.compactMap { schema.index(of: $0) }
        return Batch(schema: Schema(kept.map { schema.fields[$0] }), columns: kept.map { columns[$0] })
    }

    /// The values of one row in the order of the schema; for cold paths.
    public func row(_ row: Int) -> [Value] {
        zip(schema.fields, columns).map { $1.value(at: row, as: $0.type) }
    }

    /// A batch from rows of values; for tests, tables of configuration and other cold paths.
    ///
    /// - Throws: ``ColumnError/wrongValue(_:field:row:)`` when a value does not fit its field.
    public init(schema: Schema, rows: [[Value]]) throws {
        var builders = schema.fields.map(ColumnBuilder.init)
        for (number, row) in rows.enumerated() {
            for (index, field) in schema.fields.enumerated() {
                let value = index < row.count ? row[index] : .null
                guard (field.isNullable || value != .null) && builders[index].append(value) else {
                    throw ColumnError.wrongValue(value, field: field, row: number)
                }
            }
        }
        self.init(schema: schema, columns: builders.indices.map { builders[$0].finish() })
    }
}

/// A row that does not fit its schema.
enum ColumnError: Error, CustomStringConvertible {
    case wrongValue(Value, field: Field, row: Int)

    var description: String {
        switch self {
        case .wrongValue(let value, let field, let row):
            "row \(row): '\(value)' is not of type \(field.type) for column "
                + "'\(field.name)'\(field.isNullable ? "" : ", which must have a value")"
        }
    }
}
