import Columns

/// Values of types that a ``Column`` does not have, as the texts and numbers that stand for them.
enum Rendering {
    /// `-12345` with scale 2 is `-123.45`.
    static func decimal(_ unscaled: Int64, scale: Int) -> String {
        place(digits: String(unscaled.magnitude), isNegative: unscaled < 0, scale: scale)
    }

    /// The same of a whole number in two's complement of any length, highest byte first.
    static func decimal(bigEndian bytes: Span<UInt8>, scale: Int) -> String {
        guard !bytes.isEmpty else { return decimal(0, scale: scale) }
        let isNegative = bytes[0] >= 0x80
        var magnitude = bytes.withUnsafeBufferPointer { $0.map { isNegative ? ~$0 : $0 } }
        if isNegative {
            var index = magnitude.count - 1
            while index >= 0 {
                magnitude[index] &+= 1
                if magnitude[index] != 0 { break }
                index -= 1
            }
            // All bytes zero again: it was the smallest number of its length, whose magnitude has one bit more.
            if index < 0 { magnitude.insert(1, at: 0) }
        }
        // Long division by ten to the ninth; quadratic, so that a number of a megabyte is cut to what a decimal can be.
        guard magnitude.count <= 64 else { return "" }
        var groups: [String] = []
        while magnitude.contains(where: { $0 != 0 }) {
            var rest: UInt64 = 0
            for index in magnitude.indices {
                let part = rest << 8 | UInt64(magnitude[index])
                magnitude[index] = UInt8(part / 1_000_000_000)
                rest = part % 1_000_000_000
            }
            groups.append(String(rest))
        }
        var digits = groups.last ?? "0"
        for group in groups.dropLast().reversed() { digits += String(repeating: "0", count: 9 - group.utf8.count) + group }
        return place(digits: digits, isNegative: isNegative, scale: scale)
    }

    private static func place(digits: String, isNegative: Bool, scale: Int) -> String {
        var digits = digits
        if scale > 0 {
            if digits.utf8.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits }
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale))
        }
        return isNegative ? "-" + digits : digits
    }

    /// `10:07:30.250000`, with as many digits as are needed (0, 3, 6 or 9).
    static func timeOfDay(_ value: Int64, _ unit: ParquetNode.Unit) -> String {
        let seconds = value / unit.rawValue, fraction = value % unit.rawValue
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        var text = "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        if fraction != 0 {
            let nanoseconds = String(fraction.magnitude * UInt64(1_000_000_000 / unit.rawValue))
            var digits = String(repeating: "0", count: 9 - nanoseconds.utf8.count) + nanoseconds
            while digits.hasSuffix("000") { digits.removeLast(3) }
            text += "." + digits
        }
        return text
    }

    static func uuid(_ bytes: Span<UInt8>) -> String {
        var text = ""
        for index in 0..<bytes.count {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += String(bytes[index] >> 4, radix: 16) + String(bytes[index] & 15, radix: 16)
        }
        return text
    }

    /// IEEE 754 binary16, lowest byte first.
    static func float16(_ bytes: Span<UInt8>) -> Float {
        guard bytes.count == 2 else { return .nan }
        let bits = UInt32(bytes[0]) | UInt32(bytes[1]) << 8
        let sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF
        switch exponent {
        case 0: return (sign == 0 ? 1 : -1) * Float(fraction) * 0x1p-24
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
