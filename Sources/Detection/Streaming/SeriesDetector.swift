import Columns
import Foundation

/// Watches one series of numbers and says of each how unusual it is after the ones before it, from 0 to 1: above a half it is the
/// most surprising of a long while.
///
/// A value's surprise is how many deviations it lies from two levels of the series, a slow and a fast one, each an exponentially
/// weighted mean with its mean absolute deviation; one outlier does not move a level, because what counts of it is bounded. A
/// surprise by itself says little, since one series is calm and another is not: so it is compared with the greatest surprise of
/// the last ``Options/window`` values of the same series. The score is r ÷ (1 + r) of that ratio r.
///
/// The state is the levels and the surprises that may still become the greatest: a few dozen numbers.
///
/// Source: Roberts: Control Chart Tests Based on Geometric Moving Averages, Technometrics 1959 (the levels).
public struct SeriesDetector: Sendable, Codable {
    struct Options: Sendable, Codable {
        /// How many values the slow level remembers, about.
        var slow = 3000.0
        /// The same of the fast one.
        var fast = 20.0
        var slowWeight = 1.5
        var fastWeight = 0.4
        /// A value counts for its level as at most so many deviations off.
        var bound = 10.0
        /// How far back surprises are compared.
        var window = 900
        /// A surprise is compared with at least this (as log(1 + deviations)): on a constant series the first wiggle is no
        /// anomaly of the year.
        var floor = 1.2
        /// Values before anything is an anomaly.
        var warmUp = 150

        init() {}
    }

    /// An exponentially weighted mean, and the mean deviation from it.
    private struct Level: Sendable, Codable {
        var mean = 0.0
        var deviation = 0.0
        var count = 0.0

        private var scale: Double { max(deviation, 1e-9 * max(1, mean.magnitude)) }

        /// How many deviations `value` is off; 0 while nothing is known.
        func surprise(_ value: Double) -> Double { count > 1 ? ((value - mean) / scale).magnitude : 0 }

        mutating func update(_ value: Double, memory: Double, bound: Double) {
            count += 1
            let rate = max(1 / count, 1 / memory)
            guard count > 2 else {
                mean += rate * (value - mean)
                deviation = max(deviation, (value - mean).magnitude)
                return
            }
            let difference = min(max(value - mean, -bound * scale), bound * scale)
            mean += rate * difference
            deviation += rate * (difference.magnitude - deviation)
        }
    }

    private let options: Options
    private var slow = Level()
    private var fast = Level()
    private var count = 0
    /// Surprises that are greater than all later ones, oldest first: the first is the greatest of the window.
    private var greatest: [Past] = []

    private struct Past: Sendable, Codable {
        var number: Int
        var surprise: Double
    }

    /// With the parameters that suit counts and durations of services.
    public init() {
        self.init(Options())
    }

    init(_ options: Options) {
        self.options = options
    }

    /// The score of the next value; what is not finite has the score 0 and is not remembered.
    public mutating func observe(_ value: Double) -> Double {
        // Beyond this differences overflow; such a number is a mistake of whoever wrote it.
        guard value.magnitude < 1e150 else { return 0 }
        count += 1
        let surprise = log1p(max(options.slowWeight * slow.surprise(value), options.fastWeight * fast.surprise(value)))
        slow.update(value, memory: options.slow, bound: options.bound)
        fast.update(value, memory: options.fast, bound: options.bound)
        let ratio = greatest.first.map { surprise / max($0.surprise, options.floor) } ?? 0
        while let last = greatest.last, last.surprise <= surprise { greatest.removeLast() }
        greatest.append(Past(number: count, surprise: surprise))
        if greatest[0].number <= count - options.window { greatest.removeFirst() }
        return count < options.warmUp ? 0 : ratio / (1 + ratio)
    }
}

// MARK: Checkpoints

extension SeriesDetector {
    /// Without the options, which whoever reads it knows.
    func encode(to writer: inout StateWriter) {
        for level in [slow, fast] {
            writer.write(level.mean)
            writer.write(level.deviation)
            writer.write(level.count)
        }
        writer.write(count)
        writer.write(greatest.count)
        for past in greatest {
            writer.write(past.number)
            writer.write(past.surprise)
        }
    }

    init(from reader: inout StateReader, _ options: Options = Options()) throws(StateReader.Damaged) {
        self.init(options)
        slow = try Self.level(&reader)
        fast = try Self.level(&reader)
        count = try reader.int()
        guard (0...1 << 48).contains(count) else { throw StateReader.Damaged() }
        for _ in 0..<(try reader.count()) {
            let past = Past(number: try reader.int(), surprise: try reader.double())
            guard (0...count).contains(past.number) else { throw StateReader.Damaged() }
            greatest.append(past)
        }
    }

    private static func level(_ reader: inout StateReader) throws(StateReader.Damaged) -> Level {
        let level = Level(mean: try reader.double(), deviation: try reader.double(), count: try reader.double())
        guard [level.mean, level.deviation, level.count].allSatisfy(\.isFinite) else { throw StateReader.Damaged() }
        return level
    }
}
