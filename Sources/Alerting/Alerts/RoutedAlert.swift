import Columns

/// A posted alert with all that is known of it without the store: worked out before the one writer is asked for, whose time is what a storm is short of.
struct RoutedAlert: Sendable {
    /// A route that takes it, and the group of that route's receiver that it goes to.
    struct Destination: Sendable {
        let route: Route
        let groupLabels: [String: String]
        let groupKey: String

        init(_ route: Route, _ labels: [String: String]) {
            self.route = route
            groupLabels = route.groupLabels(of: labels)
            groupKey = route.groupKey(groupLabels)
        }
    }

    let alert: Alert
    let fingerprint: Int64
    /// JSON with sorted names.
    let labels: String
    let annotations: String
    /// In the order of the routes.
    let destinations: [Destination]

    /// - Parameter route: nil for alerts that no configuration routes.
    init(_ alert: Alert, _ route: Route?) {
        self.alert = alert
        let sorted = JSONText.sorted(alert.labels)
        fingerprint = Int64(bitPattern: Fingerprint.number(ofSorted: sorted))
        labels = JSONText.object(sorted: sorted)
        annotations = JSONText.object(alert.annotations)
        destinations = (route ?? AlertStore.unrouted).destinations(for: alert.labels).map { Destination($0, alert.labels) }
    }
}

extension JSONText {
    /// Names and values in the order of the names' bytes.
    static func sorted(_ pairs: [String: String]) -> [(key: String, value: String)] {
        pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    /// An object of texts, its names sorted by their bytes.
    static func object(_ pairs: [String: String]) -> String { object(sorted: sorted(pairs)) }

    /// For `json_each`, by which one statement takes many numbers.
    static func list(_ numbers: [Int64]) -> String { "[" + numbers.map(String.init).joined(separator: ",") + "]" }

    static func object(sorted pairs: [(key: String, value: String)]) -> String {
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

    /// The names and values of an object that ``object(_:)`` wrote; what is no text is left out.
    static func pairs(_ text: String) -> [String: String] {
        var reader = JSONReader(Array(text.utf8))
        var pairs: [String: String] = [:]
        try? reader.object { reader, name in
            guard try reader.kind() == .text else { return try reader.skip() }
            pairs[name ?? ""] = try reader.text()
        }
        return pairs
    }
}
