import Columns
import Detection
import Foundation
import Lake
import Parsing
import Streaming

/// A pipeline as its YAML file has it.
struct PipelineFile: Decodable {
    let definition: PipelineDefinition

    private enum CodingKeys: String, CodingKey {
        case name, format, windows, silver, gold
        case commitInterval = "commit_interval"
    }

    private struct Table: Decodable { var formats: [String]? }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let windows = try container.decodeIfPresent([WindowFile].self, forKey: .windows) ?? []
        var definition = PipelineDefinition(
            name: try container.decode(String.self, forKey: .name), format: try container.decode(String.self, forKey: .format),
            windows: windows.map(\.definition))
        definition.commitInterval = try container.duration(.commitInterval) ?? definition.commitInterval
        definition.silverFormats = try Self.formats(try container.decodeIfPresent(Table.self, forKey: .silver)?.formats)
        definition.goldFormats = try Self.formats(try container.decodeIfPresent(Table.self, forKey: .gold)?.formats)
        self.definition = definition
    }

    /// The text formats of a list such as `[delta, jsonl]`; the Delta table is always written.
    private static func formats(_ names: [String]?) throws -> [TextFormat] {
        try (names ?? []).filter { $0 != "delta" }.map { name in
            guard let format = TextFormat(rawValue: name) else {
                throw UsageError("the format '\(name)' is not known; write delta, jsonl or csv")
            }
            return format
        }
    }
}

private struct WindowFile: Decodable {
    let definition: WindowDefinition

    private enum CodingKeys: String, CodingKey {
        case table, length, by, aggregates
        case allowedLateness = "allowed_lateness"
    }

    private struct AggregateFile: Decodable {
        var name: String
        var function: String
        var column: String?
        var `where`: String?
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let aggregates = try container.decode([AggregateFile].self, forKey: .aggregates).map { file in
            guard let function = Aggregate.Function(rawValue: file.function) else {
                throw UsageError(
                    "the aggregate '\(file.name)' has the function '\(file.function)'; known are \(Aggregate.Function.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            return Aggregate(file.name, function, column: file.column, where: try [Matcher](parsing: file.where ?? ""))
        }
        definition = WindowDefinition(
            table: try container.decode(String.self, forKey: .table), length: try container.duration(.length) ?? .seconds(300),
            allowedLateness: try container.duration(.allowedLateness) ?? .seconds(60),
            by: try container.decode(String.self, forKey: .by), aggregates: aggregates)
    }
}

/// A rule on events as its YAML file has it.
struct DetectionFile: Decodable {
    let rule: DetectionRule

    private enum CodingKeys: String, CodingKey {
        case name, severity, title, description, match, within, count, distinct, then
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

extension KeyedDecodingContainer {
    /// A duration in Prometheus' notation.
    func duration(_ key: Key) throws -> Duration? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let duration = Duration(parsing: text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(key.stringValue) is '\(text)'; write a duration such as 30s or 2m")
        }
        return duration
    }
}
