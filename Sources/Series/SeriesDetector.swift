import Columns
import Foundation

/// Watches one series of values in time and says of each how unusual it is after the ones before it.
///
/// Each ``Aspect`` is a statistic of the series, with a level that it usually has. Its surprise is log(1 + deviations from that
/// level), its evidence how far the surprise exceeds its own ``SurpriseRecord``. The strongest evidence e decides. The score is
/// exp(−exp(−2e)), the distribution function of an extreme value: the probability that a stretch of usual values as long as the
/// memory has no surprise like this one. It means the same on every series: 0.37 equals the record, 0.9 is three times as far.
///
/// What follows a detection and does not clearly exceed it is part of it: for a fiftieth of the age of the series its score is
/// at most 0.3.
///
/// There is nothing to set. The same values and times give the same readings, whatever follows, and saved anywhere and restored
/// it goes on as if nothing had happened. The first 150 values have a score near 0: they are what is known of usual. A series
/// takes 12 to 25 KB.
///
/// - Complexity: O(1) amortized per value, and 128 comparisons of a course each fourth value.
public struct SeriesDetector: Sendable, Equatable {
    /// Values that a series, and an aspect, must have seen before a score above 0.3 is possible.
    public static let warmUp = 150
    /// Deviations, as log(1 + deviations), that are usual on any series: the first wiggle of a constant one is not the
    /// anomaly of the year.
    private static let floor = 1.2
    /// How much stronger than the one before (by a tenth) evidence must be to be a detection of its own.
    private static let margin = 0.1
    /// Beyond this differences overflow; such a number is a mistake of whoever wrote it.
    private static let greatestMagnitude = 1e150

    /// Values so far.
    public internal(set) var count = 0
    var levels = [RobustLevel](repeating: RobustLevel(), count: Aspect.all.count)
    var records = [SurpriseRecord](repeating: SurpriseRecord(), count: Aspect.all.count)
    /// Of the last value, signed, by aspect.
    var distances = [Double](repeating: 0, count: Aspect.all.count)
    /// The mean of log(1 + deviations) at the hour of the day.
    var unrest = RobustLevel()
    var recent = RecentValues()
    var season = Season()
    var courses = KnownCourses()
    var band = UsualBand()
    /// The strongest evidence of late.
    var strengths = SurpriseRecord()
    /// Not a number before the first.
    var lastValue = Double.nan
    var equalValues = 0.0
    /// In seconds; not a number before the first.
    var lastTime = Double.nan
    /// Whether the last value was older than the one before it.
    var isBehind = false
    var detection: SeriesReading.Detection?
    var lastDetection = 0

    /// Nothing seen yet.
    public init() {}

    /// The reading of the next value. What is not finite or beyond ±10¹⁵⁰ has the score 0 and is not remembered.
    ///
    /// - Parameters:
    ///   - time: decides the hour of day and week, and the gap to the value before. A time before that of the last value is taken
    ///     as it comes and is not a gap. Nil where it is not known: then there are no hours and no gaps.
    ///   - learning: false during a known incident: the value is judged, and what is usual does not change.
    public mutating func observe(_ value: Double, at time: Timestamp?, learning: Bool = true) -> SeriesReading {
        let seconds = time?.secondsSince1970
        let guesses = UsualBand.Guesses(
            recent: levels[Aspect.spike.rawValue].mean, hourOfDay: seconds.flatMap { season.ofDay($0) },
            hourOfWeek: seconds.flatMap { season.ofWeek($0) })
        let range = band.range(guesses)
        var reading = SeriesReading(score: 0, expected: range.expected, low: range.low, high: range.high)
        guard value.magnitude < Self.greatestMagnitude else { return reading }
        measure(value, at: seconds, guesses, learning)
        let (aspect, evidence) = strongest(learning)
        if learning {
            // The first value was not expected at all.
            if count > 0 { band.observe(value, guesses, range) }
            if let seconds { season.observe(value, at: seconds) }
        }
        reading.score = judge(aspect, evidence, time)
        reading.detection = detection
        remember(value, at: seconds)
        return reading
    }

    /// The usual time between two values; nil before the third value with a time.
    public var usualGap: Duration? {
        let level = levels[Aspect.gap.rawValue]
        return level.count > 1 ? .seconds(min(expm1(level.mean), 1e9)) : nil
    }

