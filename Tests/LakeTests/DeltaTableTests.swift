import Columns
import Foundation
import TestSupport
import Testing

@testable import Lake

struct `A Delta table` {
    private let folder = TemporaryFolder()
    private var lake: Lake { Lake(root: folder.path) }

    private func append(batches: [Batch], to table: DeltaTable) throws {
        let writer = table.writer()
        for batch in batches { try writer.append(batch) }
        try table.commit(adding: writer.finish())
    }

    @Test(arguments: [0, 1, 2, 8, 9, 127, 128, 129, 1000, 5000])
    func `gives back every value of every type as it was appended`(count: Int) throws {
        let table = try lake.table("silver.all", creating: allTypes)
        let batch = randomBatch(rows: count, seed: UInt64(count) + 1)
        try append(batches: [batch], to: table)
        let read = try rows(try lake.table("silver.all"))
        #expect(read == (0..<count).map(batch.row))
    }

    @Test func `gives back slices and dictionary columns as they were appended`() throws {
        let schema = Schema([Field("event", .text), Field("user", .text, isNullable: true)])
        var events = DictionaryBuilder(), users = DictionaryBuilder()
        for index in 0..<20_000 {
            events.append(utf8: "event\(index % 7)")
            if index % 3 == 0 { users.appendNull() } else { users.append(utf8: "user\(index * 7919 % 9000)") }
        }
        let batch = Batch(schema: schema, columns: [events.finish(), users.finish()])
        let table = try lake.table("silver.d", creating: schema)
        try append(batches: [batch.slice(5..<9000), batch.slice(9000..<20_000)], to: table)
        #expect(try rows(table) == (5..<20_000).map(batch.row))
        #expect(try rows(table, columns: ["user"]).count == 19_995)
        #expect(try table.rowCount() == 19_995)
    }

    @Test func `leaves the dictionary when texts hardly repeat, and keeps every value`() throws {
        let schema = Schema([Field("line", .text)])
        let table = try lake.table("bronze.b", creating: schema)
        let batches = (0..<6).map { part in
            Batch(
                schema: schema,
                columns: [
                    Column(
                        .text(TextValues((0..<3000).map { "line \(part * 3000 + $0) \(String(repeating: "x", count: $0 % 90))" }))
                    )
                ])
        }
        try append(batches: batches, to: table)
        let read = try rows(table).map(\.[0])
        #expect(read.count == 18_000)
        #expect(read[17_999] == .text("line 17999 \(String(repeating: "x", count: 2999 % 90))"))
    }

    @Test func `commits a transaction once, however often it is tried`() throws {
        let schema = Schema([Field("n", .int64)])
        let table = try lake.table("gold.g", creating: schema)
        let writer = table.writer()
        try writer.append(try Batch(schema: schema, rows: [[1], [2]]))
        let files = try writer.finish()
        #expect(try table.commit(adding: files, transaction: ("ssh", 1)) == 1)
        let again = try lake.table("gold.g")
        #expect(try again.commit(adding: files, transaction: ("ssh", 1)) == nil)
        #expect(try again.commit(adding: [], transaction: ("other", 1)) == 2)
        #expect(again.lastTransaction(of: "ssh") == 1)
        #expect(try rows(again) == [[1], [2]])
        #expect(try again.history().map(\.addedRows) == [0, 2, 0])
    }

    @Test func `keeps every row when several writers commit at once`() async throws {
        let schema = Schema([Field("n", .int64)])
        _ = try lake.table("silver.c", creating: schema)
        let lake = lake
        try await withThrowingTaskGroup { group in
            for writer in 0..<4 {
                group.addTask {
                    let table = try lake.table("silver.c")
                    for index in 0..<25 {
                        let files = table.writer()
                        try files.append(try Batch(schema: schema, rows: [[.int(Int64(writer * 25 + index))]]))
                        try table.commit(adding: files.finish())
                    }
                }
            }
            try await group.waitForAll()
        }
        let table = try lake.table("silver.c")
        #expect(table.version == 100)
        #expect(Set(try rows(table).map(\.[0])).count == 100)
    }

