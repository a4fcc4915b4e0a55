import Columns
import Foundation

/// How long a source is usually silent, learned from the gaps between its lines.
///
/// Gaps are counted by powers of two seconds, and each counts for as long as it lasted: the night of a log that is written by day
/// only is a third of the time, and so usual. What is long ago counts for less, so that a source may change its ways. Its size
/// does not grow.
public struct SourceHabit: Codable, Sendable, Equatable {
    /// Seconds that were spent in gaps of at most 2^index seconds.
    private var time = [Double](repeating: 0, count: 24)
    private var count = 0

    /// After so much time what is known counts half.
    private static let memory = 14 * 86_400.0
    /// Fewer lines are not a habit yet.
    private static let least = (seconds: 600.0, gaps: 10)
    /// Nobody is alarmed by less.
    public static let floor = Duration.seconds(600)
    /// Before anything is known: long enough for a log that is written to every now and then.
    public static let unknown = Duration.seconds(3600)
    private static let tolerance = 3.0

    /// Nothing learned yet.
    public init() {}

    /// Takes in the time between two lines.
    public mutating func learn(_ gap: Duration) {
        let seconds = max(0, gap.inSeconds)
        let bucket = seconds <= 1 ? 0 : min(time.count - 1, Int(log2(seconds).rounded(.up)))
        time[bucket] += seconds
        count += 1
        if time.reduce(0, +) > Self.memory { time = time.map { $0 / 2 } }
    }

    /// The silence that is too long: three times the gap up to which nine tenths of the time were spent, and at least ``floor``;
    /// ``unknown`` while too little is known.
    public var limit: Duration {
        let total = time.reduce(0, +)
        guard total >= Self.least.seconds, count >= Self.least.gaps else { return Self.unknown }
        var spent = 0.0
        for (power, seconds) in time.enumerated() {
            spent += seconds
            if spent >= 0.9 * total { return max(Self.floor, .seconds(Self.tolerance * pow(2, Double(power)))) }
        }
        return Self.unknown
    }
}
