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
    private var open: [String: Spool] = [:]

    init(_ workspace: Workspace) {
        folder = workspace.path + "/spool"
        checkpoints = workspace.checkpoints
    }

    /// What can be pushed to now.
    var all: [String: Spool] { open }

    /// The spool of a source, opened if it is not.
    func spool(_ entry: Configuration.SourceEntry) throws -> Spool {
        if let known = open[entry.name] { return known }
        let checkpoints = checkpoints, name = entry.name, pipeline = entry.pipeline
        let spool = try Spool(name: name, folder: folder) { inode in
            Self.isIn(inode, CheckpointFolder.positions(of: pipeline, in: checkpoints)?[name])
        }
        open[name] = spool
        return spool
    }

    /// Whether the last committed position of a source is in the file with `inode`: a follower goes there once it has read all of
    /// the file before.
    private static func isIn(_ inode: UInt64, _ position: Data?) -> Bool {
        guard let position, let position = try? JSONDecoder().decode(SourcePosition.self, from: position) else { return false }
        return position.isOnly(inFile: inode)
    }
}
