import Columns

/// A model that the registry keeps. Its file is its JSON (``ModelFile``), and decoding it checks that it holds together.
public protocol RegisteredModel: Sendable, Codable {
    /// Tells the types of models apart in the registry and in files.
    static var kind: String { get }
    /// The columns that it looks at, in their order.
    var features: [String] { get }
    /// A line per feature: `number: COLUMN`, or `text: COLUMN` and the values that it knows. Models with the same lines take the
    /// same rows.
    var featureSchema: [String] { get }
    /// From this score on a row is an anomaly, or at risk.
    var threshold: Double { get }
    /// How many rows.
    var trainedOn: Int { get }
    /// By the clock of the machine that trained it.
    var trainedAt: Timestamp { get }
    /// The times of the first and the last row that it was trained on; nil where rows have no time.
    var trainedSpan: ClosedRange<Timestamp>? { get }
    /// What it was trained with, by name, such as the seed.
    var parameters: Labels { get }
    /// How good it was found in training, by name.
    var metrics: [String: Double] { get }

    /// The score of each row, in their order.
    ///
    /// - Throws: ``ModelError/missingFeature(_:)``.
    func scores(of rows: Batch) throws(ModelError) -> [Double]
}

extension RegisteredModel {
    /// Each column by itself, as a number.
    public var featureSchema: [String] { features.map { "number: \($0)" } }
    /// None.
    public var trainedSpan: ClosedRange<Timestamp>? { nil }
    /// None.
    public var parameters: Labels { [:] }
    /// None.
    public var metrics: [String: Double] { [:] }
}

/// The types of models that are in files. A new one is a type that conforms to ``RegisteredModel`` and a line here.
enum ModelKinds {
    static let all: [any RegisteredModel.Type] = [WindowModel.self, RiskModel.self]
}

extension WindowModel: RegisteredModel {
    /// `windows`.
    public static let kind = "windows"

    /// The score of each row; a row lacks no column that is a feature, but its value may be missing.
    public func scores(of rows: Batch) throws(ModelError) -> [Double] {
        for feature in features where rows[feature] == nil { throw .missingFeature(feature) }
        return scores(rows)
    }
}
