/// One way in which a value can be unusual: a statistic of the series, which is compared with its own past and with nothing else.
///
/// Unlike statistics are joined by what their surprises mean, not by what they are: each says how far it exceeds its own record,
/// and the strongest counts.
///
/// Source: Aggarwal, Sathe: Theoretical Foundations and Algorithms for Outlier Ensembles, SIGKDD Explorations 2015 (the maximum
/// rule).
enum Aspect: Int, CaseIterable, Sendable {
    /// The value against its long past.
    case level
    /// The value against its last twenty.
    case spike
    /// How far the value is off the recent mean, against how far it usually is.
    case step
    /// The mean of eight values.
    case shift
    /// The value against the same hour of other days.
    case hourOfDay
    /// The value against the same hour of other weeks.
    case hourOfWeek
    /// The standard deviation of the last 128 values, as a logarithm.
    case spread
    /// The mean of the last 128 values.
    case drift
    /// The mean surprise at the hour of the day, over about the last 64 values.
    case unrest
    /// The distance from the last 32 values to the most similar stretch of the past.
    case shape
    /// How long the value has not changed.
    case flat
    /// The time since the value before.
    case gap

    /// `allCases` makes an array each time.
    static let all = allCases

    /// How many values the level of the statistic remembers, about.
    var memory: Double { self == .spike ? 20 : 3000 }

    /// By how much more a surprise has to exceed its record before it counts. The last three see what others often see earlier,
    /// and speak only for what the others cannot see.
    var handicap: Double { rawValue < Aspect.shape.rawValue ? 0 : 0.5 }

    /// What is unusual, as the end of a sentence.
    var phrase: String {
        switch self {
        case .level: "the value is far from its usual level"
        case .spike: "the value is far from the last twenty"
        case .step: "the value jumped"
        case .shift: "the mean of the last eight values moved"
        case .hourOfDay: "the value is unusual for this hour of the day"
        case .hourOfWeek: "the value is unusual for this hour of the week"
        case .spread: "the values scatter unlike before"
        case .drift: "the mean of the last 128 values moved"
        case .unrest: "unusual values come unusually often"
        case .shape: "the course of the last 32 values is unlike all before"
        case .flat: "the value has not changed for unusually long"
        case .gap: "the value came after an unusual pause"
        }
    }
}
