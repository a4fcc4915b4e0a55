import Columns
import Foundation
import Lake
import Parsing
import Streaming

/// A pipeline as its YAML file has it; docs/pipelines/README.md has the grammar.
struct PipelineFile: Decodable, DeclaredFile {
    static let declared = KeySection.File.pipeline
    let definition: PipelineDefinition

    private enum CodingKeys: String, CodingKey {
        case name, format, columns, options, steps, inputs, streams, windows, silver, gold, every, cron
        case commitInterval = "commit_interval"
        case allowedLateness = "allowed_lateness"
        case maxClockSkew = "max_clock_skew"
        case idleAfter = "idle_after"
        case flushAfter = "flush_after"
        case maxOpenGroups = "max_open_groups"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        let lateness = try container.duration(.allowedLateness) ?? .seconds(60)
        let skew = try container.duration(.maxClockSkew) ?? InputDefinition.defaultClockSkew
        var inputs = try (container.decodeIfPresent([InputFile].self, forKey: .inputs) ?? []).map {
            $0.definition(pipeline: name, lateness: lateness, skew: skew)
        }
        if let format = try container.decodeIfPresent(String.self, forKey: .format) {
            guard inputs.isEmpty else {
                throw container.refused(.format, "both 'format' and 'inputs' are given; move the format into 'inputs'")
            }
            let columns = try container.decodeIfPresent([ColumnFile].self, forKey: .columns) ?? []
            let options = try container.decodeIfPresent([String: String].self, forKey: .options) ?? [:]
            inputs = [
                InputDefinition(
                    name: name, table: name, format: format,
                    options: FormatOptions(columns: columns.map(\.column), settings: options),
                    allowedLateness: lateness,
                    steps: try (container.decodeIfPresent([Step].self, forKey: .steps) ?? []))
            ]
            inputs[0].maxClockSkew = skew
        }
        guard !inputs.isEmpty else { throw UsageError("pipeline '\(name)' has neither 'format' nor 'inputs'") }
        var definition = PipelineDefinition(
            name: name, inputs: inputs,
            streams: try (container.decodeIfPresent([StreamFile].self, forKey: .streams) ?? []).map(\.definition),
            windows: try (container.decodeIfPresent([WindowFile].self, forKey: .windows) ?? []).map(\.definition))
        definition.commitInterval = try container.duration(.commitInterval) ?? definition.commitInterval
        definition.idleAfter = try container.duration(.idleAfter) ?? definition.idleAfter
        definition.flushAfter = try container.duration(.flushAfter) ?? definition.flushAfter
        definition.maxOpenGroups = try container.decodeIfPresent(Int.self, forKey: .maxOpenGroups) ?? definition.maxOpenGroups
        definition.silverFormats = try container.decodeIfPresent(TableFile.self, forKey: .silver)?.formats ?? []
        definition.goldFormats = try container.decodeIfPresent(TableFile.self, forKey: .gold)?.formats ?? []
        definition.schedule = try Self.schedule(container)
        var place: DefinitionPlace?
        do {
            _ = try PipelineSchemas(definition, noting: &place)
        } catch {
            throw LocatedError(
                path: decoder.codingPath + Self.path(of: place, hasInputs: container.contains(.inputs)), error: error)
        }
        self.definition = definition
    }

    private static func schedule(_ container: KeyedDecodingContainer<CodingKeys>) throws -> Schedule? {
        let every = try container.duration(.every)
        guard let cron = try container.decodeIfPresent(String.self, forKey: .cron) else {
            guard every ?? .seconds(1) >= .seconds(1) else {
                throw container.refused(.every, "'every' is below a second; leave it out for a stream")
            }
            return every.map(Schedule.every)
        }
        guard every == nil else {
            throw container.refused(.cron, "both 'every' and 'cron' are given; one of them says when the pipeline runs")
        }
        return try container.refusing(.cron) { .cron(try CronExpression(cron)) }
    }

    /// Where in the file a part of the definition is written.
    private static func path(of place: DefinitionPlace?, hasInputs: Bool) -> [any CodingKey] {
        func path(_ key: String, _ index: Int, _ inner: String, _ innerIndex: Int?) -> [any CodingKey] {
            [ConfigurationKey(key), ConfigurationKey(index)]
                + (innerIndex.map { [ConfigurationKey(inner), ConfigurationKey($0)] } ?? [])
        }
        switch place {
        case .input(_, let step) where !hasInputs:
            return step.map { [ConfigurationKey("steps"), ConfigurationKey($0)] } ?? [ConfigurationKey("format")]
        case .input(let index, let step): return path("inputs", index, "steps", step)
        case .stream(let index, let step): return path("streams", index, "steps", step)
        case .window(let index, let aggregate): return path("windows", index, "aggregates", aggregate)
        case nil: return []
        }
    }
}

