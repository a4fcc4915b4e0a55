import Columns
import Foundation
import Ingest
import Lake
import Logging
import Parsing
import ServiceLifecycle
import Telemetry
import TestSupport
import Testing

@testable import Streaming

extension TemporaryFolder {
    fileprivate func write(_ lines: [String], to name: String) throws {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_APPEND, 0o644)
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Message and stack trace of each event in silver.
    fileprivate var events: [String] {
        var found: [String] = []
        guard (try? lake.tables())?.contains("silver.jobs") == true else { return [] }
        try! lake.table("silver.jobs").scan(columns: ["message", "stack_trace"]) { batch in
            found += batch.lines
            return true
        }
        return found.sorted()
    }
}

/// Events of several lines, whose end only the next event shows.
struct `A record that waits for its next line` {
    private static let quiet: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    private static func definition(flushAfter: Duration, schedule: Schedule? = nil) -> PipelineDefinition {
        var definition = PipelineDefinition(name: "jobs", format: "log4j", windows: [])
        definition.flushAfter = flushAfter
        definition.commitInterval = .milliseconds(20)
        definition.schedule = schedule
        return definition
    }

    private static func runner(_ folder: TemporaryFolder, flushAfter: Duration = .seconds(3600)) async throws -> PipelineRunner {
        try await PipelineRunner(
            definition(flushAfter: flushAfter), lake: folder.lake, checkpoints: folder.path + "/checkpoints",
            context: ParsingContext(timeZone: .gmt), exportFolder: folder.path + "/export", metrics: MetricsRegistry(),
            logger: quiet)
    }

    private static func files(_ folder: TemporaryFolder, _ names: [String]) -> FileSource {
        FileSource(
            SourceSetup(name: "files", metrics: MetricsRegistry(), logger: quiet), paths: names.map { "\(folder.path)/\($0)" })
    }

    /// Follows `jobs.log` for the length of `body`.
    private static func stream(_ folder: TemporaryFolder, flushAfter: Duration, _ body: () async throws -> Void) async throws {
        struct Run: Service {
            let runner: PipelineRunner
            let source: any Source
            func run() async throws { _ = try await runner.run([source], mode: .stream) }
        }
        let source = try await SourceSettings.file(folder.path + "/jobs.log").source(
            SourceSetup(name: "jobs", metrics: MetricsRegistry(), logger: quiet))
        let group = ServiceGroup(
            services: [Run(runner: try await runner(folder, flushAfter: flushAfter), source: source)], logger: quiet)
        let running = Task { try await group.run() }
        try await body()
        await group.triggerGracefulShutdown()
        try await running.value
    }

    private static let first = "2026-11-02 10:00:00,000 [main] ERROR com.example.Job - first"
    private static let trace = ["java.lang.IllegalStateException: no input", "\tat com.example.Job.run(Job.java:42)"]
    private static let second = "2026-11-02 10:00:01,000 [main] INFO com.example.Job - second"
    private static let traced = "first java.lang.IllegalStateException: no input\n\tat com.example.Job.run(Job.java:42)"

    @Test func `is given at the end of its file by a batch, in each of several files`() async throws {
        let folder = TemporaryFolder()
        try folder.write([Self.second, Self.first] + Self.trace, to: "a.log")
        try folder.write([Self.second], to: "b.log")
        let summary = try await Self.runner(folder).run([Self.files(folder, ["a.log", "b.log"])], mode: .batch)
        #expect(folder.events == [Self.traced, "second -", "second -"])
        #expect(summary.lines == 5 && summary.events == 3)
        // Nothing is left that a second run would give again.
        _ = try await Self.runner(folder).run([Self.files(folder, ["a.log", "b.log"])], mode: .batch)
        #expect(folder.events.count == 3)
    }

