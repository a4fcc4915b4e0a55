/// JSON text of single values, for writers that stream rows; one encoder per row would cost more than the row.
public enum JSONText {
    /// The text in quotes, with escapes for quotes, backslashes, control characters and U+2028 and U+2029.
    public static func quote(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 2)
        append(quoted: text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends a text in quotes; see ``quote(_:)``.
    public static func append(quoted text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        // Fast path: nearly all texts need no escape. 0xE2 begins the two line separators, and much else that the slow path
        // looks at.
        let isPlain = text.utf8.withContiguousStorageIfAvailable { storage in
            let isPlain = storage.allSatisfy {
                $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != 0x7F && $0 != 0xE2
            }
            if isPlain { bytes.append(contentsOf: storage) }
            return isPlain
        }
        if isPlain != true { appendEscaped(text, to: &bytes) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Slow path.
    private static func appendEscaped(_ text: String, to bytes: inout [UInt8]) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": bytes += [UInt8(ascii: "\\"), UInt8(scalar.value)]
            case "\n": bytes += "\\n".utf8
            case "\r": bytes += "\\r".utf8
            case "\t": bytes += "\\t".utf8
            case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
                let hex = String(scalar.value, radix: 16)
                bytes += ("\\u" + String(repeating: "0", count: 4 - hex.count) + hex).utf8
            default: bytes += UTF8.encode(scalar)!
            }
        }
    }

    /// Numbers and booleans as such; what JSON has no number for (NaN, infinity) is null.
    public static func render(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): String(flag)
        case .int(let number): String(number)
        case .double(let number): number.isFinite ? value.description : "null"
        case .date, .timestamp, .binary: quote(value.description)
        case .text(let text): quote(text)
        }
    }
}
