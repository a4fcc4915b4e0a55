import Foundation

/// Brings each feature to a common scale: its median becomes 0, its usual spread 1, and what is far out is drawn in by a
/// logarithm, which keeps the order and makes every number finite.
///
/// A feature that never varied in training is left out, since no model of the usual can say how far off another value is; such
/// features are ``constants``. A value that is missing (NaN) counts as usual.
struct FeatureScale: Sendable, Equatable, Codable {
    /// A feature that had one value in all training rows.
    struct Constant: Sendable, Equatable, Codable {
        var feature: Int
        var value: Double
    }

    /// Up to here, in spreads from the median, a value is not drawn in.
    private static let linear = 4.0
    /// Beyond it a value is taken as this, so that differences stay finite.
    private static let greatest = 1e300

    /// Of a row, those left out included.
    let featureCount: Int
    /// The features that vary, in order: what the detectors see.
    let kept: [Int]
    let constants: [Constant]
    /// By kept feature.
    private let medians: [Double]
    /// By kept feature.
    private let spreads: [Double]

    /// - Parameters:
    ///   - rows: one row behind the other, each of `featureCount` values.
    ///   - sample: the rows to learn from.
    init(_ rows: [Double], featureCount: Int, sample: [Int]) {
        var kept: [Int] = [], medians: [Double] = [], spreads: [Double] = [], constants: [Constant] = []
        for feature in 0..<featureCount {
            let sorted = sample.map { Self.bounded(rows[$0 * featureCount + feature]) }.filter { !$0.isNaN }.sorted()
            guard let low = sorted.first, let high = sorted.last, low < high else {
                if let value = sorted.first { constants.append(Constant(feature: feature, value: value)) }
                continue
            }
            kept.append(feature)
            medians.append(sorted[sorted.count / 2])
            spreads.append(Self.spread(sorted))
        }
        self.featureCount = featureCount
        (self.kept, self.medians, self.spreads, self.constants) = (kept, medians, spreads, constants)
    }

    /// Whether it can be applied to a row without leading astray: what decoding a model asks.
    var isSound: Bool {
        let used = kept + constants.map(\.feature)
        return featureCount > 0 && Set(used).count == used.count && used.allSatisfy { (0..<featureCount).contains($0) }
            && medians.count == kept.count && spreads.count == kept.count && medians.allSatisfy(\.isFinite)
            && spreads.allSatisfy { $0 > 0 && $0.isFinite }
    }

    /// The middle half's width as a normal distribution's deviation; where more than half of the values are alike or few
    /// values reach far, at least a tenth of the standard deviation, and the whole of it where the middle half is a point.
    ///
    /// - Parameter sorted: ascending, not all the same.
    private static func spread(_ sorted: [Double]) -> Double {
        let count = Double(sorted.count), unit = max(abs(sorted[0]), abs(sorted[sorted.count - 1]))
        // In units of the greatest value, so that no square overflows.
        let mean = sorted.reduce(0) { $0 + $1 / unit } / count
        let deviation = (sorted.reduce(0) { $0 + ($1 / unit - mean) * ($1 / unit - mean) } / count).squareRoot() * unit
        let middle = (sorted[sorted.count * 3 / 4] / 2 - sorted[sorted.count / 4] / 2) / 0.6745
        let spread = middle > 0 ? max(middle, deviation / 10) : deviation
        return max(spread, .leastNormalMagnitude)
    }

    private static func bounded(_ value: Double) -> Double { value.isNaN ? value : min(max(value, -greatest), greatest) }

    /// How far `value` of the kept feature `index` is from the usual, in usual spreads.
    func scaled(_ value: Double, _ index: Int) -> Float {
        guard !value.isNaN else { return 0 }
        let distance = (Self.bounded(value) - medians[index]) / spreads[index]
        let size = abs(distance)
        guard size > Self.linear else { return Float(distance) }
        let drawnIn = Self.linear + log1p(min(size, .greatestFiniteMagnitude) - Self.linear)
        return Float(distance < 0 ? -drawnIn : drawnIn)
    }

    /// The kept features of a row on the common scale.
    func scaled(_ row: [Double]) -> [Float] { kept.indices.map { scaled(row[kept[$0]], $0) } }

    /// The constant features that are different in this row, which is at `start` of `rows`.
    func broken(_ rows: [Double], at start: Int) -> [Int] {
        constants.compactMap {
            let value = Self.bounded(rows[start + $0.feature])
            return value.isNaN || value == $0.value ? nil : $0.feature
        }
    }
}
