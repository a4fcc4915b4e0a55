import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

struct `An export of a table` {
    private let folder = TemporaryFolder()
    private let schema = Schema([
        Field("time", .timestamp), Field("name", .text, isNullable: true), Field("n", .int64),
        Field("x", .double, isNullable: true),
    ])
    private let start = Timestamp(year: 2026, month: 11, day: 21)

    private func filled() throws -> DeltaTable {
        let table = try Lake(root: folder.path).table("silver.e", creating: schema)
        let names: [Value] = ["plain", "com,ma", "quo\"te", "line\r\nbreak", .null, "ü😀"]
        for part in 0..<3 {
            try append(
                (0..<4).map { index in
                    let row = part * 4 + index
                    return [
                        .timestamp(start + .seconds(row * 60)), names[row % 6], .int(Int64(row)),
                        row % 5 == 0 ? .null : .double(0.5),
                    ]
                }, to: table)
        }
        return table
    }

    private func text(_ export: TableExport) throws -> (String, Int) {
        let path = folder.path + "/out"
        let count = try export.run(to: try ExportTarget(path: path))
        return (String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self), count)
    }

    @Test func `as CSV quotes what RFC 4180 says, and leaves a null empty`() throws {
        let (csv, count) = try text(TableExport(try filled(), as: .csv))
        #expect(count == 12)
        let head = [
            "time,name,n,x", "2026-11-21T00:00:00Z,plain,0,", "2026-11-21T00:01:00Z,\"com,ma\",1,0.5",
            "2026-11-21T00:02:00Z,\"quo\"\"te\",2,0.5", "2026-11-21T00:03:00Z,\"line\r\nbreak\",3,0.5",
            "2026-11-21T00:04:00Z,,4,0.5",
        ]
        #expect(csv.hasPrefix(head.joined(separator: "\r\n") + "\r\n"))
    }

    @Test func `has the rows that matchers and times leave, in the columns that are asked for`() throws {
        var export = TableExport(try filled(), as: .jsonl)
        export.columns = ["n", "name"]
        export.matchers = try [Matcher](parsing: #"name=~".*a.*""#)
        export.times = ("time", (start + .seconds(60))...(start + .seconds(6 * 60)))
        let (lines, count) = try text(export)
        #expect(count == 2)
        #expect(lines == "{\"n\":1,\"name\":\"com,ma\"}\n{\"n\":6,\"name\":\"plain\"}\n")
    }

    @Test func `as Parquet is one file with the same rows`() throws {
        let table = try filled()
        _ = try TableExport(table, as: .parquet).run(to: try ExportTarget(path: folder.path + "/out.parquet"))
        let reader = try ParquetReader(LocalStorage(root: folder.path), "out.parquet")
        let read = try (0..<reader.rowGroupCount).flatMap { group in
            let batch = try reader.read(rowGroup: group)
            return (0..<batch.count).map(batch.row)
        }
        #expect(try read == rows(table))
    }

    @Test func `names a column that is not there, and leaves no half file`() throws {
        var export = TableExport(try filled(), as: .csv)
        export.matchers = try [Matcher](parsing: "nope=1")
        #expect(throws: LakeError.self) { try text(export) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["silver"])
    }
}
