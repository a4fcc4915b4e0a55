import Columns
import Foundation
import Lake
import Parsing
import Streaming

/// A pipeline as its YAML file has it; docs/pipelines/README.md has the grammar.
struct PipelineFile: Decodable {
    let definition: PipelineDefinition

    private enum CodingKeys: String, CodingKey {
        case name, format, columns, options, steps, inputs, streams, windows, silver, gold, every, cron
        case commitInterval = "commit_interval"
        case allowedLateness = "allowed_lateness"
        case idleAfter = "idle_after"
        case flushAfter = "flush_after"
    }

    private struct Table: Decodable { var formats: [String]? }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        let lateness = try container.duration(.allowedLateness) ?? .seconds(60)
        var inputs = try (container.decodeIfPresent([InputFile].self, forKey: .inputs) ?? []).map {
            $0.definition(pipeline: name, lateness: lateness)
        }
        if let format = try container.decodeIfPresent(String.self, forKey: .format) {
            guard inputs.isEmpty else { throw UsageError("both 'format' and 'inputs' are given; move the format into 'inputs'") }
            let columns = try container.decodeIfPresent([ColumnFile].self, forKey: .columns) ?? []
            let options = try container.decodeIfPresent([String: String].self, forKey: .options) ?? [:]
            inputs = [
                InputDefinition(
                    name: name, table: name, format: format,
                    options: FormatOptions(columns: columns.map(\.column), settings: options),
                    allowedLateness: lateness,
                    steps: try (container.decodeIfPresent([StepFile].self, forKey: .steps) ?? []).map(\.step))
            ]
        }
        guard !inputs.isEmpty else { throw UsageError("pipeline '\(name)' has neither 'format' nor 'inputs'") }
        var definition = PipelineDefinition(
            name: name, inputs: inputs,
            streams: try (container.decodeIfPresent([StreamFile].self, forKey: .streams) ?? []).map(\.definition),
            windows: try (container.decodeIfPresent([WindowFile].self, forKey: .windows) ?? []).map(\.definition))
        definition.commitInterval = try container.duration(.commitInterval) ?? definition.commitInterval
        definition.idleAfter = try container.duration(.idleAfter) ?? definition.idleAfter
        definition.flushAfter = try container.duration(.flushAfter) ?? definition.flushAfter
        definition.silverFormats = try Self.formats(try container.decodeIfPresent(Table.self, forKey: .silver)?.formats)
        definition.goldFormats = try Self.formats(try container.decodeIfPresent(Table.self, forKey: .gold)?.formats)
        definition.schedule = try Self.schedule(
            every: try container.duration(.every), cron: try container.decodeIfPresent(String.self, forKey: .cron))
        _ = try PipelineSchemas(definition)
        self.definition = definition
    }

    private static func schedule(every: Duration?, cron: String?) throws -> Schedule? {
        switch (every, cron) {
        case (nil, nil): return nil
        case (let every?, nil):
            guard every >= .seconds(1) else { throw UsageError("'every' is below a second; leave it out for a stream") }
            return .every(every)
        case (nil, let cron?): return .cron(try CronExpression(cron))
        default: throw UsageError("both 'every' and 'cron' are given; one of them says when the pipeline runs")
        }
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

/// One text, or a list of them.
struct TextList: Decodable {
    let texts: [String]

    init(from decoder: any Decoder) throws {
        if let list = try? decoder.unkeyedContainer() {
            var list = list
            var texts: [String] = []
            while !list.isAtEnd { texts.append(try list.decode(String.self)) }
            self.texts = texts
        } else {
            texts = [try decoder.singleValueContainer().decode(String.self)]
        }
    }
}

extension FormatOptions {
    fileprivate init(columns: [DeclaredColumn], settings: [String: String]) {
        self.init(columns: columns, settings: settings.sorted { $0.key < $1.key }.map { Setting($0.key, $0.value) })
    }
}

private struct ColumnFile: Decodable {
    let column: FormatOptions.DeclaredColumn

    private enum CodingKeys: String, CodingKey { case name, type, path, required }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        let typeName = try container.decodeIfPresent(String.self, forKey: .type) ?? "text"
        guard let type = ColumnType(rawValue: typeName) else {
            throw UsageError(
                "the column '\(name)' has the type '\(typeName)'; known are \(ColumnType.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        column = .init(
            name, type, path: try container.decodeIfPresent(String.self, forKey: .path),
            isNullable: !(try container.decodeIfPresent(Bool.self, forKey: .required) ?? false))
    }
}

private struct InputFile: Decodable {
    private let name: String
    private let table: String?
    private let format: String
    private let options: FormatOptions
    private let lateness: Duration?
    private let steps: [Step]

    private enum CodingKeys: String, CodingKey {
        case name, table, format, columns, options, steps
        case allowedLateness = "allowed_lateness"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        table = try container.decodeIfPresent(String.self, forKey: .table)
        format = try container.decode(String.self, forKey: .format)
        options = FormatOptions(
            columns: try (container.decodeIfPresent([ColumnFile].self, forKey: .columns) ?? []).map(\.column),
            settings: try container.decodeIfPresent([String: String].self, forKey: .options) ?? [:])
        lateness = try container.duration(.allowedLateness)
        steps = try (container.decodeIfPresent([StepFile].self, forKey: .steps) ?? []).map(\.step)
    }

    func definition(pipeline: String, lateness general: Duration) -> InputDefinition {
        InputDefinition(
            name: name, table: table ?? "\(pipeline)_\(name)", format: format, options: options,
            allowedLateness: lateness ?? general,
            steps: steps)
    }
}

private struct StreamFile: Decodable {
    let definition: StreamDefinition

    private enum CodingKeys: String, CodingKey { case name, from, steps, table }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        definition = StreamDefinition(
            name: try container.decode(String.self, forKey: .name), from: try container.decode(String.self, forKey: .from),
            steps: try (container.decodeIfPresent([StepFile].self, forKey: .steps) ?? []).map(\.step),
            table: try container.decodeIfPresent(String.self, forKey: .table))
    }
}

