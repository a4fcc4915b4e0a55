import Foundation
import Ingest
import Logging

/// A pipeline has two runs with separate checkpoints, the stream (`obs run`) and the batch (`obs process`), which write to the
/// same tables.
/// So each run knows what the other has read, and they exclude each other.
extension PipelineRunner {
    /// The variant of `obs process`.
    public static let batchVariant = "batch"

    /// Takes the lock of the stream for a batch run, which holds both locks until it ends. A stream needs only its own.
    static func lockStream(of definition: PipelineDefinition, in checkpoints: String, for variant: String?) throws
        -> CheckpointFolder?
    {
        guard variant == batchVariant else { return nil }
        return try CheckpointFolder(path: checkpoints + "/" + definition.name, pipeline: definition.name)
    }

    /// Reads from the checkpoint of the other run how far that run has read its files.
    func recallOthers() throws {
        let isBatch = application != definition.name
        let other = isBatch ? definition.name : "\(definition.name)-\(Self.batchVariant)"
        do {
            guard let checkpoint = try CheckpointFolder.load(other, in: checkpoints) else { return }
            othersInputs = checkpoint.inputs
            others = try checkpoint.positions.mapValues { try JSONDecoder().decode(SourcePosition.self, from: $0) }
        } catch  where !isBatch {
            // The stream does not stop for what a command has left: at worst, files that it processed are read a second
            // time.
            logger.error(
                "the checkpoint of 'obs process' cannot be read, so files that it has processed may be read again",
                metadata: ["error": "\(error)"])
        }
    }

    /// The position from which a source goes on, with what others have read of the same input.
    func position(of source: String, input: String) -> SourcePosition? {
        func isSameInput(_ name: String, _ inputs: [String: String]) -> Bool {
            definition.inputs.count == 1 || inputs[name] == input
        }
        // A source that was called otherwise in an earlier configuration is another one with the same files.
        let own = positions.filter { $0.key != source && isSameInput($0.key, inputs) }
        let others = others.filter { isSameInput($0.key, othersInputs) }
        let elsewhere = Array(own.values) + others.values
        guard elsewhere.contains(where: \.hasFiles) || positions[source] != nil else { return nil }
        return (positions[source] ?? SourcePosition()).beside(elsewhere)
    }
}
