import Columns
import Foundation
import Testing

@testable import Alerting
@testable import Incidents

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

    /// In Berlin 02:00 to 03:00 is left out on 29 March 2026 and comes twice on 25 October; in New York on 8 March and 1
    /// November; Lord Howe moves by half an hour.
    @Test(
        arguments: [
            ("Europe/Berlin", "02:00", "03:00", 2026, 3, 29, []), ("Europe/Berlin", "02:00", "03:00", 2026, 3, 28, [60...119]),
            ("Europe/Berlin", "02:00", "03:00", 2026, 10, 25, [0...119]),
            ("Europe/Berlin", "01:30", "03:30", 2026, 3, 29, [30...89, 1410...1439]),
            ("America/New_York", "00:00", "24:00", 2026, 3, 8, [0...299, 300...1439]),
            ("America/New_York", "01:00", "02:00", 2026, 11, 1, [300...419]),
            ("Australia/Lord_Howe", "01:30", "02:00", 2026, 4, 5, []), ("UTC", "02:00", "03:00", 2026, 3, 29, [120...179]),
        ] as [(String, String, String, Int, Int, Int, [ClosedRange<Int>])])
    func `goes by the clock on days on which it is put forward or back`(
        place: String, start: String, end: String, year: Int, month: Int, day: Int, minutes: [ClosedRange<Int>]
    ) throws {
        let interval = try interval(#"{"times": [{"start_time": "\#(start)", "end_time": "\#(end)"}], "location": "\#(place)"}"#)
        let zone = try #require(TimeZone(identifier: place))
        let held = (0..<1440).filter { interval.contains(time(year, month, day, 0) + .seconds($0 * 60)) }
        if place != "Australia/Lord_Howe" { #expect(held == minutes.flatMap { Array($0) }) }
        // Against the system's own calendar, minute by minute over a day and a half.
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        func clock(_ text: String) -> Int { Int(text.prefix(2))! * 60 + Int(text.suffix(2))! }
        let wrong = (0..<2160).map { time(year, month, day) - .seconds(86_400) + .seconds($0 * 60) }.filter { moment in
            let parts = calendar.dateComponents([.hour, .minute], from: Date(timeIntervalSince1970: moment.secondsSince1970))
            return interval.contains(moment) != (clock(start)..<clock(end)).contains(parts.hour! * 60 + parts.minute!)
        }
        #expect(wrong.isEmpty)
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
