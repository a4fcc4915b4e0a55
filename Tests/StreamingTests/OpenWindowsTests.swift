import Columns
import Foundation
import Lake
import Logging
import Parsing
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Streaming

struct `A pipeline with more open windows than it may have` {
    /// Seconds since 1970; the lines arrive at 2_000_000_000, and some claim to be of many years later.
    private static let start = 1_800_000_000, claimed = 2_100_000_000...2_900_000_000

    private static func definition(_ kind: WindowDefinition.Kind, limit: Int) -> PipelineDefinition {
        let events = InputDefinition(
            name: "events", table: "events", format: "json",
            options: FormatOptions(columns: [.init("event_time", .timestamp, isNullable: false), .init("user", .text)]),
            allowedLateness: .seconds(20))
        let hour = WindowDefinition(
            table: "again", from: "by_user", kind: .tumbling(length: .seconds(3600)), by: ["user"],
            aggregates: [Aggregate("n", .sum, column: "n")])
        let windows = WindowDefinition(table: "by_user", kind: kind, by: ["user"], aggregates: [Aggregate("n", .count)])
        var definition = PipelineDefinition(name: "p", inputs: [events], windows: [windows, hour])
        definition.maxOpenGroups = limit
        return definition
    }

    /// Every other line claims to be of a time far ahead, each of another.
    private static func lines(_ count: Int) -> [String] {
        var random = SplitMix64(seed: 9)
        return (0..<count).map { index in
            let time = index % 2 == 0 ? start + index : Int.random(in: claimed, using: &random)
            return #"{"event_time":\#(time),"user":"u\#(index / 2 % 3)"}"#
        }
    }

    private func runner(_ definition: PipelineDefinition, _ folder: TemporaryFolder, _ metrics: MetricsRegistry) async throws
        -> PipelineRunner
    {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try await PipelineRunner(
            definition, lake: folder.lake, checkpoints: folder.path + "/checkpoints", exportFolder: folder.path + "/export",
            metrics: metrics, logger: logger)
    }

    /// The rows of a gold table, without those that begin where the lines claim to be.
    private func rows(_ table: String, _ folder: TemporaryFolder) throws -> (near: [String], sum: Int) {
        var near: [String] = [], sum = 0
        try folder.lake.table("gold.\(table)").scan { batch in
            for (index, line) in batch.lines.enumerated() {
                sum += Int(batch["n"]!.integer(at: index)!)
                if batch["window_start"]!.integer(at: index)! < Int64(2_000_000_000) * 1_000_000 { near.append(line) }
            }
            return true
        }
        return (near.sorted(), sum)
    }

    @Test(arguments: [
        WindowDefinition.Kind.tumbling(length: .seconds(60)), .hopping(length: .seconds(60), slide: .seconds(30)),
        .session(gap: .seconds(2)),
    ])
    func `gives those that are furthest ahead before their time, keeps the others whole, and loses no row`(
        kind: WindowDefinition.Kind
    ) async throws {
        let lines = Self.lines(3000), free = TemporaryFolder()
        _ = try await runner(Self.definition(kind, limit: 1_000_000), free, MetricsRegistry())
            .run([ListSource(name: "s", lines: lines, chunk: 50)], mode: .batch)
        let bounded = TemporaryFolder(), metrics = MetricsRegistry(), limit = 200
        let most = Most()
        let source = ListSource(
            name: "s", lines: lines, chunk: 50,
            beforeDelivery: { _ in most.note(Self.value("obs_window_groups{pipeline=\"p\"}", in: metrics)) })
        _ = try await runner(Self.definition(kind, limit: limit), bounded, metrics).run([source], mode: .batch)
        for table in ["by_user", "again"] {
            let (expected, all) = try rows(table, free), (near, sum) = try rows(table, bounded)
            #expect(sum == all && sum >= lines.count)
            #expect(near == expected && near.count > 2)
        }
        #expect(Self.value("obs_window_rows_early_total{pipeline=\"p\",table=\"by_user\"}", in: metrics) > 1000)
        #expect(Self.value("obs_window_groups_limit{pipeline=\"p\"}", in: metrics) == limit)
        #expect(most.value > limit / 2 && most.value <= limit)
    }

    @Test func `counts each row once through restarts`() async throws {
        let folder = TemporaryFolder(), lines = Self.lines(2000)
        let definition = Self.definition(.tumbling(length: .seconds(60)), limit: 100)
        for part in stride(from: 200, through: 2000, by: 200) {
            let source = ListSource(name: "s", lines: Array(lines.prefix(part)), chunk: 50)
            _ = try await runner(definition, folder, MetricsRegistry()).run([source], mode: part == 2000 ? .batch : .available)
        }
        #expect(try rows("by_user", folder).sum == lines.count)
    }

    @Test func `gives nothing early while there is room, nor the window that is next, however large it is`() async throws {
        for (limit, early) in [(3, 0), (2, 0)] {
            let folder = TemporaryFolder(), metrics = MetricsRegistry()
            let lines = (0..<30).map { #"{"event_time":\#(Self.start + $0 / 10),"user":"u\#($0 % 3)"}"# }
            _ = try await runner(Self.definition(.tumbling(length: .seconds(60)), limit: limit), folder, metrics)
                .run([ListSource(name: "s", lines: lines, chunk: 5)], mode: .batch)
            #expect(try rows("by_user", folder).near.count == 3)
            #expect(Self.value("obs_window_rows_early_total{pipeline=\"p\",table=\"by_user\"}", in: metrics) == early)
        }
    }

    private static func value(_ sample: String, in metrics: MetricsRegistry) -> Int {
        let line = metrics.exposition().split(separator: "\n").first { $0.hasPrefix(sample + " ") }
        return line.flatMap { Double($0.dropFirst(sample.utf8.count + 1)) }.map(Int.init) ?? 0
    }
}

/// The greatest of the values that it was shown.
private final class Most: Sendable {
    private let all = Mutex(0)

    var value: Int { all.withLock { $0 } }
    func note(_ value: Int) { all.withLock { $0 = max($0, value) } }
}
