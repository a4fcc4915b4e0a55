import Columns
import Foundation
import Testing

@testable import Alerting

struct `A calendar interval` {
    private func interval(_ json: String) throws -> CalendarInterval {
        try JSONDecoder().decode(CalendarInterval.self, from: Data(json.utf8))
    }

    private func time(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 12, _ minute: Int = 0) -> Timestamp {
        Timestamp(year: year, month: month, day: day, hour: hour, minute: minute)
    }

    @Test func `holds from its first minute to the one before its end, on its days`() throws {
        let office = try interval(#"{"times": [{"start_time": "09:00", "end_time": "17:00"}], "weekdays": ["monday:friday"]}"#)
        #expect(office.contains(time(2026, 11, 20, 9)))
        #expect(office.contains(time(2026, 11, 20, 16, 59)))
        #expect(!office.contains(time(2026, 11, 20, 8, 59)))
        #expect(!office.contains(time(2026, 11, 20, 17)))
        #expect(!office.contains(time(2026, 11, 21, 12)))
    }

    @Test func `goes by the clock of its location, in summer and in winter`() throws {
        let morning = try interval(#"{"times": [{"start_time": "08:00", "end_time": "09:00"}], "location": "Europe/Berlin"}"#)
        #expect(morning.contains(time(2026, 7, 1, 6, 30)))
        #expect(!morning.contains(time(2026, 1, 1, 6, 30)))
        #expect(morning.contains(time(2026, 1, 1, 7, 30)))
    }

    @Test func `counts negative days from the end of the month, whatever its length`() throws {
        let end = try interval(#"{"days_of_month": ["-3:-1"]}"#)
        #expect(end.contains(time(2026, 2, 26)) && !end.contains(time(2026, 2, 25)))
        #expect(end.contains(time(2028, 2, 29)) && !end.contains(time(2028, 2, 26)))
        let late = try interval(#"{"days_of_month": ["30:31"]}"#)
        #expect(!late.contains(time(2026, 2, 28)) && late.contains(time(2026, 4, 30)))
    }

    @Test func `takes months by name or number, and years`() throws {
        let spring = try interval(#"{"months": ["march:may", "12"], "years": ["2026:2027"]}"#)
        #expect(spring.contains(time(2026, 5, 31)) && spring.contains(time(2027, 12, 1)))
        #expect(!spring.contains(time(2026, 6, 1)) && !spring.contains(time(2028, 4, 1)))
    }

    @Test(arguments: [
        #"{"times": [{"start_time": "17:00", "end_time": "09:00"}]}"#,
        #"{"times": [{"start_time": "9:00", "end_time": "10:00"}]}"#,
        #"{"times": [{"start_time": "24:01", "end_time": "24:00"}]}"#, #"{"weekdays": ["friday:monday"]}"#,
        #"{"weekdays": ["someday"]}"#,
        #"{"days_of_month": ["0"]}"#, #"{"days_of_month": ["-1:3"]}"#, #"{"days_of_month": ["32"]}"#, #"{"months": ["13"]}"#,
        #"{"location": "Nowhere/City"}"#,
        #"{"years": ["2027:2026"]}"#, #"{"weekdays": ["monday:"]}"#,
    ])
    func `is refused where it means nothing`(json: String) {
        #expect(throws: AlertingError.self) { try interval(json) }
    }
}
