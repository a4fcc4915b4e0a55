import Columns
import Foundation
import Ingest
import Lake
import Logging
import Parsing
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Streaming

/// Lines given in chunks of a size, from where the last run stopped.
struct ListSource: Source {
    let name: String
    let lines: [String]
    var chunk: Int
    var partition = ""
    /// Stops with an error behind so many lines of this run.
    var failsAfter: Int?
    /// Called before a chunk is delivered, with how many lines came before it.
    var beforeDelivery: @Sendable (Int) -> Void = { _ in }

    struct Broken: Error {}

    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        var at = position?.cursor.flatMap(Int.init) ?? 0
        let start = at
        while at < lines.count {
            if let failsAfter, at - start >= failsAfter { throw Broken() }
            beforeDelivery(at)
            let end = min(lines.count, at + chunk)
            var builder = RawLinesBuilder()
            for index in at..<end {
                builder.append(
                    Array(lines[index].utf8).span, offset: Int64(index), source: name, file: partition,
                    arrival: Timestamp(seconds: 2_000_000_000))
            }
            try await deliver(
                SourceChunk(lines: builder.finish(), position: SourcePosition(cursor: String(end)), partition: partition))
            at = end
        }
    }
}

struct `A pipeline` {
    private static let columns: [FormatOptions.DeclaredColumn] = [
        .init("event_time", .timestamp, isNullable: false), .init("user", .text), .init("method", .text), .init("ms", .double),
        .init("id", .int64),
    ]

    /// Views and stars with everything in it: expectations, deduplication, a computed column, a filter, a join, three kinds of windows, a window of windows.
    private static func definition(length: Int = 60) -> PipelineDefinition {
        let options = FormatOptions(columns: columns)
        let views = InputDefinition(
            name: "views", table: "shop_views", format: "json", options: options, allowedLateness: .seconds(20),
            steps: [
                Step(Deduplicate(by: ["id"])),
                Step(Streaming.Expectation("positive", .range(column: "ms", from: 0, to: nil), action: .drop)),
                Step(Compute("is_slow", try! Expression("ms >= 50"))),
            ])
        let stars = InputDefinition(
            name: "stars", table: "shop_stars", format: "json", options: options, allowedLateness: .seconds(20))
        return PipelineDefinition(
            name: "shop", inputs: [views, stars],
            streams: [
                StreamDefinition(
                    name: "slow", from: "views", steps: [Step(Filter(try! [Matcher](parsing: "is_slow=\"true\"")))], table: "slow"
                ),
                StreamDefinition(
                    name: "unhappy", from: "stars",
                    steps: [
                        Step(Filter(try! [Matcher](parsing: "method=~\"[12]\""))),
                        Step(StreamJoin(with: "views", on: ["user"], within: .seconds(30), before: .seconds(30), kind: .left)),
                    ], table: "unhappy"),
            ],
            windows: [
                WindowDefinition(
                    table: "by_method", from: "views", kind: .tumbling(length: .seconds(length)), by: ["method"],
                    aggregates: [
                        Aggregate("views", .count), Aggregate("mean", .mean, column: "ms"),
                        Aggregate("p90", .quantile, column: "ms", parameter: 0.9),
                        Aggregate("users", .distinct, column: "user"),
                    ]),
                WindowDefinition(
                    table: "sessions", from: "slow", kind: .session(gap: .seconds(15)), by: ["user"],
                    aggregates: [Aggregate("n", .count), Aggregate("last", .last, column: "method")]),
                WindowDefinition(
                    table: "hourly", from: "by_method", kind: .tumbling(length: .seconds(300)), by: ["method"],
                    aggregates: [Aggregate("views", .sum, column: "views"), Aggregate("worst", .max, column: "p90")]),
            ])
    }

