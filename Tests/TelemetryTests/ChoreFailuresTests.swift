import Testing

@testable import Telemetry

struct `A chore that fails` {
    private let start = ContinuousClock.now

    @Test func `waits longer each time, up to a longest pause, and not at all when it has succeeded`() {
        var failures = ChoreFailures(firstPause: .seconds(1), longestPause: .seconds(5))
        var now = start
        for pause in [1, 2, 4, 5, 5] {
            #expect(failures.mayTry("escalating", now: now))
            _ = failures.failed("escalating", "no", now: now)
            #expect(!failures.mayTry("escalating", now: now + .seconds(pause) - .milliseconds(1)))
            now += .seconds(pause)
        }
        let hadFailed = failures.succeeded("escalating")
        let hadFailedAgain = failures.succeeded("escalating")
        #expect(hadFailed && !hadFailedAgain && failures.mayTry("escalating", now: now))
    }

    @Test func `keeps no other waiting`() {
        var failures = ChoreFailures()
        _ = failures.failed("escalating", "no", now: start)
        #expect(!failures.mayTry("escalating", now: start) && failures.mayTry("sending", now: start))
    }

    @Test func `is logged when its error is another, and now and then when it is the same`() {
        var failures = ChoreFailures()
        let times = [("disk full", 0), ("disk full", 1), ("disk failing", 2), ("disk failing", 601), ("disk failing", 602)]
        let isLogged = times.map { failures.failed("a", $0, now: start + .seconds($1)) }
        #expect(isLogged == [true, false, true, false, true])
    }
}

struct `Notes on what is not well` {
    @Test func `are counted by kind, and gone when it is well again`() {
        let metrics = MetricsRegistry(), notes = HealthNotes()
        notes.register(in: metrics)
        #expect(notes.note(.damagedFile, "obs.db", "obs.db: damaged"))
        #expect(!notes.note(.damagedFile, "obs.db", "obs.db: damaged"))
        #expect(notes.replace(.unreadableRow, with: ["silence a": "x", "silence b": "y"]) == ["silence a", "silence b"])
        #expect(notes.replace(.unreadableRow, with: ["silence b": "y", "alert 3": "z"]) == ["alert 3"])
        #expect(notes.all == ["obs.db: damaged", "y", "z"])
        #expect(metrics.exposition().contains(#"obs_degraded{kind="unreadable_row"} 2"#))
        notes.clear(.damagedFile, "obs.db")
        #expect(metrics.exposition().contains(#"obs_degraded{kind="damaged_file"} 0"#))
    }
}
