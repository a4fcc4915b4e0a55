import Columns
import Logging

/// One kind of step of a pipeline: its settings, as the file of the pipeline has them, and what it does to rows.
///
/// A new kind is a file in this folder and a line in ``Stages/all``. Its settings are decoded from the value under ``key``; a
/// mistake is thrown
/// so that it is shown with its line. ``start(_:)`` makes what runs, once per place in a pipeline.
protocol Stage: Sendable, Hashable, Decodable {
    /// The key of the step: `where`, `compute`, ….
    static var key: String { get }

    /// The columns of rows behind this step.
    ///
    /// - Throws: ``DefinitionError`` when `node` lacks something that the settings name.
    func node(behind node: PipelineSchemas.Node, in place: StagePlace) throws(DefinitionError) -> PipelineSchemas.Node

    /// Changes when state written under one setting cannot be read under the other, or when tables would hold other rows.
    var signature: String { get }

    /// - Throws: when a file that it needs cannot be read.
    func start(_ start: StageStart) throws -> any RunningStage

    /// The streams and inputs that it reads besides its own rows.
    var alsoReads: [String] { get }

    /// A gold table that it fills besides passing its rows on. Streams and windows may read from it by its name.
    var sideTable: SideTable? { get }

    /// Windows that come with it, when it is a step of the input or stream called `node`.
    func windows(of node: String) -> [WindowDefinition]

    /// The same with relative paths of files resolved in `folder`.
    func resolvingFiles(in folder: String) -> Self
}

extension Stage {
    var alsoReads: [String] { [] }
    var sideTable: SideTable? { nil }
    func windows(of node: String) -> [WindowDefinition] { [] }
    func resolvingFiles(in folder: String) -> Self { self }
}

/// The kinds of steps. A new one is a file in this folder and a line here.
enum Stages {
    static let all: [any Stage.Type] = [
        Filter.self, Compute.self, Select.self, Deduplicate.self, StreamJoin.self, ReferenceLookup.self, Expectation.self,
        ModelScore.self, TemplateMining.self, UsualValues.self,
    ]
}

/// A gold table that a stage fills by ``RoundNotes/side``. Its rows have an `event_time`.
struct SideTable {
    let name: String
    let schema: Schema
}

/// Where in a definition a stage is, for sentences about it, and what it may read from.
struct StagePlace {
    /// `input 'views'`
    let name: String
    /// Whether it may read from other streams: an input may not.
    let isStream: Bool
    let nodes: [String: PipelineSchemas.Node]

    /// - Throws: ``DefinitionError/noColumn(_:asked:known:)`` for the first of `names` that `node` has not.
    func require(_ names: [String], of node: PipelineSchemas.Node, _ asked: String) throws(DefinitionError) {
        for name in names where node.schema[name] == nil {
            throw .noColumn(name, asked: "\(self.name): \(asked)", known: node.schema.fields.map(\.name))
        }
    }
}

/// What a stage needs to start.
struct StageStart {
    let pipeline: String
    /// Of the input or stream.
    let name: String
    let before: PipelineSchemas.Node
    let after: PipelineSchemas.Node
    /// By the name of an input, stream or table of windows.
    let nodes: [String: PipelineSchemas.Node]
    /// Of all inputs the largest: how long a key is remembered.
    let allowedLateness: Duration
    let scorers: ScorerProvider
    let metrics: StepMetrics
    let logger: Logger
}

/// A stage at its place in a pipeline, with its state.
///
/// Called by one task, in the order of the data. It uses no clock: time is the watermark, but for ``pass(_:)``. Its state is
/// bounded by the watermark, and is in the checkpoint by ``encode(to:)``.
protocol RunningStage {
    /// Processes rows, and forgets what the watermark of the round has passed.
    ///
    /// - Throws: ``ExpectationFailure``: then nothing of the epoch is committed.
    mutating func run(_ flows: [Flow], in round: inout StageRound) throws -> [Flow]

    /// The rows and keys in its state.
    var stateRows: Int { get }

    /// Whether it has an expectation about the epoch as a whole.
    var expectsOfEpochs: Bool { get }

    /// Ends the epoch; the next one begins.
    ///
    /// - Throws: ``ExpectationFailure``.
    mutating func endEpoch() throws

    /// The time by the clock of a stream, now and then, also while no rows come.
    mutating func pass(_ now: Timestamp)

    func encode(to writer: inout StateWriter)
    mutating func decode(from reader: inout StateReader) throws
}

extension RunningStage {
    var stateRows: Int { 0 }
    var expectsOfEpochs: Bool { false }
    mutating func endEpoch() throws {}
    mutating func pass(_ now: Timestamp) {}
    func encode(to writer: inout StateWriter) {}
    mutating func decode(from reader: inout StateReader) throws {}
}

/// One round of a pipeline as a stage sees it.
struct StageRound {
    /// Of the input or stream.
    let name: String
    /// When the line of each row of the parsed batch arrived.
    let arrivals: Column?
    /// The rows that the other inputs and streams gave in this round.
    let others: [String: [Flow]]
    /// How far the other inputs and streams are.
    let otherWatermarks: [String: Int64]
    /// The watermark of the rows that come in. A stage that holds rows back lowers it for the stages behind it.
    var watermark: Int64
    /// The watermark behind this stage in the last round.
    var floor = Int64.min
    var notes: RoundNotes
}

/// What one round of a pipeline counts and keeps besides its rows.
struct RoundNotes {
    /// By row of the parsed batch: the windows, joins and steps that it was too late for.
    var late: [Int32: [String]] = [:]
    var lateCount = 0
    /// Rows that an expectation sends to quarantine, by row of the parsed batch.
    var dropped: [(row: Int32, expectation: String)] = []
    /// The same for rows that were made of several: the row as JSON, and the stream it was in.
    var droppedJoined: [(stream: String, json: String, expectation: String)] = []
    var filtered = 0
    var duplicates = 0
    /// Rows of the ``SideTable`` of a stage.
    var side: [(table: String, rows: Flow)] = []

    mutating func noteLate(_ rows: [Int], of flow: Flow, for name: String) {
        lateCount += rows.count
        guard let origins = flow.origins else { return }
        for row in rows { late[origins[row], default: []].append(name) }
    }
}
