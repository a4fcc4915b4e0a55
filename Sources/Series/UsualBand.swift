/// The expected value, and the range that about one value in a hundred leaves.
///
/// Three predictors compete: the recent mean, the hour of the day, the hour of the week. The one with the least recent error is
/// used. The range is its mean absolute error times a factor for each side, which grows by each value outside and shrinks by
/// each inside.
///
/// Source: Gibbs, Candès: Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021 (the factors).
struct UsualBand: Sendable, Equatable {
    /// Share of values that may lie beyond each side.
    private static let tail = 0.005
    private static let gain = 0.5, memory = 300.0
    /// Values that a season must have predicted before it is used.
    private static let leastPredictions = 24.0

    /// What each predictor says; nil where it does not know yet.
    struct Guesses {
        var recent: Double
        var hourOfDay: Double?
        var hourOfWeek: Double?
    }

    struct Range: Equatable {
        var expected, low, high: Double
    }

    /// Absolute errors of each predictor, in the order of ``Guesses``.
    var errors = [RobustLevel](repeating: RobustLevel(), count: 3)
    /// In mean absolute errors; 3.2 holds 99 % of a normal distribution.
    var lowFactor = 3.2, highFactor = 3.2

    func range(_ guesses: Guesses) -> Range {
        var (expected, error) = (guesses.recent, errors[0].mean)
        for (guess, level) in [(guesses.hourOfDay, errors[1]), (guesses.hourOfWeek, errors[2])] {
            guard let guess, level.count > Self.leastPredictions, level.mean < error else { continue }
            (expected, error) = (guess, level.mean)
        }
        return Range(expected: expected, low: expected - lowFactor * error, high: expected + highFactor * error)
    }

    /// Learns how well the guesses and the range of a value were.
    mutating func observe(_ value: Double, _ guesses: Guesses, _ range: Range) {
        errors[0].observe((value - guesses.recent).magnitude, memory: Self.memory)
        if let day = guesses.hourOfDay { errors[1].observe((value - day).magnitude, memory: Self.memory) }
        if let week = guesses.hourOfWeek { errors[2].observe((value - week).magnitude, memory: Self.memory) }
        lowFactor = max(1, lowFactor + Self.gain * ((value < range.low ? 1 : 0) - Self.tail))
        highFactor = max(1, highFactor + Self.gain * ((value > range.high ? 1 : 0) - Self.tail))
    }
}
