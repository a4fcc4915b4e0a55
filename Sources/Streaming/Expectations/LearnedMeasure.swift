import Columns
import Foundation
import Series

/// One measure of the rows of a pipeline, with what is usual of it.
struct LearnedMeasure: Sendable {
    /// How unusual a value must be; see ``SeriesDetector``. It is twice as far from usual as the most unusual value of a long
    /// while.
    private static let threshold = 0.8
    /// Nothing is said before: a first weekend is not a failure.
    private static let learns = Duration.seconds(7 * 86_400)
    /// So many values in a row outside of what is usual are unusual, however far they are off: what sinks to half in steps is no
    /// surprise at any of them.
    private static let leastInRow = 4
    /// What lasts longer than this has become usual.
    private static let patience = Duration.seconds(86_400)

    let measure: UsualExpectation.Measure
    /// Empty where the measure is of rows and not of a column.
    let column: String

    private var detector = SeriesDetector()
    /// The time of the first value.
    private var first: Timestamp?
    /// The newest values that lie outside of what is usual, in a row.
    private var outside = 0
    /// Since when it is unlike usual; nil while it is as expected.
    private(set) var since: Timestamp?
    /// The newest value, and what was expected of it.
    private(set) var shown: Shown?

    struct Shown: Sendable, Equatable {
        var value, expected, low, high: Double
    }

    init(_ measure: UsualExpectation.Measure, column: String = "") {
        self.measure = measure
        self.column = column
    }

    /// Takes the next value: judges it, and learns from it unless it is unusual.
    ///
    /// - Parameter rows: how many rows it was measured of.
    mutating func observe(_ value: Double, at time: Timestamp, rows: Int = 0) {
        judge(value, at: time, rows: rows, isWhole: true)
        learn(value, at: time)
    }

    /// Takes the next value without judging it.
    mutating func learn(_ value: Double, at time: Timestamp) {
        first = first ?? time
        let isLearned = since.map { time - $0 >= Self.patience } ?? true
        _ = detector.observe(scaled(value), at: time, learning: isLearned)
    }

    /// Says of a value whether it is unusual, and learns nothing.
    ///
    /// - Parameter isWhole: whether it is a value of its own and not one of several looks at the same.
    mutating func judge(_ value: Double, at time: Timestamp, rows: Int = 0, isWhole: Bool = false) {
        // What is learned at this value is forgotten with the copy.
        var detector = detector
        let reading = detector.observe(scaled(value), at: time, learning: false)
        let shown = Shown(
            value: value, expected: unscaled(reading.expected), low: unscaled(reading.low), high: unscaled(reading.high))
        self.shown = shown
        let isKnown = first.map { time - $0 >= Self.learns } ?? false
        guard isKnown, matters(shown, rows: rows) else {
            outside = 0
            return since = nil
        }
        if isWhole { outside += 1 }
        // A second stall within a while is part of the first to the detector, which then gives it a small score.
        let isSurprise = measure == .freshness ? reading.isUnusual : reading.score >= Self.threshold
        if isSurprise || outside >= Self.leastInRow { since = since ?? time }
    }

    // MARK: The scale of a measure

    /// Counts scatter by about their root and ages by a factor: so scaled, a drop to half means the same by day and by night.
    private func scaled(_ value: Double) -> Double {
        switch measure {
        case .volume, .distinct: value.squareRoot()
        case .freshness: log1p(value)
        case .nulls: (value * 100).rounded() / 100
        }
    }

    private func unscaled(_ value: Double) -> Double {
        switch measure {
        case .volume, .distinct: max(0, value) * max(0, value)
        case .freshness: max(0, expm1(min(value, 40)))
        case .nulls: min(max(value, 0), 1)
        }
    }

    /// Whether it lies outside of what is usual by more than chance alone would give, or anybody would care for.
    private func matters(_ shown: Shown, rows: Int) -> Bool {
        guard shown.value < shown.low || shown.value > shown.high else { return false }
        let difference = (shown.value - shown.expected).magnitude
        switch measure {
        case .volume, .distinct:
            let most = max(shown.value, shown.expected, 1)
            return difference > 3 * most.squareRoot() && difference > 0.1 * shown.expected
        case .freshness: return shown.value > shown.expected + 60
        case .nulls:
            let share = min(max(shown.expected, 1 / Double(max(rows, 1))), 0.5)
            return difference > max(0.02, 4 * (share * (1 - share) / Double(max(rows, 1))).squareRoot())
        }
    }

    /// What is shown, in a sentence without an end; nil before the first value.
    var sentence: String? { shown.map { measure.sentence($0, column: column) } }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        detector.encode(to: &writer)
        for time in [first, since] { writer.write(time.map { .timestamp($0) } ?? Value.null) }
        writer.write(outside)
        writer.write(shown != nil)
        if let shown { for value in [shown.value, shown.expected, shown.low, shown.high] { writer.write(value) } }
    }

    mutating func decode(from reader: inout StateReader) throws {
        detector = try SeriesDetector(from: &reader)
        (first, since) = (try Self.time(&reader), try Self.time(&reader))
        outside = try reader.int()
        shown = nil
        guard try reader.bool() else { return }
        shown = Shown(
            value: try reader.double(), expected: try reader.double(), low: try reader.double(), high: try reader.double())
    }

    private static func time(_ reader: inout StateReader) throws -> Timestamp? {
        switch try reader.value() {
        case .null: nil
        case .timestamp(let time): time
        default: throw StateReader.Damaged()
        }
    }
}
