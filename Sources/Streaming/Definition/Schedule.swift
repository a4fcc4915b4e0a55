import Columns

/// When a batch pipeline runs.
public enum Schedule: Sendable, Hashable {
    /// At every multiple of it since 1970, in UTC.
    case every(Duration)
    case cron(CronExpression)

    /// The first time after `time`.
    public func next(after time: Timestamp) -> Timestamp? {
        switch self {
        case .every(let interval):
            let step = interval.inMicroseconds
            return Timestamp(microseconds: (time.microseconds.flooredMultiple(of: step)) + step)
        case .cron(let expression): return expression.next(after: time)
        }
    }
}

/// Five fields, minute hour day-of-month month day-of-week, in UTC: `*/5 * * * *`, `0 2 * * 1-5`, `15,45 8-18 1 jan,jul *`.
///
/// As in Vixie's cron, when both day fields are restricted a day that fits either counts; Sunday is 0 and 7.
///
/// Source: POSIX.1-2017, crontab; crontab(5) for names, ranges and steps.
public struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    struct Malformed: Error, Equatable, CustomStringConvertible {
        let text: String
        let reason: String
        var description: String { "'\(text)' is not a cron expression: \(reason); write five fields such as */5 * * * *" }
    }

    /// As it is written.
    public let description: String
    private let minutes, hours, days, months, weekdays: Set<Int>
    private let hasDay, hasWeekday: Bool

    /// Reads five fields.
    ///
    /// - Throws: a sentence with what is wrong and how a cron expression is written.
    public init(_ text: String) throws {
        let fields = text.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count == 5 else { throw Malformed(text: text, reason: "it has \(fields.count) fields") }
        let monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        minutes = try Self.values(fields[0], 0...59, [], first: 0, of: text)
        hours = try Self.values(fields[1], 0...23, [], first: 0, of: text)
        days = try Self.values(fields[2], 1...31, [], first: 1, of: text)
        months = try Self.values(fields[3], 1...12, monthNames, first: 1, of: text)
        weekdays = Set(try Self.values(fields[4], 0...7, dayNames, first: 0, of: text).map { $0 % 7 })
        hasDay = !fields[2].hasPrefix("*")
        hasWeekday = !fields[4].hasPrefix("*")
        description = fields.joined(separator: " ")
    }

    private static func values(
        _ field: Substring, _ allowed: ClosedRange<Int>, _ names: [String], first: Int, of text: String
    ) throws(Malformed) -> Set<Int> {
        func bad(_ reason: String) -> Malformed { Malformed(text: text, reason: reason) }
        func number(_ text: Substring) throws(Malformed) -> Int {
            if let index = names.firstIndex(of: text.lowercased()) { return index + first }
            guard let value = Int(text), allowed.contains(value) else {
                throw bad("'\(text)' is not from \(allowed.lowerBound) to \(allowed.upperBound)")
            }
            return value
        }
        var values: Set<Int> = []
        for item in field.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            var step = 1
            if parts.count == 2 {
                guard let given = Int(parts[1]), given > 0 else { throw bad("'\(item)' has no step") }
                step = given
            }
            let range: ClosedRange<Int>
            if parts[0] == "*" {
                range = allowed
            } else {
                let ends = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
                let low = try number(ends[0])
                let high = ends.count == 2 ? try number(ends[1]) : parts.count == 2 ? allowed.upperBound : low
                guard low <= high else { throw bad("'\(item)' ends before it begins") }
                range = low...high
            }
            values.formUnion(stride(from: range.lowerBound, through: range.upperBound, by: step))
        }
        return values
    }

    /// The first whole minute after `time` that fits, or nil when none does within the 28 years after which days and dates
    /// repeat.
    public func next(after time: Timestamp) -> Timestamp? {
        let firstMinute = time.microseconds.flooredMultiple(of: 60_000_000) / 60_000_000 + 1
        let firstDay = Int(firstMinute.flooredMultiple(of: 1440) / 1440)
        for day in firstDay...(firstDay + 28 * 366) where fits(day: day) {
            let start = day == firstDay ? Int(firstMinute) - day * 1440 : 0
            for minute in start..<1440 where hours.contains(minute / 60) && minutes.contains(minute % 60) {
                return Timestamp(seconds: Int64(day * 1440 + minute) * 60)
            }
        }
        return nil
    }

    private func fits(day: Int) -> Bool {
        let date = Timestamp.civil(days: day)
        guard months.contains(date.month) else { return false }
        let isDay = days.contains(date.day)
        let isWeekday = weekdays.contains(((day + 4) % 7 + 7) % 7)  // 1970-01-01 was a Thursday
        return hasDay && hasWeekday ? isDay || isWeekday : isDay && isWeekday
    }
}

extension Int64 {
    /// The largest multiple of `step` that is not above this number.
    func flooredMultiple(of step: Int64) -> Int64 {
        let rest = self % step
        return rest < 0 ? self - rest - step : self - rest
    }
}
