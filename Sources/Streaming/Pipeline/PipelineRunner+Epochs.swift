import Columns
import Foundation
import Ingest
import Lake
import Logging
import Parsing
import Telemetry

extension PipelineRunner {
    /// Commits what has come since the last commit, in the order that ``Checkpoint`` describes.
    ///
    /// - Parameter isEarly: the epoch goes on as far as expectations of it are concerned.
    func commit(isRun: Bool = false, isEarly: Bool = false) async throws {
        guard hasNews || isRun else { return }
        if !isEarly { try state.graph.endEpoch() }
        try await observers.settle()
        guard hasNews else { return }
        let start = ContinuousClock.now
        epoch += 1
        var files = try tables.finish()
        for lane in tables.bronze {
            let raw = try await lane.finish()
            if !raw.isEmpty { files[lane.table.name] = raw }
        }
        try folder.save(try await checkpoint(adding: files))
        let bytes = files.values.joined().reduce(0) { $0 + $1.sizeInBytes }
        try tables.commit(files, application: application, epoch: epoch)
        metrics.commit.record(StageCounts(ok: linesInEpoch, bytesOut: bytes), took: .now - start)
        metrics.lastCommit.set(Timestamp.now.secondsSince1970)
        logger.debug("epoch committed", metadata: ["epoch": "\(epoch)", "rows": "\(linesInEpoch)"])
        linesInEpoch = 0
        hasNews = false
    }

    /// - Parameter files: by table, the data files of the epoch.
    private func checkpoint(adding files: [String: [DataFile]]) async throws -> Checkpoint {
        let formats = state.formats.sorted { $0.value.lastEpoch > $1.value.lastEpoch }
        for (partition, _) in formats.dropFirst(Self.keptFormats) { state.formats[partition] = nil }
        var states = try state.parts(fresh: freshStates)
        for observer in observers.observers {
            let snapshot = try await observer.snapshot()
            if !snapshot.isEmpty { states[.observer(type(of: observer).name)] = snapshot }
        }
        return Checkpoint(
            pipeline: definition.name, definitionHash: definition.fingerprint, epoch: epoch,
            positions: try positions.mapValues { try JSONEncoder().encode($0) }, inputs: inputs, states: states,
            pending: try files.mapValues { try JSONEncoder().encode($0) }, exportSizes: tables.exportSizes)
    }

    /// Loads the checkpoint and finishes its epoch: the tables that have not seen it get its files now.
    func recover(exportFolder: String) async throws {
        let checkpoint = try folder.load()
        if let checkpoint {
            guard checkpoint.definitionHash == definition.fingerprint else {
                throw PipelineError.definitionChanged(pipeline: definition.name)
            }
            epoch = checkpoint.epoch
            positions = try checkpoint.positions.mapValues { try JSONDecoder().decode(SourcePosition.self, from: $0) }
            inputs = checkpoint.inputs
            try await restore(checkpoint)
            for (name, replacement) in checkpoint.replacing ?? [:] {
                try replacement.commit(to: tables.lake.table(name), transaction: (application, epoch))
            }
            let pending = try checkpoint.pending.mapValues { try JSONDecoder().decode([DataFile].self, from: $0) }
            try tables.commit(pending, application: application, epoch: epoch)
        } else {
            // Started anew over tables that are there: they would ignore epochs that they have seen.
            epoch = tables.lastEpoch(of: application)
        }
        // Who starts anew wants everything read again.
        if checkpoint != nil || epoch == 0 { try recallOthers() }
        try openExports(below: exportFolder, sizes: checkpoint?.exportSizes ?? [:])
    }

    /// - Parameter sizes: by path, how much of an export belongs to committed epochs.
    private func openExports(below folder: String, sizes: [String: Int64]) throws {
        let suffix = application == definition.name ? "" : "-\(Self.batchVariant)"
        func open(_ table: String, _ format: TextFormat) throws {
            let path = "\(folder)/\(table.replacing(".", with: "/"))\(suffix).\(format.rawValue)"
            try tables.openExport(table, format, path: path, committedSize: sizes[path] ?? 0)
        }
        for format in definition.silverFormats { for input in definition.inputs { try open(names.silver(input), format) } }
        for format in definition.goldFormats {
            for table in definition.goldTables { try open(names.gold(table), format) }
        }
    }

    private func restore(_ checkpoint: Checkpoint) async throws {
        do {
            try state.restore(checkpoint, of: definition, context: context, now: .now)
            for observer in observers.observers {
                if let snapshot = checkpoint.states[.observer(type(of: observer).name)] { try await observer.restore(snapshot) }
            }
        } catch  where error is StateReader.Damaged || error is DecodingError {
            throw PipelineError.unreadableCheckpoint(path: folder.path + "/checkpoint", reason: "the state in it is damaged")
        }
    }
}
