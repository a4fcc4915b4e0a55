import Columns

/// The entry of a model of the windows of a gold table. Its kind is the algorithm: `ensemble` or `forest`.
///
///     name: SSHAnomalousSource
///     kind: ensemble
///     pipeline: ssh
///     table: ssh_by_source
///     by: source
///     model: ssh-source-windows
///     severity: info
///     title: "Unusual behaviour of {source}: {feature} {value}"
///     description: "Its window scores {score} (threshold {threshold}): {features}."
public struct WindowSettings: DetectorSettings {
    /// One per algorithm.
    public static let kinds = WindowAlgorithm.allCases.map(\.rawValue)

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
    /// What a new model of it is.
    public var algorithm: WindowAlgorithm
    /// The columns that it looks at; nil for all numbers.
    public var features: [String]?
    /// When it is trained anew; nil for only when somebody asks.
    public var retraining: Retraining?
    /// Of its incidents.
    public var severity: Severity
    /// Whether its incidents are notified, only recorded, or only seen by rules on findings.
    public var mode: DetectionMode
    /// With the value of ``by``, `{feature}`, `{value}`, `{score}` and `{threshold}` in braces.
    public var title: String
    /// The same, and `{features}`: the three that stand out most.
    public var description: String

    /// The algorithm.
    public var kind: String { algorithm.rawValue }

    /// The gold table.
    public var rows: RowSource { .table(table) }

    /// What the gold table must have.
    public var requirements: [ColumnRequirement] {
        [ColumnRequirement([(key: "by", columns: [by]), (key: "features", columns: features ?? [])])]
    }

    private enum CodingKeys: CodingKey {
        case name, kind, pipeline, table, by, model, features, retrain, severity, mode, title, description
    }

    /// Of an entry with `kind: ensemble` or `kind: forest`.
    ///
    /// - Throws: one sentence about the first key that cannot be used.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        pipeline = try container.decodeIfPresent(String.self, forKey: .pipeline)
        algorithm = try container.decode(WindowAlgorithm.self, forKey: .kind)
        table = try container.decode(String.self, forKey: .table)
        by = try container.decode(String.self, forKey: .by)
        model = try container.decode(String.self, forKey: .model)
        features = try container.decodeIfPresent([String].self, forKey: .features)
        retraining = try container.decodeIfPresent(Retraining.self, forKey: .retrain)
        severity = try container.decode(Severity.self, forKey: .severity)
        mode = try container.decodeIfPresent(DetectionMode.self, forKey: .mode) ?? .notify
        title = try container.decode(String.self, forKey: .title)
        description = try container.decode(String.self, forKey: .description)
        // The name becomes a file's.
        guard ModelRegistry.isModelName(model)
        else { throw container.refused(.model, "model is '\(model)'; write letters, digits, '-' and '_', at most 64") }
        for (key, text) in [(CodingKeys.title, title), (.description, description)] {
            guard let unknown = TextTemplate.names(in: text).first(where: { !placeholders.contains($0) }) else { continue }
            let known = placeholders.sorted().map { "{\($0)}" }.joined(separator: ", ")
            throw container.refused(key, "'\(key.stringValue)' has {\(unknown)}, which '\(name)' cannot fill; it knows \(known)")
        }
    }

    var placeholders: Set<String> { [by, "feature", "value", "features", "score", "threshold"] }

    /// A detector that uses the model in production, or waits for enough windows to train one.
    public func detector(_ context: DetectorContext) -> any Detector { WindowDetector(self, context) }
}
