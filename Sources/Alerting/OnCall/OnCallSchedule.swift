import Columns
import Incidents
import Foundation

/// Who is on call when: people take turns and hand over at a time of day in a time zone. At any time exactly one person is on
/// call.
///
/// A value without clock and store: the time is always given.
public struct OnCallSchedule: Sendable, Decodable {
    /// The name by which steps of an escalation refer to it.
    public var name: String
    /// The time zone of hand-overs.
    public var timeZone: TimeZone
    /// In the order of their turns; the first takes the first shift.
    public var people: [String]
    /// Days since 1970 of the first hand-over, by the clock of ``timeZone``. Turns before it go on backwards.
    var firstDay: Int
    /// Minutes after midnight at which a shift begins.
    var handOver: Int
    /// Length of a shift in days of the calendar: a day of 23 or 25 hours is one.
    var days: Int
    /// Who stands in for others; a later entry takes precedence over an earlier one.
    var overrides: [Override] = []

    /// A person who stands in for whoever has the turn.
    struct Override: Sendable, Decodable {
        /// The name of the person's receiver.
        var person: String
        /// Its first moment.
        var from: Timestamp
        /// The first moment after it.
        var until: Timestamp

        private enum CodingKeys: String, CodingKey { case person, from, until }

        /// An override as a configuration file has it.
        init(person: String, from: Timestamp, until: Timestamp) {
            self.person = person
            self.from = from
            self.until = until
        }