/// The text formats of a layer, such as `{ formats: [delta, jsonl] }`; the Delta table is always written.
private struct TableFile: Decodable {
    let formats: [TextFormat]

    private enum CodingKeys: CodingKey { case formats }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        formats = try (container.decodeIfPresent([String].self, forKey: .formats) ?? []).filter { $0 != "delta" }.map { name in
            guard let format = TextFormat(rawValue: name) else {
                throw container.refused(.formats, "the format '\(name)' is not known; write delta, jsonl or csv")
            }
            return format
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
            let known = ColumnType.allCases.map(\.rawValue).joined(separator: ", ")
            throw container.refused(.type, "the column '\(name)' has the type '\(typeName)'; known are \(known)")
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
    private let skew: Duration?
    private let steps: [Step]

    private enum CodingKeys: String, CodingKey {
        case name, table, format, columns, options, steps
        case allowedLateness = "allowed_lateness"
        case maxClockSkew = "max_clock_skew"
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
        skew = try container.duration(.maxClockSkew)
        steps = try (container.decodeIfPresent([Step].self, forKey: .steps) ?? [])
    }

    func definition(pipeline: String, lateness general: Duration, skew generalSkew: Duration) -> InputDefinition {
        var definition = InputDefinition(
            name: name, table: table ?? "\(pipeline)_\(name)", format: format, options: options,
            allowedLateness: lateness ?? general,
            steps: steps)
        definition.maxClockSkew = skew ?? generalSkew
        return definition
    }
}

private struct StreamFile: Decodable {
    let definition: StreamDefinition

    private enum CodingKeys: String, CodingKey { case name, from, steps, table }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        definition = StreamDefinition(
            name: try container.decode(String.self, forKey: .name), from: try container.decode(String.self, forKey: .from),
            steps: try (container.decodeIfPresent([Step].self, forKey: .steps) ?? []),
            table: try container.decodeIfPresent(String.self, forKey: .table))
    }
}

private struct WindowFile: Decodable {
    let definition: WindowDefinition

    private enum CodingKeys: String, CodingKey {
        case table, from, length, slide, gap, by, `where`, aggregates
        case maxGroups = "max_groups"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let table = try container.decode(String.self, forKey: .table)
        let aggregates = try container.decode([AggregateFile].self, forKey: .aggregates).map(\.aggregate)
        let length = try container.duration(.length), slide = try container.duration(.slide), gap = try container.duration(.gap)
        let kind: WindowDefinition.Kind
        switch (length, slide, gap) {
        case (let length, nil, nil): kind = .tumbling(length: length ?? .seconds(300))
        case (let length?, let slide?, nil): kind = .hopping(length: length, slide: slide)
        case (nil, nil, let gap?): kind = .session(gap: gap)
        default:
            throw container.refused(
                gap == nil ? .slide : .gap,
                "window '\(table)': write 'length' for tumbling windows, 'length' and 'slide' for hopping ones, "
                    + "or 'gap' alone for sessions")
        }
        var window = WindowDefinition(
            table: table, from: try container.decodeIfPresent(String.self, forKey: .from), kind: kind,
            by: try container.textOrTexts(.by) ?? [],
            where: try container.matchers(.where), aggregates: aggregates)
        if let limit = try container.decodeIfPresent(Int.self, forKey: .maxGroups) {
            window.maxGroups = limit
        }
        definition = window
    }
}

private struct AggregateFile: Decodable {
    let aggregate: Aggregate

    private enum CodingKeys: CodingKey { case name, function, column, share, k, `where` }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        let functionName = try container.decode(String.self, forKey: .function)
        guard let function = Aggregate.Function(rawValue: functionName) else {
            let known = Aggregate.Function.allCases.map(\.rawValue).joined(separator: ", ")
            throw container.refused(
                .function, "the aggregate '\(name)' has the function '\(functionName)'; known are \(known)")
        }
        let share = try container.decodeIfPresent(Double.self, forKey: .share)
        let k = try container.decodeIfPresent(Int.self, forKey: .k)
        if function == .quantile, share == nil {
            throw container.refused(
                .function,
                "the aggregate '\(name)' is a quantile without a 'share'; write the share of values below it, such as 0.95")
        }
        // A key without an effect would look as if it had one.
        for (key, isGiven, isFor) in [
            (CodingKeys.share, share != nil, Aggregate.Function.quantile), (.k, k != nil, .topK),
        ] where isGiven && function != isFor {
            throw container.refused(
                key, "the aggregate '\(name)' has '\(key.stringValue)', which only \(isFor.rawValue) has; leave it out")
        }
        aggregate = Aggregate(
            name, function, column: try container.decodeIfPresent(String.self, forKey: .column),
            parameter: share ?? k.map(Double.init), where: try container.matchers(.where))
    }
}