    /// Rows with some that are late, some that come twice, some that are nonsense.
    private static func lines(_ seed: UInt64, count: Int, isStars: Bool) -> [String] {
        var random = SplitMix64(seed: seed)
        var time = 1_800_000_000.0
        var lines: [String] = []
        for id in 0..<count {
            time += Double(Int.random(in: 0...3, using: &random))
            let late =
                Int.random(in: 0..<20, using: &random) == 0
                ? Double(Int.random(in: 0...200, using: &random)) : Double(Int.random(in: 0...15, using: &random))
            let stamp = Timestamp(seconds: Int64(time - late)).description
            let method =
                isStars ? String(Int.random(in: 1...5, using: &random)) : ["GET", "POST", "PUT"].randomElement(using: &random)!
            let line =
                #"{"event_time":"\#(stamp)","user":"u\#(Int.random(in: 0..<9, using: &random))","method":"\#(method)","ms":\#(Int.random(in: -5...99, using: &random)),"id":\#(id)}"#
            lines.append(Int.random(in: 0..<50, using: &random) == 0 ? "nonsense \(id)" : line)
            if Int.random(in: 0..<15, using: &random) == 0, let copy = lines.randomElement(using: &random) { lines.append(copy) }
        }
        return lines
    }

    private func runner(
        _ folder: TemporaryFolder, _ definition: PipelineDefinition = definition(), metrics: MetricsRegistry = MetricsRegistry()
    ) async throws -> PipelineRunner {
        try await PipelineRunner(
            definition, lake: folder.lake, checkpoints: folder.path + "/checkpoints", exportFolder: folder.path + "/export",
            metrics: metrics,
            logger: Self.quiet)
    }

