import Columns
import Foundation
import Lake
import TestSupport
import Testing

@testable import Query

struct `A query on tables` {
    private let folder = TemporaryFolder()
    private let questions: LakeQuestions

    init() throws {
        let lake = Lake(root: folder.path)
        let schema = Schema([Field("key", .text), Field("n", .int64)])
        for name in ["gold.a", "gold.b"] {
            let table = try lake.table(name, creating: schema)
            for number in 0..<2 {
                let writer = table.writer()
                try writer.append(try Batch(schema: schema, rows: [[.text("k"), .int(Int64(number))]]))
                try table.commit(adding: writer.finish())
            }
        }
        questions = LakeQuestions(lake)
    }

    @Test func `lists each with its rows and files, one that is broken too`() throws {
        #expect(
            try questions.tables().rows.map { $0[0].description + $0[2].description + $0[3].description } == [
                "gold.a22", "gold.b22",
            ])
        let log = folder.path + "/gold/a/_delta_log"
        for file in try FileManager.default.contentsOfDirectory(atPath: log) where file.hasSuffix(".json") {
            try Data("{".utf8).write(to: URL(filePath: "\(log)/\(file)"))
        }
        let answer = try questions.tables()
        #expect(answer.rows.map { $0[2].description } == ["", "2"] && answer.note?.contains("gold/a") == true)
    }

    @Test func `has the versions of one, newest first, at most as many as asked for`() throws {
        let history = try questions.history(of: "gold.a", limit: 2).rows
        #expect(history.map { $0[0].description } == ["2", "1"] && history.allSatisfy { $0[5].description == "1" })
    }

    @Test func `merges small files, and then finds and deletes those that nothing names`() throws {
        let merged = try questions.optimize(["gold.a"], targetFileSize: 1 << 20)
        #expect(merged.rows.map { [$0[2].description, $0[3].description] } == [["2", "1"]])
        let planned = try questions.vacuum([], keeping: .zero, isDryRun: true)
        #expect(planned.rows.count == 2 && planned.note?.hasSuffix("would be deleted") == true)
        #expect(try questions.vacuum([], keeping: .zero, isDryRun: false).rows.count == 2)
        #expect(try questions.vacuum([], keeping: .zero, isDryRun: true).rows.isEmpty)
        #expect(try questions.tables().rows.map { $0[3].description } == ["1", "2"])
    }

    @Test func `verifies every file, and says what is wrong with one that is cut`() throws {
        let (answer, isWell) = try questions.verify([]) { _, _ in }
        #expect(isWell && answer.note == nil && answer.rows.count == 2)
        let folder = folder.path + "/gold/b"
        let file = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".parquet") })
        try Data(Data(contentsOf: URL(filePath: "\(folder)/\(file)")).dropLast(10)).write(to: URL(filePath: "\(folder)/\(file)"))
        let damaged = try questions.verify([]) { _, _ in }
        #expect(!damaged.isWell && damaged.answer.note?.contains(file) == true)
        // Its length is not that of the log, and its footer is gone.
        #expect(damaged.answer.rows.map { $0[4].description } == ["0", "2"])
    }
}
