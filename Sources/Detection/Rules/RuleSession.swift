import Columns

/// All that came to a group without a pause as long as the window of its rule: since when, how many events, and on which lines.
/// The window forgets, this does not.
struct RuleSession: Sendable {
    /// Lines that are kept from the start of a session, and from its end.
    static let firstLines = 10, lastLines = 2

    var start: Int64
    var end: Int64
    private(set) var count = 0
    private(set) var lines = LineSet()
    /// The first lines by time, and the last ones.
    private(set) var first: [LineReference] = []
    private(set) var last: [LineReference] = []
    /// What was found in it; one for each value of the columns that a rule includes.
    var reports: [RuleReport] = []
    /// Whether something came that the incident does not have yet.
    var hasNews = false

    init(at time: Int64) {
        start = time
        end = time
    }

    mutating func add(_ event: RuleEvent) {
        (start, end) = (min(start, event.time), max(end, event.time))
        count &+= event.count
        lines.insert(event.countedName, count: event.count)
        keep(LineReference(time: event.time, name: event.line))
        hasNews = true
    }

    /// An event turns out to have begun earlier.
    ///
    /// - Parameter last: the last event that is left at the old one's time or before.
    mutating func move(_ old: RuleEvent, to new: RuleEvent, last newEnd: Int64?) {
        if end == old.time, let newEnd { end = newEnd }
        let gone = LineReference(time: old.time, name: old.line)
        first.removeAll { $0 == gone }
        last.removeAll { $0 == gone }
        start = min(start, new.time)
        keep(LineReference(time: new.time, name: new.line))
        hasNews = true
    }

    private mutating func keep(_ line: LineReference) {
        if first.count < Self.firstLines || line < first[first.count - 1] {
            Self.insert(line, into: &first)
            if first.count > Self.firstLines { first.removeLast() }
        }
        Self.insert(line, into: &last)
        if last.count > Self.lastLines { last.removeFirst() }
    }

    private static func insert(_ line: LineReference, into sorted: inout [LineReference]) {
        var at = sorted.count
        while at > 0, line < sorted[at - 1] { at -= 1 }
        if at == 0 || sorted[at - 1] != line { sorted.insert(line, at: at) }
    }

    mutating func takeIn(_ other: RuleSession) {
        (start, end) = (min(start, other.start), max(end, other.end))
        count &+= other.count
        lines.formUnion(other.lines)
        for line in other.first + other.last { keep(line) }
        for report in other.reports {
            if let known = reports.firstIndex(where: { $0.included == report.included }) {
                reports[known].takeIn(report)
            } else {
                reports.append(report)
            }
        }
        hasNews = hasNews || other.hasNews
    }

    func contains(_ line: LineReference) -> Bool { first.contains(line) || last.contains(line) }

    /// The lines of a finding: the first ones, the last ones, and the one that completes it.
    func evidence(completedBy line: LineReference?) -> [LineReference] {
        Set(first + last + (line.map { [$0] } ?? [])).sorted()
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        writer.write(start)
        writer.write(compact: end &- start)
        writer.write(compact: Int64(count))
        writer.write(lines.bytes)
        for list in [first, last] {
            writer.write(list.count)
            for line in list {
                writer.write(compact: line.time &- start)
                writer.write(compact: Int64(line.name))
            }
        }
        writer.write(hasNews)
        writer.write(reports.count)
        for report in reports { report.encode(to: &writer) }
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        start = try reader.time()
        end = start &+ (try reader.compactInt64())
        count = Int(try reader.compactInt64())
        let lineBytes = try reader.array()
        guard (start...(RuleShape.maxTime * 2)).contains(end), (0..<1 << 48).contains(count),
            let known = LineSet(bytes: lineBytes.span)
        else { throw StateReader.Damaged() }
        lines = known
        first = try Self.references(&reader, from: start, atMost: Self.firstLines)
        last = try Self.references(&reader, from: start, atMost: Self.lastLines)
        hasNews = try reader.bool()
        for _ in 0..<(try reader.count()) { reports.append(try RuleReport(from: &reader)) }
    }

