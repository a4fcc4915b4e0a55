import Columns
import Foundation
import Lake
import Parsing

/// What a pipeline does, as its YAML file says (the grammar is in docs/pipelines/README.md).
///
///     inputs ─▶ steps ─▶ silver ─▶ streams (filters, joins, look-ups) ─▶ windows ─▶ gold
public struct PipelineDefinition: Sendable, Hashable {
    /// Unique; it is in the names of checkpoints and in metrics.
    public var name: String
    /// Where events come from; at least one.
    public var inputs: [InputDefinition]
    /// Derived from inputs, streams and windows, in the order of the file.
    public var streams: [StreamDefinition] = []
    /// In the order of the file.
    public var windows: [WindowDefinition]
    /// Text formats in which silver is written beside its Delta tables.
    public var silverFormats: [TextFormat] = []
    /// Text formats in which gold is written beside its Delta tables.
    public var goldFormats: [TextFormat] = []
    /// The time between two commits of a stream.
    public var commitInterval = Duration.seconds(5)
    /// The watermark does not wait for a partition that has been silent for so long.
    public var idleAfter = Duration.seconds(60)
    /// A record of several lines counts as complete when nothing has come for so long.
    public var flushAfter = Duration.seconds(5)
    /// How many groups all open windows may have together; see ``OpenWindows``.
    public var maxOpenGroups = defaultMaxOpenGroups
    /// When a batch pipeline runs; nil for a stream.
    public var schedule: Schedule?

    /// Two millions.
    public static let defaultMaxOpenGroups = 2_000_000

    /// A pipeline with defaults for all that is not given.
    public init(name: String, inputs: [InputDefinition], streams: [StreamDefinition] = [], windows: [WindowDefinition] = []) {
        self.name = name
        self.inputs = inputs
        self.streams = streams
        // Last, so that a name that is given twice is reported where the file has it.
        self.windows =
            windows + inputs.flatMap { input in input.steps.flatMap { $0.stage.windows(of: input.name) } }
            + streams.flatMap { stream in stream.steps.flatMap { $0.stage.windows(of: stream.name) } }
    }

    /// A pipeline with one input, which has its name.
    public init(name: String, format: String, windows: [WindowDefinition]) {
        self.init(name: name, inputs: [InputDefinition(name: name, table: name, format: format)], windows: windows)
    }

    /// The gold tables that steps fill besides passing rows on, such as the tables of templates.
    public var sideTables: [String] { sideSchemas.map(\.name) }

    var sideSchemas: [SideTable] {
        (inputs.flatMap(\.steps) + streams.flatMap(\.steps)).compactMap(\.stage.sideTable)
    }

    /// The gold tables: of streams, of windows, and of steps.
    public var goldTables: [String] { streams.compactMap(\.table) + windows.map(\.table) + sideTables }

    /// The input called `name`; nil asks for the only one.
    ///
    /// - Throws: ``DefinitionError`` when there is none of that name, or several and no name.
    public func input(_ name: String?) throws -> InputDefinition {
        let names = inputs.map(\.name)
        guard let name else {
            guard inputs.count == 1 else { throw DefinitionError.inputNeeded(pipeline: self.name, known: names) }
            return inputs[0]
        }
        guard let input = inputs.first(where: { $0.name == name }) else {
            throw DefinitionError.noInput(name, pipeline: self.name, known: names)
        }
        return input
    }

    /// The same with the paths of reference files that are not absolute taken from the folder that `path` is in.
    public func resolvingFiles(beside path: String) -> PipelineDefinition {
        let folder = (path as NSString).deletingLastPathComponent
        func resolve(_ steps: inout [Step]) {
            for index in steps.indices { steps[index].stage = steps[index].stage.resolvingFiles(in: folder) }
        }
        var resolved = self
        for index in inputs.indices { resolve(&resolved.inputs[index].steps) }
        for index in streams.indices { resolve(&resolved.streams[index].steps) }
        return resolved
    }

    /// A hash that changes when the state of the pipeline could not be restored, or when its tables would hold other rows.
    /// Commit interval,
    /// waits, schedule, text formats and the limit of open groups are not part of it.
    public var fingerprint: String {
        let parts = inputs.map(\.signature) + streams.map(\.signature) + windows.map(\.signature)
        return String(StableHash.of(([name] + parts).joined(separator: "\n")), radix: 16)
    }
}

/// An input of a pipeline: the format of its lines, and the steps of its events before silver.
public struct InputDefinition: Sendable, Hashable {
    /// Sources name it (`input:` in obs.yaml), streams and windows read from it.
    public var name: String
    /// Its tables are `bronze.TABLE` and `silver.TABLE`.
    public var table: String
    /// A name of `LogFormats`.
    public var format: String
    /// Columns and settings that the definition gives to the format.
    public var options: FormatOptions
    /// How far an event may be behind the newest of its partition and still count.
    public var allowedLateness: Duration
    /// How far ahead of its line's arrival an event may be and still move the watermark.
    public var maxClockSkew = defaultClockSkew
    /// In order, before silver.
    public var steps: [Step]

    /// An hour.
    public static let defaultClockSkew = Duration.seconds(3600)

    /// An input whose table has the name of the input, unless another is given.
    public init(
        name: String, table: String, format: String, options: FormatOptions = FormatOptions(),
        allowedLateness: Duration = .seconds(60), steps: [Step] = []
    ) {
        self.name = name
        self.table = table
        self.format = format
        self.options = options
        self.allowedLateness = allowedLateness
        self.steps = steps
    }

    var signature: String {
        let columns = options.columns.map { "\($0.name):\($0.type.rawValue):\($0.path):\($0.isNullable)" }
        let settings = options.settings.map { "\($0.key)=\($0.value)" }
        // Only where it is not the default, so that checkpoints of before it could be set are read on.
        let skew = maxClockSkew == Self.defaultClockSkew ? "" : " skew \(maxClockSkew.inMicroseconds)"
        return
            "input \(name) \(table) \(format) \(columns) \(settings) \(allowedLateness.inMicroseconds) "
            + "\(steps.map(\.stage.signature))"
            + skew
    }
}

/// A definition that cannot run. The sentence says which part, and what to write.
enum DefinitionError: Error, Sendable, Equatable, CustomStringConvertible {
    case noInput(String, pipeline: String, known: [String])
    case inputNeeded(pipeline: String, known: [String])
    case noStream(String, asked: String, known: [String])
    case noColumn(String, asked: String, known: [String])
    case wrongType(column: String, type: ColumnType, asked: String, wanted: String)
    case twice(String)
    case bad(String)

    var description: String {
        switch self {
        case .noInput(let name, let pipeline, let known):
            "pipeline '\(pipeline)' has no input '\(name)'; known are \(known.joined(separator: ", "))"
        case .inputNeeded(let pipeline, let known):
            "pipeline '\(pipeline)' has several inputs; say which one with 'input': \(known.joined(separator: ", "))"
        case .noStream(let name, let asked, let known):
            "\(asked) reads from '\(name)', which is not an input, stream or window above it; known are "
                + "\(known.joined(separator: ", "))"
        case .noColumn(let name, let asked, let known):
            "\(asked) names the column '\(name)', which there is not; known are \(known.joined(separator: ", "))"
        case .wrongType(let column, let type, let asked, let wanted):
            "\(asked): column '\(column)' is of type \(type.rawValue); it must be \(wanted)"
        case .twice(let name): "the name '\(name)' is given twice; inputs, streams, windows and columns have one each"
        case .bad(let sentence): sentence
        }
    }
}
