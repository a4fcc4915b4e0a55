import Columns
import Foundation
import Ingest
import Logging
import Server
import Store
import Streaming
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Configuration
@testable import Daemon
@testable import Jobs

/// Looked at times that the tests give: nothing is waited for.
struct `The watch over the sources` {
    private let folder = TemporaryFolder()
    private let readiness = Readiness([])
    private let metrics = MetricsRegistry()
    private let lines = LoggedLines()
    private let start = Timestamp.now + .seconds(10)

    private func entry(_ name: String, silence: Configuration.SourceEntry.Silence = .learned) -> Configuration.SourceEntry {
        var entry = Configuration.SourceEntry(name: name, file: "\(folder.path)/\(name).log")
        entry.silence = silence
        return entry
    }

    private func watch(_ entries: Configuration.SourceEntry...) throws -> SourceWatch {
        let store = try Store(path: folder.path + "/obs.db", migrations: SourceActivities.migrations)
        let plan = PipelinePlan(
            definition: PipelineDefinition(name: "ssh", format: "sshd", windows: []), sources: entries, detections: [])
        return SourceWatch(
            entries.isEmpty ? [] : [plan], store: SourceActivities(store: store), readiness: readiness, metrics: metrics,
            logger: lines.logger)
    }

    private func write(_ name: String) throws {
        try "a line\n".write(toFile: "\(folder.path)/\(name).log", atomically: true, encoding: .utf8)
    }

    private func reason(_ watch: SourceWatch) -> SourceState.Reason? { watch.reports.first?.state.reason }

    @Test func `shows a source that is missing at once, and that it is there as soon as it is`() throws {
        let watch = try watch(entry("auth"))
        watch.look(now: start)
        #expect(reason(watch) == .missing)
        #expect(metrics.exposition().contains("obs_source_up{source=\"auth\",reason=\"missing\"} 0\n"))
        try write("auth")
        watch.look(now: start + .seconds(5))
        #expect(metrics.exposition().contains("obs_source_up{source=\"auth\",reason=\"reading\"} 1\n"))
        #expect(lines.all == ["warning: a source needs attention", "info: a source is well again"])
    }

    @Test func `says it in the log again every ten minutes for as long as it lasts`() throws {
        let watch = try watch(entry("auth"))
        for second in stride(from: 0, through: 1300, by: 5) { watch.look(now: start + .seconds(second)) }
        #expect(
            lines.all == ["warning: a source needs attention"]
                + Array(repeating: "warning: a source still needs attention", count: 2))
    }

    @Test func `is not ready after a minute in which no source could be opened, and says why`() throws {
        let watch = try watch(entry("auth"), entry("mail"))
        for second in [0, 55] { watch.look(now: start + .seconds(second)) }
        #expect(readiness.missing.isEmpty)
        watch.look(now: start + .seconds(60))
        #expect(readiness.missing.count == 1 && readiness.missing[0].contains("\(folder.path)/auth.log: there is no such file"))
        try write("mail")
        watch.look(now: start + .seconds(65))
        #expect(readiness.missing.isEmpty)
        // One that was there once and is gone is an alert, and no reason to send requests elsewhere.
        try FileManager.default.removeItem(atPath: "\(folder.path)/mail.log")
        watch.look(now: start + .seconds(1000))
        #expect(readiness.missing.isEmpty && !watch.reports[1].state.isUp)
    }

    @Test func `finds a source silent after what its entry says`() throws {
        try write("auth")
        let watch = try watch(entry("auth", silence: .after(.seconds(30))))
        watch.note("auth") { $0.hear(now: start) }
        for (second, expected) in [(29, SourceState.Reason.reading), (31, .silent)] {
            watch.look(now: start + .seconds(second))
            #expect(reason(watch) == expected)
        }
        watch.note("auth") { $0.hear(now: start + .seconds(40)) }
        watch.look(now: start + .seconds(41))
        #expect(reason(watch) == .reading)
    }

    @Test func `finds a source silent that is quiet for longer than is its habit`() throws {
        try write("auth")
        let watch = try watch(entry("auth"))
        for minute in 0...60 { watch.note("auth") { $0.hear(now: start + .seconds(60 * minute)) } }
        watch.look(now: start + .seconds(3600 + 590))
        #expect(reason(watch) == .reading)
        watch.look(now: start + .seconds(3600 + 610))
        #expect(reason(watch) == .silent)
    }

    @Test func `finds a source silent from which nothing has ever come, after an hour`() throws {
        try write("auth")
        let watch = try watch(entry("auth"))
        watch.look(now: start + .seconds(3500))
        #expect(reason(watch) == .reading)
        watch.look(now: start + .seconds(3700))
        #expect(reason(watch) == .silent)
    }

    @Test func `does not wait for more of what has ended, of records in a folder, and of what may always be silent`() throws {
        try write("auth")
        try write("never")
        var records = entry("records")
        records.settings = .folder(folder.path)
        let watch = try watch(entry("auth"), records, entry("never", silence: .never))
        for name in ["auth", "records", "never"] { watch.note(name) { $0.hear(now: start) } }
        watch.note("auth") { $0.end() }
        watch.look(now: start + .seconds(30 * 86_400))
        #expect(watch.reports.allSatisfy { $0.state.isUp }, "\(watch.reports)")
    }

    @Test func `names a source of whose first hundred lines none was understood, and a few of which none was for half a minute`()
        throws
    {
        try write("auth")
        let watch = try watch(entry("auth"))
        watch.note("auth") { $0.note(events: 0, rejected: 3, now: start) }
        watch.look(now: start + .seconds(5))
        #expect(reason(watch) == .reading)
        watch.look(now: start + .seconds(30))
        #expect(watch.reports[0].problem?.contains("none of its first 3 lines are understood as 'sshd'") == true)
        watch.note("auth") { $0.note(events: 0, rejected: 97, now: start) }
        watch.look(now: start + .seconds(35))
        #expect(watch.reports[0].problem?.contains("none of its first 100 lines") == true)
        watch.note("auth") { $0.note(events: 1, rejected: 500, now: start) }
        watch.look(now: start + .seconds(40))
        #expect(reason(watch) == .reading)
    }

    @Test func `remembers over a restart when a source was heard and what is usual for it`() async throws {
        try write("auth")
        do {
            let before = try watch(entry("auth"))
            for minute in -180 ... -60 { before.note("auth") { $0.hear(now: start + .seconds(60 * minute)) } }
            // A service that is cancelled writes down what it knows.
            let running = Task { try await before.run() }
            running.cancel()
            _ = await running.result
        }
        let after = try watch(entry("auth"))
        // The service has written by the clock, and on a busy machine that has gone on.
        let resumed = Timestamp.now
        after.look(now: resumed)
        #expect(reason(after) == .reading, "what came while obs was down is read in the first moments")
        after.look(now: resumed + .seconds(120))
        #expect(reason(after) == .silent)
        #expect(after.reports[0].lastLine == start + .seconds(-3600))
    }

    @Test func `learns nothing from the time in which obs was down`() {
        var activity = SourceActivity()
        for minute in 0...20 { activity.hear(now: start + .seconds(60 * minute)) }
        let known = activity.habit
        activity.begin()
        activity.hear(now: start + .seconds(86_400))
        #expect(activity.habit == known)
    }

    @Test func `keeps what it knows of the sources that a reload leaves alone`() throws {
        let watch = try watch(entry("auth"))
        watch.look(now: start)
        let definition = PipelineDefinition(name: "ssh", format: "sshd", windows: [])
        watch.watch([PipelinePlan(definition: definition, sources: [entry("auth"), entry("mail")], detections: [])])
        #expect(watch.reports.map(\.name) == ["auth", "mail"] && watch.reports[0].state.reason == .missing)
        watch.watch([])
        #expect(watch.reports.isEmpty && !metrics.exposition().contains("obs_source_up{"))
    }
}