private struct WindowFile: Decodable {
    let definition: WindowDefinition

    private enum CodingKeys: String, CodingKey { case table, from, length, slide, gap, by, `where`, aggregates }

    private struct AggregateFile: Decodable {
        var name: String
        var function: String
        var column: String?
        var share: Double?
        var k: Int?
        var `where`: String?
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let table = try container.decode(String.self, forKey: .table)
        let aggregates = try container.decode([AggregateFile].self, forKey: .aggregates).map { file in
            guard let function = Aggregate.Function(rawValue: file.function) else {
                throw UsageError(
                    "the aggregate '\(file.name)' has the function '\(file.function)'; known are \(Aggregate.Function.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            return Aggregate(
                file.name, function, column: file.column, parameter: function == .topK ? file.k.map(Double.init) : file.share,
                where: try [Matcher](parsing: file.where ?? ""))
        }
        let length = try container.duration(.length), slide = try container.duration(.slide), gap = try container.duration(.gap)
        let kind: WindowDefinition.Kind
        switch (length, slide, gap) {
        case (let length, nil, nil): kind = .tumbling(length: length ?? .seconds(300))
        case (let length?, let slide?, nil): kind = .hopping(length: length, slide: slide)
        case (nil, nil, let gap?): kind = .session(gap: gap)
        default:
            throw UsageError(
                "window '\(table)': write 'length' for tumbling windows, 'length' and 'slide' for hopping ones, or 'gap' alone for sessions"
            )
        }
        definition = WindowDefinition(
            table: table, from: try container.decodeIfPresent(String.self, forKey: .from), kind: kind,
            by: try container.decodeIfPresent(TextList.self, forKey: .by)?.texts ?? [],
            where: try [Matcher](parsing: try container.decodeIfPresent(String.self, forKey: .where) ?? ""),
            aggregates: aggregates)
    }
}
