/// A table that statements read and that stays as it is documented, whatever the tables behind it become.
public struct SQLView: Sendable {
    /// A column of a ``SQLView``.
    public struct Column: Sendable {
        /// As statements write it.
        public let name: String
        /// What its values are.
        public let kind: Kind
        /// Whether it may be null.
        public let isNullable: Bool
        /// What it says, in a sentence.
        public let meaning: String
        /// What it is made of, in SQL on the tables behind the view.
        let source: String

        /// - Parameter source: in SQL on the tables behind the view; nil for a column of the same name.
        public init(_ name: String, _ kind: Kind, isNullable: Bool = false, from source: String? = nil, _ meaning: String) {
            self.name = name
            self.kind = kind
            self.isNullable = isNullable
            self.meaning = meaning
            self.source = source ?? name
        }
    }

    /// What the values of a column are, and so how they are shown.
    public enum Kind: String, Sendable {
        case text
        case integer
        case real
        /// A text such as `2026-11-27T15:00:00.000000Z`, which is compared as a time; made of microseconds since 1970.
        case time
        /// Seconds; made of microseconds.
        case duration
        /// 0 or 1.
        case flag
        /// A JSON object or list; `label(labels, 'source')` is a value of one.
        case json
    }

    /// As statements write it.
    public let name: String
    /// What its rows are, in a sentence.
    public let meaning: String
    /// In their order.
    public let columns: [Column]
    /// What is behind `FROM`.
    private let rows: String

    /// - Parameter rows: what is behind `FROM`, on the tables behind the view.
    public init(_ name: String, of rows: String, _ meaning: String, _ columns: [Column]) {
        self.name = name
        self.rows = rows
        self.meaning = meaning
        self.columns = columns
    }

    /// The statement that makes it for one connection. It hides a table of the same name; that is `main.NAME`.
    public var statement: String {
        let chosen = columns.map { column in
            let name = VirtualTable.quoted(column.name)
            return switch column.kind {
            case .time: "utc(\(column.source)) COLLATE \(SQLType.timeCollation) AS \(name)"
            case .duration: "\(column.source) / 1e6 AS \(name)"
            default: "\(column.source) AS \(name)"
            }
        }
        return "CREATE TEMP VIEW \(VirtualTable.quoted(self.name)) AS SELECT \(chosen.joined(separator: ", ")) FROM \(rows)"
    }
}
