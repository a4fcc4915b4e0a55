import CSQLite
import Columns
import Foundation

/// Times as texts of one width, which sort as times do and which SQLite's own functions read.
enum SQLTime {
    /// `2026-11-27T15:00:00.000000Z`
    static func text(_ time: Timestamp) -> String {
        // As it is described, it has as many digits of the second as it needs.
        let shortest = Array(time.description.utf8.dropLast())
        let digits = shortest.firstIndex(of: UInt8(ascii: ".")).map { shortest.count - $0 - 1 } ?? 0
        let rest = (digits == 0 ? "." : "") + String(repeating: "0", count: max(0, 6 - digits)) + "Z"
        return String(decoding: shortest, as: UTF8.self) + rest
    }

    /// A time as people write it: RFC 3339, with a blank for the `T`, without seconds or a zone (then it is UTC), or a day alone.
    static func time(_ text: String) -> Timestamp? {
        Timestamp(iso8601: text.utf8.count == 16 ? text + ":00" : text)
    }

    /// Compares two texts as times where both are, else by their bytes.
    static func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int32 {
        // Fast path: columns of times.
        if isOfColumn(left), isOfColumn(right) { return byBytes(left, right) }
        if let first = time(String(decoding: left, as: UTF8.self)), let second = time(String(decoding: right, as: UTF8.self)) {
            return first < second ? -1 : first == second ? 0 : 1
        }
        return byBytes(left, right)
    }

    /// Whether a text is as wide as times are, and of the zone that they are of. Another zone is as wide with less digits.
    private static func isOfColumn(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count == 27 && text[10] == UInt8(ascii: "T") && text[26] == UInt8(ascii: "Z")
    }

    /// Below, equal to or above 0, as texts without a collation are compared.
    static func byBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int32 {
        let shared = min(left.count, right.count)
        let order = shared == 0 ? 0 : memcmp(left.baseAddress!, right.baseAddress!, shared)
        return order != 0 ? order : Int32(clamping: left.count - right.count)
    }

    /// Makes the collation known to a connection.
    static func register(_ connection: OpaquePointer?) -> Int32 {
        sqlite3_create_collation_v2(
            connection, SQLType.timeCollation, SQLITE_UTF8, nil,
            { _, leftCount, left, rightCount, right in
                SQLTime.order(
                    UnsafeRawBufferPointer(start: left, count: Int(leftCount)),
                    UnsafeRawBufferPointer(start: right, count: Int(rightCount)))
            }, nil)
    }
}
