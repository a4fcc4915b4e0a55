/// How a ``RiskModel`` is trained.
public enum RiskAlgorithm: String, Sendable, CaseIterable {
    /// Boosted trees on the columns and on pairs of them, judged and calibrated by cross-validation.
    case boosted
    /// A random forest on the columns, judged by rows that its trees have not seen.
    case forest
}
