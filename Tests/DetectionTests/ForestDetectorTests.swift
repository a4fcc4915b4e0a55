import Columns
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Detection

struct `A forest on windows` {
    private let folder = TemporaryFolder()

    private func settings() throws -> ForestSettings {
        try JSONDecoder().decode(
            ForestSettings.self,
            from: Data(
                """
                {"name": "Odd", "table": "t", "by": "source", "model": "m", "severity": "info",
                 "title": "Unusual: {source} {feature} {value}", "description": "{score} of {threshold}: {features}"}
                """.utf8))
    }

    private func set(_ models: ModelRegistry, note: @escaping @Sendable (DetectorNote) -> Void = { _ in }) throws -> DetectorSet {
        DetectorSet(
            [DetectionEntry(try settings())],
            DetectorContext(allowedLateness: .seconds(60), models: models, now: { Timestamp(seconds: 1) }, note: note))
    }

    /// Windows as a pipeline shows them.
    private func see(_ set: DetectorSet, _ windows: Batch) throws -> [Finding] {
        let events = Batch(
            schema: Schema([Field("event_time", .timestamp)] + windows.schema.fields),
            columns: [windows["window_end"]!] + windows.columns)
        let lines = try Batch(
            schema: Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)]),
            rows: (0..<windows.count).map { ["gold.t", .int(Int64($0)), "row"] })
        return set.observe(events: events, lines: lines, lineRows: (0..<Int32(windows.count)).map(\.self), table: "t")
    }

    @Test func `trains itself on the first thousand windows, and then judges those too`() throws {
        let models = try registry(in: folder.path)
        let set = try set(models)
        #expect(set.looks(at: "t") && !set.looks(at: "u"))
        #expect(try see(set, windows(600, seed: 1, odd: ("203.0.113.9", 900))) == [])
        let found = try see(set, windows(600, seed: 2))
        let odd = try #require(found.first { $0.labels["source"] == "203.0.113.9" })
        #expect(
            odd.name == "Odd" && odd.detector == "forest" && odd.severity == .info && odd.title.hasPrefix("Unusual: 203.0.113.9 ")
        )
        #expect(try models.production("m")?.entry.trainedOn == 1201)
        #expect(try !see(set, windows(5, seed: 3, odd: ("203.0.113.10", 900))).isEmpty)
    }

    @Test func `goes on training after a restart`() throws {
        let whole = try set(try registry(in: folder.path + "/a")), first = try set(try registry(in: folder.path + "/b"))
        let early = try windows(600, seed: 1, odd: ("203.0.113.9", 900)), late = try windows(600, seed: 2)
        _ = try see(whole, early)
        _ = try see(first, early)
        let second = try set(try registry(in: folder.path + "/b"))
        try second.restore(first.snapshot())
        #expect(try see(second, late) == see(whole, late))
    }

    @Test func `takes a model that was promoted meanwhile, and none that is damaged`() throws {
        let models = try registry(in: folder.path)
        let notes = Mutex<[String]>([])
        let set = try set(models) { note in
            switch note {
            case .modelInUse(let entry, _): notes.withLock { $0.append("use \(entry.version)") }
            case .modelDamaged: notes.withLock { $0.append("damaged") }
            default: break
            }
        }
        let model = try #require(
            WindowModel(table: "t", windows: [try windows(300, seed: 1, odd: ("203.0.113.1", 700))], now: Timestamp(seconds: 1)))
        _ = try models.save(model, name: "m")
        let second = try models.save(model, name: "m")
        try Data("{}".utf8).write(to: URL(filePath: "\(folder.path)/models/\(second.file)"))
        #expect(try see(set, windows(3, seed: 2)) == [] && notes.withLock { $0 } == ["damaged"])
        try models.promote("m", version: 1)
        #expect(try !see(set, windows(3, seed: 2, odd: ("203.0.113.9", 900))).isEmpty)
        #expect(notes.withLock { $0 } == ["damaged", "use 1"])
    }
}
