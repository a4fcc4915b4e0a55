import Columns
import Parsing
import Store
import TestSupport
import Testing

@testable import Streaming

struct `The observer that serves gold rows` {
    private let folder = TemporaryFolder()
    private static let schema = Schema([Field("window_start", .timestamp), Field("zone", .text), Field("trips", .int64)])

    private static func definition() throws -> PipelineDefinition {
        let options = FormatOptions(columns: [
            .init("event_time", .timestamp, isNullable: false), .init("zone", .text), .init("fare", .double),
        ])
        return PipelineDefinition(
            name: "p", inputs: [InputDefinition(name: "trips", table: "trips", format: "json", options: options)],
            streams: [
                StreamDefinition(
                    name: "busy", from: "by_zone", steps: [Step(Filter(try [Matcher](parsing: "trips!=\"0\"")))], table: "busy"),
                StreamDefinition(name: "dear", from: "trips", steps: [], table: "dear"),
            ],
            windows: [
                WindowDefinition(
                    table: "by_zone", from: "trips", kind: .tumbling(length: .seconds(300)), by: ["zone"],
                    aggregates: [Aggregate("trips", .count)])
            ])
    }

    private func rows(_ rows: (Int64, String, Int64)...) throws -> Batch {
        try Batch(schema: Self.schema, rows: rows.map { [.timestamp(Timestamp(seconds: $0.0)), .text($0.1), .int($0.2)] })
    }

    @Test func `serves windows and what is made of them, by what they group by, and no stream of single events`() throws {
        let keys = try ServingObserver.keys(of: Self.definition())
        #expect(keys.keys.sorted() == ["busy", "by_zone"])
        #expect(keys.values.allSatisfy { $0.columns == ["zone"] && $0.time == "window_start" })
    }

    @Test func `writes the newest row of each key at the end of an epoch, and nothing before`() async throws {
        let store = try ServingStore(path: folder.path + "/serve.db")
        // As a runner has it.
        let observer: any PipelineObserver = try ServingObserver(store, Self.definition())
        try await observer.observe(gold: rows((0, "north", 1), (300, "north", 2), (300, "south", 3)), table: "by_zone")
        try await observer.observe(gold: rows((0, "south", 9), (600, "north", 4)), table: "by_zone")
        try await observer.observe(gold: rows((0, "north", 7)), table: "dear")
        #expect(try store.tables().isEmpty)
        _ = try await observer.snapshot()
        #expect(try store.tables() == ["by_zone"])
        let served = try store.rows(table: "by_zone", limit: 10)
        try #require(served.map(\.key) == ["north", "south"])
        #expect(served.map(\.eventTime) == [Timestamp(seconds: 600), Timestamp(seconds: 300)])
        #expect(served[0].row.contains("\"trips\":4") && served[1].row.contains("\"trips\":3"))
        // The next epoch begins empty.
        try await observer.observe(gold: rows((900, "west", 1)), table: "by_zone")
        _ = try await observer.snapshot()
        #expect(try store.rows(table: "by_zone", limit: 10).count == 3)
    }

    @Test(arguments: 1...20)
    func `gives the newest row per key, of equals the last, in the order of the rows`(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let given = (0..<200).map { index in
            (Int64.random(in: 0..<5, using: &random), "z\(Int.random(in: 0..<7, using: &random))", Int64(index))
        }
        let batch = try Batch(
            schema: Self.schema, rows: given.map { [.timestamp(Timestamp(seconds: $0.0)), .text($0.1), .int($0.2)] })
        var expected: [String: (time: Int64, index: Int64)] = [:]
        for (time, zone, index) in given where time >= expected[zone]?.time ?? .min { expected[zone] = (time, index) }
        let newest = ServingObserver.newest(batch, ["zone"], "window_start")
        let found = (0..<newest.count).map { newest.row($0) }
        #expect(found.count == expected.count)
        for row in found { #expect(row[2] == .int(try #require(expected[row[1].description]).index)) }
    }
}
