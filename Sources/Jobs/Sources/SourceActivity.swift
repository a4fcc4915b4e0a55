import Columns
import Ingest

/// What has come from a source so far. Knows no clock.
public struct SourceActivity: Codable, Sendable, Equatable {
    /// When the newest line came; nil before the first.
    public private(set) var lastLine: Timestamp?
    /// How often its lines come.
    public private(set) var habit = SourceHabit()
    /// Lines that became events, and lines that went to quarantine.
    private var events = 0, rejected = 0
    private var firstRejected: Timestamp?
    /// Nothing more comes by nature: a file that was read to its end by a run that has one.
    public private(set) var hasEnded = false
    /// Whether the newest line came in this run: the time in which obs did not run is not a silence of the source.
    private var isHeard = false

    private enum CodingKeys: String, CodingKey { case lastLine, habit, events, rejected, firstRejected }

    /// Lines of which so many were refused, and none understood, are of another format.
    static let refusedLines = 100
    /// Where fewer come, it is said after so long.
    static let refusedFor = Duration.seconds(30)

    /// Before the first line.
    public init() {}

    /// As it was kept.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        lastLine = try container.decodeIfPresent(Int64.self, forKey: .lastLine).map { Timestamp(microseconds: $0) }
        habit = try container.decode(SourceHabit.self, forKey: .habit)
        events = try container.decode(Int.self, forKey: .events)
        rejected = try container.decode(Int.self, forKey: .rejected)
        firstRejected = try container.decodeIfPresent(Int64.self, forKey: .firstRejected).map { Timestamp(microseconds: $0) }
    }

    /// As it is kept: JSON of numbers.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(lastLine?.microseconds, forKey: .lastLine)
        try container.encode(habit, forKey: .habit)
        try container.encode(events, forKey: .events)
        try container.encode(rejected, forKey: .rejected)
        try container.encodeIfPresent(firstRejected?.microseconds, forKey: .firstRejected)
    }

    /// It runs from now on.
    public mutating func begin() { (hasEnded, isHeard) = (false, false) }

    /// Its lines were read to their end.
    public mutating func end() { hasEnded = true }

    /// Lines have come.
    public mutating func hear(now: Timestamp) {
        if isHeard, let lastLine { habit.learn(now - lastLine) }
        (lastLine, isHeard) = (now, true)
    }

    /// What became of lines. Only the beginning is of interest: once something was understood, the rest is a matter of
    /// quarantine.
    public mutating func note(events new: Int, rejected refused: Int, now: Timestamp) {
        guard events == 0 else { return }
        events += new
        rejected += refused
        if refused > 0, firstRejected == nil { firstRejected = now }
    }

    /// How many lines were refused, where none was understood and that has been so for long enough; nil otherwise.
    public func refused(now: Timestamp) -> Int? {
        guard events == 0, let firstRejected else { return nil }
        return rejected >= Self.refusedLines || now - firstRejected >= Self.refusedFor ? min(rejected, Self.refusedLines) : nil
    }
}
