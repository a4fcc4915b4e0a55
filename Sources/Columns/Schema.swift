/// What a column's values mean. The physical layout that holds them is ``Column/Values``.
public enum ColumnType: String, Sendable, Hashable, Codable, CaseIterable {
    case bool
    case int32
    case int64
    case float
    case double
    /// Days since 1970-01-01, held as `Int32`.
    case date
    /// Microseconds since 1970-01-01T00:00:00Z, held as `Int64`.
    case timestamp
    /// UTF-8. Whoever builds a text column sees to it that the bytes are valid; see ``Column/Values/text(_:)``.
    case text
    /// Bytes of no declared encoding.
    case binary
}

/// One named, typed column of a ``Schema``.
public struct Field: Sendable, Hashable, Codable {
    /// Unique within a schema.
    public var name: String
    /// The type of all values of the column.
    public var type: ColumnType
    /// Whether rows may have no value.
    public var isNullable: Bool

    /// A column that has a value in every row, unless `isNullable`.
    public init(_ name: String, _ type: ColumnType, isNullable: Bool = false) {
        self.name = name
        self.type = type
        self.isNullable = isNullable
    }
}

/// The names and types of a batch's columns, in order. Names are unique and matched exactly.
public struct Schema: Sendable, Hashable, Codable {
    /// In the order of the columns.
    public let fields: [Field]

    /// - Precondition: no two fields share a name.
    public init(_ fields: [Field]) {
        precondition(Set(fields.map(\.name)).count == fields.count, "a schema's field names are unique")
        self.fields = fields
    }

    /// The number of columns.
    public var count: Int { fields.count }

    /// The position of the field called `name`, or nil if there is none. Linear in the number of fields: look it up once per
    /// batch.
    public func index(of name: String) -> Int? {
        fields.firstIndex { $0.name == name }
    }

    /// The field of that name, or nil.
    public subscript(_ name: String) -> Field? {
        index(of: name).map { fields[$0] }
    }

    /// The schema with only the fields called `names`, in the order of `names`; a name that is not there is left out.
    public func selecting(_ names: [String]) -> Schema {
        Schema(names.compactMap { self[$0] })
    }
}
