import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

/// Each file of a table in turn, cut to nothing, cut short, and with a bit that has changed: the rows are as they were, or an error names the file; never other rows.
struct `A table with a damaged file` {
    private static let places = Int(ProcessInfo.processInfo.environment["OBS_DAMAGE_PLACES"] ?? "") ?? 20
    private let folder = TemporaryFolder()
    private var root: String { folder.path + "/silver/t" }

    /// A checkpoint of the log, commits behind it, data files of two sizes.
    private func table() throws -> [[Value]] {
        let schema = Schema([Field("n", .int64), Field("name", .text, isNullable: true), Field("at", .timestamp)])
        let table = try Lake(root: folder.path).table("silver.t", creating: schema)
        for index in 0..<12 {
            try append(
                (0...(index % 3 * 40)).map { row in
                    [.int(Int64(index * 1000 + row)), .text("row \(row)"), .timestamp(Timestamp(seconds: Int64(row)))]
                }, to: table, transaction: ("filler", Int64(index)))
        }
        return try rows(table)
    }

    @Test func `gives the rows that it held, or names the file, and verify finds it`() throws {
        let good = try table()
        let files = try FileManager.default.subpathsOfDirectory(atPath: root).filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(root)/\($0)", isDirectory: &isFolder) && !isFolder.boolValue
        }
        // Of each kind one: data, the first commits and those behind the checkpoint, the checkpoint, what names it.
        let data = files.filter { !$0.hasPrefix("_delta_log") }.sorted()
        let log = ([0, 1, 5, 11, 12] as [Int64]).map { "_delta_log/\(DeltaLog.number($0)).json" }
        let chosen = Array(data.prefix(2)) + log + files.filter { $0.contains(".checkpoint.") } + [DeltaLog.hintKey]
        #expect(chosen.count == 9)
        for (index, file) in chosen.enumerated() {
            let path = "\(root)/\(file)"
            let whole = try Data(contentsOf: URL(filePath: path))
            for damage in Damage.all(places: Self.places, seed: UInt64(index)) {
                try damage.done(to: whole).write(to: URL(filePath: path))
                let lake = Lake(root: folder.path)
                var found: [String] = []
                do {
                    let table = try lake.table("silver.t")
                    let now = try rows(table)
                    #expect(now == good, "\(file), \(damage): other rows, and no error")
                    found = try table.verify().problems
                } catch {
                    #expect("\(error)".contains(file), "\(file), \(damage): \(error)")
                    found = try lake.logProblems(of: "silver.t") + ["\(error)"]
                }
                // What names nobody else (the name of the pair that the checksums stand in) may change unseen, and changes nothing.
                if case .flippedBit = damage, file.hasSuffix("parquet") || file == DeltaLog.hintKey { continue }
                #expect(found.contains { $0.contains(file) }, "\(file), \(damage): verify finds \(found)")
            }
            try whole.write(to: URL(filePath: path))
        }
        let again = try Lake(root: folder.path).table("silver.t")
        #expect(try rows(again) == good)
        #expect(try again.verify().problems.isEmpty)
    }

    /// Every bit of a commit, also those of the checksum and of its name.
    @Test func `has no bit in a commit that changes unseen`() throws {
        _ = try table()
        let path = "\(root)/_delta_log/\(DeltaLog.number(3)).json"
        let whole = try Data(contentsOf: URL(filePath: path))
        let log = DeltaLog(storage: LocalStorage(root: root), table: "silver.t")
        for place in whole.indices {
            for bit in [0, 3, 5] {
                var bad = whole
                bad[place] ^= 1 << UInt8(bit)
                try bad.write(to: URL(filePath: path))
                #expect(throws: LakeError.self, "byte \(place), bit \(bit)") { try log.commit(3) }
            }
        }
    }

    @Test func `names a commit that is missing although later ones are there`() throws {
        _ = try table()
        let path = "\(root)/_delta_log/\(DeltaLog.number(11)).json"
        try FileManager.default.removeItem(atPath: path)
        let refusal = #expect(throws: LakeError.self) { try Lake(root: folder.path).table("silver.t") }
        #expect(
            refusal?.description
                == "\(path): this commit of the table's log is missing, and later ones are there; put the file back from a backup of the lake"
        )
    }

    /// A commit of another engine has no checksum; what obs commits after it holds one.
    @Test func `knows a commit of another engine once obs has committed after it`() throws {
        let good = try table()
        let table = try Lake(root: folder.path).table("silver.t")
        let path = "\(root)/_delta_log/\(DeltaLog.number(13)).json"
        let foreign = #"{"commitInfo":{"operation":"WRITE"}}"# + "\n" + #"{"txn":{"appId":"other","version":7}}"# + "\n"
        try Data(foreign.utf8).write(to: URL(filePath: path))
        try append([[.int(1), .null, .timestamp(Timestamp(seconds: 1))]], to: table)
        #expect(try rows(Lake(root: folder.path).table("silver.t")).count == good.count + 1)
        try Data(foreign.replacing("7", with: "8").utf8).write(to: URL(filePath: path))
        let refusal = #expect(throws: LakeError.self) { try Lake(root: folder.path).table("silver.t") }
        #expect(refusal?.description.contains("\(DeltaLog.number(13)).json") == true)
    }

    @Test(arguments: [
        "", "\n\n", "{}\n", #"{"adb":{"path":"x","size":1,"modificationTime":1,"dataChange":true,"partitionValues":{}}}"#,
        #"{"add":null}"#,
    ])
    func `takes no file for a commit that holds no action`(text: String) throws {
        _ = try table()
        let path = "\(root)/_delta_log/\(DeltaLog.number(13)).json"
        try Data(text.utf8).write(to: URL(filePath: path))
        let refusal = #expect(throws: LakeError.self) { try Lake(root: folder.path).table("silver.t") }
        #expect(refusal?.description.hasPrefix(path) == true)
    }

    @Test func `still opens a log from before there were checksums`() throws {
        let good = try table()
        for version in 0...12 {
            let path = "\(root)/_delta_log/\(DeltaLog.number(Int64(version))).json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let old = text.replacing(#/,?"obs(Checksum|Previous)":"[0-9a-f]*"/#, with: "").replacing("{,", with: "{")
            try Data(old.utf8).write(to: URL(filePath: path))
        }
        let table = try Lake(root: folder.path).table("silver.t")
        #expect(try rows(table) == good)
        #expect(try table.verify().problems.isEmpty)
    }

    @Test func `goes on being kept small around the file`() throws {
        _ = try table()
        let lake = Lake(root: folder.path)
        let victim = try #require(try lake.table("silver.t").files.first)
        try Data("PAR1".utf8).write(to: URL(filePath: "\(root)/\(victim.path)"))
        var upkeep = Upkeep()
        // Several groups: that of the file, and others.
        upkeep.policy = .everything
        upkeep.policy.targetFileSize = 5000
        upkeep.fileRetention = .seconds(-60)
        let outcome = try #require(try upkeep.round(lake).first)
        #expect(outcome.failure?.contains(victim.path) == true)
        #expect(outcome.merged.removedFiles > 0)
    }

    /// The clock of the machine that looks after the tables is a year ahead for a moment: what was merged just now must stay for who is reading it.
    @Test func `keeps merged files until it has seen for itself that they are old`() throws {
        _ = try table()
        let lake = Lake(root: folder.path)
        let table = try lake.table("silver.t")
        _ = try table.optimize()
        let year: Int64 = 365 * 86_400_000
        for (path, var tombstone) in table.snapshot.tombstones {
            tombstone.deletionTimestamp = (tombstone.deletionTimestamp ?? 0) - year
            _ = try table.commit("TEST", isBlindAppend: false) { _ in [DeltaAction(remove: tombstone)] }
            #expect(path == tombstone.path)
        }
        let upkeep = Upkeep()
        #expect(try upkeep.round(lake).first?.deletedFiles == 0)
    }
}
