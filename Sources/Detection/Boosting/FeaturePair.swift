/// A feature that a model makes of two columns of numbers: what fails is often a relation, such as the power that is torque times
/// speed, and trees that cut one column at a time need very many cuts to draw it.
struct FeaturePair: Sendable, Codable, Hashable {
    enum Operation: String, Sendable, Codable, CaseIterable {
        case product, difference, ratio
    }

    /// Of more columns than this only those that tell most by themselves are paired.
    static let maxColumns = 12

    let operation: Operation
    /// Indices of features; `left` is below `right`.
    let left: Int
    let right: Int

    /// All that can be made of pairs of `columns`, which ascend.
    static func all(of columns: [Int]) -> [FeaturePair] {
        columns.indices.flatMap { index in
            columns[(index + 1)...].flatMap { right in
                Operation.allCases.map { FeaturePair(operation: $0, left: columns[index], right: right) }
            }
        }
    }

    /// - Returns: NaN where a value is missing, and where the result is not a finite number.
    func value(_ left: Double, _ right: Double) -> Double {
        let value =
            switch operation {
            case .product: left * right
            case .difference: left - right
            case .ratio: left / right
            }
        return value.isFinite ? value : .nan
    }

    /// As people write it, such as `torque × speed`.
    func name(of features: [String]) -> String {
        switch operation {
        case .product: "\(features[left]) × \(features[right])"
        case .difference: "\(features[left]) − \(features[right])"
        case .ratio: "\(features[left]) ÷ \(features[right])"
        }
    }

    /// Whether it can be made of rows of `featureCount` values: what decoding a model asks.
    func isSound(featureCount: Int) -> Bool { left >= 0 && left < right && right < featureCount }
}
