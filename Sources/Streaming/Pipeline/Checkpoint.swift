import Columns
import Foundation
import Lake

/// All that a pipeline must remember to go on after an epoch as if it had never stopped.
///
/// The order of an epoch's end is the whole protocol (ARCHITECTURE.md, "One commit protocol"):
///
///     1  data files of every table are written and synced      a crash here leaves orphans, which vacuum removes
///     2  this checkpoint is renamed into place                  the epoch now counts
///     3  each table is committed with txn(application, epoch)   a crash here is finished by the next start
///
/// A start loads the checkpoint, commits its pending files again (a table that has seen the epoch ignores it), and reads on from the
/// positions. So each row is in the tables once, whatever moment the process died at.
public struct Checkpoint: Codable, Sendable {
    /// The layout of this file; a newer obs reads older ones.
    public var format = 1
    public var pipeline: String
    /// Which definition wrote the state: one that changed cannot read it.
    public var definitionHash: String
    public var epoch: Int64
    /// By the name of a source: where it goes on, as the source encoded it.
    public var positions: [String: Data]
    /// By the name of a stage: its state, as the stage encoded it.
    public var states: [String: Data]
    /// By table: the data files that this epoch adds to it.
    public var pending: [String: Data]
    /// By table: what a replay puts in place of rows; nil in the epochs of a run.
    public var replacing: [String: Replacement]?
    /// By file: how many bytes of an export are part of the committed epochs; what is behind them is cut off at a start.
    public var exportSizes: [String: Int64]
}

/// Data files that take the place of the rows of a table, or of those in a range of time.
public struct Replacement: Codable, Sendable {
    var files: [DataFile]
    var column: String?
    var from: Timestamp?
    var to: Timestamp?

    func commit(to table: DeltaTable, application: String, epoch: Int64) throws {
        let times = column.flatMap { column in from.flatMap { from in to.map { (column, from..<$0) } } }
        try table.replace(times: times, with: files, transaction: (application, epoch))
    }
}

/// The folder that holds the checkpoint of one pipeline, and the lock that only one process has.
public final class CheckpointFolder: Sendable {
    public let path: String
    private let lock: Int32

    /// Makes the folder if it is not there, and takes its lock for as long as this object lives.
    ///
    /// - Throws: ``PipelineError/locked(pipeline:)`` when another process runs this pipeline on the same data directory.
    public init(path: String, pipeline: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        self.path = path
        let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw PipelineError.cannotWrite(path: path + "/lock", reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw PipelineError.locked(pipeline: pipeline)
        }
        lock = descriptor
    }

    deinit {
        close(lock)  // the kernel gives the lock back with the descriptor, also when the process is killed
    }

    /// The last checkpoint that was put in place, or nil at the first start.
    ///
    /// - Throws: ``PipelineError/unreadableCheckpoint(path:reason:)``; a checkpoint that is damaged is never taken for none, because
    ///   starting over would write every row a second time.
    public func load() throws -> Checkpoint? {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            guard !FileManager.default.fileExists(atPath: file) else {
                throw PipelineError.unreadableCheckpoint(path: file, reason: "it cannot be read")
            }
            return nil
        }
        do {
            return try JSONDecoder().decode(Checkpoint.self, from: bytes)
        } catch {
            throw PipelineError.unreadableCheckpoint(path: file, reason: "it is damaged or of another version")
        }
    }

    /// Whether a pipeline of this definition can go on from what is in the folder `checkpoints`, also while another one runs on it.
    ///
    /// - Throws: ``PipelineError/definitionChanged(pipeline:)``.
    public static func check(_ definition: PipelineDefinition, in checkpoints: String) throws {
        struct Head: Decodable { let definitionHash: String }
        guard let bytes = FileManager.default.contents(atPath: "\(checkpoints)/\(definition.name)/checkpoint.json"),
            let head = try? JSONDecoder().decode(Head.self, from: bytes)
        else { return }
        guard head.definitionHash == definition.fingerprint else {
            throw PipelineError.definitionChanged(pipeline: definition.name)
        }
    }

    /// Puts `checkpoint` in place of the last one: on disk, file and folder, before this returns.
    public func save(_ checkpoint: Checkpoint) throws {
        let bytes = try JSONEncoder().encode(checkpoint)
        let temporary = file + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw failure(temporary) }
        defer { close(descriptor) }
        try bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = write(descriptor, buffer.baseAddress! + written, buffer.count - written)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw failure(temporary) }
                written += count
            }
        }
        guard fsync(descriptor) == 0, rename(temporary, file) == 0 else { throw failure(file) }
        // The folder is synced too: without it a power cut can forget the rename although the file is whole.
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure(path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure(path) }
    }

    /// Puts the last checkpoint aside under a name with its epoch, so that the pipeline starts anew (`--new-checkpoint`).
    public func setAside() throws {
        guard let last = try load() else { return }
        guard rename(file, "\(path)/checkpoint-\(last.epoch).old.json") == 0 else { throw failure(file) }
    }

    private var file: String { path + "/checkpoint.json" }

    private func failure(_ path: String) -> PipelineError {
        .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
}

public enum PipelineError: Error, CustomStringConvertible {
    case locked(pipeline: String)
    case unreadableCheckpoint(path: String, reason: String)
    case definitionChanged(pipeline: String)
    case cannotWrite(path: String, reason: String)

    public var description: String {
        switch self {
        case .locked(let pipeline):
            "pipeline '\(pipeline)' is already being run by another process on this data directory; stop it, or choose another with --data-dir"
        case .unreadableCheckpoint(let path, let reason):
            "\(path): \(reason); restore it from a backup, or start anew with --new-checkpoint, which reads every source from its beginning"
        case .definitionChanged(let pipeline):
            "the definition of pipeline '\(pipeline)' is not the one that wrote its checkpoint; make its tables anew with 'obs replay --pipeline \(pipeline)', read its sources from the beginning with --new-checkpoint, or put the old definition back"
        case .cannotWrite(let path, let reason):
            "\(path): cannot be written: \(reason)"
        }
    }
}
