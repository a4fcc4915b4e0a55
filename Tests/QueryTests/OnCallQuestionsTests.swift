import Columns
import Detection
import Foundation
import Incidents
import Testing

@testable import Alerting
@testable import Query

struct `A query on on-call schedules` {
    private let temporary: TemporaryIncidents
    /// Ann and Bob by turns, a day each, from the day of the night on.
    private let questions: OnCallQuestions

    init() throws {
        temporary = try TemporaryIncidents()
        questions = OnCallQuestions([
            OnCallSchedule(name: "primary", timeZone: .gmt, people: ["ann", "bob"], starts: (2026, 11, 21), handOver: 0, days: 1)
        ])
    }

    @Test func `says who has the shift, until when, and who is next`() throws {
        let answer = try questions.who(at: .night)
        #expect(answer.rows.map { [$0[0].description, $0[1].description, $0[4].description] } == [["primary", "ann", "bob"]])
    }

    @Test func `counts the incidents that were opened in each shift, newest first, without children`() throws {
        try temporary.record(.example(at: .night), at: .night)
        try temporary.record(
            .example("SSHSuccessAfterFailures", source: "192.0.2.9", severity: .critical, at: .night + .seconds(86_400)),
            at: .night + .seconds(86_400))
        let start = Timestamp(year: 2026, month: 11, day: 21)
        let answer = try questions.shifts(from: start, until: start + .seconds(2 * 86_400), incidents: temporary.incidents)
        #expect(
            answer.rows.map { [$0[1].description, $0[4].description, $0[5].description] } == [
                ["bob", "1", "1"], ["ann", "1", "0"],
            ])
    }

    @Test func `names the schedules that there are`() throws {
        let error = #expect(throws: QueryError.self) { try questions.who(at: .night, schedule: "second") }
        #expect(error?.description.contains("primary") == true)
        let none = #expect(throws: QueryError.self) { try OnCallQuestions([]).who(at: .night) }
        #expect(none?.description.contains("alerting.oncall") == true)
    }
}
