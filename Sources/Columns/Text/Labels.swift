/// Names and values that came from outside: the labels or the annotations of an alert, in the order of the names' bytes.
///
/// A name is any text but the empty one, as Prometheus has it since version 3; names and values are equal when their bytes are. A dictionary of `String`s would take `Büro` in two
/// normal forms for one name. Most alerts have ten labels: a short sorted list is smaller and faster than a table, and what is written of it (JSON, fingerprints) is in its order anyway.
public struct Labels: Sendable, Hashable, RandomAccessCollection, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    public typealias Element = (key: String, value: String)

    private var pairs: [Element] = []

    public init() {}

    /// - Parameter pairs: in any order; of equal names the last one counts.
    public init(_ pairs: some Sequence<(String, String)>) {
        for (name, value) in pairs { self[name] = value }
    }

    public init(_ pairs: [String: String]) { self.init(pairs.lazy.map { ($0.key, $0.value) }) }

    public init(dictionaryLiteral pairs: (String, String)...) { self.init(pairs) }

    public var startIndex: Int { 0 }
    public var endIndex: Int { pairs.count }
    public subscript(position: Int) -> Element { pairs[position] }

    public var keys: [String] { pairs.map(\.key) }
    public var values: [String] { pairs.map(\.value) }

    public subscript(name: String) -> String? {
        get {
            for pair in pairs where pair.key.hasSameBytes(as: name) { return pair.value }
            return nil
        }
        set {
            // Fast path: most who send labels sort them.
            let isLast = pairs.last.map { $0.key.precedesByBytes(name) } ?? true
            let place = isLast ? pairs.count : pairs.firstIndex { !$0.key.precedesByBytes(name) }!
            let isKnown = place < pairs.count && pairs[place].key.hasSameBytes(as: name)
            switch (isKnown, newValue) {
            case (true, let value?): pairs[place].value = value
            case (true, nil): pairs.remove(at: place)
            case (false, let value?): pairs.insert((name, value), at: place)
            case (false, nil): break
            }
        }
    }

    public mutating func reserveCapacity(_ count: Int) { pairs.reserveCapacity(count) }

    public func filter(_ isIncluded: (Element) throws -> Bool) rethrows -> Labels {
        var kept = Labels()
        kept.pairs = try pairs.filter(isIncluded)
        return kept
    }

    public func mapValues(_ change: (String) throws -> String) rethrows -> Labels {
        var changed = self
        for place in changed.pairs.indices { changed.pairs[place].value = try change(changed.pairs[place].value) }
        return changed
    }

    /// With those of `others`, which count where both have a name.
    public func merging(_ others: Labels) -> Labels {
        var merged = self
        for (name, value) in others { merged[name] = value }
        return merged
    }

    /// Whether `name` has this very value.
    public func has(_ name: String, _ value: String) -> Bool { self[name]?.hasSameBytes(as: value) ?? false }

    /// Those that `others` have too, with the same values.
    public func common(with others: Labels) -> Labels { filter { others.has($0.key, $0.value) } }

    /// Those of the names `names` that there are.
    public func selecting(_ names: [String]) -> Labels {
        names.reduce(into: Labels()) { $0[$1] = self[$1] }
    }

    public static func == (left: Labels, right: Labels) -> Bool {
        left.count == right.count
            && zip(left.pairs, right.pairs).allSatisfy { $0.key.hasSameBytes(as: $1.key) && $0.value.hasSameBytes(as: $1.value) }
    }

    public func hash(into hasher: inout Hasher) {
        for (name, value) in pairs {
            hasher.combine(bytesOf: name)
            hasher.combine(bytesOf: value)
        }
    }

    /// `{alertname="DiskFull", "service.name"="shop"}`, as matchers have it.
    public var description: String {
        "{" + pairs.map { "\(Matcher.shown($0.key))=\(OutsideText($0.value).quotedLabel)" }.joined(separator: ", ") + "}"
    }
}

/// As a JSON object. Foundation's encoder and decoder take names for equal that are not, so what keeps or sends labels uses ``JSON``.
extension Labels: Codable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: Name.self)
        for name in names.allKeys { self[name.stringValue] = try names.decode(String.self, forKey: name) }
    }

    public func encode(to encoder: any Encoder) throws {
        var names = encoder.container(keyedBy: Name.self)
        for (name, value) in pairs { try names.encode(value, forKey: Name(name)) }
    }
}
