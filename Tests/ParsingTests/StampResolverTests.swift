import Columns
import Foundation
import Testing

@testable import Parsing

struct `A stamp without a date` {
    private func resolved(_ hour: Int, _ minute: Int, arrival: Timestamp, zone: Int = 0) -> Timestamp? {
        var resolver = StampResolver(context: ParsingContext(timeZone: TimeZone(secondsFromGMT: zone)!))
        return resolver.resolve(
            .timeOfDay(second: hour * 3600 + minute * 60, microsecond: 250_000), file: "a.log", arrival: arrival)
    }

    @Test(arguments: [
        // Of today, up to an hour ahead; what is later was yesterday.
        (12, 0, 11, 30, 20), (12, 0, 13, 0, 19), (12, 0, 12, 59, 20), (12, 0, 0, 0, 20), (12, 0, 23, 59, 19),
        // A clock that is a little ahead around midnight.
        (23, 50, 0, 10, 21), (23, 50, 23, 55, 20), (0, 10, 23, 50, 19), (0, 10, 0, 40, 20),
        (23, 50, 1, 0, 20),
    ]) func `is of the last day on which it is at most an hour ahead of its arrival`(
        arrivalHour: Int, arrivalMinute: Int, hour: Int, minute: Int, day: Int
    ) throws {
        let arrival = Timestamp(year: 2026, month: 3, day: 20, hour: arrivalHour) + .seconds(arrivalMinute * 60)
        let expected = Timestamp(year: 2026, month: 3, day: day, hour: hour) + .seconds(minute * 60) + .milliseconds(250)
        #expect(resolved(hour, minute, arrival: arrival) == expected)
    }

    @Test func `is of the day of its own zone`() {
        // 23:30 in London is 05:00 of the next day in India.
        let arrival = Timestamp(year: 2026, month: 3, day: 20, hour: 23) + .seconds(1800)
        #expect(
            resolved(4, 59, arrival: arrival, zone: 19_800)
                == Timestamp(year: 2026, month: 3, day: 20, hour: 23) + .seconds(29 * 60) + .milliseconds(250))
        #expect(
            resolved(7, 0, arrival: arrival, zone: 19_800)
                == Timestamp(year: 2026, month: 3, day: 20, hour: 1) + .seconds(1800) + .milliseconds(250))
    }
}
