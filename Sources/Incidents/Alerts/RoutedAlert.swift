import Columns

/// A posted alert with all that is known of it without the store: worked out before the one writer is asked for, whose time is
/// what a storm is short of.
public struct RoutedAlert: Sendable {
    let alert: Alert
    let fingerprint: Int64
    /// JSON with sorted names.
    let labels: String
    let annotations: String
    /// In the order of the routes.
    let destinations: [Destination]

    /// - Parameter destinations: where its routes send it, in their order.
    public init(_ alert: Alert, to destinations: [Destination]) {
        self.alert = alert
        fingerprint = Int64(bitPattern: Fingerprint.number(of: alert.labels))
        labels = JSONText.object(alert.labels)
        annotations = JSONText.object(alert.annotations)
        self.destinations = destinations
    }
}

extension JSONText {
    /// For `json_each`, by which one statement takes many numbers.
    public static func list(_ numbers: [Int64]) -> String { "[" + numbers.map(String.init).joined(separator: ",") + "]" }

    /// An object of texts, its names sorted by their bytes.
    public static func object(_ pairs: Labels) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        bytes.reserveCapacity(pairs.reduce(2) { $0 + $1.key.utf8.count + $1.value.utf8.count + 6 })
        for (name, value) in pairs {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            append(quoted: name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            append(quoted: value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The names and values of an object that ``object(_:)`` wrote; values that are not texts are left out.
    public static func pairs(_ text: String) -> Labels {
        var reader = JSONReader(Array(text.utf8))
        var pairs = Labels()
        try? reader.object { reader, name in
            guard try reader.kind() == .text else { return try reader.skip() }
            if let name { pairs[name] = try reader.text() }
        }
        return pairs
    }
}
