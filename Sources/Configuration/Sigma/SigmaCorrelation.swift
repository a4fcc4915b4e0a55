import Columns
import Yams

/// A correlation of Sigma rules.
///
/// Source: Sigma specification 2, "Sigma Correlation Rules".
struct SigmaCorrelation {
    enum Kind {
        case eventCount(Int)
        case valueCount(column: String, Int)
        case temporal, temporalOrdered

        /// Whether it counts what its rules match, and needs no findings of theirs.
        var countsRows: Bool {
            switch self {
            case .eventCount, .valueCount: true
            case .temporal, .temporalOrdered: false
            }
        }
    }

    let title: String
    let description: String
    let kind: Kind
    /// By name, id or title.
    let rules: [String]
    /// Columns.
    let groupBy: [String]
    /// As the file has it, which is as obs writes durations.
    let timespan: String
    /// Whether its rules are findings of their own as well.
    let generates: Bool
    /// Nil where it does not say.
    let severity: SigmaRule.Level?
    let technique: String?

    init(_ document: Node, title: String) throws(SigmaProblem) {
        guard let correlation = document["correlation"]?.mapping else { throw SigmaProblem("its 'correlation' is not a mapping") }
        self.title = title
        description = document["description"]?.string ?? title
        rules = correlation["rules"]?.sequence?.compactMap(\.string) ?? correlation["rules"]?.string.map { [$0] } ?? []
        guard !rules.isEmpty, rules.count <= 16 else { throw SigmaProblem("it names no rules, or more than 16") }
        groupBy = try (correlation["group-by"]?.sequence?.compactMap(\.string) ?? []).map { field throws(SigmaProblem) in
            try SigmaSelection.column(field)
        }
        guard let timespan = correlation["timespan"]?.string, let length = Duration(parsing: timespan), length > .zero else {
            throw SigmaProblem("its 'timespan' is missing, or not such as 5m")
        }
        guard length <= .seconds(30 * 86_400) else {
            throw SigmaProblem("its 'timespan' is longer than 30d, the longest window of obs")
        }
        self.timespan = timespan
        generates = correlation["generate"]?.bool ?? false
        severity = document["level"]?.string.map { SigmaRule.Level(sigma: $0) }
        technique = SigmaRule.technique(document)
        if correlation["aliases"] != nil {
            throw SigmaProblem("it has 'aliases', which obs has none of: its columns are named alike")
        }
        kind = try Self.kind(correlation)
    }

    private static func kind(_ correlation: Node.Mapping) throws(SigmaProblem) -> Kind {
        let type = correlation["type"]?.string ?? ""
        switch type {
        case "event_count": return .eventCount(try least(correlation))
        case "value_count":
            guard let field = correlation["condition"]?["field"]?.string else {
                throw SigmaProblem("its condition names no 'field'")
            }
            return .valueCount(column: try SigmaSelection.column(field), try least(correlation))
        case "temporal": return .temporal
        case "temporal_ordered": return .temporalOrdered
        default: throw SigmaProblem("its type is '\(type)'; obs has event_count, value_count, temporal and temporal_ordered")
        }
    }

    /// The number from which on it holds. A rule of obs fires when there is enough, never when there is too little.
    private static func least(_ correlation: Node.Mapping) throws(SigmaProblem) -> Int {
        guard let condition = correlation["condition"]?.mapping else { throw SigmaProblem("it has no condition such as gte: 10") }
        for (name, more) in [("gte", 0), ("gt", 1)] {
            if let count = condition[name]?.int, count >= 0, count < 1_000_000 { return max(1, count + more) }
        }
        throw SigmaProblem("its condition is neither gte nor gt; obs counts what is enough, not what is too little")
    }
}
