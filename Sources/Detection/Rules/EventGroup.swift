import Columns

/// What a rule remembers of one group: its events within the window, in the order in which they came, and some of their lines.
struct EventGroup: Sendable {
    private(set) var times: [Int64] = []
    private(set) var counts: [Int32] = []
    /// For each event the hash of the value that the rule wants distinct; empty for rules that want none.
    private(set) var distinct: [UInt64] = []
    private(set) var evidence: [Evidence] = []
    private(set) var newest = Int64.min
    /// The session that goes on: since when, how many events, and on which lines. The window forgets, this does not.
    private(set) var sessionStart: Int64 = 0
    private(set) var sessionCount = 0
    private(set) var lines = LineSet()
    /// Whether this session was told of, and with how many events.
    private var toldOfSession: Int?
    private var lastReported: Int64?
    private var reportedCount = 0
    // Events before `start` have left the window; they are cut off when they are half of all. What follows is counted from the arrays.
    private var start = 0
    private(set) var total = 0
    private var distinctCounts: [UInt64: Int] = [:]

    init() {}

    var distinctCount: Int { distinctCounts.count }
    /// The first event that is within the window.
    var oldest: Int64? { start < times.count ? times[start] : nil }

    /// - Parameter within: a pause that is longer begins another session.
    mutating func add(time: Int64, count: Int32, distinct value: UInt64?, line: UInt32, within: Int64, limit: Int) {
        if newest > .min, time > newest &+ within { endSession() }
        addToSession(time: time, count: Int(count), line: line)
        times.append(time)
        counts.append(count)
        total += Int(count)
        if let value {
            distinct.append(value)
            distinctCounts[value, default: 0] += 1
        }
        newest = max(newest, time)
        if times.count - start > limit { drop() }
    }

    /// Counts an event that is no part of the window: the one that completes it.
    mutating func addToSession(time: Int64, count: Int, line: UInt32) {
        if sessionCount == 0 { sessionStart = time }
        sessionCount += count
        lines.insert(line, count: count)
    }

    private mutating func endSession() {
        (sessionCount, toldOfSession) = (0, nil)
        lines = LineSet()
    }

    /// Events come nearly in order: what is too old is at the front.
    mutating func forget(before time: Int64) {
        while start < times.count, times[start] < time { drop() }
        if let first = evidence.first, first.time.microseconds < time { evidence.removeAll { $0.time.microseconds < time } }
        if start > 64, start * 2 > times.count {
            times.removeFirst(start)
            counts.removeFirst(start)
            if !distinct.isEmpty { distinct.removeFirst(start) }
            start = 0
        }
    }

    private mutating func drop() {
        total -= Int(counts[start])
        if !distinct.isEmpty {
            let left = distinctCounts[distinct[start], default: 1] - 1
            distinctCounts[distinct[start]] = left > 0 ? left : nil
        }
        start += 1
    }

    /// Keeps the first lines and the last two.
    mutating func keep(_ line: Evidence, limit: Int) {
        if evidence.count >= limit { evidence.remove(at: limit - 2) }
        evidence.append(line)
    }

    /// Whether it is to be told: for the first time, with twice as many events, or after `pause` microseconds of event time.
    func isDue(after pause: Int64) -> Bool {
        guard let lastReported else { return true }
        return total >= reportedCount * 2 || newest &- lastReported >= pause
    }

    mutating func isReported() {
        lastReported = newest
        reportedCount = total
        toldOfSession = sessionCount
    }

    /// Whether events came since it was told of, of the same session.
    var hasNews: Bool { toldOfSession.map { sessionCount > $0 } ?? false }

    mutating func isBroughtUpToDate() { toldOfSession = sessionCount }
}

// MARK: Checkpoints

