import Columns
import Ingest
import Parsing

/// A source and the input that its lines are.
public struct PipelineSource: Sendable {
    /// Where the lines come from.
    public let source: any Source
    /// Nil for the only one.
    public let input: String?

    /// A source for the input of that name, or for the only one.
    public init(_ source: any Source, input: String? = nil) {
        self.source = source
        self.input = input
    }
}

/// Lines on their way, parsed by their own task while the lines before them are being worked on.
final class ParsingJob: Sendable {
    /// What the format made of the lines.
    struct Outcome: Sendable {
        var parsed: ParsedBatch?
        /// What the format had kept and gave behind the lines; its lines are in bronze already.
        var flushed: [FlushedLines]
        /// The format after the lines, as a checkpoint behind them holds it.
        var format: any LogFormat
    }

    let source: String
    let input: Int
    /// Unique in the pipeline: the source and its partition, which have a format of their own.
    let partition: String
    /// The name under which the lines have a watermark in ``PartitionWatermarks``: of the partition, or of the source.
    let watermarkKey: String
    /// Whether these are the last lines of the partition.
    let endsPartition: Bool
    /// Nil where no lines came and the format is asked for a record that it keeps.
    let chunk: SourceChunk?
    private let result = Promise<Outcome>()

    init(source: String, input: Int, watermarkKey: String, ends endsPartition: Bool, _ chunk: SourceChunk) {
        self.source = source
        self.input = input
        self.endsPartition = endsPartition
        self.chunk = chunk
        partition = Self.partition(chunk.partition, of: source)
        self.watermarkKey = Self.partition(watermarkKey, of: source)
    }

    /// Asks the format of `partition` for the record that it keeps.
    init(flushing partition: String, of source: String, input: Int, watermarkKey: String) {
        self.source = source
        self.input = input
        self.partition = partition
        self.watermarkKey = watermarkKey
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
        var flushed = format.due()
        if endsPartition || chunk == nil, let rest = format.flush() { flushed.append(rest) }
        await result.fulfil(Outcome(parsed: parsed, flushed: flushed.map { $0.of(source: source) }, format: format))
    }
}

/// A value that is set once and can be awaited by several tasks.
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