    @Test func `keeps an event from a clock that is ahead, marks and counts it, and closes no window by it`() async throws {
        let folder = TemporaryFolder()
        let metrics = MetricsRegistry()
        let events = InputDefinition(
            name: "events", table: "events", format: "json", options: FormatOptions(columns: Self.columns),
            allowedLateness: .seconds(20))
        let definition = PipelineDefinition(
            name: "p", inputs: [events],
            windows: [
                WindowDefinition(
                    table: "by_user", kind: .tumbling(length: .seconds(60)), by: ["user"], aggregates: [Aggregate("n", .count)])
            ])
        var lines = (0..<20).map { #"{"event_time":\#(1_800_000_000 + $0 * 10),"user":"u","id":\#($0)}"# }
        lines.insert(#"{"event_time":2100000000,"user":"u","id":99}"#, at: 2)
        let runner = try await runner(folder, definition, metrics: metrics)
        _ = try await runner.run([ListSource(name: "s", lines: lines, chunk: 3)], mode: .batch)
        let tables = try tables(folder)
        #expect(tables["silver.events"]?.count == 21)
        #expect(tables["ahead.events"]?.count == 1)
        #expect(tables["late.events"] == nil)
        #expect(metrics.exposition().contains(#"obs_rows_ahead_total{pipeline="p",input="events"} 1"#))
    }

    private static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// Every table save bronze's times, as sorted lines.
    private func tables(_ folder: TemporaryFolder, suffix: String? = nil) throws -> [String: [String]] {
        var tables: [String: [String]] = [:]
        for name in try folder.lake.tables() where suffix.map({ name.hasSuffix($0) }) ?? true {
            var rows: [String] = []
            try folder.lake.table(name).scan { batch in
                rows += batch.lines
                return true
            }
            tables[suffix.map { String(name.dropLast($0.count)) } ?? name] = rows.sorted()
        }
        return tables
    }

    private func sources(_ seed: UInt64, chunk: Int = 10_000, count: Int = 600) -> [PipelineSource] {
        [
            PipelineSource(
                ListSource(name: "web", lines: Self.lines(seed, count: count, isStars: false), chunk: chunk), input: "views"),
            PipelineSource(
                ListSource(name: "app", lines: Self.lines(seed + 100, count: count, isStars: true), chunk: chunk), input: "stars"),
        ]
    }

    @Test(arguments: UInt64(1)...10)
    func `gives the same tables whole and in small pieces, through failures and restarts`(seed: UInt64) async throws {
        let whole = TemporaryFolder()
        let summary = try await runner(whole).run(sources(seed), mode: .batch)
        let expected = try tables(whole)
        #expect(summary.late > 0 && summary.duplicates > 0 && summary.quarantined > 0)
        for name in [
            "silver.shop_views", "silver.shop_stars", "quarantine.shop", "late.shop_views", "gold.slow", "gold.unhappy",
            "gold.by_method", "gold.sessions", "gold.hourly",
        ] {
            #expect(expected[name]?.isEmpty == false, "\(name)")
        }

        let pieces = TemporaryFolder()
        _ = try await runner(pieces).run(sources(seed, chunk: 7), mode: .batch)
        #expect(try tables(pieces) == expected)

        // Each run ends at a source that breaks; what was delivered before is committed, and the next run goes on behind it.
        let broken = TemporaryFolder()
        var random = SplitMix64(seed: seed)
        for _ in 0..<6 {
            let parts = [("web", "views", seed), ("app", "stars", seed + 100)].map { name, input, seed in
                PipelineSource(
                    ListSource(
                        name: name, lines: Self.lines(seed, count: 600, isStars: input == "stars"), chunk: 13,
                        failsAfter: Int.random(in: 20...90, using: &random)), input: input)
            }
            await #expect(throws: ListSource.Broken.self) { try await runner(broken).run(parts, mode: .batch) }
        }
        _ = try await runner(broken).run(sources(seed, chunk: 50), mode: .batch)
        #expect(try tables(broken) == expected)
    }

    @Test(arguments: UInt64(1)...3)
    func `is made anew from bronze with the same rows, in place, in a range and beside`(seed: UInt64) async throws {
        let folder = TemporaryFolder()
        _ = try await runner(folder).run(sources(seed), mode: .available)
        let before = try tables(folder)
        var options = PipelineReplay.Options()
        func replay(_ definition: PipelineDefinition = Self.definition()) throws {
            _ = try PipelineReplay.run(
                definition, lake: folder.lake, checkpoints: folder.path + "/checkpoints", options: options, logger: Self.quiet)
        }
        try replay()
        #expect(try tables(folder) == before)
        let times = before["silver.shop_views"]!.map { Double($0.split(separator: " ")[0])! }
        let middle = Int64((times.min()! + times.max()!) / 2)
        options.range = Timestamp(seconds: middle - 200)..<Timestamp(seconds: middle + 100)
        try replay()
        #expect(try tables(folder) == before)
        options = .init()
        options.beside = "trial"
        try replay()
        let trial = try tables(folder, suffix: "_trial")
        for (name, rows) in trial { #expect(rows == before[name], "\(name)") }
        #expect(trial.count == before.keys.count { !$0.hasPrefix("bronze") })

        // The stream goes on behind the replay as it would have without.
        let whole = TemporaryFolder()
        _ = try await runner(whole).run(sources(seed, count: 900), mode: .batch)
        _ = try await runner(folder).run(sources(seed, count: 900), mode: .batch)
        #expect(try tables(folder).filter { !$0.key.hasSuffix("_trial") } == tables(whole))
    }

    @Test func `with another definition is refused until it is replayed, and then goes on as if it had always been so`()
        async throws
    {
        let folder = TemporaryFolder(), changed = Self.definition(length: 120)
        _ = try await runner(folder).run(sources(4), mode: .available)
        await #expect { try await runner(folder, changed) } throws: { "\($0)".contains("--new-checkpoint") }
        var options = PipelineReplay.Options()
        options.range = Timestamp(seconds: 0)..<Timestamp(seconds: 1)
        #expect(throws: PipelineError.self) {
            try PipelineReplay.run(
                changed, lake: folder.lake, checkpoints: folder.path + "/checkpoints", options: options, logger: Self.quiet)
        }
        options.range = nil
        _ = try PipelineReplay.run(
            changed, lake: folder.lake, checkpoints: folder.path + "/checkpoints", options: options, logger: Self.quiet)
        _ = try await runner(folder, changed).run(sources(4, count: 900), mode: .batch)
        let whole = TemporaryFolder()
        _ = try await runner(whole, changed).run(sources(4, count: 900), mode: .batch)
        #expect(try tables(folder) == tables(whole))
    }

    @Test func `that starts anew over its old tables adds to them`() async throws {
        let folder = TemporaryFolder()
        _ = try await runner(folder).run(sources(5, count: 50), mode: .batch)
        let once = try tables(folder)["bronze.shop_views"]!.count
        try FileManager.default.removeItem(atPath: folder.path + "/checkpoints")
        _ = try await runner(folder).run(sources(5, count: 50), mode: .batch)
        #expect(try tables(folder)["bronze.shop_views"]!.count == 2 * once)
    }

    @Test func `gives its checkpoints back when it has run or failed, whoever still holds it, and not before`() async throws {
        let folder = TemporaryFolder()
        let first = try await runner(folder)
        await #expect(throws: PipelineError.self) { try await runner(folder) }
        _ = try await first.run(sources(7, count: 50), mode: .available)
        let second = try await runner(folder)
        let broken = ListSource(name: "web", lines: Self.lines(7, count: 60, isStars: false), chunk: 1, failsAfter: 3)
        await #expect(throws: ListSource.Broken.self) {
            try await second.run([PipelineSource(broken, input: "views")], mode: .available)
        }
        _ = try await runner(folder).run(sources(7, count: 60), mode: .available)
        withExtendedLifetime((first, second)) {}
    }

    @Test func `stops at an expectation whose action is fail, and commits nothing of the epoch`() async throws {
        let folder = TemporaryFolder()
        var definition = PipelineDefinition(
            name: "p",
            inputs: [InputDefinition(name: "p", table: "p", format: "json", options: FormatOptions(columns: Self.columns))])
        definition.inputs[0].steps = [
            Step(Streaming.Expectation("known", .inSet(column: "method", values: ["GET"]), action: .fail))
        ]
        let metrics = MetricsRegistry()
        let bad = [
            #"{"event_time":"2026-01-01T00:00:00Z","method":"GET"}"#, #"{"event_time":"2026-01-01T00:00:01Z","method":"BREW"}"#,
        ]
        await #expect {
            try await runner(folder, definition, metrics: metrics).run(
                [ListSource(name: "s", lines: bad, chunk: 1)], mode: .batch)
        } throws: { error in
            "\(error)".contains("the expectation 'known' does not hold: 1 of 1 rows") && "\(error)".contains("BREW")
        }
        #expect(try tables(folder).values.allSatisfy(\.isEmpty))
        #expect(
            metrics.exposition().contains(#"obs_expectation_rows_total{pipeline="p",expectation="known",result="failure"} 1"#))
        definition.inputs[0].steps = [Step(Streaming.Expectation("enough", .rowCount(from: 3, to: nil), action: .fail))]
        await #expect(throws: ExpectationFailure.self) {
            try await runner(folder, definition).run([ListSource(name: "s", lines: bad, chunk: 1)], mode: .batch)
        }
    }

