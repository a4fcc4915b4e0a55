import Columns
import Configuration
import Detection
import Foundation
import Query
import Simulation
import Telemetry

/// What `obs model` does with models of risk, and with tables in files.
public struct RiskModels: Sendable {
    /// What the pipeline `rail` asks for.
    public static let railModel = "rail-fault-risk"
    private let workspace: Workspace

    /// The models of a data directory.
    public init(_ workspace: Workspace) {
        self.workspace = workspace
    }

    /// How a model is trained, and how it is kept.
    public struct Training: Sendable {
        /// Of a model of risk: ``RiskAlgorithm``'s words.
        public var algorithm: String?
        /// The same seed and rows give the same model.
        public var seed: UInt64 = 1
        /// Taken as the nearest number from 1 to 10,000; of boosted trees the most.
        public var trees = 100
        /// Rare rows count as much together as common ones.
        public var isBalanced = false
        /// What the new version becomes; nil for nothing.
        public var alias: String? = ModelRegistry.champion
        /// Notes on the new version, by name.
        public var tags: Labels = [:]

        /// A hundred trees of rows that count alike.
        public init() {}
    }

    /// Trains the model of fault risk on a simulated history of the fleet.
    public func trainRail(days: Int, _ training: Training) throws -> Answer {
        guard (1...365).contains(days) else { throw UsageError("--days is '\(days)'; write a number from 1 to 365") }
        let table = RailHistory.table(seed: training.seed, days: days, start: Timestamp(year: 2026, month: 1, day: 1))
        var training = training
        // The pipeline `rail` alarms from a share of votes of 0.7 on, which calibrated probabilities of rare faults do not reach.
        training.algorithm = training.algorithm ?? RiskAlgorithm.forest.rawValue
        return try train(table, "simulated rail, \(days) days", label: "breaks_down", name: Self.railModel, training)
    }

    /// Trains a model on a CSV file with headings, as the next version of `name`.
    public func train(csv path: String, label: String, name: String, _ training: Training) throws -> Answer {
        try train(try CSVTable(path: path).batch, path, label: label, name: name, training)
    }

    private func train(_ table: Batch, _ source: String, label: String, name: String, _ training: Training) throws -> Answer {
        // The name becomes a file's.
        guard ModelRegistry.isModelName(name) else {
            throw UsageError("--name is '\(name)'; write letters, digits, '-' and '_', at most 64")
        }
        let asked = training.algorithm ?? RiskAlgorithm.boosted.rawValue
        guard let algorithm = RiskAlgorithm(rawValue: asked) else {
            throw UsageError("--algorithm is '\(asked)'; of rows with a label, write boosted or forest")
        }
        let model = try RiskModel(
            table: source, rows: [table], label: label, excluding: ["vehicle", "time"], algorithm: algorithm,
            seed: training.seed, trees: training.trees, isBalanced: training.isBalanced, now: .now)
        let entry = try workspace.models.save(model, name: name, alias: training.alias, tags: training.tags)
        return Self.describe(model, entry)
    }

    private static func describe(_ model: RiskModel, _ entry: ModelRegistry.Entry) -> Answer {
        let isBoosted = model.reliability != nil, judged = isBoosted ? "cross-validated" : "out-of-bag"
        var rows: [[Value]] = [
            ["model", .text("\(entry.name) version \(entry.version)")],
            ["trained on", .text("\(entry.trainedOn) rows of \(model.table)")],
            ["trees", .text("\(model.parameters["trees"] ?? "")\(isBoosted ? ", boosted" : "")")],
            [.text("\(judged) area under ROC"), .text(String(format: "%.4f", model.quality.areaUnderROC))],
            [.text("\(judged) average precision"), .text(String(format: "%.4f", model.quality.averagePrecision))],
            ["threshold", .text(String(format: "%.3f", model.threshold))],
            ["precision there", .text(String(format: "%.3f", model.quality.precision))],
            ["recall there", .text(String(format: "%.3f", model.quality.recall))],
        ]
        if let reliability = model.reliability {
            rows.append(["Brier score", .text(String(format: "%.4f", reliability.brierScore))])
            rows.append(["calibration error", .text(String(format: "%.4f", reliability.calibrationError))])
            for bin in reliability.bins {
                let text = String(format: "%.3f predicted, %.3f true", bin.predicted, bin.observed)
                rows.append([
                    .text(String(format: "probability %.2f to %.2f", bin.from, bin.to)), .text("\(bin.rows) rows, \(text)"),
                ])
            }
        }
        // What hardly matters would only hide what does; of a few columns all are shown.
        for (feature, importance) in model.importances.prefix(20) {
            rows.append([.text("importance of \(feature)"), .text(String(format: "%.3f", importance))])
        }
        return Answer([("what", .text), ("value", .text)], rows: rows)
    }

