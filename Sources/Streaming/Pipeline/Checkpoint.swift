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
public struct Checkpoint: Sendable {
    public var pipeline: String
    /// Which definition wrote the state: one that changed cannot read it.
    public var definitionHash: String
    public var epoch: Int64
    /// By the name of a source: where it goes on, as the source encoded it.
    public var positions: [String: Data]
    /// By the name of a source: the input that its lines are. What an earlier version wrote has none.
    public var inputs: [String: String] = [:]
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

/// The file of a checkpoint: a line with the checksum of all that follows (``CheckpointSeal``), then ``StateParts``, one of which says whose it is.
extension Checkpoint {
    private struct Head: Codable {
        /// Since layout 3 there is a checksum; layout 2 is read without.
        var layout = 3
        var pipeline: String
        var definitionHash: String
        var epoch: Int64
        var inputs: [String: String]?
        var replacing: [String: Replacement]?
        var exportSizes: [String: Int64]
    }

    /// A layout that this obs does not know.
    struct Unreadable: Error {}

    /// Bytes that are not those that were written.
    struct Damaged: Error {
        let reason: String
    }

    /// The file in pieces, so that none is copied.
    func filePieces() throws -> [Data] {
        let head = Head(
            pipeline: pipeline, definitionHash: definitionHash, epoch: epoch, inputs: inputs, replacing: replacing,
            exportSizes: exportSizes)
        var parts = ["head": try JSONEncoder().encode(head)]
        for (kind, values) in [("position", positions), ("state", states), ("pending", pending)] {
            for (name, value) in values { parts["\(kind)/\(name)"] = value }
        }
        let pieces = try StateParts.pieces(parts)
        return [CheckpointSeal.line(of: pieces)] + pieces
    }

    /// - Throws: ``Damaged`` when the file is not what was written, ``Unreadable`` when it is of another layout.
    init(file bytes: Data) throws {
        guard !bytes.isEmpty else { throw Damaged(reason: "it is empty") }
        let (content, isSealed) = try CheckpointSeal.open(bytes)
        let parts = try StateParts.split(content)
        let head = try JSONDecoder().decode(Head.self, from: parts["head"] ?? Data())
        guard head.layout == (isSealed ? 3 : 2) else { throw Unreadable() }
        func values(_ kind: String) -> [String: Data] {
            Dictionary(
                uniqueKeysWithValues: parts.filter { $0.key.hasPrefix(kind + "/") }.map {
                    (String($0.key.dropFirst(kind.count + 1)), $0.value)
                })
        }
        self.init(
            pipeline: head.pipeline, definitionHash: head.definitionHash, epoch: head.epoch, positions: values("position"),
            states: values("state"), pending: values("pending"), replacing: head.replacing, exportSizes: head.exportSizes)
        inputs = head.inputs ?? [:]
    }
}
