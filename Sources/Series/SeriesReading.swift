import Columns

/// What a ``SeriesDetector`` says of one value.
public struct SeriesReading: Sendable, Equatable {
    /// How unusual the value is, from 0 to 1, on every series alike: 0.37 is as far as the most unusual value of a long while,
    /// 0.8 twice, 0.9 three times as far. See ``SeriesDetector``.
    public var score: Double
    /// What was expected before the value came. This and the range are 0 until the first value was seen.
    public var expected: Double
    /// Below this lies about one value in two hundred.
    public var low: Double
    /// Above this lies about one value in two hundred.
    public var high: Double
    /// The detection that the value begins or is part of; nil for a usual value.
    var detection: Detection?

    /// Something unusual that lasts until the values have been usual for a while.
    struct Detection: Sendable, Equatable {
        var aspect: Aspect
        /// Of the statistic of the aspect from its level, signed; of ``Aspect/flat`` an eighth of the count of equal values.
        var deviations: Double
        /// Of its first value; nil when that came without a time.
        var since: Timestamp?
    }

    /// Whether the value begins something unusual, or is part of it.
    public var isUnusual: Bool { detection != nil }

    /// What is unusual, as the end of a sentence, such as "the value is unusual for this hour of the day"; nil for a usual value.
    public var reason: String? { detection?.aspect.phrase }

    /// How many of its usual deviations the unusual statistic is away from what is usual of it, negative below; 0 for a usual
    /// value.
    public var deviations: Double { detection?.deviations ?? 0 }

    /// The time of the first value of what is unusual; nil for a usual value, or when that value had no time.
    public var since: Timestamp? { detection?.since }
}
