import Columns

/// Identifies what an alert is about, as Prometheus does: FNV-1a over the sorted labels, each name and value followed by 0xFF.
///
/// Source: prometheus/common, model.LabelSet.Fingerprint.
public enum Fingerprint {
    /// In 16 hexadecimal digits.
    public static func of(_ labels: Labels) -> String { text(number(of: labels)) }

    /// The hash itself, as the table `alert` keeps it.
    public static func number(of labels: Labels) -> UInt64 {
        var hash = StableHash()
        for (name, value) in labels {
            hash.add(name)
            hash.add(0xFF)
            hash.add(value)
            hash.add(0xFF)
        }
        return hash.value
    }

    /// A hash in 16 hexadecimal digits.
    public static func text(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
