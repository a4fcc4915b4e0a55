import Columns
import Foundation

/// The values of a table's partition columns for one file: columns that are in the log and in the folder's name, not in the file.
///
/// Source: Delta Transaction Log Protocol, "Partition Value Serialization".
enum PartitionValues {
    /// The text of a value, nil for null; the empty text counts as null.
    static func text(_ value: Value) -> String? {
        switch value {
        case .null, .text(""): nil
        case .timestamp(let time): String(time.description.dropLast()).replacing("T", with: " ")
        case .binary(let bytes): String(decoding: bytes, as: UTF8.self)
        default: value.description
        }
    }

    /// The value of a text that a log holds, or nil when it is none of the type.
    static func value(_ text: String?, _ type: ColumnType) -> Value? {
        guard let text, !text.isEmpty else { return .null }
        switch type {
        case .text: return .text(text)
        case .binary: return .binary(Array(text.utf8))
        case .bool: return Bool(text).map(Value.bool)
        case .int32: return Int32(text).map { .int(Int64($0)) }
        case .int64: return Int64(text).map(Value.int)
        case .float, .double: return Double(text).map(Value.double)
        case .date: return Timestamp(log: text + "T00:00:00Z").map { .date(Int32($0.microseconds / 86_400_000_000)) }
        case .timestamp: return Timestamp(log: text).map(Value.timestamp)
        }
    }

    /// `count` rows of one value.
    static func column(_ value: Value, _ type: ColumnType, count: Int) -> Column {
        switch value {
        case .null: return .nulls(type, count: count)
        case .bool(let flag): return Column(.bool(Array(repeating: flag, count: count)))
        case .int(let number) where type == .int32:
            return Column(.int32(Array(repeating: Int32(truncatingIfNeeded: number), count: count)))
        case .int(let number): return Column(.int64(Array(repeating: number, count: count)))
        case .double(let number) where type == .float: return Column(.float(Array(repeating: Float(number), count: count)))
        case .double(let number): return Column(.double(Array(repeating: number, count: count)))
        case .date(let days): return Column(.int32(Array(repeating: days, count: count)))
        case .timestamp(let time): return Column(.int64(Array(repeating: time.microseconds, count: count)))
        case .text, .binary:
            var dictionary = TextValues()
            if case .binary(let bytes) = value {
                dictionary.append(bytes.span)
            } else {
                dictionary.append(utf8: value.description)
            }
            return Column(.dictionary(DictionaryValues(codes: Array(repeating: 0, count: count), dictionary: dictionary)))
        }
    }

    /// The folder of a file: `date=2026-11-21/kind=a%2Fb/`, as Hive writes it; empty for a table without partition columns.
    static func folder(_ values: [(column: String, text: String?)]) -> String {
        values.map { escaped($0.column) + "=" + ($0.text.map(escaped) ?? "__HIVE_DEFAULT_PARTITION__") + "/" }.joined()
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{0}"..."\u{1F}", "\"", "#", "%", "'", "*", "/", ":", "=", "?", "\\", "\u{7F}", "{", "[", "]", "^":
                let hex = String(scalar.value, radix: 16, uppercase: true)
                escaped += "%" + (hex.utf8.count < 2 ? "0" : "") + hex
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// Paths as the log writes them: relative, percent-encoded.
///
/// Source: Delta Transaction Log Protocol, "Add File and Remove File" (RFC 2396).
enum LogPath {
    static func encoded(_ path: String) -> String {
        var encoded = ""
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }

    /// The key of a file in the table's storage, or nil for one that lies elsewhere or whose path leads out of the table.
    static func key(_ path: String) -> String? {
        let key = path.removingPercentEncoding ?? path
        guard !key.hasPrefix("/"), !key.contains("://"), !key.hasPrefix("file:"), !key.split(separator: "/").contains("..") else {
            return nil
        }
        return key
    }
}

extension Timestamp {
    /// A time as logs hold it: `2026-11-21T10:00:00.123Z`, or with a space and without a zone (then UTC).
    init?(log text: String) {
        var digits: [Int] = []
        var zone = 0
        var rest = text.utf8[...]
        func number(_ length: Int) -> Int? {
            guard rest.count >= length, rest.prefix(length).allSatisfy(\.isDigit) else { return nil }
            defer { rest = rest.dropFirst(length) }
            return rest.prefix(length).reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }
        for (length, separators) in [(4, "-"), (2, "-"), (2, "T "), (2, ":"), (2, ":"), (2, "")] {
            guard let value = number(length) else { return nil }
            digits.append(value)
            if separators.isEmpty { break }
            guard let next = rest.first, separators.utf8.contains(next) else { return nil }
            rest = rest.dropFirst()
        }
        var microseconds = 0
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            let fraction = rest.prefix(while: \.isDigit)
            guard (1...9).contains(fraction.count) else { return nil }
            for place in 0..<6 {
                let digit =
                    place < fraction.count
                    ? Int(fraction[fraction.index(fraction.startIndex, offsetBy: place)] - UInt8(ascii: "0")) : 0
                microseconds = microseconds * 10 + digit
            }
            rest = rest.dropFirst(fraction.count)
        }
        if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            rest = rest.dropFirst()
            guard let hours = number(2) else { return nil }
            if rest.first == UInt8(ascii: ":") { rest = rest.dropFirst() }
            guard let minutes = number(2) else { return nil }
            zone = (hours * 60 + minutes) * (sign == UInt8(ascii: "+") ? 1 : -1)
        } else if rest.first == UInt8(ascii: "Z") {
            rest = rest.dropFirst()
        }
        guard rest.isEmpty, (1...12).contains(digits[1]), (1...31).contains(digits[2]), digits[3] < 24, digits[4] < 60,
            digits[5] <= 60
        else { return nil }
        self = Timestamp(
            year: digits[0], month: digits[1], day: digits[2], hour: digits[3], minute: digits[4] - zone, second: digits[5],
            microsecond: microseconds)
    }
}
