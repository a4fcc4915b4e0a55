import Columns
import Foundation
import TestSupport
import Testing

@testable import Detection

struct `A registry of models` {
    private let folder = TemporaryFolder()

    private func model(_ rows: Int = 100) throws -> WindowModel {
        try #require(WindowModel(table: "t", windows: [try windows(rows, seed: 1)], trees: 3, now: Timestamp(seconds: 1)))
    }

    @Test func `numbers versions, and has the newest in production until another is promoted`() throws {
        let models = try registry(in: folder.path)
        #expect(try models.production("m") == nil)
        #expect(try (1...3).map { try models.save(model(100 + $0), name: "m").version } == [1, 2, 3])
        #expect(try models.save(model(), name: "other").version == 1)
        #expect(try models.production("m")?.model.trainedOn == 103)
        try models.promote("m", version: 1)
        #expect(try models.production("m")?.model.trainedOn == 101)
        #expect(try models.list().filter { $0.name == "m" }.map(\.stage) == ["archived", "archived", "production"])
        #expect(try models.save(model(110), name: "m").version == 4 && models.production("m")?.model.trainedOn == 110)
        #expect(throws: ModelError.self) { try models.promote("m", version: 9) }
        #expect(try models.production("m")?.entry.version == 4, "nothing has changed")
    }

    @Test(arguments: ["missing", "empty", "cut", "a bit turned"])
    func `does not give a model whose file is not what was saved`(damage: String) throws {
        let models = try registry(in: folder.path)
        let entry = try models.save(model(), name: "m")
        let path = "\(folder.path)/models/\(entry.file)"
        var bytes = try Data(contentsOf: URL(filePath: path))
        #expect(try models.problems().isEmpty)
        switch damage {
        case "missing": try FileManager.default.removeItem(atPath: path)
        case "empty": try Data().write(to: URL(filePath: path))
        case "cut": try bytes.prefix(bytes.count / 2).write(to: URL(filePath: path))
        default:
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: path))
        }
        let refusal = #expect(throws: ModelError.self) { try models.production("m") }
        #expect(refusal?.description.contains(path) == true)
        #expect(try models.problems().count == 1)
        #expect(try models.productionEntry("m")?.version == 1, "it is still known")
    }

    @Test func `does not take a model of one kind for another`() throws {
        let models = try registry(in: folder.path)
        _ = try models.save(model(), name: "m")
        #expect(throws: ModelError.self) { try models.production("m", as: RiskModel.self) }
    }
}
