import Columns
import Incidents

/// While an alert that ``sources`` match fires, those that ``targets`` match are muted, if both have the same values of the
/// labels ``equal``.
///
/// Rules and ``Inhibitor`` are values without clock and store.
struct InhibitRule: Sendable, Decodable {
    /// Matches the alerts that mute others.
    var sources: [Matcher] = []
    /// Matches the alerts that are muted.
    var targets: [Matcher] = []
    /// Labels whose values must be equal; a label that neither alert has is equal.
    var equal: [String] = []

    private enum CodingKeys: String, CodingKey {
        case equal
        case sourceMatchers = "source_matchers"
        case sourceMatch = "source_match"
        case sourceMatchExpressions = "source_match_re"
        case targetMatchers = "target_matchers"
        case targetMatch = "target_match"
        case targetMatchExpressions = "target_match_re"
    }

    /// A rule as a configuration file has it.
    init(sources: [Matcher], targets: [Matcher], equal: [String]) {
        self.sources = sources
        self.targets = targets
        self.equal = equal
    }

    /// Reads a rule, with matchers in today's form or the two older ones.
    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        sources = try keys.matchers(.sourceMatchers, equal: .sourceMatch, expressions: .sourceMatchExpressions)
        targets = try keys.matchers(.targetMatchers, equal: .targetMatch, expressions: .targetMatchExpressions)
        equal = try keys.labelNames(.equal) ?? []
    }

    fileprivate func valuesOfEqual(_ labels: Labels) -> [OutsideText] { equal.map { OutsideText(labels[$0] ?? "") } }
}

/// Says which alerts are inhibited while others fire. A value without clock and store.
///
/// An alert that is both source and target of a rule is not inhibited by another one that is both: otherwise two could mute each
/// other, and one itself.
///
/// Source: Alertmanager, inhibit.Inhibitor.
struct Inhibitor: Sendable {
    private struct Firing: Sendable {
        var labels: Labels
        var isTargetToo: Bool
    }

    private let rules: [InhibitRule]
    /// For each rule its firing sources, by their values of the labels that must be equal.
    private let sources: [[[OutsideText]: [Firing]]]

    /// - Parameter firing: the labels of all alerts that fire now.
    init(_ rules: [InhibitRule], firing: [Labels]) {
        self.rules = rules
        sources = rules.map { rule in
            var byValues: [[OutsideText]: [Firing]] = [:]
            for labels in firing where rule.sources.match(labels) {
                byValues[rule.valuesOfEqual(labels), default: []].append(
                    Firing(labels: labels, isTargetToo: rule.targets.match(labels)))
            }
            return byValues
        }
    }

    /// The labels of an alert that inhibits one with `labels`, or nil when none does.
    func source(inhibiting labels: Labels) -> Labels? {
        for (index, rule) in rules.enumerated() where rule.targets.match(labels) {
            let isSourceToo = rule.sources.match(labels)
            for source in sources[index][rule.valuesOfEqual(labels)] ?? [] where !(isSourceToo && source.isTargetToo) {
                return source.labels
            }
        }
        return nil
    }
}

extension KeyedDecodingContainer {
    /// Matchers in today's form, and in the two older ones that Alertmanager still takes.
    func matchers(_ key: Key, equal: Key, expressions: Key) throws -> [Matcher] {
        var matchers = try (decodeIfPresent([String].self, forKey: key) ?? []).flatMap { try [Matcher](parsing: $0) }
        // Nothing behind a name is the empty text, as in Go.
        for (name, value) in try (decodeIfPresent([String: String?].self, forKey: equal) ?? [:]).sorted(by: { $0.key < $1.key }) {
            try LabelName.require(name)
            matchers.append(try Matcher(name, .equal, value ?? ""))
        }
        for (name, value) in try decodeIfPresent(Labels.self, forKey: expressions) ?? [:] {
            try LabelName.require(name)
            matchers.append(try Matcher(name, .matches, value))
        }
        return matchers
    }
}

/// Names of labels in `match`, `group_by` and `equal`.
enum LabelName {
    static func require(_ name: String) throws(AlertingError) {
        guard Alert.isName(name) else { throw .badLabel(name) }
    }
}

extension KeyedDecodingContainer {
    func labelNames(_ key: Key) throws -> [String]? {
        let names = try decodeIfPresent([String].self, forKey: key)
        for name in names ?? [] {
            do { try LabelName.require(name) } catch { throw refused(key, "\(key.stringValue): \(error)") }
        }
        return names
    }
}
