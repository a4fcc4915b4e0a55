import Columns
import Foundation
import Ingest
import Lake
import Logging
import Parsing
import Telemetry

extension PipelineRunner {
    /// Puts in place what has come since the last commit; ``Checkpoint`` tells the order.
    ///
    /// - Parameter isEarly: the epoch goes on as far as expectations of it are concerned.
    func commit(isRun: Bool = false, isEarly: Bool = false) async throws {
        guard hasNews || isRun else { return }
        if !isEarly { try graph.endEpoch() }
        try await observers.settle()
        guard hasNews else { return }
        let start = ContinuousClock.now
        epoch += 1
        var files = try tables.finish()
        for lane in tables.bronze {
            let raw = try await lane.finish()
            if !raw.isEmpty { files[lane.table.name] = raw }
        }
        var watermarks = StateWriter()
        partitions.encode(to: &watermarks)
        var hosts = StateWriter()
        partitions.encodeHosts(to: &hosts)
        var states = ["graph": graph.snapshot(), "watermarks": watermarks.data, "clocks": hosts.data]
        for (partition, _) in formats.sorted(by: { $0.value.lastEpoch > $1.value.lastEpoch }).dropFirst(Self.keptFormats) {
            formats[partition] = nil
        }
        for (partition, entry) in formats {
            // Most formats remember nothing, and a batch has as many partitions as it ever read files.
            let state = try entry.format.state
            if state != freshStates[entry.input] { states["format/\(entry.input)/\(partition)"] = state }
        }
        for (index, observer) in observers.observers.enumerated() { states["observer-\(index)"] = try await observer.snapshot() }
        var checkpoint = Checkpoint(
            pipeline: definition.name, definitionHash: definition.fingerprint, epoch: epoch,
            positions: try positions.mapValues { try JSONEncoder().encode($0) },
            states: states, pending: try files.mapValues { try JSONEncoder().encode($0) }, exportSizes: tables.exportSizes)
        checkpoint.inputs = inputs
        try folder.save(checkpoint)
        let bytes = files.values.joined().reduce(0) { $0 + $1.sizeInBytes }
        try tables.commit(files, application: application, epoch: epoch)
        metrics.commit.record(StageCounts(ok: linesInEpoch, bytesOut: bytes), took: .now - start)
        metrics.lastCommit.set(WallClock.now)
        logger.debug("epoch committed", metadata: ["epoch": "\(epoch)", "rows": "\(linesInEpoch)"])
        linesInEpoch = 0
        hasNews = false
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
                try replacement.commit(to: tables.lake.table(name), application: application, epoch: epoch)
            }
            let pending = try checkpoint.pending.mapValues { try JSONDecoder().decode([DataFile].self, from: $0) }
            try tables.commit(pending, application: application, epoch: epoch)
        } else {
            // Started anew over tables that are there: they would ignore epochs that they have seen.
            epoch = tables.lastEpoch(of: application)
        }
        // Who starts anew wants everything read again.
        if checkpoint != nil || epoch == 0 { try recallOthers() }
        let suffix = application == definition.name ? "" : "-batch"
        func open(_ table: String, _ format: TextFormat) throws {
            let path = "\(exportFolder)/\(table.replacing(".", with: "/"))\(suffix).\(format.rawValue)"
            try tables.openExport(table, format, path: path, committedSize: checkpoint?.exportSizes[path] ?? 0)
        }
        for format in definition.silverFormats { for input in definition.inputs { try open(names.silver(input), format) } }
        for format in definition.goldFormats {
            for table in definition.streams.compactMap(\.table) + definition.windows.map(\.table) {
                try open(names.gold(table), format)
            }
        }
    }

    private func restore(_ checkpoint: Checkpoint) async throws {
        do {
            if let state = checkpoint.states["graph"] { try graph.restore(state) }
            if let state = checkpoint.states["watermarks"] {
                var reader = StateReader(state)
                partitions = try PartitionWatermarks(from: &reader, now: .now)
            }
            if let state = checkpoint.states["clocks"] {
                var reader = StateReader(state)
                try partitions.decodeHosts(from: &reader)
            }
            for (name, state) in checkpoint.states where name.hasPrefix("format/") {
                let parts = name.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
                guard parts.count == 3, let input = Int(parts[1]), definition.inputs.indices.contains(input) else {
                    throw StateReader.Damaged()
                }
                var format = try LogFormats.make(
                    definition.inputs[input].format, context: context, options: definition.inputs[input].options)
                try format.restore(state)
                formats[String(parts[2])] = PartitionFormat(input: input, format: format, lastEpoch: epoch)
            }
            for (index, observer) in observers.observers.enumerated() {
                if let state = checkpoint.states["observer-\(index)"] { try await observer.restore(state) }
            }
        } catch  where error is StateReader.Damaged || error is DecodingError {
            throw PipelineError.unreadableCheckpoint(path: folder.path + "/checkpoint", reason: "the state in it is damaged")
        }
    }
}
