import Columns

/// Why a pipeline cannot run.
public enum PipelineError: Error, CustomStringConvertible {
    case locked(pipeline: String)
    case unreadableCheckpoint(path: String, reason: String)
    case definitionChanged(pipeline: String)
    case cannotRead(path: String, reason: String)
    case cannotWrite(path: String, reason: String)
    /// Retention has removed rows of bronze that a replay would need.
    case incompleteBronze(pipeline: String, table: String, since: Timestamp)

    /// The sentence for people, with the way out.
    public var description: String {
        switch self {
        case .locked(let pipeline):
            "pipeline '\(pipeline)' is already being run by another process on this data directory; stop it, or choose another "
                + "with --data-dir"
        case .unreadableCheckpoint(let path, let reason):
            "\(path): \(reason); restore it from a backup, or start anew with --new-checkpoint, which puts it aside and reads "
                + "every source from its beginning"
        case .definitionChanged(let pipeline):
            "the definition of pipeline '\(pipeline)' is not the one that wrote its checkpoint; make its tables anew with 'obs "
                + "replay --pipeline \(pipeline)', read its sources from the beginning with --new-checkpoint, or put the old "
                + "definition back"
        case .cannotRead(let path, let reason):
            "\(path): cannot be read: \(reason); see who may read it, and whether the disk is failing"
        case .cannotWrite(let path, let reason):
            "\(path): cannot be written: \(reason)"
        case .incompleteBronze(let pipeline, let table, let since):
            "\(table) is whole only since \(since): retention has removed older rows, and this replay would take what they "
                + "became out of silver and gold; replay the rest with 'obs replay --pipeline \(pipeline) --from \(since)', make "
                + "tables beside with --beside, or accept the loss with --accept-loss"
        }
    }
}
