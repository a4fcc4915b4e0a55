import CSQLite
import Columns
import Lake

/// What a column of the lake is in SQL.
///
/// | in the lake | in SQL |
/// | --- | --- |
/// | bool, int32, int64 | INTEGER; true is 1 |
/// | float, double | REAL |
/// | text; a nested column as its JSON | TEXT |
/// | date | TEXT, `2026-11-27` |
/// | timestamp | TEXT of one width, `2026-11-27T15:00:00.000000Z`; compared as a time, however the other side is written |
/// | binary | BLOB |
enum SQLType {
    /// The collation of times.
    static let timeCollation = "obs_time"

    static func declaration(_ type: ColumnType) -> String {
        switch type {
        case .bool, .int32, .int64: "INTEGER"
        case .float, .double: "REAL"
        case .date, .text: "TEXT"
        case .timestamp: "TEXT COLLATE \(timeCollation)"
        case .binary: "BLOB"
        }
    }

    /// Whether texts are compared in SQL as the lake compares the values of a column.
    static func isComparable(_ type: ColumnType, by collation: String) -> Bool {
        switch type {
        case .text, .date, .binary: collation.uppercased() == "BINARY"
        case .timestamp: collation == timeCollation
        default: true
        }
    }

    /// Whether one text comes before another, as SQLite has texts without a collation.
    static func precedes(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { SQLTime.byBytes(left, $0) < 0 } }
    }

    /// A value of SQL as one that a column of this type is compared with; nil where SQLite must compare itself.
    static func value(_ value: OpaquePointer?, as type: ColumnType) -> Value? {
        let kind = sqlite3_value_type(value)
        switch type {
        case .bool, .int32, .int64, .float, .double:
            switch kind {
            case SQLITE_INTEGER: return .int(sqlite3_value_int64(value))
            case SQLITE_FLOAT: return .double(sqlite3_value_double(value))
            default: return nil
            }
        case .text: return kind == SQLITE_TEXT ? .text(text(value)) : nil
        case .date, .timestamp:
            guard kind == SQLITE_TEXT else { return nil }
            let text = text(value)
            if type == .timestamp { return SQLTime.time(text).map(Value.timestamp) }
            // Only a day as it is written here has its place in the order of texts.
            guard text.utf8.count == 10, let time = SQLTime.time(text), time.microseconds % 86_400_000_000 == 0 else {
                return nil
            }
            return Int32(exactly: time.microseconds / 86_400_000_000).map(Value.date)
        case .binary: return nil
        }
    }

    static func text(_ value: OpaquePointer?) -> String {
        guard let bytes = sqlite3_value_text(value) else { return "" }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(sqlite3_value_bytes(value))), as: UTF8.self)
    }

    /// Gives the value of a row as the result of a function or a column.
    static func give(_ column: Column, _ row: Int, _ type: ColumnType, to context: OpaquePointer?) {
        guard !column.isNull(at: row) else { return sqlite3_result_null(context) }
        switch type {
        case .bool, .int32, .int64:
            sqlite3_result_int64(context, column.integer(at: row) ?? (column.number(at: row) == 1 ? 1 : 0))
        case .float, .double: sqlite3_result_double(context, column.number(at: row) ?? 0)
        case .text: column.withBytes(at: row) { give(text: $0, to: context) }
        case .binary:
            column.withBytes(at: row) { bytes in
                bytes.withUnsafeBufferPointer {
                    sqlite3_result_blob64(context, $0.baseAddress, UInt64($0.count), transient)
                    if $0.isEmpty { sqlite3_result_zeroblob(context, 0) }
                }
            }
        case .date:
            let day = Timestamp(seconds: (column.integer(at: row) ?? 0) * 86_400)
            give(text: Array(SQLTime.text(day).utf8.prefix(10)).span, to: context)
        case .timestamp:
            let text = SQLTime.text(Timestamp(microseconds: column.integer(at: row) ?? 0))
            give(text: Array(text.utf8).span, to: context)
        }
    }

    /// The same of a value.
    static func give(_ value: Value, to context: OpaquePointer?) {
        switch value {
        case .null: sqlite3_result_null(context)
        case .bool(let flag): sqlite3_result_int(context, flag ? 1 : 0)
        case .int(let number): sqlite3_result_int64(context, number)
        case .double(let number): sqlite3_result_double(context, number)
        case .text(let text): give(text: Array(text.utf8).span, to: context)
        case .timestamp(let time): give(text: Array(SQLTime.text(time).utf8).span, to: context)
        case .date(let days):
            let day = SQLTime.text(Timestamp(seconds: Int64(days) * 86_400))
            give(text: Array(day.utf8.prefix(10)).span, to: context)
        case .binary(let bytes):
            bytes.withUnsafeBufferPointer { sqlite3_result_blob64(context, $0.baseAddress, UInt64($0.count), transient) }
            if bytes.isEmpty { sqlite3_result_zeroblob(context, 0) }
        }
    }

    static func give(text: Span<UInt8>, to context: OpaquePointer?) {
        text.withUnsafeBytes { bytes in
            // An empty text is not null.
            let start = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
            sqlite3_result_text64(
                context, start.assumingMemoryBound(to: CChar.self), UInt64(bytes.count), transient, UInt8(SQLITE_UTF8))
        }
    }

    /// SQLite copies what it is given.
    static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
