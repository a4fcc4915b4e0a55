import Columns
import Streaming
import Testing

@testable import Daemon

struct `The calendar of a scheduled pipeline` {
    private func time(_ minute: Double) -> Timestamp { Timestamp(seconds: Int64(minute * 60)) }
    private let calendar = RunCalendar(schedule: .every(.seconds(300)))

    @Test(
        arguments: [(nil, 7, 5, 10), (5, 7, nil, 10), (5, 10, 10, 15), (5, 31, 30, 35), (5, 12, 10, 15)]
            as [(Double?, Double, Double?, Double)])
    func `runs what was missed once, and then at its times`(last: Double?, now: Double, due: Double?, next: Double) {
        let found = calendar.due(last: last.map(time), knownSince: time(0), now: time(now))
        #expect(found.due == due.map(time))
        #expect(found.next == time(next))
    }

    @Test func `of a cron expression begins at its first time, and passes over all but the newest that were missed`() throws {
        let calendar = RunCalendar(schedule: .cron(try CronExpression("0 * * * *")))
        func due(_ last: Double?, at now: Double) -> (due: Timestamp?, next: Timestamp?) {
            calendar.due(last: last.map(time), knownSince: time(7), now: time(now))
        }
        #expect(due(nil, at: 7).due == nil)
        #expect(due(nil, at: 7).next == time(60))
        #expect(due(nil, at: 60).due == time(60))
        #expect(due(nil, at: 60).next == time(120))
        #expect(due(nil, at: 250).due == time(240), "also when it has never run")
        #expect(due(60, at: 60.5).due == nil)
        #expect(due(60, at: 250).due == time(240))
        #expect(due(240, at: 250).next == time(300))
    }
}
