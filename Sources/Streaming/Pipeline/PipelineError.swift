/// Why a pipeline cannot run.
public enum PipelineError: Error, CustomStringConvertible {
    case locked(pipeline: String)
    case unreadableCheckpoint(path: String, reason: String)
    case definitionChanged(pipeline: String)
    case cannotWrite(path: String, reason: String)

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
        case .cannotWrite(let path, let reason):
            "\(path): cannot be written: \(reason)"
        }
    }
}
