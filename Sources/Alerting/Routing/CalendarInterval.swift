import Columns
import Incidents
import Foundation

/// A part of the calendar, such as the nights from Monday to Friday in Berlin, with the names of Alertmanager's `time_intervals`.
/// What is left out holds always.
///
/// Source: Alertmanager, "Configuration", time_interval.
struct CalendarInterval: Sendable, Hashable, Decodable {
    /// Minutes of the day, the end not in it; 24:00 is 1440.
    var times: [Range<Int>] = []
    /// Sunday is 0.
    var weekdays: [ClosedRange<Int>] = []
    /// From 1; a negative day counts from the month's end, -1 being the last.
    var daysOfMonth: [Days] = []
    var months: [ClosedRange<Int>] = []
    var years: [ClosedRange<Int>] = []
    var location = TimeZone.gmt

    struct Days: Sendable, Hashable {
        var first: Int
        var last: Int
    }

    /// Whether `time` is in it, by the clock of its location.
    func contains(_ time: Timestamp) -> Bool {
        let offset = location.secondsFromGMT(for: Date(timeIntervalSince1970: time.secondsSince1970))
        let local = time + .seconds(offset)
        let parts = local.components
        let days = Timestamp.days(year: parts.year, month: parts.month, day: parts.day)
        let minute = parts.hour * 60 + parts.minute
        // 1970-01-01 was a Thursday.
        let weekday = ((days + 4) % 7 + 7) % 7
        let length =
            Timestamp.days(year: parts.month == 12 ? parts.year + 1 : parts.year, month: parts.month % 12 + 1, day: 1) - days
            + parts.day - 1
        func holds(_ ranges: [ClosedRange<Int>], _ value: Int) -> Bool {
            ranges.isEmpty || ranges.contains { $0.contains(value) }
        }
        return (times.isEmpty || times.contains { $0.contains(minute) }) && holds(weekdays, weekday) && holds(months, parts.month)
            && holds(years, parts.year)
            && (daysOfMonth.isEmpty || daysOfMonth.contains { $0.contains(parts.day, lengthOfMonth: length) })
    }

    private enum CodingKeys: String, CodingKey {
        case times, weekdays, months, years, location
        case daysOfMonth = "days_of_month"
    }

    private struct TimeRange: Decodable {
        var start_time: String
        var end_time: String
    }

    private static let dayNames = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
    private static let monthNames = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
    ]

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        times = try (keys.decodeIfPresent([TimeRange].self, forKey: .times) ?? []).map { range in
            let (start, end) = (try Self.minute(range.start_time), try Self.minute(range.end_time))
            guard start < end else {
                throw AlertingError.badInterval(
                    "times begin at \(range.start_time) and end at \(range.end_time); write two entries to go past midnight")
            }
            return start..<end
        }
        func ranges(_ key: CodingKeys, _ example: String, _ value: (String) -> Int?) throws -> [Days] {
            try (keys.decodeIfPresent([String].self, forKey: key) ?? []).map { text in
                let parts = text.lowercased().split(separator: ":", omittingEmptySubsequences: false).map { value(String($0)) }
                guard (1...2).contains(parts.count), let first = parts[0], let last = parts[parts.count - 1] else {
                    throw AlertingError.badInterval("\(key.rawValue) has '\(text)'; write such as \(example)")
                }
                guard first <= last || first > 0 && last < 0, !(first < 0 && last > 0) else {
                    throw AlertingError.badInterval(
                        "\(key.rawValue) has '\(text)', which ends before it begins; turn it round or write two entries")
                }
                return Days(first: first, last: last)
            }
        }
        weekdays = try ranges(.weekdays, "monday:friday", Self.dayNames.firstIndex(of:)).map { $0.first...$0.last }
        daysOfMonth = try ranges(.daysOfMonth, "1:7 or -3:-1") { Int($0).flatMap { $0 != 0 && abs($0) <= 31 ? $0 : nil } }
        months = try ranges(.months, "january:march or 1:3") { text in
            Self.monthNames.firstIndex(of: text).map { $0 + 1 } ?? Int(text).flatMap { (1...12).contains($0) ? $0 : nil }
        }.map { $0.first...$0.last }
        years = try ranges(.years, "2026:2027") { Int($0).flatMap { $0 > 0 ? $0 : nil } }.map { $0.first...$0.last }
        if let name = try keys.decodeIfPresent(String.self, forKey: .location) {
            guard let zone = name == "Local" ? .current : TimeZone(identifier: name) else {
                throw AlertingError.badInterval("location is '\(name)'; write a name such as Europe/Berlin or UTC")
            }
            location = zone
        }
    }

    init() {}

    private static func minute(_ text: String) throws -> Int {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard text.utf8.count == 5, parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour < 24 || hour == 24 && minute == 0
        else { throw AlertingError.badInterval("a time is '\(text)'; write such as 09:00, or 24:00 for the end of the day") }
        return hour * 60 + minute
    }
}

extension CalendarInterval.Days {
    /// As Alertmanager has it: a beginning past the month's end is not in it, an end past it is its end.
    fileprivate func contains(_ day: Int, lengthOfMonth length: Int) -> Bool {
        let begin = first < 0 ? length + first + 1 : first
        let end = last < 0 ? length + last + 1 : last
        return begin <= length && day >= begin && day <= min(end, length)
    }
}

/// Calendar intervals under the name that routes use.
struct NamedInterval: Sendable, Decodable {
    var name: String
    var intervals: [CalendarInterval]

    private enum CodingKeys: String, CodingKey {
        case name
        case intervals = "time_intervals"
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        name = try keys.decode(String.self, forKey: .name)
        guard !name.isEmpty else { throw AlertingError.badInterval("one has no name") }
        intervals = try keys.decodeIfPresent([CalendarInterval].self, forKey: .intervals) ?? []
    }

    func contains(_ time: Timestamp) -> Bool { intervals.contains { $0.contains(time) } }
}
