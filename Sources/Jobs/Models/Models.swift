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

    /// Trains a model on all windows of its gold table; the new version is in production when it returns.
    ///
    /// - Parameter algorithm: its name, in the place of the one that the settings have.
    /// - Throws: `ModelError.tooFewWindows`.
    public func train(_ settings: WindowSettings, algorithm: String?, seed: UInt64, trees: Int) throws -> Answer {
        let windows = try windows(of: settings)
        let algorithm = try algorithm.map { try Self.algorithm($0) } ?? settings.algorithm
        guard
            let model = WindowModel(
                table: settings.table, windows: windows, features: settings.features, algorithm: algorithm, seed: seed,
                trees: trees, now: .now)
        else {
            throw ModelError.tooFewWindows(table: "gold." + settings.table, count: windows.reduce(0) { $0 + $1.count })
        }
        _ = try workspace.models.save(model, name: settings.model)
        var answer = try list()
        if let since = try workspace.lake.table("gold." + settings.table).wholeSince {
            answer.note =
                "gold.\(settings.table) is whole only since \(since): the model has not seen what retention removed before"
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
    public func score(_ settings: WindowSettings, limit: Int) throws -> Answer {
        guard let (_, model) = try workspace.models.production(settings.model) else {
            throw UsageError("no model is in production; train one with 'obs model train'")
        }
        var rows: [[Value]] = []
        for batch in try windows(of: settings) {
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
                + (try workspace.lake.table("gold." + settings.table).schema.fields)
        )
        return Answer(schema: schema, rows: Array(rows.prefix(max(1, limit))))
    }

    /// What `--algorithm` names.
    static func algorithm(_ name: String) throws -> WindowAlgorithm {
        guard let algorithm = WindowAlgorithm(rawValue: name) else {
            let known = WindowAlgorithm.allCases.map(\.rawValue).joined(separator: " or ")
            throw UsageError("--algorithm is '\(name)'; write \(known)")
        }
        return algorithm
    }

    private func windows(of settings: WindowSettings) throws -> [Batch] {
        var windows: [Batch] = []
        try workspace.lake.table("gold." + settings.table).scan { batch in
            windows.append(batch)
            return true
        }
        return windows
    }
}
