import Columns
import Foundation

/// The entry of an isolation forest on the windows of a gold table.
///
///     name: SSHAnomalousSource
///     kind: forest
///     pipeline: ssh
///     table: ssh_by_source
///     by: source
///     model: ssh-source-windows
///     severity: info
///     title: "Unusual behaviour of {source}: {feature} {value}"
///     description: "Its window scores {score} (threshold {threshold}): {features}."
public struct ForestSettings: DetectorSettings {
    /// `forest`.
    public static let kind = "forest"

    /// In CamelCase; its runbook has this name.
    public var name: String
    /// The pipeline whose windows it judges; nil for each that has the table and the columns.
    public var pipeline: String?
    /// The gold table whose windows it judges.
    public var table: String
    /// The column that says what a window is about.
    public var by: String
    /// The name of the model in the registry.
    public var model: String
    /// The columns that it looks at; nil for all numbers.
    public var features: [String]?
    /// Of its incidents.
    public var severity: Severity
    /// Whether its incidents are notified, only recorded, or only seen by rules on findings.
    public var mode: DetectionMode
    /// With the value of ``by``, `{feature}`, `{value}`, `{score}` and `{threshold}` in braces.
    public var title: String
    /// The same, and `{features}`: the three that stand out most.
    public var description: String

    /// The gold table.
    public var rows: RowSource { .table(table) }

    /// What the gold table must have.
    public var requirements: [ColumnRequirement] {
        [ColumnRequirement([(key: "by", columns: [by]), (key: "features", columns: features ?? [])])]
    }

    private enum CodingKeys: CodingKey { case name, pipeline, table, by, model, features, severity, mode, title, description }

    /// Of an entry with `kind: forest`.
    ///
    /// - Throws: one sentence about the first key that cannot be used.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        pipeline = try container.decodeIfPresent(String.self, forKey: .pipeline)
        table = try container.decode(String.self, forKey: .table)
        by = try container.decode(String.self, forKey: .by)
        model = try container.decode(String.self, forKey: .model)
        features = try container.decodeIfPresent([String].self, forKey: .features)
        severity = try container.decode(Severity.self, forKey: .severity)
        mode = try container.decodeIfPresent(DetectionMode.self, forKey: .mode) ?? .notify
        title = try container.decode(String.self, forKey: .title)
        description = try container.decode(String.self, forKey: .description)
        // The name becomes a file's.
        guard !model.isEmpty, model.utf8.count <= 64,
            model.utf8.allSatisfy({
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            })
        else { throw container.refused(.model, "model is '\(model)'; write letters, digits, '-' and '_', at most 64") }
        for (key, text) in [(CodingKeys.title, title), (.description, description)] {
            guard let unknown = TextTemplate.names(in: text).first(where: { !placeholders.contains($0) }) else { continue }
            let known = placeholders.sorted().map { "{\($0)}" }.joined(separator: ", ")
            throw container.refused(key, "'\(key.stringValue)' has {\(unknown)}, which '\(name)' cannot fill; it knows \(known)")
        }
    }

    var placeholders: Set<String> { [by, "feature", "value", "features", "score", "threshold"] }

    /// A detector that uses the model in production, or waits for enough windows to train one.
    public func detector(_ context: DetectorContext) -> any Detector { ForestDetector(self, context) }
}

/// Judges the windows of a gold table by the model that is in production. Where there is none, the first windows are what is
/// known of normal: once they are enough they train one, and are then judged by it themselves.
struct ForestDetector: Detector {
    private let settings: ForestSettings
    private let context: DetectorContext
    private let title: TextTemplate
    private let text: TextTemplate
    /// The model in use and its version.
    private var model: (version: Int, model: WindowModel)?
    private var training: [Batch] = []
    /// The version in production whose file is damaged; the one before is used on, if there was one.
    private var damaged: Int?

    var horizon: Duration { .zero }

    init(_ settings: ForestSettings, _ context: DetectorContext) {
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
        guard training.reduce(0, { $0 + $1.count }) >= WindowModel.automaticRows else { return [] }
        let start = ContinuousClock.now
        guard let new = WindowModel(table: settings.table, windows: training, features: settings.features, now: context.now()),
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
            let first = anomaly.contributions[0]
            let telling = anomaly.contributions.prefix(3).map { "\($0.feature) \(Int($0.value)) (typical \(Int($0.typical)))" }
            func value(_ name: String) -> String {
                switch name {
                case "feature": first.feature
                case "value": String(Int(first.value))
                case "features": telling.joined(separator: ", ")
                case "score": String(format: "%.2f", anomaly.score)
                case "threshold": String(format: "%.2f", model.threshold)
                default: subject
                }
            }
            return Finding(
                name: settings.name, detector: ForestSettings.kind, severity: settings.severity, labels: [settings.by: subject],
                title: title.filled(value), description: text.filled(value), startsAt: anomaly.start, lastSeen: anomaly.end,
                count: 1,
                contributions: Array(anomaly.contributions.prefix(5)), score: anomaly.score)
        }
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
