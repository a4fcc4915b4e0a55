import Columns
import Testing

@testable import Jobs

struct `What has come from a source` {
    private let start = Timestamp(seconds: 1_750_000_000)

    @Test(arguments: [
        (99, 29, nil), (99, 30, 99), (100, 0, 100), (1, 30, 1), (1000, 30, 100), (0, 3600, nil),
    ])
    func `is of another format after a hundred lines that were refused, or half a minute`(
        lines: Int, seconds: Int, refused: Int?
    ) {
        var activity = SourceActivity()
        activity.note(events: 0, rejected: lines, now: start)
        #expect(activity.refused(now: start + .seconds(seconds)) == refused)
        // From the first of them on, not from the newest.
        activity.note(events: 0, rejected: 0, now: start + .seconds(seconds))
        #expect(activity.refused(now: start + .seconds(seconds)) == refused)
        activity.note(events: 1, rejected: 0, now: start + .seconds(seconds))
        activity.note(events: 0, rejected: 1000, now: start + .seconds(seconds))
        #expect(activity.refused(now: start + .seconds(7200)) == nil)
    }
}
