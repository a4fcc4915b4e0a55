import Columns
import Detection
import Foundation

/// A rule on events as its YAML file has it.
struct DetectionFile: Decodable {
    let rule: DetectionRule

    private enum CodingKeys: String, CodingKey {
        case name, table, severity, title, description, match, within, count, distinct, then
        case groupBy = "group_by"
    }

    private struct Distinct: Decodable {
        var column: String
        var count: Int
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        rule = DetectionRule(
            name: try container.decode(String.self, forKey: .name),
            table: try container.decodeIfPresent(String.self, forKey: .table),
            severity: try container.decode(Severity.self, forKey: .severity),
            title: try container.decode(String.self, forKey: .title),
            description: try container.decode(String.self, forKey: .description),
            match: try [Matcher](parsing: try container.decode(String.self, forKey: .match)),
            groupBy: try container.decode([String].self, forKey: .groupBy),
            within: try container.duration(.within) ?? .seconds(300),
            count: try container.decodeIfPresent(Int.self, forKey: .count) ?? 0,
            distinct: try container.decodeIfPresent(Distinct.self, forKey: .distinct).map { ($0.column, $0.count) },
            then: try container.decodeIfPresent(String.self, forKey: .then).map { try [Matcher](parsing: $0) })
    }
}
