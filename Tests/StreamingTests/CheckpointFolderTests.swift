import Columns
import Foundation
import TestSupport
import Testing

@testable import Streaming

struct `The checkpoint of a pipeline` {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/p/checkpoint" }

    private func saved(epoch: Int64 = 41) throws -> CheckpointFolder {
        let checkpoints = try CheckpointFolder(path: folder.path + "/p", pipeline: "p")
        try checkpoints.save(
            Checkpoint(
                pipeline: "p", definitionHash: "abc", epoch: epoch, positions: ["auth": Data(#"{"files":[]}"#.utf8)],
                states: [.graph: Data((0..<200).map { UInt8($0) })], pending: [:], exportSizes: [:]))
        return checkpoints
    }

    @Test func `is read as it was saved`() throws {
        let loaded = try #require(try saved().load())
        #expect(loaded.epoch == 41 && loaded.states[.graph]?.count == 200)
        #expect(CheckpointFolder.problems(in: folder.path).isEmpty)
    }

    /// 14 of 19 were taken for whole when only the structure was looked at.
    @Test func `has no bit that changes unseen, and is refused wherever it is cut`() throws {
        let checkpoints = try saved()
        let whole = try Data(contentsOf: URL(filePath: path))
        for place in whole.indices {
            var bad = whole
            bad[place] ^= 1 << UInt8(place % 8)
            for bytes in [bad, whole.prefix(place)] {
                try bytes.write(to: URL(filePath: path))
                let refusal = #expect(throws: PipelineError.self, "byte \(place)") { try checkpoints.load() }
                #expect(refusal?.description.hasPrefix(path + ": the checkpoint is") == true)
            }
        }
        #expect(CheckpointFolder.problems(in: folder.path).count == 1)
    }

    @Test(arguments: [
        Checkpoint.StateName.graph, .watermarks, .format(input: 3, partition: "auth//var/log/auth.log"),
        .format(input: 0, partition: ""),
        .observer("detection"), .observer("a/b"),
    ])
    func `finds each part of the state again under its name`(name: Checkpoint.StateName) {
        #expect(Checkpoint.StateName(name.text) == name)
    }

    @Test(arguments: ["", "graphs", "graph/1", "format", "format/x/auth", "format/1", "observer", "clocks"])
    func `has no part under a name that none bears`(text: String) {
        #expect(Checkpoint.StateName(text) == nil)
    }

    @Test func `of another layout is refused, and says so`() throws {
        let checkpoints = try saved()
        var content = try CheckpointSeal.open(Data(contentsOf: URL(filePath: path)))
        let layout = try #require(content.firstRange(of: Data("\"layout\":1".utf8)))
        content.replaceSubrange(layout, with: Data("\"layout\":9".utf8))
        try (CheckpointSeal.line(of: [content]) + content).write(to: URL(filePath: path))
        let refusal = #expect(throws: PipelineError.self) { try checkpoints.load() }
        #expect(refusal?.description.contains("the checkpoint is of another version of obs") == true)
    }

    @Test func `is put aside when it is damaged, as often as it has to be`() throws {
        let checkpoints = try saved()
        #expect(try checkpoints.setAside() == folder.path + "/p/checkpoint-41.old")
        #expect(try checkpoints.load() == nil)
        for name in ["checkpoint-damaged.old", "checkpoint-damaged-2.old"] {
            try Data("nonsense".utf8).write(to: URL(filePath: path))
            #expect(try checkpoints.setAside() == folder.path + "/p/" + name)
        }
        try Data().write(to: URL(filePath: path))
        #expect(try checkpoints.setAside() == folder.path + "/p/checkpoint-damaged-3.old")
        #expect(try checkpoints.setAside() == nil)
    }
}
