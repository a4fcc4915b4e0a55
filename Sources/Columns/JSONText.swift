/// JSON text of single values, for writers that stream rows; a whole encoder a row would cost more than the row.
public enum JSONText {
    public static func quote(_ text: String) -> String {
        // Fast path: nearly all texts need no escape. 0xE2 begins the two line separators, and much else that the slow path looks at.
        let isPlain = text.utf8.allSatisfy {
            $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != 0x7F && $0 != 0xE2
        }
        if isPlain { return "\"" + text + "\"" }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
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
