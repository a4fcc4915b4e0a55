import Columns
import Streaming
import Telemetry
import Testing

@testable import Daemon

struct `The gauges of gold tables` {
    private let metrics = MetricsRegistry()
    private static let windows = Schema([
        Field("window_start", .timestamp), Field("window_end", .timestamp), Field("zone", .text), Field("trips", .int64),
        Field("fare", .double, isNullable: true),
    ])

    private func gauges() -> GoldGauges {
        GoldGauges(
            metrics,
            PipelineDefinition(
                name: "p", format: "sshd",
                windows: [
                    WindowDefinition(
                        table: "by_zone", kind: .tumbling(length: .seconds(300)), by: ["zone"],
                        aggregates: [Aggregate("trips", .count)])
                ]))
    }

    private func window(_ start: Int64, _ rows: (String, Int64, Double?)...) throws -> Batch {
        try Batch(
            schema: Self.windows,
            rows: rows.map {
                [
                    .timestamp(Timestamp(seconds: start)), .timestamp(Timestamp(seconds: start + 300)), .text($0.0), .int($0.1),
                    $0.2.map(Value.double) ?? .null,
                ]
            })
    }

    /// The samples of a metric, without its name.
    private func samples(_ name: String) -> [String] {
        metrics.exposition().split(separator: "\n").filter { $0.hasPrefix(name + "{") }.map { String($0.dropFirst(name.count)) }
    }

    @Test func `show the greatest and the mean value of each number column of the newest window, in however many batches`()
        async throws
    {
        let gauges = gauges()
        await gauges.observe(gold: try window(300, ("north", 2, 1.5)), table: "by_zone")
        await gauges.observe(gold: try window(300, ("south", 4, nil)), table: "by_zone")
        let place = #"pipeline="p",table="by_zone""#
        #expect(
            Set(samples("obs_gold_value")) == [
                #"{\#(place),column="trips",statistic="max"} 4"#, #"{\#(place),column="trips",statistic="mean"} 3"#,
                #"{\#(place),column="fare",statistic="max"} 1.5"#, #"{\#(place),column="fare",statistic="mean"} 1.5"#,
            ])
        #expect(samples("obs_gold_newest_timestamp_seconds") == ["{\(place)} 300"])
        #expect(samples("obs_gold_rows_total") == ["{\(place)} 2"])
    }

    @Test func `begin anew with each window, and pass over rows of earlier ones`() async throws {
        let gauges = gauges()
        await gauges.observe(gold: try window(300, ("north", 9, 9)), table: "by_zone")
        await gauges.observe(gold: try window(600, ("north", 1, 1)), table: "by_zone")
        await gauges.observe(gold: try window(300, ("south", 50, 50)), table: "by_zone")
        #expect(samples("obs_gold_value").allSatisfy { $0.hasSuffix(" 1") })
        #expect(samples("obs_gold_rows_total").allSatisfy { $0.hasSuffix(" 3") }, "every row counts")
    }

    @Test func `show of a stream the rows of its newest batch`() async throws {
        let schema = Schema([Field("event_time", .timestamp), Field("user", .text), Field("ms", .int64)])
        let gauges = gauges()
        for (time, milliseconds) in [(1, [3, 5]), (2, [7, 9])] {
            let rows = milliseconds.map { [.timestamp(Timestamp(seconds: Int64(time))), .text("u"), .int(Int64($0))] as [Value] }
            await gauges.observe(gold: try Batch(schema: schema, rows: rows), table: "slow")
        }
        #expect(samples("obs_gold_value").map { $0.suffix(2) }.sorted() == [" 8", " 9"])
    }

    /// Guards against series that whoever writes a log could multiply.
    @Test func `make no label of what is in the data`() async throws {
        let gauges = gauges()
        for index in 0..<50 { await gauges.observe(gold: try window(300, ("zone \(index)", 1, 1)), table: "by_zone") }
        #expect(samples("obs_gold_value").count == 4)
    }
}
