import Columns
import Foundation
import Glibc
import Synchronization

/// The folder that holds the checkpoint of one pipeline, and the lock that only one process has.
public final class CheckpointFolder: Sendable {
    /// The folder.
    public let path: String
    /// The descriptor that has the lock, until it is given back.
    private let lock: Mutex<Int32?>

    /// Makes the folder if it is not there, and takes its lock until ``close()``, or for as long as this object lives.
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
            Glibc.close(descriptor)
            throw PipelineError.locked(pipeline: pipeline)
        }
        lock = Mutex(descriptor)
    }

    deinit { close() }

    /// Whether the lock is still held.
    var isOpen: Bool { lock.withLock { $0 != nil } }

    /// Gives the lock back: from here on another run may have the folder, and this one writes nothing any more.
    public func close() {
        lock.withLock { descriptor in
            // The kernel gives the lock back with the descriptor, also when the process is killed.
            if let descriptor { Glibc.close(descriptor) }
            descriptor = nil
        }
    }

    /// The last checkpoint that was put in place, or nil at the first start.
    ///
    /// - Throws: ``PipelineError/unreadableCheckpoint(path:reason:)``; a checkpoint that is damaged is never taken for none,
    ///   because starting over would write every row a second time.
    func load() throws -> Checkpoint? { try Self.read(file) }

    /// The same of another run, whose lock is not held here.
    static func load(_ application: String, in checkpoints: String) throws -> Checkpoint? {
        try read("\(checkpoints)/\(application)/checkpoint")
    }

    private static func read(_ file: String) throws -> Checkpoint? {
        guard let bytes = try bytes(of: file) else { return nil }
        do {
            return try Checkpoint(file: bytes)
        } catch let damage as Checkpoint.Damaged {
            throw PipelineError.unreadableCheckpoint(path: file, reason: "the checkpoint is damaged: \(damage.reason)")
        } catch is Checkpoint.Unreadable {
            throw PipelineError.unreadableCheckpoint(path: file, reason: "the checkpoint is of another version of obs")
        } catch {
            throw PipelineError.unreadableCheckpoint(path: file, reason: "the checkpoint is damaged: it does not hold together")
        }
    }

    /// Nil only where there is no file. One that cannot be read at the moment must not pass for none: the pipeline would start
    /// over and write every row a second time.
    private static func bytes(of file: String) throws(PipelineError) -> Data? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .cannotRead(path: file, reason: String(cString: strerror(errno)))
        }
        do {
            return try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).readToEnd() ?? Data()
        } catch {
            throw .cannotRead(path: file, reason: String(cString: strerror(EIO)))
        }
    }

    /// Whether a pipeline of this definition can go on from its checkpoint below `checkpoints`; works while another process runs
    /// it.
    ///
    /// - Throws: ``PipelineError/definitionChanged(pipeline:)``.
    public static func check(_ definition: PipelineDefinition, in checkpoints: String) throws {
        guard let last = last(of: definition.name, in: checkpoints) else { return }
        guard last.definitionHash == definition.fingerprint else {
            throw PipelineError.definitionChanged(pipeline: definition.name)
        }
    }

    /// How far a pipeline has read its sources, by their names, as they encoded it; also while it runs. Nil where no checkpoint
    /// can be read.
    public static func positions(of pipeline: String, in checkpoints: String) -> [String: Data]? {
        last(of: pipeline, in: checkpoints)?.positions
    }

    private static func last(of pipeline: String, in checkpoints: String) -> Checkpoint? {
        FileManager.default.contents(atPath: "\(checkpoints)/\(pipeline)/checkpoint").flatMap { try? Checkpoint(file: $0) }
    }

    /// Puts `checkpoint` in place of the last one: on disk, file and folder, before this returns.
    func save(_ checkpoint: Checkpoint) throws {
        let pieces = try checkpoint.filePieces()
        let temporary = file + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw failure(temporary) }
        defer { Glibc.close(descriptor) }
        for piece in pieces {
            let problem = piece.span.writeAll(to: descriptor)
            guard problem == 0 else {
                errno = problem
                throw failure(temporary)
            }
        }
        guard fsync(descriptor) == 0, rename(temporary, file) == 0 else { throw failure(file) }
        // The folder is synced too: without it a power cut can forget the rename although the file is whole.
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure(path) }
        defer { Glibc.close(folder) }
        guard fsync(folder) == 0 else { throw failure(path) }
    }

    /// Renames the last checkpoint so that the pipeline starts without one (`--new-checkpoint`): its new name has its epoch, or
    /// says that it is
    /// damaged.
    ///
    /// - Returns: the path of the renamed file, or nil when there was none.
    @discardableResult
    public func setAside() throws -> String? {
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        let name = (try? load()).flatMap { $0 }.map { "checkpoint-\($0.epoch)" } ?? "checkpoint-damaged"
        // What was put aside before stays.
        var kept = "\(path)/\(name).old", number = 1
        while FileManager.default.fileExists(atPath: kept) {
            number += 1
            kept = "\(path)/\(name)-\(number).old"
        }
        guard rename(file, kept) == 0 else { throw failure(file) }
        return kept
    }

    /// What is wrong with the checkpoints below a folder, one sentence each. Takes no lock: a checkpoint is whole at any moment.
    public static func problems(in checkpoints: String) -> [String] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: checkpoints)) ?? []).sorted()
        return names.compactMap { name in
            let file = "\(checkpoints)/\(name)/checkpoint"
            guard FileManager.default.fileExists(atPath: file) else { return nil }
            do {
                _ = try read(file)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    private var file: String { path + "/checkpoint" }

    private func failure(_ path: String) -> PipelineError {
        .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
}