    private static func references(_ reader: inout StateReader, from start: Int64, atMost limit: Int) throws(StateReader.Damaged)
        -> [LineReference]
    {
        let count = try reader.count()
        guard count <= limit else { throw StateReader.Damaged() }
        var lines: [LineReference] = []
        for _ in 0..<count {
            let time = start &+ (try reader.compactInt64())
            guard let name = UInt32(exactly: try reader.compactInt64()) else { throw StateReader.Damaged() }
            lines.append(LineReference(time: time, name: name))
        }
        return lines
    }
}

/// What was found in a session: the most that was within the window, and what of it was reported.
struct RuleReport: Sendable {
    /// A finding that goes on is reported again after so much event time, in microseconds.
    static let repeatAfter = Duration.seconds(60).inMicroseconds

    /// The values of the columns that the rule includes.
    var included: [String]
    /// The most events that were within one window, and the most distinct values.
    private(set) var count = 0
    private(set) var distinct = 0
    /// What was usual then, for rules of rate.
    private(set) var usual = 0.0
    /// The oldest event of the first window in which it was found.
    private(set) var startsAt: Int64
    /// The event that completed it first, and the end of the last window in which it was found.
    private(set) var completedBy: LineReference
    private(set) var lastMatch: Int64
    private var lastReported: Int64?
    private var reportedCount = 0

    init(included: [String], _ match: RuleMatch) {
        self.included = included
        startsAt = match.start
        completedBy = match.completedBy
        lastMatch = match.end
        take(match)
    }

    mutating func take(_ match: RuleMatch) {
        if match.count > count { usual = match.usual }
        count = max(count, match.count)
        distinct = max(distinct, match.distinct)
        startsAt = min(startsAt, match.start)
        completedBy = min(completedBy, match.completedBy)
        lastMatch = max(lastMatch, match.end)
    }

    mutating func takeIn(_ other: RuleReport) {
        if other.count > count { usual = other.usual }
        (count, distinct) = (max(count, other.count), max(distinct, other.distinct))
        (startsAt, lastMatch) = (min(startsAt, other.startsAt), max(lastMatch, other.lastMatch))
        completedBy = min(completedBy, other.completedBy)
        lastReported = [lastReported, other.lastReported].compactMap(\.self).max()
        reportedCount = max(reportedCount, other.reportedCount)
    }

    /// Whether it is to be reported: for the first time, with twice as many events, or after a while.
    var isDue: Bool {
        guard let lastReported else { return true }
        return count >= reportedCount * 2 || lastMatch &- lastReported >= Self.repeatAfter
    }

    var isReported: Bool { lastReported != nil }

    mutating func setReported() {
        lastReported = lastMatch
        reportedCount = count
    }

    func encode(to writer: inout StateWriter) {
        writer.write(included.count)
        for text in included { writer.write(text) }
        for number in [
            Int64(count), Int64(distinct), startsAt, completedBy.time, Int64(completedBy.name), lastMatch, Int64(reportedCount),
        ] {
            writer.write(compact: number)
        }
        writer.write(usual)
        writer.write(lastReported != nil)
        writer.write(compact: lastReported ?? 0)
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        included = []
        for _ in 0..<(try reader.count()) { included.append(try reader.string()) }
        count = Int(try reader.compactInt64())
        distinct = Int(try reader.compactInt64())
        startsAt = try reader.compactInt64()
        let time = try reader.compactInt64()
        guard let name = UInt32(exactly: try reader.compactInt64()) else { throw StateReader.Damaged() }
        completedBy = LineReference(time: time, name: name)
        lastMatch = try reader.compactInt64()
        reportedCount = Int(try reader.compactInt64())
        guard [count, distinct, reportedCount].allSatisfy((0..<1 << 48).contains) else { throw StateReader.Damaged() }
        usual = try reader.double()
        let isReported = try reader.bool()
        let reported = try reader.compactInt64()
        lastReported = isReported ? reported : nil
    }
}

/// A window in which a rule holds.
struct RuleMatch: Sendable {
    /// The oldest event of the window, and its end.
    var start: Int64
    var end: Int64
    var count: Int
    var distinct: Int
    var usual = 0.0
    var completedBy: LineReference
}

extension StateReader {
    /// A time that one can count with.
    mutating func time() throws(Damaged) -> Int64 {
        let time = try int64()
        guard (-RuleShape.maxTime...RuleShape.maxTime).contains(time) else { throw Damaged() }
        return time
    }
}
