import Foundation
import Ingest
import Logging

/// One pipeline has two runs with checkpoints of their own, the stream (`obs run`) and the batch (`obs process`), which write to the same tables. So each knows what the other has
/// read, and they do not run beside one another.
extension PipelineRunner {
    /// The variant of `obs process`.
    public static let batchVariant = "batch"

    /// Takes the lock of the other run, where this one is a batch: it is held as long as its own. A stream needs no second one, because a batch has both.
    static func lockStream(of definition: PipelineDefinition, in checkpoints: String, for variant: String?) throws
        -> CheckpointFolder?
    {
        guard variant == batchVariant else { return nil }
        return try CheckpointFolder(path: checkpoints + "/" + definition.name, pipeline: definition.name)
    }

    /// Reads from the checkpoint of the other run how far that has read its files.
    func recallOthers() throws {
        let isBatch = application != definition.name
        let other = isBatch ? definition.name : "\(definition.name)-\(Self.batchVariant)"
        do {
            guard let checkpoint = try CheckpointFolder.load(other, in: checkpoints) else { return }
            othersInputs = checkpoint.inputs
            others = try checkpoint.positions.mapValues { try JSONDecoder().decode(SourcePosition.self, from: $0) }
        } catch  where !isBatch {
            // The stream does not stand still for what a command has left: at worst, files that it processed are read a second time.
            logger.error(
                "the checkpoint of 'obs process' cannot be read, so files that it has processed may be read again",
                metadata: ["error": "\(error)"])
        }
    }

    /// Where a source goes on, and what others have read for the same input.
    func position(of source: String, input: String) -> SourcePosition? {
        func isSameInput(_ name: String, _ inputs: [String: String]) -> Bool {
            definition.inputs.count == 1 || inputs[name] == input
        }
        // A source that was called otherwise in an earlier configuration is another one with the same files.
        let own = positions.filter { $0.key != source && isSameInput($0.key, inputs) }
        let others = others.filter { isSameInput($0.key, othersInputs) }
        let elsewhere = own.values.flatMap(\.files) + others.values.flatMap(\.files)
        guard !elsewhere.isEmpty || positions[source] != nil else { return nil }
        var position = positions[source] ?? SourcePosition()
        position.elsewhere = elsewhere
        return position
    }
}
