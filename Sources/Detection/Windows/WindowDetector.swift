import Columns
import Foundation

/// Judges the windows of a gold table by the champion of its model. Where there is none, the first windows are what is known of
/// normal: once they are enough they train one, and are then judged by it themselves.
///
/// A challenger scores the same windows: how is recorded, and opens nothing.
struct WindowDetector: Detector {
    /// A version in use, and what it has seen.
    private struct InUse {
        let version: Int
        let model: WindowModel
        var drift: DriftMeter
        var tally = ScoreTally()

        init(_ version: Int, _ model: WindowModel) {
            (self.version, self.model, drift) = (version, model, DriftMeter(model.profile))
        }

        mutating func judge(_ windows: Batch) -> (values: [Double], scores: [Double]) {
            let judged = model.judged(windows)
            drift.add(judged.values, scored: judged.scores, model.profile)
            if let starts = windows["window_start"] {
                tally.add(judged.scores, times: starts, threshold: model.threshold, model.profile.scores)
            }
            return judged
        }
    }

    private let settings: WindowSettings
    private let context: DetectorContext
    private let title: TextTemplate
    private let text: TextTemplate
    /// By alias: the champion and the challenger.
    private var inUse: [String: InUse] = [:]
    private var training: [Batch] = []
    /// By alias the version whose file is damaged; the one before is used on, if there was one.
    private var damaged: [String: Int] = [:]

    var horizon: Duration { .zero }

    init(_ settings: WindowSettings, _ context: DetectorContext) {
        self.settings = settings
        self.context = context
        title = TextTemplate(settings.title, names: settings.placeholders)
        text = TextTemplate(settings.description, names: settings.placeholders)
        takeVersions()
    }

    var figures: DetectorFigures {
        let rows = training.reduce(0) { $0 + $1.count }
        return DetectorFigures(keys: rows, bytes: rows * 8 * (training.first?.schema.count ?? 0))
    }

    /// Uses the versions that are champion and challenger now, also when another process has trained or chosen them meanwhile.
    private mutating func takeVersions() {
        guard let models = context.models, let aliases = try? models.aliases(of: settings.model) else { return }
        for alias in [ModelRegistry.champion, ModelRegistry.challenger] {
            if let version = aliases[alias] {
                take(version, as: alias, of: models)
            } else if alias == ModelRegistry.challenger, let old = inUse.removeValue(forKey: alias) {
                context.note(.modelRetired(name: settings.model, alias: alias, version: old.version))
            }
        }
    }

    private mutating func take(_ version: Int, as alias: String, of models: ModelRegistry) {
        guard version != inUse[alias]?.version, version != damaged[alias] else { return }
        do {
            guard let (entry, model) = try models.model(settings.model, at: String(version), as: WindowModel.self) else { return }
            if damaged.removeValue(forKey: alias) != nil { context.note(.modelMended(name: settings.model)) }
            record(alias)
            context.note(.modelInUse(entry, alias: alias, old: inUse[alias]?.version))
            inUse[alias] = InUse(version, model)
            if alias == ModelRegistry.champion { training = [] }
        } catch let error as ModelError {
            // The others go on without it; and no other model takes its place until somebody decides so.
            damaged[alias] = version
            context.note(.modelDamaged(name: settings.model, error: error))
        } catch {}
    }

    mutating func observe(_ rows: DetectorRows) -> [Finding] {
        let windows = rows.events
        takeVersions()
        if inUse[ModelRegistry.champion] != nil { return judge(windows) }
        guard damaged.isEmpty, let models = context.models else { return [] }
        training.append(windows)
        guard training.reduce(0, { $0 + $1.count }) >= context.rowsToTrain else { return [] }
        let start = ContinuousClock.now
        guard
            let new = WindowModel(
                table: settings.table, windows: training, features: settings.features, algorithm: settings.algorithm,
                now: context.now()),
            let entry = try? models.save(new, name: settings.model, tags: ["trained_by": "the first windows"])
        else { return [] }
        context.note(.modelTrained(entry, took: .now - start))
        inUse[ModelRegistry.champion] = InUse(entry.version, new)
        defer { training = [] }
        return training.flatMap { judge($0) }
    }

