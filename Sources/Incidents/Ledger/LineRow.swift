import Columns
import Detection
import Foundation
@preconcurrency import GRDB

/// How many events the children of an incident have.
struct MergedLines: PositionalRow {
    static let columns = ["merged_count", "merged_most", "merged_lines"]

    private(set) var count: Int
    /// The most that one of them has.
    private(set) var most: Int
    private(set) var lines: LineSet

    init(row: Row) throws {
        var reader = RowReader(row)
        try self.init(&reader)
    }

    init(_ reader: inout RowReader) throws {
        count = try reader.next()
        most = try reader.next()
        lines = try reader.lines()
    }

    static func fetch(_ number: Int64, _ database: Database) throws -> MergedLines? {
        try firstReadable(database.cachedStatement(sql: ofIncident), [number])
    }

    private static let ofIncident = "SELECT \(columns("i")) FROM incident i WHERE i.number = ?"

    /// With what a child brings.
    func grown(by growth: Growth) -> MergedLines {
        var grown = self
        grown.count += growth.events
        grown.most = max(most, growth.lines.total)
        grown.lines.formUnion(growth.lines.lines)
        return grown
    }

    /// How many events there are in all with those of the parent itself.
    func united(with own: LineCount) -> Int { LineCount.united(own: own, most: most, sum: count, lines: lines) }
}

/// How many events an incident and its children have.
struct LineRow: PositionalRow {
    static let columns =
        ["detector", "last_seen", "count", "total", "session_start", "session_total", "lines"] + MergedLines.columns

    let detector: String
    let lastSeen: Timestamp
    let own: LineCount
    let merged: MergedLines

    var isPosted: Bool { detector == PostedIncident.detector }

    init(row: Row) throws {
        var reader = RowReader(row)
        detector = try reader.next()
        lastSeen = try reader.time()
        own = try reader.lineCount()
        merged = try MergedLines(&reader)
    }

    static func fetch(_ number: Int64, _ database: Database) throws -> LineRow? {
        try firstReadable(database.cachedStatement(sql: ofIncident), [number])
    }

    private static let ofIncident = "SELECT \(columns("i")) FROM incident i WHERE i.number = ?"
}

extension RowReader {
    /// Reads `count, total, session_start, session_total, lines`, in this order.
    mutating func lineCount() throws -> LineCount {
        let most: Int = try next(), total: Int = try next()
        return LineCount(
            total: max(total, most), sessionStart: (try optional() as Int64?).map { Timestamp(microseconds: $0) },
            sessionTotal: try next(), lines: try lines())
    }

    /// Reads a set of lines where it lies; what is not one is the empty one.
    mutating func lines() throws -> LineSet { try data { LineSet(bytes: $0.span) } ?? LineSet() }
}
