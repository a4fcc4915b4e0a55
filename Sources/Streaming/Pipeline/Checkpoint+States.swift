import Columns
import Foundation
import Parsing

extension Checkpoint {
    /// The names of the parts of a pipeline's state. They are in the file of the checkpoint and nowhere else.
    enum StateName: Hashable {
        /// Of all stages.
        case graph
        /// Of the partitions and their hosts.
        case watermarks
        /// What the format of a partition remembers of its earlier lines.
        case format(input: Int, partition: String)
        /// Of the observer of this name.
        case observer(String)

        /// Whether it belongs to an observer, which a replay does not run.
        var isOfObserver: Bool { if case .observer = self { true } else { false } }

        /// As it is written in the file.
        var text: String {
            switch self {
            case .graph: "graph"
            case .watermarks: "watermarks"
            case .format(let input, let partition): "format/\(input)/\(partition)"
            case .observer(let name): "observer/\(name)"
            }
        }

        /// - Returns: nil for a text that names no part.
        init?(_ text: String) {
            let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            switch (parts[0], parts.count) {
            case ("graph", 1): self = .graph
            case ("watermarks", 1): self = .watermarks
            case ("format", 3):
                guard let input = Int(parts[1]) else { return nil }
                self = .format(input: input, partition: String(parts[2]))
            case ("observer", 2...): self = .observer(parts.dropFirst().joined(separator: "/"))
            default: return nil
            }
        }
    }
}

/// What both runs of a pipeline, the ordinary one and a replay, remember of the data itself.
struct PipelineState {
    var graph: PipelineGraph
    var partitions = PartitionWatermarks()
    /// By partition: the format behind the last line that was worked on.
    var formats: [String: PartitionFormat] = [:]

    /// The parts of a checkpoint.
    ///
    /// - Parameter fresh: by input, what the state of its format is before the first line.
    func parts(fresh: [Data]) throws -> [Checkpoint.StateName: Data] {
        var watermarks = StateWriter()
        partitions.encode(to: &watermarks)
        var parts: [Checkpoint.StateName: Data] = [.graph: graph.snapshot(), .watermarks: watermarks.data]
        for (partition, entry) in formats {
            // Most formats remember nothing, and a batch has as many partitions as it ever read files.
            let state = try entry.format.state
            if state != fresh[entry.input] { parts[.format(input: entry.input, partition: partition)] = state }
        }
        return parts
    }

    /// Goes on from the parts of a checkpoint.
    ///
    /// - Throws: ``StateReader/Damaged`` and what formats throw, when the parts are not those of this pipeline.
    mutating func restore(
        _ checkpoint: Checkpoint, of definition: PipelineDefinition, context: ParsingContext, now: ContinuousClock.Instant
    ) throws {
        for (name, state) in checkpoint.states {
            switch name {
            case .graph: try graph.restore(state)
            case .watermarks:
                var reader = StateReader(state)
                partitions = try PartitionWatermarks(from: &reader, now: now)
            case .format(let index, let partition):
                guard definition.inputs.indices.contains(index) else { throw StateReader.Damaged() }
                let input = definition.inputs[index]
                var format = try LogFormats.make(input.format, context: context, options: input.options)
                try format.restore(state)
                formats[partition] = PartitionFormat(input: index, format: format, lastEpoch: checkpoint.epoch)
            case .observer: break
            }
        }
    }

    /// How far windows are closed in the run that wrote `checkpoint`; `.min` when it closed none.
    static func watermark(in checkpoint: Checkpoint) throws -> Int64 {
        guard let state = checkpoint.states[.watermarks] else { return .min }
        var reader = StateReader(state)
        return try reader.int64()
    }
}
