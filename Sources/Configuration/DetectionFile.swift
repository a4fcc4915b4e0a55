import Columns
import Detection
import Foundation

/// A rule on events as its YAML file has it; docs/rules.md has the keys.
struct DetectionFile: Decodable {
    let rule: DetectionRule

    enum CodingKeys: String, CodingKey {
        case name, pipeline, table, severity, title, description, match, within, count, distinct, then, ends
        case groupBy = "group_by"
    }

    private struct Distinct: Decodable {
        var column: String
        var count: Int
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> String { try container.decode(String.self, forKey: key) }
        rule = DetectionRule(
            name: try text(.name),
            pipeline: try container.decodeIfPresent(String.self, forKey: .pipeline),
            table: try container.decodeIfPresent(String.self, forKey: .table),
            severity: try container.decode(Severity.self, forKey: .severity),
            title: try text(.title),
            description: try text(.description),
            match: try container.refusing(.match) { try [Matcher](parsing: try text(.match)) },
            groupBy: try container.decode([String].self, forKey: .groupBy),
            within: try container.duration(.within) ?? .seconds(300),
            count: try container.decodeIfPresent(Int.self, forKey: .count) ?? 0,
            distinct: try container.decodeIfPresent(Distinct.self, forKey: .distinct).map { ($0.column, $0.count) },
            then: container.contains(.then) ? try container.matchers(.then) : nil,
            ends: try Self.ends(container))
        guard !rule.name.isEmpty else { throw container.refused(.name, "a rule has an empty name; give it one") }
        guard rule.within > .zero else { throw container.refused(.within, "'within' is 0; write a duration such as 5m") }
        guard rule.count >= 0 else { throw container.refused(.count, "'count' is \(rule.count); write how many events it takes") }
        for (key, text) in [(CodingKeys.title, rule.title), (.description, rule.description)] {
            guard let name = Self.placeholders(in: text).first(where: { !rule.placeholders.contains($0) }) else { continue }
            let known = rule.placeholders.sorted().map { "{\($0)}" }.joined(separator: ", ")
            throw container.refused(
                key,
                "'\(key.stringValue)' has {\(name)}, which the rule '\(rule.name)' cannot fill; it knows \(known), "
                    + "and each column that 'group_by' names")
        }
    }

    /// The names in braces in `text`. Braces around anything else are text.
    private static func placeholders(in text: String) -> [String] {
        text.matches(of: /\{([A-Za-z_][A-Za-z0-9_.]*)\}/).map { String($0.1) }
    }

    /// `by hand`, `quiet`, or `quiet 10m`.
    private static func ends(_ container: KeyedDecodingContainer<CodingKeys>) throws -> IncidentEnd? {
        guard let text = try container.decodeIfPresent(String.self, forKey: .ends) else { return nil }
        switch text.split(separator: " ").map(String.init) {
        case ["by", "hand"]: return .byHand
        case ["quiet"]: return .quiet(nil)
        case let words where words.count == 2 && words[0] == "quiet":
            if let duration = Duration(parsing: words[1]), duration > .zero { return .quiet(duration) }
        default: break
        }
        throw container.refused(.ends, "'ends' is '\(text)'; write by hand, quiet, or quiet 10m")
    }
}

/// A file of detections is a list of entries.
extension [DetectionFile]: DeclaredFile {
    static var declared: KeySection.File { .detections }
}
