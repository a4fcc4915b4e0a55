import Columns

/// What sessions of one kind are like: how long they are, which events they have, and how often.
///
/// Three detectors that are hard to beat by deep ones: an event that no session had, a length and counts beyond all known.
/// Each has its own measure of when "never before" is news. A new event is, where new ones are rare: the share of sessions that
/// bring one is about that of events seen in a single session (Good–Turing), and must be at most 1 %. A length or a count is at
/// twice the greatest or half the least of at least a hundred sessions, as `kind: series` counts. That an event is missing is
/// news where every session has had it.
///
/// Sources: Landauer, Skopik, Wurzenberger (see ``LogSession``); Yu et al.: Deep Learning or Classical Machine Learning? An
/// Empirical Study on Log-Based Anomaly Detection, ICSE 2024; Good: The Population Frequencies of Species and the Estimation of
/// Population Parameters, Biometrika 1953.
struct UsualSessions: Sendable, Equatable {
    /// Sessions before anything is unusual.
    static let leastSessions = 100
    /// Kinds of events whose counts are known; where there are more, none is new.
    private static let maxEvents = 4096
    /// Events of a session that say something at the most.
    private static let maxReasons = 5
    /// The greatest share of sessions that may bring a new event for one to be news.
    private static let newShare = 0.01

    /// How often an event came in a session that had it.
    struct Range: Sendable, Equatable {
        var least: Int
        var most: Int
        /// Sessions that had it.
        var sessions: Int
    }

    /// The time of the first row.
    let first: Int64
    private(set) var sessions = 0
    private var shortest = Int.max
    private var longest = 0
    private(set) var events: [UInt64: Range] = [:]
    /// Events that a single session had.
    private var singles = 0
    private var hasOverflowed = false

    init(first: Int64) { self.first = first }

    func isKnown(at time: Int64, learn: Duration) -> Bool {
        sessions >= Self.leastSessions && time - first >= learn.inMicroseconds
    }

    // MARK: What is unusual

    /// What is unusual of an event that a session has just had.
    func oddity(of event: UInt64, count: Int, length: Int) -> SessionOddity? {
        if let known = events[event] {
            if Self.exceeds(count, known.most) {
                return SessionOddity(.counts, event: event, count: count, usual: usual(known))
            }
        } else if count > 0, !hasOverflowed, Double(singles) <= Self.newShare * Double(sessions) {
            return SessionOddity(.newEvent, event: event, count: count, usual: 0...0)
        }
        return Self.exceeds(length, longest) ? SessionOddity(.length, count: length, usual: shortest...longest) : nil
    }

    /// What is unusual of a session that is over, the most telling first: what it lacks.
    func oddities(of session: LogSession) -> [SessionOddity] {
        var found: [SessionOddity] = []
        for (event, known) in events.sorted(by: { $0.key < $1.key }) where found.count < Self.maxReasons {
            let count = session.counts[event] ?? 0, usual = usual(known)
            guard count * 2 < usual.lowerBound else { continue }
            found.append(SessionOddity(.counts, event: event, count: count, usual: usual))
        }
        if session.length * 2 < shortest {
            found.append(SessionOddity(.length, count: session.length, usual: shortest...longest))
        }
        return found.sorted { ($0.count == 0 ? 0 : 1) < ($1.count == 0 ? 0 : 1) }
    }

    /// An event that some session lacked may be missing.
    private func usual(_ known: Range) -> ClosedRange<Int> {
        (known.sessions < sessions ? 0 : known.least)...known.most
    }

    private static func exceeds(_ count: Int, _ most: Int) -> Bool { count > most * 2 && count >= most + 3 }

    // MARK: Learning

    /// Takes a session for usual.
    mutating func learn(_ session: LogSession) {
        sessions += 1
        shortest = min(shortest, session.length)
        longest = max(longest, session.length)
        for (event, count) in session.counts.sorted(by: { $0.key < $1.key }) {
            guard var known = events[event] else {
                guard events.count < Self.maxEvents else {
                    hasOverflowed = true
                    continue
                }
                events[event] = Range(least: count, most: count, sessions: 1)
                singles += 1
                continue
            }
            if known.sessions == 1 { singles -= 1 }
            known.least = min(known.least, count)
            known.most = max(known.most, count)
            known.sessions += 1
            events[event] = known
        }
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        writer.write(first)
        for number in [sessions, sessions == 0 ? 0 : shortest, longest] { writer.write(compact: Int64(number)) }
        writer.write(hasOverflowed)
        writer.write(events.count)
        for (event, known) in events.sorted(by: { $0.key < $1.key }) {
            writer.write(event)
            for number in [known.least, known.most, known.sessions] { writer.write(compact: Int64(number)) }
        }
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        first = try reader.int64()
        sessions = try reader.ordinal()
        let shortest = try reader.ordinal()
        if sessions > 0 { self.shortest = shortest }
        longest = try reader.ordinal()
        hasOverflowed = try reader.bool()
        guard sessions == 0 || shortest <= longest else { throw StateReader.Damaged() }
        for _ in 0..<(try reader.count()) {
            let event = try reader.uint64(), least = try reader.ordinal(), most = try reader.ordinal()
            let had = try reader.ordinal()
            guard least <= most, had <= sessions else { throw StateReader.Damaged() }
            events[event] = Range(least: least, most: most, sessions: had)
            if had == 1 { singles += 1 }
        }
    }
}
