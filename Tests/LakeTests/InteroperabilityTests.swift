import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

/// The engines of the matrix that this machine has.
private let engines: [String] = {
    [
        ("pyarrow", "pyarrow"), ("duckdb", "duckdb, pyarrow"), ("deltalake", "deltalake, pyarrow"),
        ("polars", "polars, deltalake"), ("pyspark", "pyspark, pyarrow"),
    ]
    .filter { peersPython(has: $0.1) && ($0.0 != "pyspark" || hasJava) }.map(\.0)
}()

private let hasJava =
    (try? run("java", ["-version"])) != nil

/// Each engine reads what obs writes, and obs reads what each engine writes, value by value.
@Suite(.enabled(if: !engines.isEmpty, "there is no Python with pyarrow, duckdb, deltalake, polars or pyspark (OBS_PEERS_PYTHON)"))
struct `Tables of obs and of other engines` {
    private let folder = TemporaryFolder()
    private static let million = 1_000_000
    private static let start: Int64 = 1_700_000_000_000_000

    private static let types = Schema([Field("id", .int64)] + allTypes.fields)

    /// Rows of every type under rising ids.
    private func batch(_ rows: Int, seed: UInt64, schema: Schema = types) -> Batch {
        let random = randomBatch(rows: rows, seed: seed, schema: Schema(Array(schema.fields.dropFirst())))
        return Batch(schema: schema, columns: [Column(.int64((0..<rows).map(Int64.init)))] + random.columns)
    }

    private func write(_ name: String, _ batch: Batch, commits: Int = 1, partitionedBy partitions: [String] = []) throws {
        let table = try DeltaTable(
            name: name, storage: LocalStorage(root: "\(folder.path)/ours/\(name)"), creating: batch.schema,
            partitionedBy: partitions)
        for commit in 0..<commits {
            let writer = table.writer()
            try writer.append(batch.slice((batch.count * commit / commits)..<(batch.count * (commit + 1) / commits)))
            try table.commit(adding: writer.finish())
        }
        try canonicalLines([batch]).write(toFile: "\(folder.path)/ours/\(name).jsonl", atomically: false, encoding: .utf8)
        try writeColumns(batch.schema, "\(folder.path)/ours/\(name).columns")
    }

    private func writeColumns(_ schema: Schema, _ path: String) throws {
        try JSONEncoder().encode(schema.fields.map(\.name)).write(to: URL(filePath: path))
    }

    private func writeOurs() throws {
        try FileManager.default.createDirectory(atPath: folder.path + "/ours", withIntermediateDirectories: true)
        try write("all_types", batch(1000, seed: 1))
        let nulls = Schema([Field("id", .int64)] + ColumnType.allCases.map { Field("\($0)", $0, isNullable: true) })
        let ids = Column(.int64((0..<300).map { Int64($0) }))
        let empty = ColumnType.allCases.map { Column.nulls($0, count: 300) }
        try write("nulls", Batch(schema: nulls, columns: [ids] + empty))
        try write("empty", batch(0, seed: 1))
        try write("one_row", batch(1, seed: 2))
        let texts = Schema([Field("id", .int64), Field("text", .text), Field("more", .text, isNullable: true)])
        let strange = [
            "", "ü", "日本語", "😀👩‍👩‍👧", "\u{202E}rtl", "a\u{0}b", "\u{10FFFF}", "e\u{301}", "\\N", "NULL", "\"", "\r\n", "%3D/=",
        ]
        let unicode: [[Value]] = (0..<400).map { row in
            let more: Value = row % 3 == 0 ? .null : .text(strange[row % 7] + String(row))
            return [.int(Int64(row)), .text(strange[row % 13]), more]
        }
        try write("unicode", try Batch(schema: texts, rows: unicode))
        let long: [[Value]] = (0..<60).map { row in
            let letter = row % 2 == 0 ? "x" : "ü"
            return [.int(Int64(row)), .text(String(repeating: letter, count: row * 4000)), .text(String(row))]
        }
        try write("long_lines", try Batch(schema: texts, rows: long))
        let days = Schema(Self.types.fields + [Field("day", .date)])
        let plain = batch(300, seed: 4)
        let day = Column(.int32((0..<300).map { 20_776 + Int32($0 % 3) }))
        try write("partitioned", Batch(schema: days, columns: plain.columns + [day]), partitionedBy: ["day"])
        try write("checkpointed", batch(250, seed: 5), commits: 25)
        let schema = Schema([Field("id", .int64), Field("time", .timestamp), Field("text", .text)])
        let table = try DeltaTable(name: "million", storage: LocalStorage(root: folder.path + "/ours/million"), creating: schema)
        let writer = table.writer()
        let dictionary = TextValues((0..<1000).map { "text \($0)" })
        for start in stride(from: 0, to: Self.million, by: 50_000) {
            let ids = (0..<50_000).map { Int64(start + $0) }
            try writer.append(
                Batch(
                    schema: schema,
                    columns: [
                        Column(.int64(ids)), Column(.int64(ids.map { Self.start + $0 * 1_000_003 })),
                        Column(.dictionary(DictionaryValues(codes: ids.map { UInt32($0 % 1000) }, dictionary: dictionary))),
                    ]))
        }
        try table.commit(adding: writer.finish())
    }

