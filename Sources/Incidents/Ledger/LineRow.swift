import Columns
import Detection
import Foundation
@preconcurrency import GRDB

/// How many events an incident and its children have.
struct LineRow: PositionalRow {
    static let columns = [
        "detector", "last_seen", "count", "total", "session_start", "session_total", "lines", "merged_count", "merged_most",
        "merged_lines",
    ]

    let detector: String
    let lastSeen: Timestamp
    let own: LineCount
    let mergedCount: Int
    let mergedMost: Int
    let mergedLines: LineSet

    init(row: Row) throws {
        var reader = RowReader(row)
        detector = try reader.next()
        lastSeen = try reader.time()
        own = try reader.lineCount()
        mergedCount = try reader.next()
        mergedMost = try reader.next()
        mergedLines = (try reader.optional() as Data?).flatMap { LineSet(bytes: $0) } ?? LineSet()
    }

    static func fetch(_ number: Int64, _ database: Database) throws -> LineRow? {
        try firstReadable(
            database.cachedStatement(sql: "SELECT \(columns("i")) FROM incident i WHERE i.number = ?"), [number])
    }
}

extension RowReader {
    /// Reads `count, total, session_start, session_total, lines`, in this order.
    mutating func lineCount() throws -> LineCount {
        let most: Int = try next(), total: Int = try next()
        return LineCount(
            total: max(total, most), sessionStart: (try optional() as Int64?).map { Timestamp(microseconds: $0) },
            sessionTotal: try next(), lines: (try optional() as Data?).flatMap { LineSet(bytes: $0) } ?? LineSet())
    }
}