        /// Reads an override, which must end after its start.
        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            person = try keys.decode(String.self, forKey: .person)
            from = try keys.time(.from)
            until = try keys.time(.until)
            guard from < until else {
                throw AlertingError.badOnCall("an override of \(person) ends at \(until), not after its start at \(from)")
            }
        }
    }

    /// One person's time without a break.
    public struct Shift: Sendable, Equatable {
        /// The name of the person's receiver.
        public var person: String
        /// Its first moment.
        public var from: Timestamp
        /// The first moment after it.
        public var until: Timestamp
        /// Whether the person stands in for another.
        public var isOverride: Bool
    }

    /// - Parameters:
    ///   - starts: the date of the first hand-over, in `timeZone`.
    ///   - handOver: minutes after midnight.
    ///   - days: the length of a shift.
    init(
        name: String, timeZone: TimeZone, people: [String], starts: (year: Int, month: Int, day: Int), handOver: Int, days: Int,
        overrides: [Override] = []
    ) {
        self.name = name
        self.timeZone = timeZone
        self.people = people
        firstDay = Timestamp.days(year: starts.year, month: starts.month, day: starts.day)
        self.handOver = handOver
        self.days = days
        self.overrides = overrides
    }

    // MARK: Who

    /// Who is on call at `time`, since when and until when.
    public func shift(at time: Timestamp) -> Shift {
        var shift = turn(at: time)
        if let standIn = overrides.last(where: { $0.from <= time && time < $0.until }) {
            shift = Shift(person: standIn.person, from: standIn.from, until: standIn.until, isOverride: true)
            // A later entry that begins or ends inside cuts it.
            let place = overrides.lastIndex { $0.from <= time && time < $0.until }!
            for other in overrides[(place + 1)...] { cut(&shift, by: other, at: time) }
            return shift
        }
        for other in overrides { cut(&shift, by: other, at: time) }
        return shift
    }

    private func cut(_ shift: inout Shift, by other: Override, at time: Timestamp) {
        if other.from > time { shift.until = min(shift.until, other.from) }
        if other.until <= time { shift.from = max(shift.from, other.until) }
    }

    /// The shifts of a time, one after the other without a gap; the first and the last may reach beyond it.
    ///
    /// - Parameter limit: how many at most.
    public func shifts(from start: Timestamp, until end: Timestamp, limit: Int = 10_000) -> [Shift] {
        var found: [Shift] = []
        var time = start
        while time < end, found.count < limit {
            let next = shift(at: time)
            found.append(next)
            time = next.until
        }
        return found
    }

    /// Whose turn it is, whoever stands in.
    private func turn(at time: Timestamp) -> Shift {
        let local =
            time.microseconds / 1_000_000
            + Int64(timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: time.secondsSince1970)))
        let day = Int((Double(local) / 86_400).rounded(.down))
        var number = Int((Double(day - firstDay) / Double(days)).rounded(.down))
        // The guess is wrong by one at most: before the hour of the hand-over, and where the clock is set.
        while time < begin(of: number) { number -= 1 }
        while time >= begin(of: number + 1) { number += 1 }
        let turn = number % people.count
        return Shift(
            person: people[turn < 0 ? turn + people.count : turn], from: begin(of: number), until: begin(of: number + 1),
            isOverride: false)
    }

    /// When shift `number` begins. An hour that a day has twice is its first; one that it lacks is as much later as the clock is
    /// put forward.
    private func begin(of number: Int) -> Timestamp {
        let naive = Int64(firstDay + number * days) * 86_400 + Int64(handOver) * 60
        func offset(at seconds: Int64) -> Int64 {
            Int64(timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
        }
        let (before, after) = (offset(at: naive - 86_400), offset(at: naive + 86_400))
        let (early, late) = (naive - before, naive - after)
        if offset(at: early) == before { return Timestamp(seconds: early) }
        return Timestamp(seconds: offset(at: late) == after ? late : early)
    }

    // MARK: Reading

    private enum CodingKeys: String, CodingKey {
        case name, people, starts, every, overrides
        case timeZone = "time_zone"
        case handOver = "hand_over"
    }

    /// Reads a schedule of the section `oncall`.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func bad(_ key: CodingKeys, _ message: String) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: keys, debugDescription: "\(key.rawValue) \(message)")
        }
        name = try keys.decode(String.self, forKey: .name)
        people = try keys.decode([String].self, forKey: .people)
        guard !people.isEmpty, people.count <= 1000, !people.contains("") else {
            throw bad(.people, "has \(people.isEmpty ? "nobody" : "a person without a name"); write at least one name")
        }
        let zone = try keys.decodeIfPresent(String.self, forKey: .timeZone) ?? "UTC"
        guard let known = TimeZone(identifier: zone) else {
            throw bad(.timeZone, "is '\(zone)'; write a name such as Europe/Berlin or UTC")
        }
        timeZone = known
        let starts = try keys.decode(String.self, forKey: .starts)
        let parts = starts.split(separator: "-").map { Int($0) }
        guard starts.utf8.count == 10, parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2],
            Timestamp.civil(days: Timestamp.days(year: year, month: month, day: day)) == (year, month, day)
        else { throw bad(.starts, "is '\(starts)'; write the date of the first hand-over, such as 2026-01-05") }
        firstDay = Timestamp.days(year: year, month: month, day: day)
        let hour = try keys.decodeIfPresent(String.self, forKey: .handOver) ?? "09:00"
        let clock = hour.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard hour.utf8.count == 5, clock.count == 2, let hours = clock[0], let minutes = clock[1], (0..<24).contains(hours),
            (0..<60).contains(minutes)
        else { throw bad(.handOver, "is '\(hour)'; write an hour such as 09:00") }
        handOver = hours * 60 + minutes
        let every = try keys.decodeIfPresent(String.self, forKey: .every) ?? "1w"
        let length = Duration(parsing: every)?.components.seconds ?? 0
        guard length >= 86_400, length % 86_400 == 0, length <= 366 * 86_400 else {
            throw bad(.every, "is '\(every)'; write whole days such as 1d or 1w")
        }
        days = Int(length / 86_400)
        overrides = try keys.decodeIfPresent([Override].self, forKey: .overrides) ?? []
    }
}

extension KeyedDecodingContainer {
    /// A point in time, as RFC 3339 has it.
    func time(_ key: Key) throws -> Timestamp {
        let text = try decode(String.self, forKey: key)
        guard let time = Timestamp(rfc3339: text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self,
                debugDescription: "\(key.stringValue) is '\(text)'; write a time such as 2026-12-24T09:00:00+01:00")
        }
        return time
    }
}