    /// The batches of a Delta table or, where an engine has written none, of its Parquet files.
    private func batches(_ path: String, columns: [String]? = nil) throws -> [Batch] {
        let storage = LocalStorage(root: path)
        if try storage.exists("_delta_log") {
            var all: [Batch] = []
            try DeltaTable(name: path, storage: storage, creating: nil).scan(columns: columns) { batch in
                all.append(batch)
                return true
            }
            return all
        }
        return try storage.list("").filter { $0.key.hasSuffix(".parquet") }.flatMap { object in
            let reader = try ParquetReader(storage, object.key)
            return try (0..<reader.rowGroupCount).map { try reader.read(rowGroup: $0, columns: columns) }
        }
    }

    @Test func `are the same, value by value, in both directions`() throws {
        try writeOurs()
        for engine in engines {
            let said = try python(script: "interop.py", ["run", engine, folder.path]).split(separator: "\n")
            let outcomes = said.filter { $0.contains("\t") }
            #expect(
                outcomes.count == (["deltalake", "polars"].contains(engine) ? 18 : 16),
                "\(engine): \(said.joined(separator: "\n"))")
            for outcome in outcomes { #expect(outcome.hasSuffix("\tequal"), "\(engine): \(outcome)") }
            let written = "\(folder.path)/\(engine)"
            for name in try FileManager.default.contentsOfDirectory(atPath: written) where name != "million" {
                let batches = try batches("\(written)/\(name)")
                try canonicalLines(batches).write(toFile: "\(written)/\(name).jsonl", atomically: false, encoding: .utf8)
                try writeColumns(batches.first?.schema ?? Schema([]), "\(written)/\(name).columns")
            }
            for outcome in try python(script: "interop.py", ["check", engine, folder.path]).split(separator: "\n") {
                #expect(outcome.hasSuffix("\tequal"), "\(engine): \(outcome)")
            }
            try checkMillion("\(written)/million", engine)
        }
    }

    private func checkMillion(_ path: String, _ engine: String) throws {
        var ids: [Int64] = [], times: [Int64] = []
        var wrongTexts = 0
        for batch in try batches(path, columns: ["id", "time", "text"]) {
            guard case .int64(let id) = batch["id"]!.values, case .int64(let time) = batch["time"]!.values else {
                Issue.record("\(engine): other types")
                return
            }
            ids += id
            times += time
            for row in 0..<batch.count where batch["text"]!.string(at: row) != "text \(id[row] % 1000)" { wrongTexts += 1 }
        }
        #expect(wrongTexts == 0, "\(engine)")
        #expect(ids.sorted() == Array(0..<Int64(Self.million)), "\(engine)")
        #expect(zip(ids, times).allSatisfy { $1 == Self.start + $0 * 1_000_003 }, "\(engine)")
    }
}
