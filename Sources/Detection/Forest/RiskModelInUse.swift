import Columns
import Synchronization

/// A risk model that scores the rows of a pipeline, and how far these are from what it was trained on.
///
/// Several pipelines may use it at once. What it has seen is forgotten with it: a new champion, and obs after a restart, begin
/// anew, and say something again after 200 rows.
public final class RiskModelInUse: Sendable {
    private let model: RiskModel
    private let meter: Mutex<DriftMeter>

    /// A model that has seen no rows yet.
    public init(_ model: RiskModel) {
        self.model = model
        meter = Mutex(DriftMeter(model.profile))
    }

    /// The probability of each row to be of the class that matters.
    ///
    /// - Throws: ``ModelError/missingFeature(_:)``.
    public func scores(_ rows: Batch) throws(ModelError) -> [Double] {
        let columns = try model.layout.columns(of: [rows])
        var values: [Double] = []
        values.reserveCapacity(rows.count * columns.count)
        for row in 0..<rows.count { for column in columns { values.append(column[row]) } }
        let scores = model.scores(columns: columns, count: rows.count)
        meter.withLock { $0.add(values, scored: scores, model.profile) }
        return scores
    }

    /// The population stability index of each feature and of the scores against the training; nil while too few rows were seen.
    public var drift: (features: [(feature: String, index: Double)], scores: Double)? {
        guard let drift = meter.withLock({ $0.drift(model.profile) }) else { return nil }
        return (zip(model.features, drift.features).map { ($0, $1) }, drift.scores)
    }
}
