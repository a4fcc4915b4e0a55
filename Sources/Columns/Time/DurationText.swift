extension Duration {
    /// A duration as Prometheus writes it: `30s`, `5m`, `1h30m`, `2d`, `1w`, `500ms`: each unit at most once, the longest
    /// first, and 292 years at most. Nil for anything else.
    ///
    /// Source: prometheus/common, model.ParseDuration.
    public init?(parsing text: String) {
        if text == "0" {
            self = .zero
            return
        }
        var units: [(String, Int64)] = [
            ("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
        ]
        var rest = text[...]
        var milliseconds: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard digits.utf8.count <= 18, let number = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            guard let index = units.firstIndex(where: { $0.0 == unit }) else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: units[index].1)
            let (sum, isTooLong) = milliseconds.addingReportingOverflow(product)
            // What fits into Go's nanoseconds, and so into our microseconds.
            guard !overflow, !isTooLong, sum <= Int64.max / 1_000_000 else { return nil }
            milliseconds = sum
            units.removeFirst(index + 1)
            rest = rest.dropFirst(unit.count)
        }
        self = .milliseconds(milliseconds)
    }
}

extension KeyedDecodingContainer {
    /// The duration under `key`, in Prometheus' notation; nil where the key is not there.
    ///
    /// - Throws: `DecodingError` with a sentence that names the key and the text.
    public func duration(_ key: Key) throws -> Duration? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let duration = Duration(parsing: text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(key.stringValue) is '\(text)'; write a duration such as 30s or 2m")
        }
        return duration
    }

    /// The same of a key that must be there.
    public func requiredDuration(_ key: Key) throws -> Duration {
        guard let duration = try duration(key) else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "\(key.stringValue) is missing"))
        }
        return duration
    }
}
