/// An exponentially weighted mean and the mean absolute deviation from it, which an outlier cannot drag away.
///
/// A value counts as at most ``bound`` deviations off, so that an outlier moves the mean only as far as an ordinary large value
/// would. The first values count equally: the mean is exact until ``count`` reaches the memory.
///
/// Sources: Roberts: Control Chart Tests Based on Geometric Moving Averages, Technometrics 1959 (the mean);
/// Huber: Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 1964 (the bound).
struct RobustLevel: Sendable, Equatable {
    private static let bound = 10.0

    var mean = 0.0
    var deviation = 0.0
    /// Values so far; a whole number.
    var count = 0.0

    /// The deviation, never zero: that of a constant series is a billionth of its value.
    var scale: Double { max(deviation, 1e-9 * max(1, mean.magnitude)) }

    /// How many deviations `value` lies above (positive) or below the mean; 0 before the third value.
    ///
    /// - Parameter unit: the least that counts as a deviation.
    func distance(to value: Double, unit: Double = 0) -> Double { count > 1 ? (value - mean) / max(scale, unit) : 0 }

    /// - Parameter memory: how many values the mean remembers, about.
    mutating func observe(_ value: Double, memory: Double) {
        count += 1
        let rate = max(1 / count, 1 / memory)
        guard count > 2 else {
            mean += rate * (value - mean)
            deviation = max(deviation, (value - mean).magnitude)
            return
        }
        let difference = min(max(value - mean, -Self.bound * scale), Self.bound * scale)
        mean += rate * difference
        deviation += rate * (difference.magnitude - deviation)
    }
}
