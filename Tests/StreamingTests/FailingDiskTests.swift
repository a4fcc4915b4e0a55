import Columns
import Foundation
import Ingest
import Lake
import Logging
import Parsing
import Telemetry
import TestSupport
import Testing

@testable import Streaming

/// Lines that are committed in several epochs.
private struct EpochsSource: Source {
    let name = "app"

    static let lines: [String] = (0..<48).map { number in
        if number % 11 == 7 { return "nonsense \(number)" }
        // Every ninth is late, every seventh comes twice.
        let time = 1_800_000_000 + number * 10 - (number % 9 == 8 ? 300 : 0)
        return #"{"event_time":\#(time),"user":"u\#(number % 3)","id":\#(number % 7 == 6 ? number - 1 : number)}"#
    }

    func run(from position: SourcePosition?, deliver: @Sendable (SourceChunk) async throws -> Void) async throws {
        var at = position?.cursor.flatMap(Int.init) ?? 0
        while at < Self.lines.count {
            let end = min(Self.lines.count, at + 12)
            var builder = RawLinesBuilder()
            for index in at..<end {
                builder.append(
                    Array(Self.lines[index].utf8).span, offset: Int64(index), source: name, file: "",
                    arrival: Timestamp(seconds: 2_000_000_000))
            }
            try await deliver(
                SourceChunk(
                    lines: builder.finish(), position: SourcePosition(cursor: String(end)), partition: "", asksForCommit: true))
            at = end
        }
    }
}

/// Guards against a row that is lost or doubled, and a checkpoint that is taken for none, because a call to the system failed.
@Suite(.timeLimit(.minutes(60))) struct `A pipeline whose disk` {
    private static let definition = exporting(
        PipelineDefinition(
            name: "p",
            inputs: [
                InputDefinition(
                    name: "events", table: "events", format: "json",
                    options: FormatOptions(columns: [
                        .init("event_time", .timestamp, isNullable: false), .init("user", .text), .init("id", .int64),
                    ]), allowedLateness: .seconds(20), steps: [Step(Deduplicate(by: ["id"]))])
            ],
            windows: [
                WindowDefinition(
                    table: "by_user", kind: .tumbling(length: .seconds(60)), by: ["user"], aggregates: [Aggregate("n", .count)])
            ]))

    private static func exporting(_ definition: PipelineDefinition) -> PipelineDefinition {
        var definition = definition
        definition.silverFormats = [.jsonl]
        return definition
    }

    private static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    private func run(_ folder: TemporaryFolder) async throws {
        let runner = try await PipelineRunner(
            Self.definition, lake: folder.lake, checkpoints: folder.path + "/checkpoints", exportFolder: folder.path + "/export",
            metrics: MetricsRegistry(), logger: Self.quiet)
        _ = try await runner.run([EpochsSource()], mode: .batch)
    }

    /// Every table, and the export, as sorted lines.
    private func written(_ folder: TemporaryFolder) throws -> [String: [String]] {
        var tables: [String: [String]] = [:]
        for name in try folder.lake.tables() {
            var rows: [String] = []
            try folder.lake.table(name).scan { batch in
                rows += batch.lines
                return true
            }
            tables[name] = rows.sorted()
        }
        let exported = try String(contentsOfFile: folder.path + "/export/silver/events.jsonl", encoding: .utf8)
        tables["export"] = exported.split(separator: "\n").map(String.init)
        return tables
    }

    @Test(arguments: FailingDisk.Kind.allCases, [1, Int.max])
    func `fails at any call says so, and has each row once when the disk is mended`(kind: FailingDisk.Kind, count: Int)
        async throws
    {
        let whole = TemporaryFolder(), counting = FailingDisk(kind, below: whole.path)
        try await run(whole)
        let calls = counting.seen, expected = try written(whole)
        try #require(calls > 4 && expected["bronze.events"]?.count == 48 && expected["late.events"] != nil)
        for call in FailingDisk.chosen(of: calls, about: 12) {
            let folder = TemporaryFolder(), disk = FailingDisk(kind, below: folder.path, at: call, count: count)
            // As the supervisor does: again and again from the last checkpoint.
            for _ in 0..<3 {
                do { try await run(folder) } catch {
                    let text = "\(error)"
                    #expect(text.contains(folder.path) || text.contains("silver.") || text.contains("checkpoint"), "\(text)")
                }
            }
            #expect(disk.struck > 0, "call \(call) of \(calls)")
            disk.isMended()
            try await run(folder)
            let found = try written(folder)
            for (name, rows) in expected { #expect(found[name] == rows, "\(kind), call \(call) of \(calls): \(name)") }
        }
    }
}
