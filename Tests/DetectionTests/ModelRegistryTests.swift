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

    private let now = Timestamp(seconds: 9)

    @Test func `numbers versions, the newest of which is champion until another is`() throws {
        let models = try registry(in: folder.path)
        #expect(try models.model("m") == nil)
        #expect(try (1...3).map { try models.save(model(100 + $0), name: "m").version } == [1, 2, 3])
        #expect(try models.save(model(), name: "other").version == 1)
        #expect(try models.model("m")?.model.trainedOn == 103)
        try models.setAlias("champion", of: "m", to: 1, actor: "test", now: now)
        #expect(try models.model("m")?.model.trainedOn == 101)
        #expect(try models.list().filter { $0.name == "m" }.map(\.aliases) == [[], [], ["champion"]])
        #expect(try models.save(model(110), name: "m").version == 4 && models.model("m")?.model.trainedOn == 110)
        #expect(throws: ModelError.self) { try models.setAlias("champion", of: "m", to: 9, actor: "test", now: now) }
        #expect(try models.model("m")?.entry.version == 4, "nothing has changed")
    }

    /// The database is on another disk.
    @Test func `names no version that is not on disk for good`() throws {
        let database = TemporaryFolder(), files = folder.path + "/models"
        let models = ModelRegistry(store: try registry(in: database.path).store, folder: files)
        _ = try models.save(model(), name: "m")
        for call in 1...5 {
            let disk = FailingDisk(.doesNotSync, below: files, at: call, count: 1)
            let error = #expect(throws: (any Error).self) { try models.save(model(), name: "m") }
            #expect("\(error!)".contains(files) && disk.struck == 1, "\(error!)")
            #expect(try models.list().map(\.version) == [1])
        }
        #expect(try models.save(model(), name: "m").version == 2 && models.problems() == [])
    }

    @Test func `goes back to the champion before, and from there to the one before that`() throws {
        let models = try registry(in: folder.path)
        #expect(throws: ModelError.self) { try models.rollback("m", actor: "test", now: now) }
        for rows in 1...3 { _ = try models.save(model(100 + rows), name: "m") }
        #expect(try models.rollback("m", actor: "test", now: now) == 2)
        #expect(try models.entry("m")?.version == 2)
        #expect(try models.rollback("m", actor: "test", now: now) == 1)
        #expect(throws: ModelError.self) { try models.rollback("m", actor: "test", now: now) }
        #expect(try models.entry("m")?.version == 1, "nothing has changed")
    }

    @Test func `gives each alias to one version, and the champion's no challenger`() throws {
        let models = try registry(in: folder.path)
        _ = try models.save(model(), name: "m")
        _ = try models.save(model(), name: "m", alias: "challenger")
        try models.setAlias("quiet", of: "m", to: 1, actor: "test", now: now)
        #expect(try models.entry("m")?.version == 1 && models.entry("m", at: "challenger")?.version == 2)
        #expect(try models.entry("m", at: "quiet")?.aliases == ["champion", "quiet"] && models.entry("m", at: "2")?.version == 2)
        try models.setAlias("quiet", of: "m", to: 2, actor: "test", now: now)
        try models.setAlias("champion", of: "m", to: 2, actor: "test", now: now)
        #expect(try models.list().map(\.aliases) == [["champion", "quiet"], []])
        try models.removeAlias("quiet", of: "m", actor: "test", now: now)
        #expect(throws: ModelError.self) { try models.removeAlias("quiet", of: "m", actor: "test", now: now) }
        #expect(try models.entry("m", at: "quiet") == nil)
    }

    @Test(arguments: ["", "3", "v1", "latest", "a b", "ä", String(repeating: "a", count: 65)])
    func `refuses an alias that is a number, or that MLflow would refuse`(alias: String) throws {
        let models = try registry(in: folder.path)
        _ = try models.save(model(), name: "m")
        #expect(throws: ModelError.self) { try models.setAlias(alias, of: "m", to: 1, actor: "test", now: now) }
    }

    @Test func `keeps what a version was trained on, with what and how well`() throws {
        let models = try registry(in: folder.path)
        _ = try models.save(model(), name: "m", tags: ["note": "the \"first\""])
        let entry = try #require(try models.entry("m"))
        #expect(entry.parameters == ["algorithm": "ensemble", "seed": "1", "table": "t", "trees": "3"])
        #expect(entry.trainedSpan == Timestamp(seconds: 0)...Timestamp(seconds: 99 * 300))
        #expect(entry.features == ["events", "failures"] && entry.metrics.keys.sorted() == ["found_in_training"])
        #expect(entry.tags == ["note": "the \"first\""] && entry.checksum.utf8.count == 64)
        try models.setTag("note", of: entry, to: "another")
        try models.setTag("more", of: entry, to: "1")
        #expect(try models.entry("m")?.tags == ["note": "another", "more": "1"])
        let narrow = try #require(
            WindowModel(table: "t", windows: [try windows(60, seed: 1)], features: ["events"], trees: 3, now: now))
        #expect(try models.save(narrow, name: "m").featureHash != entry.featureHash)
        #expect(try models.save(model(50), name: "m").featureHash == entry.featureHash)
    }

    @Test func `writes beside a model what MLflow needs to load it`() throws {
        let models = try registry(in: folder.path)
        let folder = models.folder(of: try models.save(model(), name: "m"))
        let description = try String(contentsOfFile: folder + "/MLmodel", encoding: .utf8)
        #expect(description.contains("loader_module: obs_pyfunc") && description.contains("data: model.jsonl"))
        #expect(FileManager.default.fileExists(atPath: folder + "/code/obs_pyfunc.py"))
        #expect(try ModelFile(reading: folder).model().features == ["events", "failures"], "the folder is enough")
    }

    @Test(arguments: ["missing", "empty", "cut", "a bit turned"])
    func `does not give a model whose file is not what was saved`(damage: String) throws {
        let models = try registry(in: folder.path)
        let entry = try models.save(model(), name: "m")
        let path = models.folder(of: entry) + "/model.jsonl"
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
        let refusal = #expect(throws: ModelError.self) { try models.model("m") }
        #expect(refusal?.description.contains(path) == true)
        #expect(try models.problems().count == 1)
        #expect(try models.entry("m")?.version == 1, "it is still known")
    }

    @Test func `does not read a file that is larger than a model may be`() throws {
        let models = try registry(in: folder.path), entry = try models.save(model(), name: "m")
        let path = models.folder(of: entry) + "/" + ModelFile.name
        _ = try ModelFile(reading: path)
        // Behind the model come zeros, which take no room on the disk.
        #expect(truncate(path, off_t(ModelFile.maxSize) + 1) == 0)
        let before = try memory()
        #expect(throws: ModelError.self) { try ModelFile(reading: path) }
        #expect(try memory() - before < ModelFile.maxSize / 2, "it was not read")
    }

    /// The most memory that the process has ever had, in bytes.
    private func memory() throws -> Int {
        var usage = rusage()
        try #require(getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0)
        return usage.ru_maxrss << 10
    }

    @Test func `does not take a model of one kind for another`() throws {
        let models = try registry(in: folder.path)
        _ = try models.save(model(), name: "m")
        #expect(throws: ModelError.self) { try models.model("m", as: RiskModel.self) }
    }
}
