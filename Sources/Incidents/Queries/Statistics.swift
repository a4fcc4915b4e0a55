import Columns
import Foundation
@preconcurrency import GRDB

/// How statistics of incidents are grouped.
public enum StatisticGroup: String, Sendable, CaseIterable {
    case rule, severity, receiver, day

    fileprivate var columns: String {
        switch self {
        case .rule: "name, severity"
        case .severity: "severity, ''"
        case .receiver: "receiver, ''"
        case .day: "day, ''"
        }
    }
}

/// How often things happened to incidents, and how long they took: `opened`, `detect`, `acknowledge`, `resolve`,
/// `false_positive`; `sent` and `dead` of notifications.
public struct Statistics: Sendable {
    /// By the two words of a group: rule and severity; severity; receiver; or the day as the number of days since 1970.
    public var groups: [[String]: Tally] = [:]
    /// Of all groups together.
    public var all = Tally()
    /// How many of each group are not over; empty where groups are receivers.
    public var open: [[String]: Int] = [:]
}

/// Read from counts that are kept as incidents change, so the answer costs the same for a hundred and for a million.
///
/// Medians and 90th percentiles come from buckets 9 % wide; a bucket gives the mean of what is in it, so few values are exact.
extension IncidentStore {
    /// Times count on the day (UTC) on which the incident was opened.
    public func statistics(by grouping: StatisticGroup, since: Timestamp? = nil, until: Timestamp? = nil) throws -> Statistics {
        try read { database in
            var statistics = Statistics()
            let from = max(0, since.map(Self.day) ?? 0)
            let days = from...max(from, min(until.map(Self.day) ?? .max, Self.allDays.upperBound))
            for (range, sql) in Self.sums(by: grouping, days) {
                let rows = try Row.fetchCursor(
                    database.cachedStatement(sql: sql), arguments: [range.lowerBound, range.upperBound])
                while let row = try rows.next() {
                    guard let measure = String.fromDatabaseValue(row[2]), let bucket = Int.fromDatabaseValue(row[3]),
                        let count = Int.fromDatabaseValue(row[4]), let total = Int64.fromDatabaseValue(row[5])
                    else { continue }
                    let key = [Self.text(row[0]), Self.text(row[1])]
                    statistics.groups[key, default: Tally()].add(measure, bucket: bucket, count: count, total: total)
                    statistics.all.add(measure, bucket: bucket, count: count, total: total)
                }
            }
            guard let sql = Self.openCounts(by: grouping) else { return statistics }
            let rows = try Row.fetchAll(
                database.cachedStatement(sql: sql), arguments: [since?.microseconds ?? .min, until?.microseconds ?? .max])
            for row in rows { statistics.open[[Self.text(row[0]), Self.text(row[1])]] = Int.fromDatabaseValue(row[2]) }
            return statistics
        }
    }

    /// The statements that sum what was counted, and the rows that each is to sum.
    static func sums(by grouping: StatisticGroup, _ days: ClosedRange<Int64>) -> [(range: ClosedRange<Int64>, sql: String)] {
        let isByDay = grouping == .day
        return (isByDay ? [("incident_statistic_day", "day", days)] : ranges(days)).map { table, column, range in
            let receiver = isByDay ? "" : " AND receiver \(grouping == .receiver ? "<>" : "=") ''"
            return (
                range,
                """
                SELECT \(grouping.columns), measure, bucket, sum(count), sum(total) FROM \(table)
                WHERE \(column) BETWEEN ? AND ?\(receiver) GROUP BY 1, 2, 3, 4
                """
            )
        }
    }

    /// How many that were opened between two times go on; nil where they are not distinguished so. From an index that holds only
    /// those, and all that is asked of them: they may be many after a storm.
    static func openCounts(by grouping: StatisticGroup) -> String? {
        guard grouping != .receiver else { return nil }
        return """
            SELECT \(grouping == .day ? "opened_at / 86400000000, ''" : grouping.columns), count(*)
                FROM incident INDEXED BY incident_open_by_rule
            WHERE state IN ('open', 'acknowledged') AND merged_into IS NULL AND opened_at BETWEEN ? AND ? GROUP BY 1, 2
            """
    }

    /// The rows that together are the days asked for: whole blocks, and the days beside them.
    private static func ranges(_ days: ClosedRange<Int64>) -> [(table: String, column: String, rows: ClosedRange<Int64>)] {
        let length = IncidentStore.daysOfStatisticsBlock
        let first = (days.lowerBound + length - 1) / length, end = (days.upperBound + 1) / length
        guard first < end else { return [("incident_statistic", "day", days)] }
        var ranges = [("incident_statistic_block", "block", first...(end - 1))]
        if days.lowerBound < first * length {
            ranges.append(("incident_statistic", "day", days.lowerBound...(first * length - 1)))
        }
        if days.upperBound >= end * length { ranges.append(("incident_statistic", "day", (end * length)...days.upperBound)) }
        return ranges
    }

    /// Enough for every question without bounds: until the year 4707.
    private static let allDays: ClosedRange<Int64> = 0...1_000_000

    private static func day(_ time: Timestamp) -> Int64 { Int64((time.secondsSince1970 / 86_400).rounded(.down)) }

    private static func text(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .int64(let number): String(number)
        case .string(let text): text
        default: ""
        }
    }
}

/// Counts and sums by measure and bucket.
public struct Tally: Sendable {
    private var buckets: [String: [Int: (count: Int, total: Int64)]] = [:]

    mutating func add(_ measure: String, bucket: Int, count: Int, total: Int64) {
        let known = buckets[measure]?[bucket] ?? (0, 0)
        buckets[measure, default: [:]][bucket] = (known.count + count, known.total + total)
    }

    /// How many were measured; such as `opened`, `detect`, `resolve` (``Statistics``).
    public func count(of measure: String) -> Int { buckets[measure]?.values.reduce(0) { $0 + $1.count } ?? 0 }

    /// In seconds; nil when nothing was measured. The smallest value that at least this share of all does not exceed (nearest
    /// rank).
    public func quantile(_ share: Double, of measure: String) -> Double? {
        let sorted = (buckets[measure] ?? [:]).filter { $0.value.count > 0 }.sorted { $0.key < $1.key }
        let all = sorted.reduce(0) { $0 + $1.value.count }
        guard all > 0 else { return nil }
        let rank = max(1, Int((share * Double(all)).rounded(.up)))
        var passed = 0
        for (_, bucket) in sorted {
            passed += bucket.count
            // Milliseconds: nothing that people do is measured finer.
            if passed >= rank { return (Double(bucket.total) / Double(bucket.count) / 1e3).rounded() / 1e3 }
        }
        return nil
    }
}
