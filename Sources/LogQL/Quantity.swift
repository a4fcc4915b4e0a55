import Columns

/// A number as a query or a line has it, perhaps with a unit.
package struct Quantity: Sendable, Equatable {
    /// What a text has to be to be compared with it.
    enum Kind: Sendable {
        case plain
        /// The value is in seconds.
        case duration
        /// The value is in bytes.
        case size
    }

    let kind: Kind
    let value: Double

    /// Reads `5`, `0.99`, `500ms`, `1h30m`, `10KB` or `5MiB`.
    init?(_ text: String) {
        if let number = Double(text) {
            self.init(kind: .plain, value: number)
        } else if let seconds = Self.seconds(text) {
            self.init(kind: .duration, value: seconds)
        } else if let bytes = Self.bytes(text) {
            self.init(kind: .size, value: bytes)
        } else {
            return nil
        }
    }

    private init(kind: Kind, value: Double) {
        self.kind = kind
        self.value = value
    }

    var negated: Quantity { Quantity(kind: kind, value: -value) }

    /// The text of a field as a number of the same kind; nil when it is none.
    func number(_ text: String) -> Double? {
        switch kind {
        case .plain: Self.plain(text)
        case .duration: Self.seconds(text)
        case .size: Self.bytes(text)
        }
    }

    /// A number alone. Swift would take hexadecimal digits, `nan` and `inf` too, as Go does.
    static func plain(_ text: String) -> Double? { Double(text) }

    /// A duration as Go writes it (`1h2m3.5s`, `250ms`, `15µs`), with the days, weeks and years of Prometheus; in seconds.
    static func seconds(_ text: String) -> Double? {
        parts(text) { unit in
            switch unit {
            case "ns": 1e-9
            case "us", "µs", "μs": 1e-6
            case "ms": 1e-3
            case "s": 1
            case "m": 60
            case "h": 3600
            case "d": 86_400
            case "w": 604_800
            case "y": 31_536_000
            default: nil
            }
        }
    }

    /// A size in bytes: `512`, `10KB` (of 1000), `5MiB` (of 1024), upper or lower case.
    static func bytes(_ text: String) -> Double? {
        if let plain = Double(text) { return plain }
        var count = 0
        let value = parts(text) { unit in
            count += 1
            switch unit.lowercased() {
            case "b": return 1
            case "kb", "k": return 1e3
            case "mb", "m": return 1e6
            case "gb", "g": return 1e9
            case "tb", "t": return 1e12
            case "kib", "ki": return 0x1p10
            case "mib", "mi": return 0x1p20
            case "gib", "gi": return 0x1p30
            case "tib", "ti": return 0x1p40
            default: return nil
            }
        }
        return count == 1 ? value : nil
    }

    /// The sum of numbers with units; nil when a unit is not known, or when a number has none.
    private static func parts(_ text: String, _ unit: (String) -> Double?) -> Double? {
        var rest = Substring(OutsideText(text).trimmed).utf8, sum = 0.0
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isDigit || $0 == UInt8(ascii: ".") }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { !$0.isDigit && $0 != UInt8(ascii: ".") }
            rest = rest.dropFirst(letters.count)
            guard let number = Double(String(Substring(digits))),
                let factor = unit(OutsideText(Substring(letters)).trimmed)
            else { return nil }
            sum += number * factor
        }
        return isNegative ? -sum : sum
    }
}
