import Foundation

/// Watches one series of numbers and says of each how far it is from what the ones before it led one to expect, from 0 to 1.
///
/// Three views of the same series, each with exponentially weighted memory, so that the state is a few numbers however long the series is:
///
/// - the value against a slow robust level (how unusual is it at all),
/// - the value against a fast one (a jump),
/// - the mean of a short window of surprises against the long run of them (a lasting change of behaviour).
///
/// The raw surprise is turned into a probability by its own recent distribution: the likelihood that so much surprise within a short window is chance. So a noisy series
/// must do more to be noticed than a calm one.
///
/// Sources: Roberts: Control Chart Tests Based on Geometric Moving Averages, Technometrics 1959 (EWMA); Lavin, Ahmad: Evaluating Real-Time Anomaly Detection
/// Algorithms, ICMLA 2015, section 3 (anomaly likelihood).
public struct SeriesDetector: Sendable, Codable {
    public struct Options: Sendable, Codable {
        /// How many values the slow level remembers, about.
        public var slow = 400.0
        /// The same of the fast one.
        public var fast = 30.0
        /// How many surprises the short window holds.
        public var window = 8.0
        /// Values before anything is an anomaly.
        public var warmUp = 150

        public init() {}
    }

    /// An exponentially weighted mean, and the mean deviation from it.
    struct Level: Sendable, Codable {
        var mean = 0.0
        var deviation = 0.0
        var count = 0.0

        /// How many deviations `value` is off, with its sign; 0 while nothing is known.
        func surprise(_ value: Double) -> Double {
            guard count > 1 else { return 0 }
            let scale = max(deviation, 1e-9 * max(1, mean.magnitude))
            return (value - mean) / scale
        }

        /// - Parameter bound: what is further off than so many deviations counts as that far: one outlier does not move the level.
        mutating func update(_ value: Double, memory: Double, bound: Double) {
            count += 1
            let rate = max(1 / count, 1 / memory)
            guard count > 2 else {
                mean += rate * (value - mean)
                deviation = max(deviation, (value - mean).magnitude)
                return
            }
            let limit = bound * max(deviation, 1e-9 * max(1, mean.magnitude))
            let difference = min(max(value - mean, -limit), limit)
            mean += rate * difference
            deviation += rate * (difference.magnitude - deviation)
        }
    }

    private let options: Options
    private var slow = Level()
    private var fast = Level()
    private var step = Level()
    private var surprises = Level()
    private var short = 0.0
    private var previous: Double?
    private var count = 0

    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// The score of the next value; what is not finite has the score 0 and is not remembered.
    public mutating func observe(_ value: Double) -> Double {
        guard value.isFinite else { return 0 }
        count += 1
        let change = previous.map { value - $0 } ?? 0
        previous = value
        let surprise = max(
            slow.surprise(value).magnitude, 0.8 * fast.surprise(value).magnitude, 0.8 * step.surprise(change).magnitude)
        slow.update(value, memory: options.slow, bound: 6)
        fast.update(value, memory: options.fast, bound: 6)
        step.update(change, memory: options.slow, bound: 6)
        let bounded = log1p(min(surprise, 1e6))
        short += (bounded - short) / min(Double(count), options.window)
        let unusual = surprises.surprise(short)
        surprises.update(bounded, memory: options.slow * 2, bound: 8)
        guard count > options.warmUp, unusual > 0 else { return 0 }
        // The mean of a window of n varies by the square root of n less than one value does; the deviation is the mean absolute one, 0.8 of the standard one.
        let z = unusual * 0.8 * options.window.squareRoot() / 2
        let tail = 0.5 * erfc(z / 2.0.squareRoot())
        // Most of the scale is spent on what is rare: 1e-2 is 0.2, 1e-10 is 1.
        return min(1, max(0, -log10(max(tail, 1e-10)) / 10))
    }
}
