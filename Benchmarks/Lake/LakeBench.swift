import Columns
import Foundation
import Lake

/// What `Benchmarks/Lake/compare.py` runs beside pyarrow, `lake-bench write LAKE TABLE OUT` and `scan LAKE TABLE COLUMN FROM TO`; and `fuzz FOLDER ROUNDS`, which
/// reads damaged copies of the Parquet files in a folder.
///
/// It prints one JSON object: seconds of the work alone, rows, bytes, and the most memory of the process.
@main
struct LakeBench {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        func table() throws -> DeltaTable { try Lake(root: arguments[1]).table(arguments[2]) }
        switch (arguments.first, arguments.count) {
        case ("write", 4): try write(table(), to: arguments[3])
        case ("scan", 6): try scan(table(), column: arguments[3], from: Int64(arguments[4])!, to: Int64(arguments[5])!)
        case ("fuzz", 3): try fuzz(arguments[1], rounds: Int(arguments[2])!)
        default: fatalError("usage: lake-bench write LAKE TABLE OUT | scan LAKE TABLE COLUMN FROM TO | fuzz FOLDER ROUNDS")
        }
    }

    private static func report(_ seconds: Double, rows: Int, bytes: Int, more: String = "") throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }!.split(whereSeparator: { !$0.isNumber })[0]
        print("{\"seconds\":\(seconds),\"rows\":\(rows),\"bytes\":\(bytes),\"peak_kb\":\(peak)\(more)}")
    }

    private static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let took = try ContinuousClock().measure(body)
        return Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
    }

    /// Writes the table's rows, which are in memory before the clock starts, as one table of one file.
    private static func write(_ table: DeltaTable, to folder: String) throws {
        var batches: [Batch] = []
        try table.scan { batch in
            // As a pipeline hands them over.
            for start in stride(from: 0, to: batch.count, by: 65_536) {
                batches.append(batch.slice(start..<min(start + 65_536, batch.count)))
            }
            return true
        }
        let rows = batches.reduce(0) { $0 + $1.count }
        let copy = try Lake(root: folder).table("bench.copy", creating: table.schema)
        let took = try seconds {
            let writer = copy.writer()
            for batch in batches { try writer.append(batch) }
            try copy.commit(adding: writer.finish())
        }
        try report(took, rows: rows, bytes: copy.sizeInBytes)
    }

    /// Counts the rows in a range of times, and sums the lengths of a text column over them.
    private static func scan(_ table: DeltaTable, column: String, from: Int64, to: Int64) throws {
        var rows = 0, bytes = 0
        let took = try seconds {
            let range = Timestamp(microseconds: from)...Timestamp(microseconds: to)
            try table.scan(columns: ["event_time", column], times: ("event_time", range)) { batch in
                guard case .int64(let times) = batch.columns[0].values else { return true }
                let texts = batch.columns[1]
                for row in 0..<batch.count where times[row] >= from && times[row] <= to {
                    rows += 1
                    if !texts.isNull(at: row) { bytes += texts.withBytes(at: row) { $0.count } }
                }
                return true
            }
        }
        try report(took, rows: rows, bytes: bytes)
    }

    /// Reads damaged copies of all Parquet files below a folder in turn, each column that it can and the nested ones as text; a crash or a hang ends it.
    private static func fuzz(_ folder: String, rounds: Int) throws {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let good = names.filter { $0.hasSuffix(".parquet") }.sorted().compactMap {
            FileManager.default.contents(atPath: "\(folder)/\($0)")
        }
        .map { [UInt8]($0) }.filter { (12..<4_000_000).contains($0.count) }
        guard !good.isEmpty else { fatalError("there are no Parquet files in \(folder)") }
        let scratch = FileManager.default.temporaryDirectory.appending(
            path: "obs-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
        ).path
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        var random = SplitMix64(seed: 1)
        var refused = 0
        let took = try seconds {
            for round in 0..<rounds {
                var bytes = good[round % good.count]
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    let low = Bool.random(using: &random) ? max(0, bytes.count - 1500) : 0
                    bytes[Int.random(in: low..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                if Int.random(in: 0..<10, using: &random) == 0 {
                    bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
                }
                try Data(bytes).write(to: URL(filePath: scratch + "/fuzzed.parquet"))
                do {
                    let reader = try ParquetReader(folder: scratch, "fuzzed.parquet")
                    for group in 0..<reader.rowGroupCount { _ = try reader.read(rowGroup: group) }
                } catch { refused += 1 }
            }
        }
        try report(
            took, rows: rounds, bytes: good.reduce(0) { $0 + $1.count }, more: ",\"files\":\(good.count),\"refused\":\(refused)")
    }
}
