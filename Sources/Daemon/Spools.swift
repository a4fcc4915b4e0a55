import Configuration
import Foundation
import Ingest
import Jobs
import Streaming

/// The spools of the sources that are pushed to. Each is opened once and lives as long as the process, because a reload may stop
/// its pipeline while lines come in.
actor Spools {
    private let folder: String
    private let checkpoints: String
    private var open: [String: PushTarget] = [:]
    private var spools: [String: Spool] = [:]

    init(_ workspace: Workspace) {
        folder = workspace.path + "/spool"
        checkpoints = workspace.checkpoints
    }

    /// What can be pushed to now.
    var all: [PushTarget] { Array(open.values) }

    /// The spool of a source, opened if it is not. From now on lines can be pushed to it as `entry` says.
    func spool(_ entry: Configuration.SourceEntry, of pipeline: PipelineDefinition) async throws -> Spool {
        let spool = try spools[entry.name] ?? makeSpool(entry)
        spools[entry.name] = spool
        await spool.redact(by: entry.redactor)
        let format = try? pipeline.input(entry.input).format
        open[entry.name] = PushTarget(entry.settings, name: entry.name, spool: spool, readsJSON: format == "json")
        return spool
    }

    private func makeSpool(_ entry: Configuration.SourceEntry) throws -> Spool {
        let checkpoints = checkpoints, name = entry.name, pipeline = entry.pipeline
        return try Spool(name: name, folder: folder) { inode in
            Self.isIn(inode, CheckpointFolder.positions(of: pipeline, in: checkpoints)?[name])
        }
    }

    /// Whether the last committed position of a source is in the file with `inode`: a follower goes there once it has read all of
    /// the file before.
    private static func isIn(_ inode: UInt64, _ position: Data?) -> Bool {
        guard let position, let position = try? JSONDecoder().decode(SourcePosition.self, from: position) else { return false }
        return position.isOnly(inFile: inode)
    }
}
