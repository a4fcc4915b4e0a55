import Columns
import Foundation

extension Configuration {
    /// When a table must have new rows: an entry under `deadlines:`.
    ///
    ///     - { table: gold.rail_utilisation, by: "07:00", weekdays: [monday, friday], time_zone: Europe/Berlin }
    ///
    /// Times are those of clocks on the wall. One that a change to summer time leaves out is that of the change; one that comes
    /// twice in the autumn is the first of the two.
    public struct Deadline: Sendable, Hashable, Decodable {
        /// With its layer, as `obs lake tables` names it.
        public var table: String
        /// Minutes after midnight.
        private let by: Int
        /// Rows that were committed before this do not count. In minutes after midnight, of the day before if it is later than
        /// ``by``.
        private let from: Int
        /// 1 is Sunday, as Foundation counts; all of them by default.
        private let weekdays: Set<Int>
        private let zone: TimeZone?

        private enum CodingKeys: String, CodingKey {
            case table, by, from, weekdays
            case timeZone = "time_zone"
        }

        private static let dayNames = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]

        /// Of `by: TEXT`; nil when it is not a time of the day.
        init?(table: String, by: String, from: String = "00:00", weekdays: Set<Int> = Set(1...7), zone: TimeZone?) {
            guard let end = Self.minutes(by), let start = Self.minutes(from) else { return nil }
            (self.table, self.by, self.from, self.weekdays, self.zone) = (table, end, start, weekdays, zone)
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func refused(_ key: CodingKeys, _ sentence: String) -> DecodingError {
                DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: sentence)
            }
            func time(_ key: CodingKeys) throws -> Int? {
                guard let text = try container.decodeIfPresent(String.self, forKey: key) else { return nil }
                guard let minutes = Self.minutes(text) else {
                    throw refused(key, "\(key.stringValue) is '\(text)'; write a time of the day such as \"07:00\"")
                }
                return minutes
            }
            table = try container.decode(String.self, forKey: .table)
            guard let end = try time(.by) else {
                throw DecodingError.keyNotFound(CodingKeys.by, .init(codingPath: container.codingPath, debugDescription: ""))
            }
            by = end
            self.from = try time(.from) ?? 0
            let names = try container.decodeIfPresent([String].self, forKey: .weekdays) ?? Self.dayNames
            weekdays = Set(
                try names.map { name in
                    guard let day = Self.dayNames.firstIndex(of: name.lowercased()) else {
                        throw refused(.weekdays, "weekdays has '\(name)'; write \(Self.dayNames.joined(separator: ", "))")
                    }
                    return day + 1
                })
            zone = try container.decodeIfPresent(String.self, forKey: .timeZone).map { name in
                guard let zone = TimeZone(identifier: name) else {
                    throw refused(.timeZone, "time_zone is '\(name)'; write a name such as Europe/Berlin or UTC")
                }
                return zone
            }
        }

        /// Of `07:00`.
        private static func minutes(_ text: String) -> Int? {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
                let minute = Int(parts[1]),
                (0..<24).contains(hour), (0..<60).contains(minute)
            else { return nil }
            return hour * 60 + minute
        }

        /// As people write it, such as `gold.trips by 07:00`.
        public var name: String {
            let hour = by / 60, minute = by % 60
            return "\(table) by \(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
        }

        /// The newest deadline that has passed at `now`, and from when on rows count for it.
        public func newest(at now: Timestamp) -> (from: Timestamp, by: Timestamp)? {
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = zone ?? .current
            let today = calendar.startOfDay(for: now.date)
            for daysAgo in 0...8 {
                guard let day = calendar.date(byAdding: .day, value: -daysAgo, to: today),
                    weekdays.contains(calendar.component(.weekday, from: day)), let end = Self.time(by, on: day, calendar),
                    end <= now.date,
                    let first = from < by ? day : calendar.date(byAdding: .day, value: -1, to: day),
                    let start = Self.time(from, on: first, calendar)
                else { continue }
                return (Timestamp(start), Timestamp(end))
            }
            return nil
        }

        private static func time(_ minutes: Int, on day: Date, _ calendar: Calendar) -> Date? {
            calendar.date(
                bySettingHour: minutes / 60, minute: minutes % 60, second: 0, of: day, matchingPolicy: .nextTime,
                repeatedTimePolicy: .first)
        }
    }
}

extension Timestamp {
    fileprivate var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1e6) }

    fileprivate init(_ date: Date) { self.init(seconds: Int64(date.timeIntervalSince1970)) }
}
