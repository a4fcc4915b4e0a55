import Columns
import Ingest
import Parsing

/// A source and the input that its lines are.
public struct PipelineSource: Sendable {
    public let source: any Source
    /// Nil for the only one.
    public let input: String?

    public init(_ source: any Source, input: String? = nil) {
        self.source = source
        self.input = input
    }
}

/// Some lines on their way, parsed by a task of their own while what came before them is worked on.
final class ParsingJob: Sendable {
    /// What the lines have become.
    struct Outcome: Sendable {
        var parsed: ParsedBatch?
        /// What the format had kept and gave behind the lines; its lines are in bronze already.
        var flushed: FlushedLines?
        /// The format as it is then: what a checkpoint behind the lines holds.
        var format: any LogFormat
    }

    let source: String
    let input: Int
    /// Unique in the pipeline: the source and its partition, which have a format of their own.
    let partition: String
    /// What the lines share a watermark with: the partition, or the source as a whole.
    let clock: String
    /// No lines of the partition come after these.
    let endsPartition: Bool
    /// Nil where nothing came and the format is asked for what it keeps.
    let chunk: SourceChunk?
    private let result = Promise<Outcome>()

    init(source: String, input: Int, clock: String, ends endsPartition: Bool, _ chunk: SourceChunk) {
        self.source = source
        self.input = input
        self.endsPartition = endsPartition
        self.chunk = chunk
        partition = Self.partition(chunk.partition, of: source)
        self.clock = Self.partition(clock, of: source)
    }

    /// Asks the format of `partition` for what it keeps.
    init(flushing partition: String, of source: String, input: Int, clock: String) {
        self.source = source
        self.input = input
        self.partition = partition
        self.clock = clock
        endsPartition = false
        chunk = nil
    }

    static func partition(_ name: String, of source: String) -> String { name.isEmpty ? source : "\(source)/\(name)" }

    var outcome: Outcome { get async { await result.value } }

    /// Parses behind `previous`, the lines before these of the same partition, or with `format` when there are none.
    func run(behind previous: ParsingJob?, orWith format: any LogFormat) async {
        var format = format
        if let previous { format = await previous.outcome.format }
        let parsed = chunk.map { RawLines.parse($0.lines, with: &format) }
        let flushed = endsPartition || chunk == nil ? format.flush()?.of(source: source) : nil
        await result.fulfil(Outcome(parsed: parsed, flushed: flushed, format: format))
    }
}

/// A value that is there later, for one or more who wait.
private actor Promise<Value: Sendable> {
    private var result: Value?
    private var waiting: [CheckedContinuation<Value, Never>] = []

    var value: Value {
        get async {
            if let result { return result }
            return await withCheckedContinuation { waiting.append($0) }
        }
    }

    func fulfil(_ value: Value) {
        result = value
        for continuation in waiting { continuation.resume(returning: value) }
        waiting = []
    }
}