    /// What the champion finds; the challenger only scores.
    private mutating func judge(_ windows: Batch) -> [Finding] {
        var findings: [Finding] = []
        for alias in inUse.keys.sorted() {
            guard let judged = inUse[alias]?.judge(windows), let model = inUse[alias]?.model else { continue }
            context.note(.modelScored(name: settings.model, alias: alias, scores: judged.scores))
            if alias == ModelRegistry.champion { findings = self.findings(windows, model, judged) }
        }
        return findings
    }

    private func findings(
        _ windows: Batch, _ model: WindowModel, _ judged: (values: [Double], scores: [Double])
    ) -> [Finding] {
        guard let subjects = windows[settings.by] else { return [] }
        return model.anomalies(windows, judged).map { anomaly in
            let subject = subjects.label(at: anomaly.row) ?? ""
            let telling = anomaly.contributions.prefix(3).map {
                "\($0.feature) \(Self.text($0.value)) (typical \(Self.text($0.typical)))"
            }
            func value(_ name: String) -> String {
                switch name {
                case "feature": anomaly.contributions.first?.feature ?? "no feature"
                case "value": anomaly.contributions.first.map { Self.text($0.value) } ?? ""
                case "features": telling.joined(separator: ", ")
                case "score": String(format: "%.2f", anomaly.score)
                case "threshold": String(format: "%.2f", model.threshold)
                default: subject
                }
            }
            return Finding(
                name: settings.name, detector: settings.kind, severity: settings.severity, labels: [settings.by: subject],
                title: title.filled(value), description: text.filled(value), startsAt: anomaly.start, lastSeen: anomaly.end,
                count: 1,
                contributions: Array(anomaly.contributions.prefix(5)), score: anomaly.score)
        }
    }

    /// Whole numbers without a fraction, others with four digits.
    private static func text(_ value: Double) -> String {
        Int64(exactly: value).map(String.init) ?? String(format: "%.4g", value)
    }

    /// None; what the versions made of the rows of this epoch goes to the registry, and how far these are from the training to
    /// the metrics.
    mutating func updates(_ evidence: EvidenceSource) -> [Finding] {
        for alias in inUse.keys.sorted() { record(alias) }
        return []
    }

    private mutating func record(_ alias: String) {
        guard let used = inUse[alias], !used.tally.days.isEmpty else { return }
        inUse[alias]?.tally = ScoreTally()
        // Where it cannot be written, only figures are lost.
        try? context.models?.add(used.tally, name: settings.model, version: used.version)
        guard let drift = used.drift.drift(used.model.profile) else { return }
        let features = zip(used.model.features, drift.features).map { (feature: $0, index: $1) }
        context.note(.modelDrift(name: settings.model, alias: alias, features: features, scores: drift.scores))
    }

    // MARK: Checkpoints

    /// What the versions in use have seen, and the windows that are to train a model.
    mutating func snapshot() -> Data {
        var writer = StateWriter()
        writer.write(inUse.count)
        for (alias, used) in inUse.sorted(by: { $0.key < $1.key }) {
            writer.write(alias)
            writer.write(used.version)
            var drift = StateWriter()
            used.drift.encode(to: &drift)
            writer.write(Array(drift.data))
        }
        writer.write(!training.isEmpty)
        if let schema = training.first?.schema {
            writer.write(schema.count)
            for field in schema.fields {
                writer.write(field.name)
                writer.write(field.type.rawValue)
                writer.write(field.isNullable)
            }
            let same = training.filter { $0.schema == schema }
            writer.write(same.count)
            for batch in same { writer.write(batch) }
        }
        return writer.data
    }

    mutating func restore(_ snapshot: Data) throws {
        var reader = StateReader(snapshot)
        for _ in 0..<(try reader.count()) {
            let alias = try reader.string(), version = Int(try reader.int64())
            var drift = StateReader(Data(try reader.array()))
            guard inUse[alias]?.version == version else { continue }
            try inUse[alias]?.drift.decode(from: &drift)
        }
        guard try reader.bool(), inUse[ModelRegistry.champion] == nil else { return }
        var fields: [Field] = []
        for _ in 0..<(try reader.count()) {
            let name = try reader.string()
            guard let type = ColumnType(rawValue: try reader.string()), !fields.contains(where: { $0.name == name }) else {
                throw StateReader.Damaged()
            }
            fields.append(Field(name, type, isNullable: try reader.bool()))
        }
        let schema = Schema(fields)
        training = []
        for _ in 0..<(try reader.count()) { training.append(try reader.batch(schema)) }
    }
}