    @Test func `is given by a stream once nothing more has come for a while, once, whatever is started again`() async throws {
        let folder = TemporaryFolder()
        try folder.write([Self.first] + Self.trace, to: "jobs.log")
        try await Self.stream(folder, flushAfter: .milliseconds(50)) {
            #expect(await eventually { folder.events == [Self.traced] }, "\(folder.events)")
        }
        try await Self.stream(folder, flushAfter: .milliseconds(50)) {
            try folder.write([Self.second], to: "jobs.log")
            #expect(await eventually { folder.events == [Self.traced, "second -"] })
        }
        #expect(try folder.lake.table("bronze.jobs").rowCount() == 4)
    }

    @Test func `waits through a restart for the rest of its lines`() async throws {
        let folder = TemporaryFolder()
        try folder.write([Self.first, Self.trace[0]], to: "jobs.log")
        try await Self.stream(folder, flushAfter: .seconds(3600)) {
            #expect(await eventually { (try? folder.lake.table("bronze.jobs").rowCount()) == 2 })
        }
        #expect(folder.events.isEmpty)
        try folder.write([Self.trace[1]], to: "jobs.log")
        try await Self.stream(folder, flushAfter: .seconds(3600)) {
            #expect(await eventually { (try? folder.lake.table("bronze.jobs").rowCount()) == 3 })
        }
        // What a checkpoint holds open is given when nothing comes any more, though nothing was read in this run.
        try await Self.stream(folder, flushAfter: .milliseconds(50)) {
            #expect(await eventually { folder.events == [Self.traced] })
        }
        #expect(folder.events == [Self.traced])
    }

    @Test func `is given by the next scheduled run that finds nothing more of its file`() async throws {
        let folder = TemporaryFolder()
        try folder.write([Self.first], to: "a.log")
        func run() async throws {
            _ = try await Self.runner(folder).run([Self.files(folder, ["a.log"])], mode: .available)
        }
        try await run()
        #expect(folder.events.isEmpty)
        try folder.write(Self.trace, to: "a.log")
        try await run()
        #expect(folder.events.isEmpty)
        for _ in 0..<2 {
            try await run()
            #expect(folder.events == [Self.traced])
        }
    }

    @Test func `is made anew by a replay, of a batch and of a stream that has been quiet`() async throws {
        for isBatch in [true, false] {
            let folder = TemporaryFolder()
            try folder.write([Self.second, Self.first] + Self.trace, to: "jobs.log")
            if isBatch {
                _ = try await Self.runner(folder).run([Self.files(folder, ["jobs.log"])], mode: .batch)
            } else {
                try await Self.stream(folder, flushAfter: .milliseconds(50)) {
                    #expect(await eventually { folder.events.count == 2 })
                }
            }
            let before = folder.events
            #expect(before.count == 2)
            _ = try PipelineReplay.run(
                Self.definition(flushAfter: .milliseconds(50)), lake: folder.lake, checkpoints: folder.path + "/checkpoints",
                context: ParsingContext(timeZone: .gmt), options: .init(), logger: Self.quiet)
            #expect(folder.events == before)
        }
    }

    @Test func `that nobody ends, such as a quote in CSV, goes to quarantine with its source`() async throws {
        let folder = TemporaryFolder()
        try folder.write(["event_time,note", "2026-11-02T10:00:00Z,\"begun", "and never ended"], to: "a.csv")
        let options = FormatOptions(columns: [.init("event_time", .timestamp), .init("note", .text)])
        let definition = PipelineDefinition(
            name: "notes", inputs: [InputDefinition(name: "notes", table: "notes", format: "csv", options: options)])
        let summary = try await PipelineRunner(
            definition, lake: folder.lake, checkpoints: folder.path + "/checkpoints", exportFolder: folder.path + "/export",
            metrics: MetricsRegistry(), logger: Self.quiet
        ).run([Self.files(folder, ["a.csv"])], mode: .batch)
        #expect(summary.quarantined == 1 && summary.lines == 3)
        var rows: [String] = []
        try folder.lake.table("quarantine.notes").scan(columns: ["source", "reason"]) { batch in
            rows += batch.lines
            return true
        }
        #expect(rows == ["files bad_value"])
    }
}
