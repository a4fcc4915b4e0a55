import Alerting
import Incidents
import Columns

/// Queries on on-call schedules.
public struct OnCallQuestions: Sendable {
    private let schedules: [OnCallSchedule]

    /// - Parameter schedules: those of the configuration.
    public init(_ schedules: [OnCallSchedule]) {
        self.schedules = schedules
    }

    private func named(_ name: String?) throws(QueryError) -> [OnCallSchedule] {
        guard !schedules.isEmpty else { throw .noSchedule }
        guard let name else { return schedules }
        let found = schedules.filter { $0.name == name }
        guard !found.isEmpty else { throw .unknown("schedule", name, known: schedules.map(\.name)) }
        return found
    }

    /// Who is on call at a time by each schedule, since when, until when, and who is next.
    ///
    /// - Throws: ``QueryError`` when there is no schedule, or none of that name.
    public func who(at time: Timestamp, schedule: String? = nil) throws -> Answer {
        var answer = Answer(
            [
                ("schedule", .text), ("person", .text), ("since", .timestamp), ("until", .timestamp), ("next", .text),
                ("stands_in", .bool),
            ],
            rows: try named(schedule).map { schedule in
                let shift = schedule.shift(at: time)
                return [
                    .text(schedule.name), .text(shift.person), .timestamp(shift.from), .timestamp(shift.until),
                    .text(schedule.shift(at: shift.until).person), .bool(shift.isOverride),
                ]
            })
        answer.dispensable = ["stands_in"]
        return answer
    }

    /// The shifts between two times, newest first, with the number of incidents opened in each and how many of them were
    /// critical.
    ///
    /// - Throws: ``QueryError`` when there is no schedule, or none of that name.
    public func shifts(from start: Timestamp, until end: Timestamp, schedule: String? = nil, incidents: IncidentStore) throws
        -> Answer
    {
        let limit = 1000
        var rows: [[Value]] = []
        for schedule in try named(schedule) {
            let shifts = schedule.shifts(from: start, until: end, limit: limit)
            try incidents.read { database in
                for shift in shifts.reversed() {
                    let (all, critical) = try IncidentStore.opened(
                        from: max(shift.from, start), until: min(shift.until, end), database)
                    rows.append([
                        .text(schedule.name), .text(shift.person), .timestamp(shift.from), .timestamp(shift.until),
                        .int(Int64(all)), .int(Int64(critical)), .bool(shift.isOverride),
                    ])
                }
            }
        }
        var answer = Answer(
            [
                ("schedule", .text), ("person", .text), ("since", .timestamp), ("until", .timestamp), ("incidents", .int64),
                ("critical", .int64), ("stands_in", .bool),
            ], rows: rows)
        answer.dispensable = ["stands_in", "schedule"]
        return answer
    }
}
