import Alerting
import Columns
import Foundation
@preconcurrency import GRDB

/// How often, and how long it took: read from counts that are kept as incidents change, so the answer costs the same for a hundred and for a million.
///
/// Medians and 90th percentiles come from buckets 9 % wide; a bucket gives the mean of what is in it, so few values are exact.
extension IncidentQuestions {
    /// What the statistics are told apart by.
    public enum Grouping: String, Sendable, CaseIterable {
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

    /// Times count on the day (UTC) on which the incident was opened.
    public func statistics(by grouping: Grouping = .rule, since: Timestamp? = nil, until: Timestamp? = nil) throws -> Answer {
        var groups: [[String]: Tally] = [:]
        var all = Tally()
        var open: [[String]: Int] = [:]
        try store.read { database in
            let from = max(0, since.map(Self.day) ?? 0)
            let days = from...max(from, min(until.map(Self.day) ?? .max, Self.allDays.upperBound))
            for (range, sql) in Self.sums(by: grouping, days) {
                let rows = try Row.fetchCursor(database, sql: sql, arguments: [range.lowerBound, range.upperBound])
                while let row = try rows.next() {
                    let key = [Self.text(row[0]), Self.text(row[1])]
                    groups[key, default: Tally()].add(row[2], bucket: row[3], count: row[4], total: row[5])
                    all.add(row[2], bucket: row[3], count: row[4], total: row[5])
                }
            }
            guard let sql = Self.openCounts(by: grouping) else { return }
            for row in try Row.fetchAll(
                database, sql: sql, arguments: [since?.microseconds ?? .min, until?.microseconds ?? .max])
            { open[[Self.text(row[0]), Self.text(row[1])]] = row[2] }
        }
        return answer(
            grouping, groups.filter { $0.value.count(of: "opened") > 0 || open[$0.key] != nil || grouping == .receiver }, open,
            all)
    }

    private func answer(_ grouping: Grouping, _ groups: [[String]: Tally], _ open: [[String]: Int], _ all: Tally) -> Answer {
        let names: [(String, ColumnType)] =
            switch grouping {
            case .rule: [("rule", .text), ("severity", .text)]
            case .severity: [("severity", .text)]
            case .receiver: [("receiver", .text)]
            case .day: [("day", .text)]
            }
        let counts: [(String, ColumnType)] =
            grouping == .receiver
            ? [("incidents", .int64), ("sent", .int64), ("dead", .int64)]
            : [("incidents", .int64), ("open", .int64), ("false", .int64)]
        let measures = grouping == .receiver ? ["sent", "acknowledge", "resolve"] : ["detect", "acknowledge", "resolve"]
        let titles = ["detect": "detect", "acknowledge": "ack", "resolve": "resolve", "sent": "tell"]
        let times = measures.flatMap {
            [("\(titles[$0]!)_p50_seconds", ColumnType.double), ("\(titles[$0]!)_p90_seconds", .double)]
        }
        // The noisiest first; days in their order.
        let sorted = groups.sorted {
            let (left, right) = ($0.value.count(of: "opened"), $1.value.count(of: "opened"))
            return grouping == .day ? $0.key[0] > $1.key[0] : (right, $0.key[0], $0.key[1]) < (left, $1.key[0], $1.key[1])
        }
        let rows = sorted.map { key, tally -> [Value] in
            let name: [Value] =
                switch grouping {
                case .rule: [.text(key[0]), .text(key[1])]
                case .day: [.text(String(Timestamp(seconds: Int64(key[0])! * 86_400).description.prefix(10)))]
                default: [.text(key[0])]
                }
            let numbers =
                grouping == .receiver
                ? [tally.count(of: "opened"), tally.count(of: "sent"), tally.count(of: "dead")]
                : [tally.count(of: "opened"), open[key] ?? 0, tally.count(of: "false_positive")]
            return name + numbers.map { .int(Int64($0)) }
                + measures.flatMap { measure in [0.5, 0.9].map { tally.quantile($0, of: measure).map(Value.double) ?? .null } }
        }
        var answer = Answer(names + counts + times, rows: rows)
        answer.dispensable = [
            "detect_p90_seconds", "tell_p90_seconds", "resolve_p90_seconds", "ack_p90_seconds", "detect_p50_seconds", "severity",
        ]
        if grouping != .receiver, !rows.isEmpty {
            let spelled = ["detect", "acknowledge", "resolve"].compactMap { measure in
                all.quantile(0.5, of: measure).map { median in
                    "\(measure) \(IncidentView.spell(.seconds(median))) (p90 \(IncidentView.spell(.seconds(all.quantile(0.9, of: measure)!))))"
                }
            }
            answer.note = "\(all.count(of: "opened")) incidents; median time to \(spelled.joined(separator: ", to "))"
        }
        return answer
    }

    /// The statements that sum what was counted, and the rows that each is to sum.
    static func sums(by grouping: Grouping, _ days: ClosedRange<Int64>) -> [(range: ClosedRange<Int64>, sql: String)] {
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

    /// How many that were opened between two times go on; nil where they are not told apart so. From an index that holds only those, and all that is asked of them: they may be
    /// many after a storm.
    static func openCounts(by grouping: Grouping) -> String? {
        guard grouping != .receiver else { return nil }
        return """
            SELECT \(grouping == .day ? "opened_at / 86400000000, ''" : grouping.columns), count(*) FROM incident INDEXED BY incident_open_by_rule
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

    /// Those who ask for all mean the days until the year 4707.
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
private struct Tally {
    private var buckets: [String: [Int: (count: Int, total: Int64)]] = [:]

    mutating func add(_ measure: String, bucket: Int, count: Int, total: Int64) {
        let known = buckets[measure]?[bucket] ?? (0, 0)
        buckets[measure, default: [:]][bucket] = (known.count + count, known.total + total)
    }

    func count(of measure: String) -> Int { buckets[measure]?.values.reduce(0) { $0 + $1.count } ?? 0 }

    /// In seconds; nil when nothing was measured. The smallest value that at least this share of all does not exceed (nearest rank).
    func quantile(_ share: Double, of measure: String) -> Double? {
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