extension EventGroup {
    /// Times are written as what lies between them, and distinct values as their places among those that come for the first time: a few bytes an event.
    func encode(to writer: inout StateWriter) {
        writer.write(newest)
        writer.write(lastReported != nil)
        writer.write(compact: lastReported ?? 0)
        writer.write(compact: Int64(reportedCount))
        writer.write(times.count - start)
        var last: Int64 = 0
        for time in times[start...] {
            writer.write(compact: time &- last)
            last = time
        }
        for count in counts[start...] { writer.write(compact: Int64(count)) }
        writer.write(!distinct.isEmpty)
        var places: [UInt64: Int64] = [:]
        for value in distinct.dropFirst(start) {
            let place = places[value] ?? Int64(places.count)
            writer.write(compact: place)
            guard places.updateValue(place, forKey: value) == nil else { continue }
            writer.write(value)
        }
        writer.write(evidence.count)
        for line in evidence {
            writer.write(line.file)
            writer.write(compact: line.offset)
            writer.write(line.line)
            writer.write(compact: line.time.microseconds)
            writer.write(line.host != nil)
            if let host = line.host { writer.write(host) }
        }
        writer.write(compact: sessionStart)
        writer.write(compact: Int64(sessionCount))
        writer.write(toldOfSession != nil)
        writer.write(lines.bytes)
    }

    /// - Parameter layout: of the snapshot; before 3 there were no sessions.
    init(from reader: inout StateReader, layout: UInt8) throws(StateReader.Damaged) {
        newest = try reader.int64()
        let isReported = try reader.bool()
        let reportedAt = try reader.compactInt64()
        lastReported = isReported ? reportedAt : nil
        reportedCount = Int(try reader.compactInt64())
        guard (0..<1 << 48).contains(reportedCount) else { throw StateReader.Damaged() }
        let count = try reader.count()
        times.reserveCapacity(count)
        counts.reserveCapacity(count)
        for _ in 0..<count { times.append((times.last ?? 0) &+ (try reader.compactInt64())) }
        for _ in 0..<count {
            guard let stands = Int32(exactly: try reader.compactInt64()) else { throw StateReader.Damaged() }
            counts.append(stands)
        }
        if try reader.bool() {
            distinct.reserveCapacity(count)
            var values: [UInt64] = []
            for _ in 0..<count {
                let place = try reader.compactInt64()
                if place == values.count { values.append(try reader.uint64()) }
                guard values.indices.contains(Int(place)) else { throw StateReader.Damaged() }
                distinct.append(values[Int(place)])
            }
        }
        for _ in 0..<(try reader.count()) {
            var line = Evidence(
                file: try reader.string(), offset: try reader.compactInt64(), line: try reader.string(),
                time: Timestamp(microseconds: try reader.compactInt64()))
            if layout >= 3, try reader.bool() { line.host = try reader.string() }
            evidence.append(line)
        }
        countAgain()
        guard layout >= 3 else {
            beginSession()
            return
        }
        sessionStart = try reader.compactInt64()
        sessionCount = Int(try reader.compactInt64())
        let isTold = try reader.bool()
        guard (0..<1 << 48).contains(sessionCount), let known = LineSet(bytes: try reader.array()) else {
            throw StateReader.Damaged()
        }
        lines = known
        // How much of it was told is not kept: it is told once more, and known there.
        toldOfSession = isTold ? 0 : nil
    }

    /// What a state of before knows of the session is its window.
    private mutating func beginSession() {
        (sessionStart, sessionCount) = (oldest ?? 0, total)
        toldOfSession = lastReported == nil ? nil : total
    }

    /// What follows from the events.
    private mutating func countAgain() {
        total = counts.reduce(0) { $0 + Int($1) }
        for value in distinct { distinctCounts[value, default: 0] += 1 }
    }
}

/// As checkpoints of layout 1 have it; see ``RuleEngine/restore(_:)``.
extension EventGroup: Decodable {
    private enum CodingKeys: CodingKey { case times, counts, distinct, evidence, newest, lastReported, reportedCount }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        times = try container.decode([Int64].self, forKey: .times)
        counts = try container.decode([Int32].self, forKey: .counts)
        distinct = try container.decode([UInt64].self, forKey: .distinct)
        evidence = try container.decode([Evidence].self, forKey: .evidence)
        newest = try container.decode(Int64.self, forKey: .newest)
        lastReported = try container.decodeIfPresent(Int64.self, forKey: .lastReported)
        reportedCount = try container.decode(Int.self, forKey: .reportedCount)
        guard counts.count == times.count, distinct.isEmpty || distinct.count == times.count else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "events do not add up"))
        }
        countAgain()
        beginSession()
    }
}