    @Test func `sends the pieces of a line that is too long to quarantine, and reads the others`() async throws {
        let folder = TemporaryFolder()
        let definition = PipelineDefinition(
            name: "p",
            inputs: [InputDefinition(name: "p", table: "p", format: "json", options: FormatOptions(columns: Self.columns))])
        let good = #"{"event_time":"2026-01-01T00:00:00Z","method":"GET"}"#
        let summary = try await runner(folder, definition).run(
            [ListSource(name: "s", lines: [good, String(repeating: "x", count: RawLines.maxLineLength), good], chunk: 3)],
            mode: .batch)
        #expect(summary.events == 2 && summary.quarantined == 1)
        #expect(try tables(folder)["quarantine.p"]![0].contains("line_too_long"))
    }

    @Test func `holds a source back while its work waits, so that memory does not grow`() async throws {
        /// Waits in the first batch until the source has been stopped by full queues or has run through.
        actor SlowObserver: PipelineObserver {
            static let name = "slow"
            var seen = 0
            let delivered: Mutexed
            init(_ delivered: Mutexed) { self.delivered = delivered }
            func observe(_ parsed: ParsedBatch, lines: Batch, input: String) async throws {
                seen += parsed.events.count
                // What is ahead of the work: two queues, what fills them, what is on its way between, and the batches behind the one that is told.
                #expect(delivered.value - seen <= 10)
            }
            func observe(gold: Batch, table: String) async throws {}
        }
        final class Mutexed: Sendable {
            private let count = Mutex(0)
            var value: Int { count.withLock { $0 } }
            func set(_ new: Int) { count.withLock { $0 = new } }
        }
        let folder = TemporaryFolder(), delivered = Mutexed()
        let definition = PipelineDefinition(
            name: "p",
            inputs: [InputDefinition(name: "p", table: "p", format: "json", options: FormatOptions(columns: Self.columns))])
        let line = #"{"event_time":"2026-01-01T00:00:00Z","method":"GET"}"#
        let source = ListSource(
            name: "s", lines: Array(repeating: line, count: 200), chunk: 1, beforeDelivery: { delivered.set($0) })
        let runner = try await PipelineRunner(
            definition, lake: folder.lake, checkpoints: folder.path + "/checkpoints", exportFolder: folder.path + "/export",
            observers: [SlowObserver(delivered)], metrics: MetricsRegistry(), logger: Self.quiet)
        #expect(try await runner.run([source], mode: .batch).events == 200)
    }

