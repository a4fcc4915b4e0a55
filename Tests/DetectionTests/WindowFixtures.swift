import Columns
import Store

@testable import Detection

/// Windows of a gold table: most sources do little, and what little they do varies.
func windows(_ count: Int, seed: UInt64, odd: (source: String, failures: Int64)? = nil) throws -> Batch {
    var random = SplitMix64(seed: seed)
    var rows: [[Value]] = (0..<count).map { index in
        window(
            index, "192.0.2.\(index % 200)", events: Int64.random(in: 1...6, using: &random),
            failures: Int64.random(in: 0...2, using: &random))
    }
    if let odd { rows.append(window(count, odd.source, events: odd.failures * 3, failures: odd.failures)) }
    return try Batch(
        schema: Schema([
            Field("window_start", .timestamp), Field("window_end", .timestamp), Field("source", .text), Field("events", .int64),
            Field("failures", .int64),
        ]), rows: rows)
}

private func window(_ index: Int, _ source: String, events: Int64, failures: Int64) -> [Value] {
    let start = Timestamp(seconds: Int64(index) * 300)
    return [.timestamp(start), .timestamp(start + .seconds(300)), .text(source), .int(events), .int(failures)]
}

/// A registry of models in a folder of its own.
func registry(in folder: String) throws -> ModelRegistry {
    ModelRegistry(store: try Store(path: folder + "/obs.db", migrations: ModelRegistry.migrations), folder: folder + "/models")
}
