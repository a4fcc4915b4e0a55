import Columns

/// What a version made of the rows of a few days, until it is written to the registry.
struct ScoreTally: Sendable, Equatable {
    /// How the rows of one day were scored.
    struct Day: Sendable, Equatable {
        var scored = 0
        var found = 0
        var bins: [Int]
    }

    private static let microseconds: Int64 = 86_400_000_000
    /// By midnight in UTC.
    private(set) var days: [Int64: Day] = [:]

    mutating func add(_ scores: [Double], times: Column, threshold: Double, _ bins: TrainingProfile.Bins) {
        for (row, score) in scores.enumerated() {
            guard let time = times.integer(at: row) else { continue }
            let midnight = time - ((time % Self.microseconds) + Self.microseconds) % Self.microseconds
            var day = days[midnight] ?? Day(bins: Array(repeating: 0, count: bins.shares.count))
            day.scored += 1
            if score >= threshold { day.found += 1 }
            day.bins[bins.bin(score)] += 1
            days[midnight] = day
        }
    }
}
