import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

struct `Keeping a table small` {
    private let folder = TemporaryFolder()
    private var lake: Lake { Lake(root: folder.path) }
    private let schema = Schema([Field("n", .int64), Field("name", .text, isNullable: true)])

    private func filled(commits: Int) throws -> DeltaTable {
        let table = try lake.table("silver.t", creating: schema)
        for index in 0..<commits { try append([[.int(Int64(index)), .text("row \(index)")]], to: table) }
        return table
    }

    private func dataFiles() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: folder.path + "/silver/t").filter { $0.hasSuffix(".parquet") }.count
    }

    @Test func `merges its files into one commit that changes no data and no order`() throws {
        let table = try filled(commits: 12)
        let summary = try table.optimize()
        #expect(summary.removedFiles == 12 && summary.addedFiles == 1)
        #expect(table.fileCount == 1)
        let actions = try DeltaLog(storage: table.storage, table: "t").actions(of: table.version)
        #expect(
            actions.compactMap(\.remove).allSatisfy { !$0.dataChange } && actions.compactMap(\.add).allSatisfy { !$0.dataChange })
        #expect(try rows(try lake.table("silver.t")).map(\.[0]) == (0..<12).map { .int(Int64($0)) })
        #expect(try table.optimize() == OptimizeSummary())
        try append([[12, "new"]], to: table)
        #expect(try rows(table).last == [12, "new"])
        #expect(try rows(try lake.table("silver.t", at: .version(5))).count == 5)
    }

    /// Commits of one millisecond, several files in a commit, and merges that end within a commit: rows stay where they came.
    @Test(arguments: 1...20)
    func `keeps the order of rows whatever is merged when`(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let storage = MemoryStorage()
        let table = try DeltaTable(name: "t", storage: storage, creating: schema)
        var policy = CompactionPolicy.everything
        var count: Int64 = 0
        for _ in 0..<40 {
            if Int.random(in: 0..<4, using: &random) > 0 {
                let files = try (0..<Int.random(in: 1...4, using: &random)).flatMap { _ in
                    let writer = table.writer()
                    try writer.append(try Batch(schema: schema, rows: [[.int(count), .text("row")]]))
                    count += 1
                    return try writer.finish()
                }
                try table.commit(adding: files)
            } else {
                policy.targetFileSize = Int.random(in: 1500...6000, using: &random)
                _ = try table.optimize(policy)
            }
            #expect(try rows(table).map(\.[0]) == (0..<count).map { .int($0) })
        }
        #expect(try rows(try DeltaTable(name: "t", storage: storage, creating: nil)).map(\.[0]) == (0..<count).map { .int($0) })
    }

    /// obs writes none; other engines may.
    @Test func `merges files without a row into nothing`() throws {
        let table = try DeltaTable(name: "t", storage: MemoryStorage(), creating: schema)
        for number in 0..<3 {
            let path = "part-\(number).parquet"
            let (size, rowGroups) = try ParquetWriter(schema, to: try table.storage.create(path)).finish()
            try table.commit(adding: [DataFile(path: path, schema: schema, size: size, rowGroups: rowGroups)])
        }
        #expect(try table.optimize().removedFiles == 3)
        #expect(table.fileCount == 0)
        #expect(try rows(table).isEmpty)
    }

    @Test func `deletes nothing that is needed or young, and says what it would delete`() throws {
        let table = try filled(commits: 5)
        _ = try table.optimize()
        try Data("half".utf8).write(to: URL(filePath: folder.path + "/silver/t/part-orphan.zstd.parquet"))
        #expect(try table.vacuum().files.isEmpty)
        let planned = try table.vacuum(keeping: .seconds(-60), isDryRun: true)
        #expect(planned.files.count == 6)
        #expect(try dataFiles() == 7)
        // What no commit names may be an epoch that is still to be committed.
        #expect(try table.vacuum(keeping: .seconds(-60), .removedFiles).files.count == 5)
        #expect(try table.vacuum(keeping: .seconds(-60)).files == ["part-orphan.zstd.parquet"])
        #expect(try dataFiles() == 1)
        #expect(try rows(table).count == 5)
        do {
            _ = try rows(try lake.table("silver.t", at: .version(5)))
            Issue.record("a version was read whose files are gone")
        } catch {
            #expect(
                "\(error)".contains("silver.t: version 5 names part-")
                    && "\(error)".hasSuffix("which is missing; run 'obs lake verify silver.t'"))
        }
    }

    @Test func `leaves a reader that began before its whole table`() throws {
        let table = try filled(commits: 9)
        let writer = try lake.table("silver.t")
        var seen = 0
        try table.scan { batch in
            if seen == 0 {
                _ = try writer.optimize()
                _ = try writer.vacuum(.removedFiles)
                try append([[100, "later"]], to: writer)
            }
            seen += batch.count
            return true
        }
        #expect(seen == 9)
    }

    @Test func `gives way to another process that removes the same files first`() throws {
        let table = try filled(commits: 6)
        let other = try lake.table("silver.t")
        var isFirst = true
        // The other process merges while this one has written its file and not yet committed.
        let summary = try table.optimize {
            defer { isFirst = false }
            if isFirst { _ = try? other.optimize() }
            return false
        }
        #expect(summary.version == nil)
        #expect(try dataFiles() == 7)
        #expect(try rows(try lake.table("silver.t")).count == 6)
        #expect(try other.verify().problems == [])
    }

    @Test func `rewrites a row a few times in its life, however long the stream`() {
        let policy = CompactionPolicy.background
        var files: [LiveFile] = []
        var written = 0, committed = 0, most = 0
        // A day of commits every two seconds, of 40 kB each; a round of upkeep every half minute.
        for commit in 0..<43_200 {
            let now = Int64(commit) * 2000
            files.append(
                LiveFile(path: "\(commit)", size: 40_000, modificationTime: now, partitionValues: [:], logPath: "\(commit)"))
            committed += 40_000
            guard commit % 15 == 14 else { continue }
            for group in policy.groups(files, now: now) {
                let size = group.reduce(0) { $0 + $1.size }
                let first = files.firstIndex { $0.path == group[0].path }!
                #expect(files[first..<(first + group.count)].map(\.path) == group.map(\.path))
                files.replaceSubrange(
                    first..<(first + group.count),
                    with: [
                        LiveFile(
                            path: "\(commit)-\(group[0].path)", size: size, modificationTime: group.last!.modificationTime,
                            partitionValues: [:], logPath: "")
                    ])
                written += size
            }
            most = max(most, files.count)
        }
        #expect(files.reduce(0) { $0 + $1.size } == committed)
        #expect(most < 100)
        #expect(Double(written) / Double(committed) < 8)
    }

    @Test func `refuses a text that is not UTF-8, and finds one that others wrote`() throws {
        let folder = TemporaryFolder()
        let schema = Schema([Field("a", .text), Field("b", .binary)])
        let table = try Lake(root: folder.path).table("silver.t", creating: schema)
        func batch(_ texts: [[UInt8]], isDictionary: Bool) -> Batch {
            var plain = TextBuilder(), dictionary = DictionaryBuilder(), raw = TextBuilder()
            for text in texts {
                plain.append(text.span)
                dictionary.append(text.span)
                raw.append(text.span)
            }
            return Batch(schema: schema, columns: [isDictionary ? dictionary.finish() : plain.finish(), raw.finish()])
        }
        // The last two are UTF-8 only when one does not look where one text ends and the next begins.
        for texts in [[[0x61, 0xE9]], [[0xED, 0xA0, 0x80]], [[0xC3], [0xA9]]] as [[[UInt8]]] {
            for isDictionary in [true, false] {
                let writer = table.writer()
                #expect(throws: LakeError.self) { try writer.append(batch(texts, isDictionary: isDictionary)) }
                writer.discard()
            }
        }
        // As an obs wrote it that did not look: through the writer of files alone.
        for _ in 0..<2 {
            let path = "part-\(UUID().uuidString).parquet"
            let storage = LocalStorage(root: folder.path + "/silver/t")
            let file = try ParquetWriter(schema, to: try storage.create(path))
            try file.append(batch([[0x61, 0xE9], [0x62]], isDictionary: false))
            let (size, groups) = try file.finish()
            _ = try table.commit(adding: [
                DataFile(path: path, schema: schema, size: size, rowGroups: groups, partitionValues: nil)
            ])
        }
        #expect(try table.verify().problems.count == 2)
        #expect(try table.verify().problems.allSatisfy { $0.contains("'a'") && $0.contains("UTF-8") })
    }

    @Test func `finds what is wrong with a table`() throws {
        let table = try filled(commits: 4)
        #expect(try table.verify() == VerifySummary(files: 4, rows: 4, bytes: table.sizeInBytes, problems: []))
        let paths = table.files.map { folder.path + "/silver/t/" + $0.path }
        try FileManager.default.removeItem(atPath: paths[0])
        var bytes = [UInt8](FileManager.default.contents(atPath: paths[1])!)
        bytes[30] ^= 1  // in a page
        try Data(bytes).write(to: URL(filePath: paths[1]))
        try FileManager.default.removeItem(atPath: paths[2])
        try FileManager.default.copyItem(atPath: paths[3], toPath: paths[2])
        try FileManager.default.removeItem(atPath: folder.path + "/silver/t/_delta_log/\(DeltaLog.number(1)).json")
        let problems = try table.verify().problems
        #expect(problems.count == 3)
        #expect(problems[0].contains("is missing"))
        #expect(problems[1].contains("checksum") || problems[1].contains("damaged"))
        #expect(problems[2].contains("000001.json: this commit of the table's log is missing") || problems[2].contains("bytes"))
    }

    @Test func `goes on in the background for all tables, and says what it did`() throws {
        for name in ["silver.a", "gold.b"] {
            let table = try lake.table(name, creating: schema)
            for index in 0..<17 { try append([[.int(Int64(index)), .null]], to: table) }
        }
        var upkeep = Upkeep()
        upkeep.fileRetention = .seconds(-60)
        let outcomes = try upkeep.round(lake)
        #expect(outcomes.map(\.table) == ["gold.b", "silver.a"])
        #expect(
            outcomes.allSatisfy { $0.files == 1 && $0.merged.removedFiles == 17 && $0.deletedFiles == 17 && $0.failure == nil })
        #expect(try rows(try lake.table("silver.a")).map(\.[0]) == (0..<17).map { .int(Int64($0)) })
        #expect(try upkeep.round(lake).allSatisfy { $0.merged == OptimizeSummary() })
    }

    /// Each changing operation of a life of append, checkpoint, optimize and vacuum in turn is the last one of its process.
    @Test func `leaves a table that opens at its last commit, wherever its process dies`() throws {
        func live(_ storage: MemoryStorage, _ committed: inout [Int64]) throws {
            let table = try DeltaTable(
                name: "k", storage: storage, creating: schema,
                configuration: ["delta.checkpointInterval": "3", "delta.logRetentionDuration": "interval 0 days"])
            for index in Int64(committed.count)..<8 {
                let writer = table.writer()
                try writer.append(try Batch(schema: schema, rows: [[.int(index), .null]]))
                try table.commit(adding: writer.finish(), transaction: ("k", index))
                committed.append(index)
            }
            _ = try table.optimize()
            _ = try table.vacuum(keeping: .seconds(-60))
        }
        let whole = MemoryStorage()
        var all: [Int64] = []
        try live(whole, &all)
        for deadline in 0..<whole.operations {
            let storage = MemoryStorage()
            storage.kill(after: deadline)
            var committed: [Int64] = []
            #expect(throws: LakeError.self) { try live(storage, &committed) }
            storage.revive()
            guard deadline > 0 else { continue }
            let table = try DeltaTable(name: "k", storage: storage, creating: schema)
            let found = try rows(table).map(\.[0])
            // The last commit may stand although its process died before it knew.
            #expect(
                found.starts(with: committed.map(Value.int)) && found.count <= committed.count + 1,
                "killed after \(deadline) operations")
            #expect(try table.verify().problems == [], "killed after \(deadline) operations")
            var seen = (0..<Int64(found.count)).map { $0 }
            try live(storage, &seen)
            #expect(try rows(try DeltaTable(name: "k", storage: storage, creating: nil)).map(\.[0]) == (0..<8).map(Value.int))
        }
    }
}
