import Columns
import Configuration
import Detection
import Foundation
import Lake
import Query

/// What `obs model` does with the registry, and with models of windows.
public struct Models: Sendable {
    /// The alias of the version that judges.
    public static let champion = ModelRegistry.champion
    /// The alias of a version that runs beside the champion.
    public static let challenger = ModelRegistry.challenger

    private let workspace: Workspace

    /// Parts `NAME@ALIAS` or `NAME@VERSION`; a name alone is its champion.
    public static func parts(of reference: String) -> (name: String, at: String) {
        let (name, at) = ModelRegistry.parts(of: reference)
        return (name, at)
    }

    /// The models of a data directory.
    public init(_ workspace: Workspace) {
        self.workspace = workspace
    }

    /// Trains a model on the windows of its gold table, without those in which something is known to have happened.
    ///
    /// - Parameters:
    ///   - algorithm: its name, in the place of the one that the settings have.
    ///   - range: of the windows to train on.
    /// - Throws: `ModelError.tooFewWindows`.
    public func train(
        _ settings: WindowSettings, algorithm: String?, range: ClosedRange<Timestamp>, _ training: RiskModels.Training
    ) throws -> Answer {
        let (windows, leftOut) = try ModelWindows(workspace: workspace, settings: settings).training(range)
        let algorithm = try algorithm.map { try Self.algorithm($0) } ?? settings.algorithm
        guard
            let model = WindowModel(
                table: settings.table, windows: windows, features: settings.features, algorithm: algorithm, seed: training.seed,
                trees: training.trees, now: .now)
        else {
            throw ModelError.tooFewWindows(table: "gold." + settings.table, count: windows.reduce(0) { $0 + $1.count })
        }
        _ = try workspace.models.save(model, name: settings.model, alias: training.alias, tags: training.tags)
        var answer = try list()
        var notes = leftOut > 0 ? ["\(leftOut) windows in which something is known to have happened were left out"] : []
        if let since = try workspace.lake.table("gold." + settings.table).wholeSince {
            notes.append(
                "gold.\(settings.table) is whole only since \(since): the model has not seen what retention removed before")
        }
        answer.note = notes.isEmpty ? nil : notes.joined(separator: "; ")
        return answer
    }

    /// Gives a version an alias; gives the list as it is then.
    ///
    /// - Parameter version: its number, or an alias that it has; nil takes the alias from whichever has it.
    public func setAlias(_ alias: String, of name: String, to version: String?, actor: String) throws -> Answer {
        if let version {
            let entry = try entry(name, version)
            try workspace.models.setAlias(alias, of: name, to: entry.version, actor: actor, now: .now)
        } else {
            try workspace.models.removeAlias(alias, of: name, actor: actor, now: .now)
        }
        return try list()
    }

    /// Makes the champion before the present one the champion again; gives the list as it is then.
    public func rollback(_ name: String, actor: String) throws -> Answer {
        _ = try workspace.models.rollback(name, actor: actor, now: .now)
        return try list()
    }

    /// A row for each version of each model.
    public func list() throws -> Answer {
        var answer = Answer(
            [
                ("name", .text), ("version", .int64), ("aliases", .text), ("kind", .text), ("trained_at", .timestamp),
                ("trained_on", .int64), ("threshold", .double), ("features", .text),
            ],
            rows: try workspace.models.list().map {
                [
                    .text($0.name), .int(Int64($0.version)), .text($0.aliases.joined(separator: " ")), .text($0.kind),
                    .timestamp($0.trainedAt), .int(Int64($0.trainedOn)), .double($0.threshold),
                    .text($0.features.joined(separator: ",")),
                ]
            })
        answer.dispensable = ["features", "trained_on", "kind"]
        return answer
    }

