import Columns
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Detection

struct `A model on windows` {
    private let folder = TemporaryFolder()

    private func settings() throws -> WindowSettings {
        try JSONDecoder().decode(
            WindowSettings.self,
            from: Data(
                """
                {"name": "Odd", "kind": "ensemble", "table": "t", "by": "source", "model": "m", "severity": "info",
                 "title": "Unusual: {source} {feature} {value}", "description": "{score} of {threshold}: {features}"}
                """.utf8))
    }

    private func set(_ models: ModelRegistry, note: @escaping @Sendable (DetectorNote) -> Void = { _ in }) throws -> DetectorSet {
        var context = DetectorContext(
            allowedLateness: .seconds(60), models: models, now: { Timestamp(seconds: 1) }, note: note)
        context.rowsToTrain = 240
        return DetectorSet([DetectionEntry(try settings())], context)
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

    @Test func `trains itself on the first windows, once they are enough, and then judges those too`() throws {
        let models = try registry(in: folder.path)
        let set = try set(models)
        #expect(set.looks(at: "t") && !set.looks(at: "u"))
        #expect(try see(set, windows(120, seed: 1, odd: ("203.0.113.9", 900))) == [])
        let found = try see(set, windows(120, seed: 2))
        let odd = try #require(found.first { $0.labels["source"] == "203.0.113.9" })
        #expect(
            odd.name == "Odd" && odd.detector == "ensemble" && odd.severity == .info
                && odd.title.hasPrefix("Unusual: 203.0.113.9 ")
        )
        #expect(try models.production("m")?.entry.trainedOn == 241)
        #expect(try !see(set, windows(5, seed: 3, odd: ("203.0.113.10", 900))).isEmpty)
    }

    @Test(arguments: [("forest", WindowAlgorithm.forest), ("ensemble", .ensemble)])
    func `has the algorithm that its kind names`(kind: String, algorithm: WindowAlgorithm) throws {
        let entry = try JSONDecoder().decode(
            DetectionEntry.self,
            from: Data(
                """
                {"name": "A", "kind": "\(kind)", "table": "t", "by": "source", "model": "m", "severity": "info", "title": "t",
                 "description": "d"}
                """.utf8))
        #expect(entry.kind == kind && (entry.settings as? WindowSettings)?.algorithm == algorithm)
    }

    @Test func `writes values of any size into its title`() throws {
        let models = try registry(in: folder.path)
        let table = try windows(300, seed: 1)
        let sizes = table.selecting(["window_start", "window_end", "source"])
        func values(_ last: Double) throws -> Batch {
            let columns = (0..<table.count).map { $0 == table.count - 1 ? last : Double($0 % 5) / 4 }
            let schema = Schema(sizes.schema.fields + [Field("ratio", .double)])
            return Batch(schema: schema, columns: sizes.columns + [Column(.double(columns))])
        }
        let model = try #require(WindowModel(table: "t", windows: [values(0.5)], now: Timestamp(seconds: 1)))
        _ = try models.save(model, name: "m")
        let set = try set(models)
        for (last, text) in [(1e300, "1e+300"), (.infinity, "1.798e+308"), (-64.25, "-64.25"), (70, "70")] {
            let found = try #require(try see(set, values(last)).first)
            #expect(found.title.hasSuffix(" ratio \(text)"))
            #expect(throws: Never.self) { try JSONEncoder().encode(found.contributions) }
        }
    }

    @Test func `goes on training after a restart`() throws {
        let whole = try set(try registry(in: folder.path + "/a")), first = try set(try registry(in: folder.path + "/b"))
        let early = try windows(120, seed: 1, odd: ("203.0.113.9", 900)), late = try windows(120, seed: 2)
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
            WindowModel(table: "t", windows: [try windows(120, seed: 1, odd: ("203.0.113.1", 700))], now: Timestamp(seconds: 1)))
        _ = try models.save(model, name: "m")
        let second = try models.save(model, name: "m")
        try Data("{}".utf8).write(to: URL(filePath: "\(folder.path)/models/\(second.file)"))
        #expect(try see(set, windows(3, seed: 2)) == [] && notes.withLock { $0 } == ["damaged"])
        try models.promote("m", version: 1)
        #expect(try !see(set, windows(3, seed: 2, odd: ("203.0.113.9", 900))).isEmpty)
        #expect(notes.withLock { $0 } == ["damaged", "use 1"])
    }
}