    private mutating func remember(_ value: Double, at seconds: Double?) {
        lastValue = value
        count += 1
        guard let seconds else { return }
        // A single value that comes late must not make the next one look like one after a pause; a clock that was set back is
        // believed with the second value.
        let isOlder = seconds < lastTime
        if !isOlder || isBehind { lastTime = seconds }
        isBehind = isOlder
    }

    // MARK: What each aspect sees

    private mutating func measure(_ value: Double, at seconds: Double?, _ guesses: UsualBand.Guesses, _ learning: Bool) {
        recent.append(value)
        weigh(.step, count > 2 ? value - guesses.recent : nil, learning)
        weigh(.level, value, learning)
        let level = levels[Aspect.level.rawValue]
        // A calm moment of a restless series does not make its next value unusual.
        weigh(.spike, value, learning, unit: 0.1 * level.deviation)
        weigh(.shift, count >= RecentValues.short - 1 ? recent.shortMean : nil, learning)
        weigh(.hourOfDay, guesses.hourOfDay.map { value - $0 }, learning)
        weigh(.hourOfWeek, guesses.hourOfWeek.map { value - $0 }, learning)
        unrest.observe(log1p(distances[Aspect.hourOfDay.rawValue].magnitude), memory: 64)
        weigh(.spread, recent.isFull ? log(recent.deviation + 1e-3 * level.scale) : nil, learning)
        weigh(.drift, recent.isFull ? recent.mean : nil, learning)
        weigh(.unrest, count > 200 ? unrest.mean : nil, learning)
        weigh(.shape, courses.observe(value, number: count, level: level, learning: learning), learning)
        equalValues = value == lastValue ? equalValues + 1 : 0
        distances[Aspect.flat.rawValue] = equalValues / 8
        weigh(.gap, gap(until: seconds), learning)
        // What comes early comes after no pause.
        distances[Aspect.gap.rawValue] = max(0, distances[Aspect.gap.rawValue])
    }

    /// The pause before a value, as a logarithm: pauses of any length have one scale.
    private func gap(until seconds: Double?) -> Double? {
        guard let seconds, seconds >= lastTime else { return nil }
        return log1p(seconds - lastTime)
    }

    /// Compares a statistic with its level; nil means that there is none now.
    private mutating func weigh(_ aspect: Aspect, _ statistic: Double?, _ learning: Bool, unit: Double = 0) {
        let i = aspect.rawValue
        guard let statistic else { return distances[i] = 0 }
        distances[i] = levels[i].distance(to: statistic, unit: unit)
        if learning { levels[i].observe(statistic, memory: aspect.memory) }
    }

    // MARK: Which exceeds its record most

    private mutating func strongest(_ learning: Bool) -> (Aspect, Double) {
        var best = (Aspect.level, -10.0)
        let stretch = Int(max(1500, 0.3 * Double(count)))
        for aspect in Aspect.all {
            let i = aspect.rawValue
            let surprise = log1p(distances[i].magnitude)
            let record = max(records[i].greatest ?? .infinity, Self.floor)
            // Deviations are known to about 1 %: equal spikes on a constant series must not creep over their own record.
            let evidence = surprise - 1.01 * record - aspect.handicap
            let isKnown = aspect == .flat || levels[i].count >= Double(Self.warmUp)
            if isKnown, count >= Self.warmUp, evidence > best.1 { best = (aspect, evidence) }
            guard learning else { continue }
            let limit = isKnown ? record + SurpriseRecord.step : .infinity
            records[i].observe(surprise, number: count, stretch: stretch, limit: limit)
        }
        return best
    }

    // MARK: What is new and what goes on

    private mutating func judge(_ aspect: Aspect, _ evidence: Double, _ time: Timestamp?) -> Double {
        let quiet = Int(max(20, min(400, 0.02 * Double(count))))
        let strongest = strengths.greatest ?? -.infinity
        let isPart = evidence <= (strongest > 0 ? strongest + Self.margin : strongest)
        // What creeps up is compared with what was reported, not with the value before.
        strengths.observe(isPart ? min(evidence, strongest) : evidence, number: count, stretch: quiet, limit: .infinity)
        if evidence > 0 {
            if !isPart || detection == nil {
                detection = SeriesReading.Detection(
                    aspect: aspect, deviations: distances[aspect.rawValue], since: detection.map(\.since) ?? time)
            }
            lastDetection = count
        } else if count - lastDetection > quiet {
            detection = nil
        }
        let score = exp(-exp(-2 * max(evidence, -3)))
        return isPart ? min(0.3, score / 2) : score
    }
}
