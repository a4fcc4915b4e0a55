import Columns
import Foundation

/// Judges the windows of a gold table by the model that is in production. Where there is none, the first windows are what is
/// known of normal: once they are enough they train one, and are then judged by it themselves.
struct WindowDetector: Detector {
    private let settings: WindowSettings
    private let context: DetectorContext
    private let title: TextTemplate
    private let text: TextTemplate
    /// The model in use and its version.
    private var model: (version: Int, model: WindowModel)?
    private var training: [Batch] = []
    /// The version in production whose file is damaged; the one before is used on, if there was one.
    private var damaged: Int?

    var horizon: Duration { .zero }

    init(_ settings: WindowSettings, _ context: DetectorContext) {
        self.settings = settings
        self.context = context
        title = TextTemplate(settings.title, names: settings.placeholders)
        text = TextTemplate(settings.description, names: settings.placeholders)
        takeProductionModel()
    }

    var figures: DetectorFigures {
        let rows = training.reduce(0) { $0 + $1.count }
        return DetectorFigures(keys: rows, bytes: rows * 8 * (training.first?.schema.count ?? 0))
    }

    /// Uses the version that is in production now, also one that another process has trained or promoted meanwhile.
    private mutating func takeProductionModel() {
        guard let models = context.models, let known = try? models.productionEntry(settings.model),
            known.version != model?.version,
            known.version != damaged
        else { return }
        do {
            guard let (entry, model) = try models.production(settings.model) else { return }
            if damaged != nil { context.note(.modelMended(name: settings.model)) }
            damaged = nil
            context.note(.modelInUse(entry, old: self.model?.version))
            self.model = (entry.version, model)
            training = []
        } catch let error as ModelError {
            // The others go on without it; and no other model takes its place until somebody decides so.
            damaged = known.version
            context.note(.modelDamaged(name: settings.model, error: error))
        } catch {}
    }

    mutating func observe(_ rows: DetectorRows) -> [Finding] {
        let windows = rows.events
        takeProductionModel()
        if let model { return findings(windows, model.model) }
        guard damaged == nil, let models = context.models else { return [] }
        training.append(windows)
        guard training.reduce(0, { $0 + $1.count }) >= context.rowsToTrain else { return [] }
        let start = ContinuousClock.now
        guard
            let new = WindowModel(
                table: settings.table, windows: training, features: settings.features, algorithm: settings.algorithm,
                now: context.now()),
            let entry = try? models.save(new, name: settings.model)
        else { return [] }
        context.note(.modelTrained(entry, took: .now - start))
        model = (entry.version, new)
        defer { training = [] }
        return training.flatMap { findings($0, new) }
    }

    private func findings(_ windows: Batch, _ model: WindowModel) -> [Finding] {
        guard let subjects = windows[settings.by] else { return [] }
        return model.anomalies(windows).map { anomaly in
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

    mutating func updates(_ evidence: EvidenceSource) -> [Finding] { [] }

    // MARK: Checkpoints

    /// The windows that are to train a model.
    mutating func snapshot() -> Data {
        var writer = StateWriter()
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
        guard try reader.bool(), model == nil else { return }
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
