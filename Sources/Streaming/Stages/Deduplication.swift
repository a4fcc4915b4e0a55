import Columns
import Foundation

/// Keeps the first row of each key. A key is forgotten when the watermark reaches its time plus the allowed lateness, so that
/// the state is bounded.
///
/// Source: `dropDuplicatesWithinWatermark` of Spark Structured Streaming.
struct Deduplication {
    private let columns: [String]
    private let timeColumn: String
    private let lateness: Int64
    /// By key: until when it is remembered.
    private var seen = KeyTimes()

    init(by columns: [String], timeColumn: String, allowedLateness: Duration) {
        self.columns = columns
        self.timeColumn = timeColumn
        lateness = allowedLateness.inMicroseconds
    }

    var stateRows: Int { seen.count }

    struct Result {
        var first: [Int] = []
        var duplicates = 0
        var late: [Int] = []
    }

    /// A row that lacks a value of the key is not a duplicate of anything.
    mutating func observe(_ batch: Batch, _ watermarks: RowWatermarks) -> Result {
        let times = batch[timeColumn]!
        let groups = GroupCodes(batch, by: columns)
        var result = Result()
        for row in 0..<batch.count {
            let time = times.integer(at: row)!
            if watermarks.isLate(time, at: row) {
                result.late.append(row)
                continue
            }
            let code = groups.codes[row]
            if code >= 0 {
                let key = groups.key(code)
                // A key that has expired and was not removed yet counts as forgotten: when it is removed depends on how rows
                // were cut into batches.
                if let until = seen[key], until > watermarks.watermark(row) {
                    result.duplicates += 1
                    continue
                }
                seen.remember(key, time &+ lateness)
            }
            result.first.append(row)
        }
        return result
    }

    mutating func forget(upTo watermark: Int64) { seen.forget(upTo: watermark) }

    func encode(to writer: inout StateWriter) { seen.encode(to: &writer) }

    mutating func decode(from reader: inout StateReader) throws { seen = try KeyTimes(from: &reader) }
}
