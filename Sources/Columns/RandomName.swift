/// Names that no other process and no other run gives: of data files, temporary files, silences.
public enum RandomName {
    /// A version 4 UUID in lower case.
    ///
    /// Its 122 random bits come from the system's call (`getrandom`), which needs no descriptor: Foundation's `UUID()` opens
    /// `/dev/urandom`, and when the process has no descriptor left it gives the same zeros each time.
    ///
    /// Source: RFC 9562 §5.4.
    public static func uuid() -> String {
        var generator = SystemRandomNumberGenerator()
        let high: UInt64 = generator.next() & ~0xF000 | 0x4000
        let low: UInt64 = generator.next() & ~(0b11 << 62) | 0b10 << 62
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.utf8.count) + text
        }
        return [
            hex(high >> 32, 8), hex(high >> 16 & 0xFFFF, 4), hex(high & 0xFFFF, 4), hex(low >> 48, 4),
            hex(low & (1 << 48 - 1), 12),
        ].joined(separator: "-")
    }

    /// So many random hexadecimal digits, at most 16.
    public static func hexadecimal(digits: Int) -> String {
        let text = String(UInt64.random(in: .min ... .max), radix: 16)
        return String((String(repeating: "0", count: 16 - text.utf8.count) + text).utf8.suffix(digits))!
    }
}
