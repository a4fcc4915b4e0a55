/// Names and values that came from outside: the labels or the annotations of an alert, in the order of the names' bytes.
///
/// A name is any text but the empty one, as Prometheus has it since version 3; names and values are equal when their bytes are.
/// A dictionary of `String`s would take `Büro` in two normal forms for one name. Most alerts have ten labels: a short sorted
/// list is smaller and faster than a table, and what is written of it (JSON, fingerprints) is in its order anyway.
public struct Labels: Sendable, Hashable, RandomAccessCollection, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    /// One label.
    public typealias Element = (key: String, value: String)

    private var pairs: [Element] = []

    /// No labels.
    public init() {}

    /// - Parameter pairs: in any order; of equal names the last one counts.
    public init(_ pairs: some Sequence<(String, String)>) {
        for (name, value) in pairs { self[name] = value }
    }

    /// The labels of a dictionary.
    public init(_ pairs: [String: String]) { self.init(pairs.lazy.map { ($0.key, $0.value) }) }

    /// Of two with the same name the last counts.
    public init(dictionaryLiteral pairs: (String, String)...) { self.init(pairs) }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of labels.
    public var endIndex: Int { pairs.count }
    /// The label at an index, in the order of the names' bytes.
    public subscript(position: Int) -> Element { pairs[position] }

    /// The names, in the order of their bytes.
    public var keys: [String] { pairs.map(\.key) }
    /// The values, in the order of the names.
    public var values: [String] { pairs.map(\.value) }

    /// The value of the label; nil where there is none. Setting nil removes it.
    public subscript(name: String) -> String? {
        get {
            for pair in pairs where pair.key.hasSameBytes(as: name) { return pair.value }
            return nil
        }
        set {
            // Fast path: most senders sort their labels.
            let isLast = pairs.last.map { $0.key.precedesByBytes(name) } ?? true
            let index = isLast ? pairs.count : pairs.firstIndex { !$0.key.precedesByBytes(name) }!
            let isKnown = index < pairs.count && pairs[index].key.hasSameBytes(as: name)
            switch (isKnown, newValue) {
            case (true, let value?): pairs[index].value = value
            case (true, nil): pairs.remove(at: index)
            case (false, let value?): pairs.insert((name, value), at: index)
            case (false, nil): break
            }
        }
    }

    /// Makes room for `count` labels in all.
    public mutating func reserveCapacity(_ count: Int) { pairs.reserveCapacity(count) }

    /// The labels that `isIncluded` holds for.
    public func filter(_ isIncluded: (Element) throws -> Bool) rethrows -> Labels {
        var kept = Labels()
        kept.pairs = try pairs.filter(isIncluded)
        return kept
    }

    /// The same names with other values.
    public func mapValues(_ change: (String) throws -> String) rethrows -> Labels {
        var changed = self
        for index in changed.pairs.indices { changed.pairs[index].value = try change(changed.pairs[index].value) }
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

    /// Equal when names and values have the same bytes.
    public static func == (left: Labels, right: Labels) -> Bool {
        left.count == right.count
            && zip(left.pairs, right.pairs).allSatisfy { $0.key.hasSameBytes(as: $1.key) && $0.value.hasSameBytes(as: $1.value) }
    }

    /// Of the bytes, as equality is.
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

/// As a JSON object. Foundation's encoder and decoder take names for equal that are not, so what keeps or sends labels uses
/// ``JSON``.
extension Labels: Codable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads an object whose values are texts.
    public init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: Name.self)
        for name in names.allKeys { self[name.stringValue] = try names.decode(String.self, forKey: name) }
    }

    /// Writes an object whose values are texts.
    public func encode(to encoder: any Encoder) throws {
        var names = encoder.container(keyedBy: Name.self)
        for (name, value) in pairs { try names.encode(value, forKey: Name(name)) }
    }
}
