import Columns

/// While an alert that ``sources`` match fires, those that ``targets`` match are not told, where both have the same values of the labels ``equal``.
public struct InhibitRule: Sendable, Decodable {
    public var sources: [Matcher] = []
    public var targets: [Matcher] = []
    /// A label that neither has is the same.
    public var equal: [String] = []

    private enum CodingKeys: String, CodingKey {
        case equal
        case sourceMatchers = "source_matchers"
        case sourceMatch = "source_match"
        case sourceMatchExpressions = "source_match_re"
        case targetMatchers = "target_matchers"
        case targetMatch = "target_match"
        case targetMatchExpressions = "target_match_re"
    }

    public init(sources: [Matcher], targets: [Matcher], equal: [String]) {
        self.sources = sources
        self.targets = targets
        self.equal = equal
    }

    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        sources = try keys.matchers(.sourceMatchers, equal: .sourceMatch, expressions: .sourceMatchExpressions)
        targets = try keys.matchers(.targetMatchers, equal: .targetMatch, expressions: .targetMatchExpressions)
        equal = try keys.decodeIfPresent([String].self, forKey: .equal) ?? []
    }
}

/// Says which alerts are inhibited while others fire.
///
/// An alert that is both source and target of a rule is not inhibited by one that is so too: otherwise two could keep each other quiet, and one itself.
///
/// Source: Alertmanager, inhibit.Inhibitor.
struct Inhibitor: Sendable {
    private struct Firing: Sendable {
        var labels: [String: String]
        var isTargetToo: Bool
    }

    private let rules: [InhibitRule]
    /// For each rule its firing sources, by their values of the labels that must be equal.
    private let sources: [[[String]: [Firing]]]

    /// - Parameter firing: the labels of all alerts that fire now.
    init(_ rules: [InhibitRule], firing: [[String: String]]) {
        self.rules = rules
        sources = rules.map { rule in
            var byValues: [[String]: [Firing]] = [:]
            for labels in firing where rule.sources.match(labels) {
                byValues[rule.equal.map { labels[$0] ?? "" }, default: []].append(
                    Firing(labels: labels, isTargetToo: rule.targets.match(labels)))
            }
            return byValues
        }
    }

    /// The labels of an alert that inhibits one with `labels`, or nil when none does.
    func source(inhibiting labels: [String: String]) -> [String: String]? {
        for (index, rule) in rules.enumerated() where rule.targets.match(labels) {
            let isSourceToo = rule.sources.match(labels)
            for source in sources[index][rule.equal.map { labels[$0] ?? "" }] ?? [] where !(isSourceToo && source.isTargetToo) {
                return source.labels
            }
        }
        return nil
    }
}

extension KeyedDecodingContainer {
    /// Matchers in today's form, and in the two older ones that Alertmanager still takes.
    func matchers(_ key: Key, equal: Key, expressions: Key) throws -> [Matcher] {
        func requireName(_ name: String) throws {
            guard let first = name.unicodeScalars.first, first == "_" || first.isASCIILetter,
                name.unicodeScalars.allSatisfy({ $0 == "_" || $0.isASCIILetter || ("0"..."9").contains($0) })
            else { throw AlertingError.badLabel(name) }
        }
        var matchers = try (decodeIfPresent([String].self, forKey: key) ?? []).flatMap { try [Matcher](parsing: $0) }
        for (name, value) in try (decodeIfPresent([String: String].self, forKey: equal) ?? [:]).sorted(by: { $0.key < $1.key }) {
            try requireName(name)
            matchers.append(try Matcher(name, .equal, value))
        }
        for (name, value) in try (decodeIfPresent([String: String].self, forKey: expressions) ?? [:]).sorted(by: {
            $0.key < $1.key
        }) {
            try requireName(name)
            matchers.append(try Matcher(name, .matches, value))
        }
        return matchers
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIILetter: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
}
