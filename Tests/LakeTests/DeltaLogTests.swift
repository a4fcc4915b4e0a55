import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

struct `The log of a Delta table` {
    private let folder = TemporaryFolder()
    private var lake: Lake { Lake(root: folder.path) }
    private let schema = Schema([Field("n", .int64), Field("name", .text, isNullable: true)])

    private func fill(_ table: DeltaTable, commits: Int, from first: Int = 0) throws {
        for index in first..<(first + commits) {
            try append([[.int(Int64(index)), .text("row \(index)")]], to: table, transaction: ("filler", Int64(index)))
        }
    }

    private func logNames(_ table: String = "silver/t") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(table)/_delta_log").sorted()
    }

    @Test func `has a checkpoint every ten versions, which opens the table without the commits before it`() throws {
        let table = try lake.table("silver.t", creating: schema)
        try fill(table, commits: 25)
        #expect(
            try logNames().filter { !$0.hasSuffix(".json") } == [
                "00000000000000000010.checkpoint.parquet", "00000000000000000020.checkpoint.parquet", "_last_checkpoint",
            ])
        for version in 0...19 {
            try FileManager.default.removeItem(
                atPath: "\(folder.path)/silver/t/_delta_log/\(DeltaLog.number(Int64(version))).json")
        }
        let again = try lake.table("silver.t")
        #expect(again.version == 25)
        #expect(again.schema == schema)
        #expect(again.lastTransaction(of: "filler") == 24)
        #expect(try rows(again).map(\.[0]) == (0..<25).map { .int(Int64($0)) })
        try fill(again, commits: 7, from: 25)
        #expect(try rows(try lake.table("silver.t")).count == 32)
    }

    /// As Spark writes them for large tables; with the hint that says so, and found by their names alone.
    @Test(arguments: [true, false])
    func `opens from a checkpoint of several parts, and passes over one whose parts are not all there`(
        isHinted: Bool
    ) throws {
        let table = try lake.table("silver.t", creating: schema)
        try fill(table, commits: 25)
        let log = "\(folder.path)/silver/t/_delta_log/"
        let key = "_delta_log/\(DeltaLog.number(20)).checkpoint"
        let actions = try LogCheckpoint.actions(table.storage, key + ".parquet")
        let names = (1...3).map { "\(key).000000000\($0).0000000003.parquet" }
        for (part, name) in names.enumerated() {
            let bounds = (actions.count * part / 3)..<(actions.count * (part + 1) / 3)
            try table.storage.put(name, LogCheckpoint.file(Array(actions[bounds])))
        }
        try table.storage.delete(key + ".parquet")
        let hint = isHinted ? #"{"version":20,"size":\#(actions.count),"parts":3}"# : "{}"
        try table.storage.put("_delta_log/_last_checkpoint", Array(hint.utf8))
        // With the commits before version 10 gone, only a checkpoint can open the table; the one of version 10 is the other.
        for version in 0...9 { try FileManager.default.removeItem(atPath: "\(log)\(DeltaLog.number(Int64(version))).json") }
        #expect(try rows(try lake.table("silver.t")).map(\.[0]) == (0..<25).map { .int(Int64($0)) })
        try table.storage.delete(names[1])
        #expect(try rows(try lake.table("silver.t")).map(\.[0]) == (0..<25).map { .int(Int64($0)) })
        try table.storage.delete("_delta_log/\(DeltaLog.number(10)).checkpoint.parquet")
        #expect(throws: LakeError.self) { try lake.table("silver.t") }
    }

    @Test func `opens past a checkpoint that is damaged or half written, and past a hint that lies`() throws {
        let table = try lake.table("silver.t", creating: schema)
        try fill(table, commits: 25)
        let log = "\(folder.path)/silver/t/_delta_log/"
        try Data("PAR1 nonsense PAR1".utf8).write(to: URL(filePath: log + "00000000000000000020.checkpoint.parquet"))
        #expect(try rows(try lake.table("silver.t")).count == 25)
        try Data(#"{"version":24,"size":1}"#.utf8).write(to: URL(filePath: log + "_last_checkpoint"))
        #expect(try rows(try lake.table("silver.t")).count == 25)
        try Data("{".utf8).write(to: URL(filePath: log + "_last_checkpoint"))
        #expect(try rows(try lake.table("silver.t")).count == 25)
    }

    @Test func `is shortened to what the table keeps, and the table stays whole`() throws {
        let table = try lake.table("silver.t", creating: schema, configuration: ["delta.logRetentionDuration": "interval 0 days"])
        try fill(table, commits: 34)
        let names = try logNames()
        #expect(names.first == "00000000000000000030.checkpoint.parquet")
        #expect(names.filter { $0.hasSuffix(".json") }.count == 5)
        let again = try lake.table("silver.t")
        #expect(try rows(again).count == 34)
        #expect(try again.history().map(\.version) == [34, 33, 32, 31, 30])
        #expect(try rows(try lake.table("silver.t", at: .version(31))).count == 31)
        do {
            _ = try lake.table("silver.t", at: .version(7))
            Issue.record("version 7 was opened")
        } catch {
            #expect("\(error)" == "silver.t: has no version 7; the oldest that its log has is 30")
        }
    }

    @Test func `is followed by a process that slept while it was shortened`() throws {
        let sleeper = try lake.table(
            "silver.t", creating: schema, configuration: ["delta.logRetentionDuration": "interval 0 days"])
        try fill(try lake.table("silver.t"), commits: 34)
        #expect(sleeper.version == 0)
        try append([[99, "late"]], to: sleeper)
        #expect(sleeper.version == 35)
        #expect(try rows(sleeper).count == 35)
    }

    @Test func `takes one back to a version and to a time`() throws {
        let table = try lake.table("silver.t", creating: schema)
        try fill(table, commits: 14)
        let start = Timestamp(year: 2026, month: 11, day: 1)
        for version in 0...14 {
            let time = Date(timeIntervalSince1970: (start + .seconds(version * 60)).secondsSince1970)
            try FileManager.default.setAttributes(
                [.modificationDate: time],
                ofItemAtPath: "\(folder.path)/silver/t/_delta_log/\(DeltaLog.number(Int64(version))).json")
        }
        for version in [0, 1, 9, 10, 11, 14] {
            let then = try lake.table("silver.t", at: .version(Int64(version)))
            #expect(then.version == Int64(version))
            #expect(try rows(then).count == version)
            #expect(try lake.table("silver.t", at: .time(start + .seconds(version * 60 + 59))).version == Int64(version))
        }
        #expect(throws: LakeError.self) { try lake.table("silver.t", at: .version(15)) }
        #expect(throws: LakeError.self) { try lake.table("silver.t", at: .time(start - .seconds(1))) }
        let past = try lake.table("silver.t", at: .version(3))
        #expect(throws: LakeError.self) { try past.commit(adding: []) }
    }

    @Test(arguments: [
        (
            #"{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}"#,
            "the table feature 'deletionVectors'"
        ),
        (
            #"{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timestampNtz","v2Checkpoint"],"writerFeatures":[]}"#,
            "the table feature 'v2Checkpoint'"
        ),
        (#"{"minReaderVersion":2,"minWriterVersion":5}"#, "column mapping (reader version 2)"),
        (#"{"minReaderVersion":9,"minWriterVersion":9}"#, "reader version 9"),
    ])
    func `is refused by the name of what its readers must know`(versions: String, feature: String) throws {
        try writeLog(["{\"protocol\":\(versions)}"])
        do {
            _ = try lake.table("silver.f")
            Issue.record("it was opened")
        } catch {
            #expect("\(error)" == "silver.f: needs \(feature), which obs does not support")
        }
    }

    @Test(arguments: [
        (#""protocol":{"minReaderVersion":1,"minWriterVersion":4}"#, "long", "{}", "writer version 4"),
        (
            #""protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["rowTracking"]}"#, "long", "{}",
            "the table feature 'rowTracking' of its writers"
        ),
        (
            #""protocol":{"minReaderVersion":1,"minWriterVersion":2}"#, "decimal(10,2)", "{}",
            "the column type 'decimal(10,2)' of 'n' in what writes to it"
        ),
        (
            #""protocol":{"minReaderVersion":1,"minWriterVersion":2}"#, "long", #"{\"delta.invariants\":\"{}\"}"#,
            "the invariant of column 'n' in what writes to it"
        ),
    ])
    func `is read but not written when only its writers must know more`(
        versions: String, type: String, metadata: String, feature: String
    ) throws {
        let column = #"{\"name\":\"n\",\"type\":\"\#(type)\",\"nullable\":true,\"metadata\":\#(metadata)}"#
        try writeLog([
            "{\(versions)}",
            #"{"metaData":{"id":"1","format":{"provider":"parquet"},"schemaString":"{\"type\":\"struct\",\"fields\":[\#(column)]}","partitionColumns":[]}}"#,
        ])
        let table = try lake.table("silver.f")
        #expect(try table.rowCount() == 0)
        do {
            try table.commit(adding: [])
            Issue.record("it was written")
        } catch {
            #expect("\(error)" == "silver.f: needs \(feature), which obs does not support")
        }
    }

    @Test func `is refused when a file has a deletion vector or lies elsewhere`() throws {
        let metadata =
            #"{"metaData":{"id":"1","format":{"provider":"parquet"},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[]}}"#
        for (add, reason) in [
            (
                #"{"path":"a.parquet","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"deletionVector":{"storageType":"u","cardinality":3}}"#,
                "deletion vectors"
            ),
            (
                #"{"path":"../../etc/passwd","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}"#,
                "data files outside of its folder (../../etc/passwd)"
            ),
            (
                #"{"path":"s3://b/a.parquet","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}"#,
                "data files outside of its folder (s3://b/a.parquet)"
            ),
        ] {
            try? FileManager.default.removeItem(atPath: folder.path + "/silver/f")
            try writeLog([#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#, metadata, "{\"add\":\(add)}"])
            do {
                _ = try lake.table("silver.f")
                Issue.record("it was opened")
            } catch {
                #expect("\(error)" == "silver.f: needs \(reason), which obs does not support")
            }
        }
    }

    private func writeLog(_ lines: [String]) throws {
        let log = folder.path + "/silver/f/_delta_log"
        try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: true)
        try lines.joined(separator: "\n").write(toFile: log + "/00000000000000000000.json", atomically: true, encoding: .utf8)
    }

    @Test func `gets columns that may be null, and refuses those that may not`() throws {
        let table = try lake.table("silver.t", creating: schema)
        try append([[1, "a"]], to: table)
        let wider = Schema(schema.fields + [Field("port", .int32, isNullable: true)])
        let evolved = try lake.table("silver.t", creating: wider)
        #expect(evolved.schema == wider)
        try append([[2, "b", 22]], to: evolved)
        // The first process does not know the column yet, and goes on writing.
        try append([[3, "c"]], to: table, schema: schema)
        #expect(try rows(try lake.table("silver.t")) == [[1, "a", .null], [2, "b", 22], [3, "c", .null]])
        #expect(try lake.table("silver.t", creating: schema).schema == wider)
        #expect(
            try lake.table("silver.t").history().map(\.operation) == [
                "STREAMING UPDATE", "STREAMING UPDATE", "ADD COLUMNS", "STREAMING UPDATE", "CREATE TABLE",
            ])
        for bad in [Field("must", .int32), Field("name", .int64, isNullable: true)] {
            #expect(throws: LakeError.self) {
                try lake.table("silver.t", creating: Schema(schema.fields.filter { $0.name != bad.name } + [bad]))
            }
        }
    }

    @Test func `keeps partition values of every kind, and scans only the partitions that can match`() throws {
        let schema = Schema([
            Field("n", .int64), Field("date", .date, isNullable: true), Field("kind", .text, isNullable: true),
        ])
        let table = try lake.table("silver.p", creating: schema, partitionedBy: ["date", "kind"])
        let kinds: [Value] = ["a", "b c", "ü/%=?*😀", .null, "x"]
        var all: [[Value]] = []
        for row in 0..<60 {
            all.append([.int(Int64(row)), row % 7 == 0 ? .null : .date(Int32(20_000 + row % 3)), kinds[row % 5]])
        }
        try append(all, to: table)
        let again = try lake.table("silver.p")
        let found = try rows(again).sorted {
            "\($0[0])".count == "\($1[0])".count ? "\($0[0])" < "\($1[0])" : "\($0[0])".count < "\($1[0])".count
        }
        #expect(found == all)
        #expect(FileManager.default.fileExists(atPath: folder.path + "/silver/p/date=2024-10-04/kind=a"))
        var seen = 0
        try again.scan(columns: ["n"], matching: [Matcher("kind", .equal, "x"), Matcher("date", .equal, "2024-10-04")]) {
            seen += $0.count
            return true
        }
        #expect(seen == all.filter { $0[2] == "x" && $0[1] == .date(20_000) }.count)
        #expect(throws: LakeError.self) { try lake.table("silver.p", creating: schema, partitionedBy: ["date"]) }
        _ = try again.optimize()
        #expect(try rows(again).count == 60)
    }

    @Test func `is the same on a store that is no file system`() throws {
        let storage = MemoryStorage()
        let table = try DeltaTable(name: "m", storage: storage, creating: schema)
        try fill(table, commits: 25)
        let again = try DeltaTable(name: "m", storage: storage, creating: nil)
        #expect(try rows(again).count == 25)
        _ = try again.optimize()
        #expect(try again.vacuum(keeping: .seconds(-1)).files.count == 25)
        #expect(try again.verify().problems == [])
        #expect(try rows(try DeltaTable(name: "m", storage: storage, creating: nil)).count == 25)
    }
}