    /// All that the registry knows of a version.
    ///
    /// - Parameter reference: `NAME`, `NAME@ALIAS` or `NAME@VERSION`.
    public func show(_ reference: String) throws -> Answer {
        let (name, at) = ModelRegistry.parts(of: reference)
        let entry = try entry(name, at), scored = try workspace.models.scored(entry)
        var rows: [(String, String)] = [
            ("name", entry.name), ("version", "\(entry.version)"), ("aliases", entry.aliases.joined(separator: " ")),
            ("kind", entry.kind), ("trained_at", "\(entry.trainedAt)"), ("trained_on", "\(entry.trainedOn)"),
            ("trained_from", entry.trainedSpan.map { "\($0.lowerBound)" } ?? ""),
            ("trained_to", entry.trainedSpan.map { "\($0.upperBound)" } ?? ""), ("threshold", "\(entry.threshold)"),
            ("features", entry.features.joined(separator: ",")), ("feature_hash", entry.featureHash),
            ("folder", workspace.models.folder(of: entry)), ("checksum", entry.checksum),
            ("scored_live", "\(scored.rows)"), ("found_live", "\(scored.found)"),
        ]
        rows += entry.parameters.map { ("parameter \($0)", $1) }
        rows += entry.metrics.sorted { $0.key < $1.key }.map { ("metric \($0)", "\($1)") }
        rows += entry.tags.map { ("tag \($0)", $1) }
        // A file that cannot be used is said before anybody relies on what is listed of it.
        var answer = Answer([("what", .text), ("value", .text)], rows: rows.map { [.text($0.0), .text($0.1)] })
        do { _ = try workspace.models.file(of: entry) } catch { answer.note = "\(error)" }
        return answer
    }

    /// The windows with the highest scores, by a version.
    public func score(_ settings: WindowSettings, at reference: String, limit: Int) throws -> Answer {
        let model = try model(settings, reference)
        var rows: [[Value]] = []
        try workspace.lake.table("gold." + settings.table).scan { batch in
            let scores = model.scores(batch)
            for row in 0..<batch.count {
                rows.append(
                    [.double((scores[row] * 1000).rounded() / 1000), .bool(scores[row] >= model.threshold)] + batch.row(row))
            }
            return true
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

    /// What versions find in the windows of a range, beside what rules and people know of them.
    ///
    /// - Parameter references: numbers or aliases.
    public func compare(
        _ settings: WindowSettings, _ references: [String], on range: ClosedRange<Timestamp>
    ) throws -> Answer {
        let entries = try references.map { try entry(settings.model, $0) }
        let models = try references.map { try model(settings, $0) }
        let comparison = ModelComparison(windows: ModelWindows(workspace: workspace, settings: settings))
        let qualities = try comparison.qualities(of: models, on: range)
        var answer = Answer(
            [("version", .int64), ("aliases", .text)] + WindowQuality.columns,
            rows: zip(entries, qualities).map {
                [.int(Int64($0.version)), .text($0.aliases.joined(separator: " "))] + $1.row
            })
        if entries.count == 2 {
            let reason = qualities[1].reasonAgainst(qualities[0])
            answer.note =
                "version \(entries[1].version) is "
                + (reason.map { "worse than version \(entries[0].version): \($0)" }
                    ?? "not worse than version \(entries[0].version)")
        }
        return answer
    }

    /// What `--algorithm` names.
    static func algorithm(_ name: String) throws -> WindowAlgorithm {
        guard let algorithm = WindowAlgorithm(rawValue: name) else {
            let known = WindowAlgorithm.allCases.map(\.rawValue).joined(separator: " or ")
            throw UsageError("--algorithm is '\(name)'; write \(known)")
        }
        return algorithm
    }

    private func model(_ settings: WindowSettings, _ reference: String) throws -> WindowModel {
        guard let found = try workspace.models.model(settings.model, at: reference) else {
            _ = try entry(settings.model, reference)
            throw UsageError("no model '\(settings.model)' is there; train one with 'obs model train'")
        }
        return found.model
    }

    private func entry(_ name: String, _ reference: String) throws -> ModelRegistry.Entry {
        if let entry = try workspace.models.entry(name, at: reference) { return entry }
        throw Int(reference).map { ModelError.unknownVersion(name: name, version: $0) }
            ?? ModelError.unknownAlias(name: name, alias: reference)
    }
}