    @Test func `commits its first lines at once, however long its interval is`() async throws {
        /// Stays open after its lines, as a log that is followed does.
        struct Followed: Source {
            let name = "s"
            func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
                var builder = RawLinesBuilder()
                builder.append(
                    Array(#"{"event_time":"2026-01-01T00:00:00Z","method":"GET"}"#.utf8).span, offset: 0, source: name, file: "",
                    arrival: Timestamp(seconds: 2_000_000_000))
                try await deliver(
                    SourceChunk(lines: builder.finish(), position: SourcePosition(cursor: "1"), partition: ""))
                while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
            }
        }
        let folder = TemporaryFolder()
        var definition = PipelineDefinition(
            name: "p",
            inputs: [InputDefinition(name: "p", table: "p", format: "json", options: FormatOptions(columns: Self.columns))])
        definition.commitInterval = .seconds(3600)
        let runner = try await runner(folder, definition)
        let running = Task { try await runner.run([Followed()], mode: .stream) }
        #expect(await eventually { ((try? folder.lake.table("silver.p").rowCount()) ?? 0) == 1 })
        running.cancel()
        _ = try? await running.value
    }

    /// Takes its time with each thing that it is told, and fails at the one that it was asked to fail at.
    private actor Witness: PipelineObserver {
        static let name = "witness"
        struct Failed: Error {}
        var told: [String] = []
        let failsAt: Int?
        init(failsAt: Int? = nil) { self.failsAt = failsAt }

        private func hear(_ what: String) async throws {
            try await Task.sleep(for: .milliseconds(2))
            if told.count == failsAt { throw Failed() }
            told.append(what)
        }
        func observe(_ parsed: ParsedBatch, lines: Batch, input: String) async throws { try await hear("\(parsed.events.count)") }
        func observe(gold: Batch, table: String) async throws { try await hear(table) }
        func snapshot() async throws -> Data { Data("\(told.count)".utf8) }
        func restore(_ snapshot: Data) async throws {}
    }

    private func watched(_ folder: TemporaryFolder, by witness: Witness) async throws -> PipelineRunner {
        let definition = PipelineDefinition(
            name: "p",
            inputs: [InputDefinition(name: "p", table: "p", format: "json", options: FormatOptions(columns: Self.columns))],
            windows: [
                WindowDefinition(
                    table: "minutes", kind: .tumbling(length: .seconds(60)), by: [], aggregates: [Aggregate("n", .count)])
            ])
        return try await PipelineRunner(
            definition, lake: folder.lake, checkpoints: folder.path + "/checkpoints", exportFolder: folder.path + "/export",
            observers: [witness], metrics: MetricsRegistry(), logger: Self.quiet)
    }

    private static let minutely = ListSource(
        name: "s",
        lines: (0..<30).map { #"{"event_time":"\#(Timestamp(seconds: 1_800_000_000 + Int64($0) * 60))","method":"GET"}"# },
        chunk: 3)

    @Test func `has told its observers all, events before the windows that they close, when it commits`() async throws {
        let folder = TemporaryFolder(), witness = Witness()
        _ = try await watched(folder, by: witness).run([Self.minutely], mode: .batch)
        let told = await witness.told
        // The last window is closed by the end of the source.
        #expect(told == (0..<10).flatMap { _ in ["3", "minutes"] } + ["minutes"])
        let checkpoint = try #require(
            try CheckpointFolder(path: folder.path + "/checkpoints/p", pipeline: "p").load())
        #expect(checkpoint.states[.observer("witness")] == Data("21".utf8))
    }

    @Test(arguments: [0, 1, 6, 19, 20]) func `commits nothing when an observer fails, and tells it again`(failsAt: Int)
        async throws
    {
        let folder = TemporaryFolder(), witness = Witness(failsAt: failsAt)
        await #expect(throws: Witness.Failed.self) {
            _ = try await watched(folder, by: witness).run([Self.minutely], mode: .batch)
        }
        #expect(await witness.told.count == failsAt)
        #expect(try folder.lake.table("bronze.p").rowCount() == 0)
        let second = Witness()
        _ = try await watched(folder, by: second).run([Self.minutely], mode: .batch)
        #expect(await second.told.count == 21)
        #expect(try folder.lake.table("gold.minutes").rowCount() == 30)
    }
}