    @Test func `passes over files whose times are all outside of the range`() throws {
        let schema = Schema([Field("event_time", .timestamp)])
        let table = try lake.table("silver.t", creating: schema)
        let start = Timestamp(year: 2026, month: 11, day: 21)
        for hour in 0..<5 {
            try append(batches: [try Batch(schema: schema, rows: [[.timestamp(start + .seconds(hour * 3600))]])], to: table)
        }
        var seen = 0
        try table.scan(times: ("event_time", (start + .seconds(3600))...(start + .seconds(7200)))) {
            seen += $0.count
            return true
        }
        #expect(seen == 2)
    }

    @Test func `is refused with other columns, or under a name that leads elsewhere`() throws {
        _ = try lake.table("silver.s", creating: Schema([Field("a", .int64)]))
        #expect(throws: LakeError.self) { try lake.table("silver.s", creating: Schema([Field("a", .text)])) }
        for name in ["silver", "../x.y", "silver./etc", "a.b.c", "silver.", "silver.nothing"] {
            #expect(throws: LakeError.self) { try lake.table(name) }
        }
        #expect(try lake.tables() == ["silver.s"])
    }

    @Test func `is refused when it needs a feature that is not supported`() throws {
        let log = folder.path + "/silver/f/_delta_log"
        try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: true)
        let first =
            #"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}"#
        try first.write(toFile: log + "/00000000000000000000.json", atomically: true, encoding: .utf8)
        do {
            _ = try lake.table("silver.f")
            Issue.record("it was opened")
        } catch {
            #expect("\(error)" == "silver.f: needs the table feature 'deletionVectors', which obs does not support")
        }
    }
}

@Suite(
    .enabled(
        if: peersPython(has: "pyarrow, duckdb, deltalake, polars"),
        "there is no Python with pyarrow, duckdb, deltalake and polars (OBS_PEERS_PYTHON)"))
struct `A Delta table that others read` {
    private let folder = TemporaryFolder()

    @Test func `is the same in pyarrow, DuckDB, deltalake and Polars`() throws {
        let table = try Lake(root: folder.path).table("silver.all", creating: allTypes)
        let batch = randomBatch(rows: 3000, seed: 42)
        for part in [0..<10, 10..<11, 11..<3000] {
            let writer = table.writer()
            try writer.append(batch.slice(part))
            try table.commit(adding: writer.finish(), transaction: ("p", Int64(part.upperBound)))
        }
        let path = folder.path + "/silver/all"
        // Each engine sums what it reads; the numbers are compared with ours.
        let sum = (0..<3000).reduce(Int64(0)) { $0 &+ (batch["int32"]!.integer(at: $1) ?? 0) }
        let lengths = (0..<3000).reduce(0) { $0 + (batch["text"]!.string(at: $1)?.utf8.count ?? 0) }
        let nulls = ColumnType.allCases.map { batch["\($0)"]!.nullCount }
        let program = """
            import glob, json, duckdb, polars, pyarrow.parquet as pq, pyarrow.compute as pc, deltalake
            path = \(JSONText.quote(path))
            table = deltalake.DeltaTable(path)
            frame = table.to_pyarrow_table()
            names = \("[" + ColumnType.allCases.map { "'\($0)'" }.joined(separator: ",") + "]")
            delta = [len(frame), pc.sum(frame['int32']).as_py(), pc.sum(pc.binary_length(frame['text'])).as_py(), [frame[n].null_count for n in names]]
            parts = [pq.read_table(f, page_checksum_verification=True) for f in glob.glob(path + '/*.parquet')]
            arrow = [sum(len(p) for p in parts), sum(pc.sum(p['int32']).as_py() or 0 for p in parts), sum(pc.sum(pc.binary_length(p['text'])).as_py() or 0 for p in parts), [sum(p[n].null_count for p in parts) for n in names]]
            duck = duckdb.connect().execute('select count(*), sum("int32"), sum(strlen("text")), [' + ",".join(f'count(*) filter ("{n}" is null)' for n in names) + f"] from read_parquet('{path}/*.parquet')").fetchone()
            polar = polars.read_parquet(path + '/*.parquet')
            polar = [polar.height, polar['int32'].cast(polars.Int64).sum(), polar['text'].str.len_bytes().cast(polars.Int64).sum(), [polar[n].null_count() for n in names]]
            assert table.version() == 3, table.version()
            print(json.dumps([delta, arrow, list(map(lambda x: x if isinstance(x, list) else int(x), duck)), polar]))
            """
        let output = try python(program)
        let expected = "[3000, \(sum), \(lengths), [\(nulls.map(String.init).joined(separator: ", "))]]"
        #expect(output == "[\(Array(repeating: expected, count: 4).joined(separator: ", "))]\n")
    }