    /// The score of each row of a CSV file, in its order, by a model of either kind.
    ///
    /// - Parameter reference: `NAME`, `NAME@ALIAS` or `NAME@VERSION`.
    public func scores(csv path: String, model reference: String) throws -> [Double] {
        let (name, at) = ModelRegistry.parts(of: reference)
        guard let entry = try workspace.models.entry(name, at: at) else { throw Self.noModel(name, at) }
        return try workspace.models.file(of: entry).model().scores(of: CSVTable(path: path).batch)
    }

    /// The same by a file of a model, or the folder that it is in, without any registry.
    public static func scores(csv path: String, file: String) throws -> [Double] {
        try ModelFile(reading: file).model().scores(of: CSVTable(path: path).batch)
    }

    /// How well versions of a model do on a CSV file that tells the truth in `label`.
    ///
    /// - Parameter references: numbers or aliases.
    public func evaluate(csv path: String, label: String?, model name: String, at references: [String]) throws -> Answer {
        let table = try CSVTable(path: path).batch
        let rows = try references.map { reference in
            guard let (entry, model) = try workspace.models.model(name, at: reference, as: RiskModel.self) else {
                throw Self.noModel(name, reference)
            }
            let label = label ?? model.label
            guard let quality = try model.quality(on: table, label: label), let truth = table[label] else {
                throw UsageError("\(path): '\(label)' is the same in every row; rows of both kinds are needed")
            }
            let positives = (0..<table.count).count { (truth.number(at: $0) ?? 0) != 0 }
            return [
                .int(Int64(entry.version)), .text(entry.aliases.joined(separator: " ")), .int(Int64(table.count)),
                .int(Int64(positives)), .double(quality.areaUnderROC), .double(quality.averagePrecision),
                .double(model.threshold), .double(quality.precision), .double(quality.recall),
            ] as [Value]
        }
        return Answer(
            [
                ("version", .int64), ("aliases", .text), ("rows", .int64), ("positive", .int64), ("auc", .double),
                ("average_precision", .double), ("threshold", .double), ("precision", .double), ("recall", .double),
            ], rows: rows)
    }

    private static func noModel(_ name: String, _ reference: String) -> any Error {
        if let version = Int(reference) { return ModelError.unknownVersion(name: name, version: version) }
        guard reference == ModelRegistry.champion else { return ModelError.unknownAlias(name: name, alias: reference) }
        return UsageError(
            "no model '\(name)' is there; train one with 'obs model train --csv FILE --label COLUMN --name \(name)'")
    }

    /// The anomaly score of each row of a CSV file by an algorithm that is trained on the same rows, so that no knowledge of what
    /// is normal is needed.
    public static func anomalyScores(
        csv path: String, algorithm: String, seed: UInt64, trees: Int
    ) throws -> [Double] {
        let algorithm = try Models.algorithm(algorithm)
        guard let scores = try CSVTable(path: path).batch.anomalyScores(algorithm, seed: seed, trees: trees) else {
            throw UsageError("\(path): at least two rows of numbers are needed")
        }
        return scores
    }
}
