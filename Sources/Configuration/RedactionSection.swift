import Columns
import Ingest
import Notify

/// The section `redaction` of obs.yaml: what is taken out of lines before they are kept.
struct RedactionSection: Decodable {
    private struct Entry: Decodable {
        let rule: LineRedactor.Rule
        /// Empty for all.
        let pipelines: [String]
        let sources: [String]

        private enum CodingKeys: CodingKey { case pattern, replace, hash, pipelines, sources }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let pattern = try container.decode(String.self, forKey: .pattern)
            let expression = try container.refusing(.pattern) { try RegularExpression(pattern, captures: true) }
            guard !expression.matches("") else {
                throw container.refused(.pattern, "'pattern' matches the empty text; let it match at least one character")
            }
            let text = try container.decodeIfPresent(String.self, forKey: .replace)
            let isHashed = try container.decodeIfPresent(Bool.self, forKey: .hash) ?? false
            guard (text != nil) != isHashed else {
                throw container.refused(.pattern, "a rule of redaction has one of 'replace' and 'hash: true'; give one")
            }
            if let text, text.utf8.count > 100 || text.unicodeScalars.contains(where: \.isControl) {
                throw container.refused(.replace, "'replace' is longer than 100 bytes or not one line; write such as <email>")
            }
            rule = .init(pattern: expression, replacement: text.map { .text($0) } ?? .hash)
            pipelines = try container.decodeIfPresent([String].self, forKey: .pipelines) ?? []
            sources = try container.decodeIfPresent([String].self, forKey: .sources) ?? []
        }
    }

    private let entries: [Entry]
    private let secret: Secret?
    private let key: LineRedactor.Key?

    /// Each rule is a search in each line.
    static let maxRules = 100

    private enum CodingKeys: CodingKey { case key, rules }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let secret = try container.decodeIfPresent(Secret.self, forKey: .key)
        entries = try container.decodeIfPresent([Entry].self, forKey: .rules) ?? []
        guard entries.count <= Self.maxRules else {
            throw container.refused(.rules, "redaction has \(entries.count) rules; \(Self.maxRules) are the most")
        }
        guard secret != nil || !entries.contains(where: { $0.rule.replacement == .hash }) else {
            throw container.refused(
                .rules, "a rule of redaction has 'hash', and redaction has no 'key'; give one of 16 bytes or more")
        }
        self.secret = secret
        key = secret.map { secret in LineRedactor.Key { try secret.read() } }
    }

    /// The rules for a source of a pipeline, or nil when there are none.
    ///
    /// - Parameter source: nil for files that `obs process` reads: which source they are of is not known, so the rules of all
    ///   sources of the pipeline hold.
    func redactor(of source: String?, pipeline: String) -> LineRedactor? {
        let rules = entries.filter { entry in
            (entry.pipelines.isEmpty || entry.pipelines.contains(pipeline))
                && (entry.sources.isEmpty || source.map(entry.sources.contains) ?? true)
        }.map(\.rule)
        return rules.isEmpty ? nil : LineRedactor(rules, key: key, keyPlace: secret?.hashValue ?? 0)
    }

    /// The names of sources and pipelines that rules are for.
    var names: (sources: Set<String>, pipelines: Set<String>) {
        (Set(entries.flatMap(\.sources)), Set(entries.flatMap(\.pipelines)))
    }
}