    @Test func `opens in pyarrow when a column is all null, in all pages or in the first`() throws {
        let schema = Schema([Field("raw", .binary, isNullable: true), Field("late", .text, isNullable: true)])
        let table = try Lake(root: folder.path).table("bronze.n", creating: schema)
        let writer = table.writer()
        var late = TextBuilder()
        for row in 0..<140_000 { if row < 139_000 { late.appendNull() } else { late.append(utf8: "value \(row % 3)") } }
        try writer.append(Batch(schema: schema, columns: [.nulls(.binary, count: 140_000), late.finish()]))
        let file = try writer.finish()[0]
        let program = """
            import pyarrow.parquet as pq
            t = pq.read_table(\(JSONText.quote(folder.path + "/bronze/n/" + file.path)))
            print(t['raw'].null_count, t['late'].null_count, t['late'][139_999])
            """
        #expect(try python(program) == "140000 139000 value 1\n")
        try table.commit(adding: [file])
        var nulls = 0
        try table.scan { batch in
            nulls += batch["raw"]!.nullCount + batch["late"]!.nullCount
            return true
        }
        #expect(nulls == 279_000)
    }

    @Test func `has the values that pyarrow reads, one by one`() throws {
        let table = try Lake(root: folder.path).table("silver.v", creating: allTypes)
        let batch = randomBatch(rows: 500, seed: 5)
        let writer = table.writer()
        try writer.append(batch)
        let file = try writer.finish()[0]
        let program = """
            import json, pyarrow.parquet as pq, datetime
            t = pq.read_table(\(JSONText.quote(folder.path + "/silver/v/" + file.path)), page_checksum_verification=True)
            epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
            def show(v):
                if v is None: return ''
                if isinstance(v, bool): return str(v).lower()
                if isinstance(v, bytes): return v.hex()
                if isinstance(v, datetime.datetime): return str((v - epoch) // datetime.timedelta(microseconds=1))
                if isinstance(v, datetime.date): return str((v - datetime.date(1970, 1, 1)).days)
                if isinstance(v, float): return v.hex()
                return str(v)
            for row in t.to_pylist(): print(json.dumps([show(v) for v in row.values()], ensure_ascii=False))
            """
        let lines = try python(program).split(separator: "\n")
        #expect(lines.count == 500)
        for (row, line) in lines.enumerated() {
            let seen = try JSONDecoder().decode([String].self, from: Data(line.utf8))
            for (index, value) in batch.row(row).enumerated() {
                switch value {
                case .date(let days): #expect(seen[index] == String(days))
                case .timestamp(let time): #expect(seen[index] == String(time.microseconds))
                case .double(let number): #expect(Double(seen[index].replacing("inf", with: "infinity")) == number)
                default: #expect(seen[index] == value.description)
                }
            }
        }
    }
}
