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
/// A start loads the checkpoint, commits its pending files again (a table that has seen the epoch ignores it), and reads on
/// from the positions. So each row is in the tables once, whatever moment the process died at.
struct Checkpoint: Sendable {
    var pipeline: String
    /// The fingerprint of the definition that wrote the state: a changed one cannot read it.
    var definitionHash: String
    var epoch: Int64
    /// By the name of a source: where it goes on, as the source encoded it.
    var positions: [String: Data]
    /// By the name of a source: the input that its lines belong to.
    var inputs: [String: String] = [:]
    /// By part of the pipeline: its state, as the part encoded it.
    var states: [StateName: Data]
    /// By table: the data files that this epoch adds to it.
    var pending: [String: Data]
    /// By table: the rows that a replay replaces; nil in the epochs of a run.
    var replacing: [String: Replacement]?
    /// By file: how many bytes of an export belong to committed epochs; a start cuts off the rest.
    var exportSizes: [String: Int64]
}

/// Data files that take the place of the rows of a table, or of those in a range of time.
struct Replacement: Codable, Sendable {
    var files: [DataFile]
    var column: String?
    var from: Timestamp?
    var to: Timestamp?

    /// - Parameter transaction: of the run, so that a table that has seen it ignores it; nil for tables beside those in use.
    func commit(to table: DeltaTable, transaction: (application: String, version: Int64)? = nil) throws {
        let times = column.flatMap { column in from.flatMap { from in to.map { (column, from..<$0) } } }
        try table.replace(times: times, with: files, transaction: transaction)
    }
}

/// The file of a checkpoint: a line with the checksum of all that follows (``CheckpointSeal``), then ``StateParts``, one of
/// which says whose it is.
extension Checkpoint {
    private struct Head: Codable {
        /// Changes with any change of what is in the file; only this one is read.
        var layout = Head.layout
        var pipeline: String
        var definitionHash: String
        var epoch: Int64
        var inputs: [String: String]
        var replacing: [String: Replacement]?
        var exportSizes: [String: Int64]

        static let layout = 1
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
        for (name, value) in positions { parts["position/\(name)"] = value }
        for (name, value) in states { parts["state/\(name.text)"] = value }
        for (name, value) in pending { parts["pending/\(name)"] = value }
        let pieces = try StateParts.pieces(parts)
        return [CheckpointSeal.line(of: pieces)] + pieces
    }

    /// - Throws: ``Damaged`` when the file is not what was written, ``Unreadable`` when it is of another layout.
    init(file bytes: Data) throws {
        guard !bytes.isEmpty else { throw Damaged(reason: "it is empty") }
        let parts = try StateParts.split(CheckpointSeal.open(bytes))
        let head = try JSONDecoder().decode(Head.self, from: parts["head"] ?? Data())
        guard head.layout == Head.layout else { throw Unreadable() }
        func values(_ kind: String) -> [String: Data] {
            Dictionary(
                uniqueKeysWithValues: parts.filter { $0.key.hasPrefix(kind + "/") }.map {
                    (String($0.key.dropFirst(kind.count + 1)), $0.value)
                })
        }
        let states = try values("state").map { name, state in
            guard let name = StateName(name) else { throw Damaged(reason: "it has a part called '\(name)'") }
            return (name, state)
        }
        self.init(
            pipeline: head.pipeline, definitionHash: head.definitionHash, epoch: head.epoch, positions: values("position"),
            states: Dictionary(uniqueKeysWithValues: states), pending: values("pending"), replacing: head.replacing,
            exportSizes: head.exportSizes)
        inputs = head.inputs
    }
}
