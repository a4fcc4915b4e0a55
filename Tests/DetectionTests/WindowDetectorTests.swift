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
        #expect(try models.entry("m")?.trainedOn == 241)
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
            case .modelInUse(let entry, _, _): notes.withLock { $0.append("use \(entry.version)") }
            case .modelDamaged: notes.withLock { $0.append("damaged") }
            default: break
            }
        }
        let model = try #require(
            WindowModel(table: "t", windows: [try windows(120, seed: 1, odd: ("203.0.113.1", 700))], now: Timestamp(seconds: 1)))
        _ = try models.save(model, name: "m")
        let second = try models.save(model, name: "m")
        try Data("{}".utf8).write(to: URL(filePath: models.folder(of: second) + "/model.jsonl"))
        #expect(try see(set, windows(3, seed: 2)) == [] && notes.withLock { $0 } == ["damaged"])
        try models.setAlias("champion", of: "m", to: 1, actor: "test", now: Timestamp(seconds: 2))
        #expect(try !see(set, windows(3, seed: 2, odd: ("203.0.113.9", 900))).isEmpty)
        #expect(notes.withLock { $0 } == ["damaged", "use 1"])
    }

    @Test func `lets a challenger score the same windows, which opens nothing`() throws {
        let models = try registry(in: folder.path)
        let notes = Mutex<[String: Int]>([:])
        let windows = try windows(120, seed: 1, odd: ("203.0.113.1", 700))
        let calm = try #require(WindowModel(table: "t", windows: [windows], trees: 3, now: Timestamp(seconds: 1)))
        var wild = calm
        wild.threshold = -10
        _ = try models.save(calm, name: "m")
        let set = try set(models) { note in
            if case .modelScored(_, let alias, let scores) = note { notes.withLock { $0[alias, default: 0] += scores.count } }
            if case .modelRetired = note { notes.withLock { $0["retired", default: 0] += 1 } }
        }
        let before = try see(set, windows)
        let challenger = try models.save(wild, name: "m", alias: "challenger")
        #expect(try see(set, windows) == before)
        _ = set.updates()
        #expect(notes.withLock { $0 } == ["champion": 242, "challenger": 121])
        #expect(try models.scored(challenger).found == 121 && models.scored(challenger).rows == 121)
        let champion = try #require(try models.entry("m"))
        #expect(try models.scored(champion).rows == 242)
        try models.removeAlias("challenger", of: "m", actor: "test", now: Timestamp(seconds: 2))
        #expect(try see(set, windows) == before && notes.withLock { $0["retired"] } == 1)
    }

    @Test func `says how far windows are from the training, also after a restart`() throws {
        let models = try registry(in: folder.path)
        let drift = Mutex<[(features: [Double], scores: Double)]>([])
        let note: @Sendable (DetectorNote) -> Void = { note in
            guard case .modelDrift(_, _, let features, let scores) = note else { return }
            drift.withLock { $0.append((features.map(\.index), scores)) }
        }
        let usual = try windows(400, seed: 1)
        _ = try models.save(
            try #require(WindowModel(table: "t", windows: [usual], trees: 3, now: Timestamp(seconds: 1))), name: "m")
        let first = try set(models, note: note)
        _ = try see(first, windows(400, seed: 2))
        _ = first.updates()
        let state = first.snapshot()
        let second = try set(models, note: note)
        try second.restore(state)
        // Twice as many windows as before, none of which has fewer than 20 failures.
        for seed in 3...4 as ClosedRange<UInt64> {
            let other = try windows(400, seed: seed)
            let columns = other.schema.fields.map { field in
                field.name == "failures" ? Column(.int64((0..<400).map { 20 + Int64($0 % 9) })) : other[field.name]!
            }
            _ = try see(second, Batch(schema: other.schema, columns: columns))
        }
        _ = second.updates()
        let found = drift.withLock { $0 }
        try #require(found.count == 2)
        #expect(found[0].features.allSatisfy { $0 < 0.1 } && found[0].scores < 0.1)
        #expect(found[1].features[0] < 0.1 && found[1].features[1] > 0.25 && found[1].scores > 0.25)
    }
}