struct `A check of the sources of a configuration` {
    private let folder = TemporaryFolder()

    private func check(_ entries: [(String, String)]) -> SourceCheck {
        var configuration = Configuration()
        configuration.sources = entries.map { .init(name: $0.0, file: "\(folder.path)/\($0.1)") }
        return SourceCheck(configuration)
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(folder.path)/\(name)", atomically: true, encoding: .utf8)
    }

    @Test func `says what each finds now, and warns of none that is well`() throws {
        let line = "Nov 27 15:00:00 gate sshd[1]: Failed password for root from 192.0.2.1 port 4000 ssh2\n"
        for name in ["auth.log", "auth.log.1"] { try write(name, line) }
        try write("empty.log", "")
        let check = check([("auth", "auth.log"), ("all", "auth*"), ("empty", "empty.log")])
        #expect(check.warnings.isEmpty)
        #expect(
            check.findings == [
                "source 'auth' (ssh): \(folder.path)/auth.log",
                "source 'all' (ssh): \(folder.path)/auth*: 2 files, \(folder.path)/auth.log, \(folder.path)/auth.log.1",
                "source 'empty' (ssh): \(folder.path)/empty.log",
            ])
    }

    @Test func `warns of what is missing, no file, or not understood`() throws {
        try write("other.log", String(repeating: "GET / 200\n", count: 200))
        let warnings = check([("gone", "gone.log"), ("folder", ""), ("other", "other.log")]).warnings
        #expect(warnings.count == 3)
        #expect(
            warnings[0]
                == "source 'gone': \(folder.path)/gone.log: there is no such file; it is read as soon as it appears, or correct the path"
        )
        #expect(warnings[1].contains("is a folder, and only regular files are followed"))
        #expect(warnings[2].contains("none of its first 100 lines are understood as 'sshd'"))
    }

    @Test func `says what to do where there is no source at all`() {
        #expect(check([]).warnings == [SourceCheck.nothing])
    }

    @Test(arguments: [("6h", Configuration.SourceEntry.Silence.after(.seconds(21_600))), ("never", .never)])
    func `knows silent_after`(text: String, silence: Configuration.SourceEntry.Silence) throws {
        try write("obs.yaml", "sources: [{ name: auth, file: /a.log, silent_after: \(text) }]\n")
        #expect(try Configuration.load(file: folder.path + "/obs.yaml", dataDirectory: nil).sources.map(\.silence) == [silence])
    }

    @Test(arguments: ["soon", "0s", "-5m"]) func `refuses another silent_after`(text: String) throws {
        try write("obs.yaml", "sources: [{ name: auth, file: /a.log, silent_after: \(text) }]\n")
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(file: folder.path + "/obs.yaml", dataDirectory: nil)
        }
        #expect(error?.description.contains("silent_after is '\(text)'; write a duration such as 30m or 6h, or never") == true)
    }
}
