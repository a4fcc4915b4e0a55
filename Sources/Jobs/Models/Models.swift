import Columns
import Configuration
import Detection
import Lake
import Query
import Telemetry

/// What `obs model` does.
public struct Models: Sendable {
    private let workspace: Workspace

    /// The models of a data directory.
    public init(_ workspace: Workspace) {
        self.workspace = workspace
    }

    /// Trains a forest on all windows of its gold table; the new version is in production when it returns.
    ///
    /// - Throws: `ModelError.tooFewWindows`.
    public func train(_ forest: ForestSettings, seed: UInt64, trees: Int) throws -> Answer {
        let windows = try windows(of: forest)
        guard
            let model = WindowModel(
                table: forest.table, windows: windows, features: forest.features, seed: seed, trees: trees, now: .now)
        else {
            throw ModelError.tooFewWindows(table: "gold." + forest.table, count: windows.reduce(0) { $0 + $1.count })
        }
        _ = try workspace.models.save(model, name: forest.model)
        var answer = try list()
        if let since = try workspace.lake.table("gold." + forest.table).wholeSince {
            answer.note =
                "gold.\(forest.table) is whole only since \(since): the model has not seen what retention removed before"
        }
        return answer
    }

    /// Puts an earlier version in production; gives the list as it is then.
    ///
    /// - Throws: `ModelError.unknownVersion`.
    public func promote(_ name: String, version: Int) throws -> Answer {
        try workspace.models.promote(name, version: version)
        return try list()
    }

    /// A row for each version of each model, the one in production among them marked.
    public func list() throws -> Answer {
        var answer = Answer(
            [
                ("name", .text), ("version", .int64), ("kind", .text), ("stage", .text), ("trained_at", .timestamp),
                ("trained_on", .int64),
                ("threshold", .double), ("features", .text),
            ],
            rows: try workspace.models.list().map {
                [
                    .text($0.name), .int(Int64($0.version)), .text($0.kind), .text($0.stage), .timestamp($0.trainedAt),
                    .int(Int64($0.trainedOn)),
                    .double($0.threshold),
                    .text($0.features),
                ]
            })
        answer.dispensable = ["features", "trained_on", "kind"]
        return answer
    }

    /// The windows with the highest scores.
    public func score(_ forest: ForestSettings, limit: Int) throws -> Answer {
        guard let (_, model) = try workspace.models.production(forest.model) else {
            throw UsageError("no model is in production; train one with 'obs model train'")
        }
        var rows: [[Value]] = []
        for batch in try windows(of: forest) {
            let scores = model.scores(batch)
            for row in 0..<batch.count {
                rows.append(
                    [.double((scores[row] * 1000).rounded() / 1000), .bool(scores[row] >= model.threshold)] + batch.row(row))
            }
        }
        rows.sort { left, right in
            guard case .double(let a) = left[0], case .double(let b) = right[0] else { return false }
            return a > b
        }
        let schema = Schema(
            [Field("score", .double), Field("is_anomaly", .bool)]
                + (try workspace.lake.table("gold." + forest.table).schema.fields)
        )
        return Answer(schema: schema, rows: Array(rows.prefix(max(1, limit))))
    }

    private func windows(of forest: ForestSettings) throws -> [Batch] {
        var windows: [Batch] = []
        try workspace.lake.table("gold." + forest.table).scan { batch in
            windows.append(batch)
            return true
        }
        return windows
    }
}
