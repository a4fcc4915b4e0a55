internal import Crypto
import Foundation

/// The hash of an entry of the audit: SHA-256 over the hash of the entry before it and its own columns.
///
///     hash = SHA-256(previous hash ‖ "obs-audit-1" ‖ column …)
///     column = type ‖ length, eight bytes, big endian ‖ bytes
///
/// The columns are `id, at, actor, action, subject, before, after, detail, origin`. The type is the first letter of SQLite's
/// `typeof`, and the bytes are those of `CAST(column AS BLOB)`: a number by its decimal digits, a text as it is stored, null
/// without any. So `1` does not pass for `'1'`, nor `ab`, `c` for `a`, `bc`, and whoever has sqlite3 and SHA-256 can do the sum
/// again.
struct AuditHash {
    /// In place of a hash before the first entry.
    static let none = Data(count: 32)

    private var hasher = SHA256()

    /// - Parameter previous: the hash of the entry before it, or ``none``.
    init(after previous: Data) {
        hasher.update(data: previous)
        hasher.update(data: Data("obs-audit-1".utf8))
    }

    mutating func add(_ number: Int64) { add(type: "integer", Data(String(number).utf8)) }

    mutating func add(_ text: String?) {
        if let text { add(type: "text", Data(text.utf8)) } else { add(type: "null", Data()) }
    }

    /// - Parameter type: as SQLite's `typeof` says it.
    mutating func add(type: String, _ bytes: Data) {
        hasher.update(data: [type.utf8.first ?? 0])
        withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { hasher.update(bufferPointer: $0) }
        hasher.update(data: bytes)
    }

    consuming func finish() -> Data { Data(hasher.finalize()) }

    /// A hash as it is written in answers: hexadecimal digits.
    static func text(_ hash: Data) -> String {
        hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
