import Columns
import Foundation

/// What a rule remembers of one group: its events within the window, by time, and for groups that matter its sessions.
///
/// What a group means depends on its events alone, not on the order in which they came: late events are put where they belong,
/// and windows that they are in are looked at again. Most groups of a rule by source are an address that came once: 24 bytes, and
/// an array of a few events.
struct RuleGroup: Sendable {
    /// A hash of the values that the rule groups by.
    let key: UInt64
    /// By time.
    private(set) var events: [RuleEvent] = []
    /// At most one: an empty array needs no memory.
    private var details: [Detail] = []

    /// What only groups need that are large or were found.
    struct Detail: Sendable {
        /// By time; more than one while a late event may still join two.
        var sessions: [RuleSession] = []
        /// The values that the rule groups by, once they are needed.
        var labels: [String] = []
        /// By the name of a line that may complete a finding: the values of the columns that the rule includes.
        var included: [UInt32: [String]] = [:]
        /// Of the distinct values only those are kept whose hash begins with so many zeros.
        var sampling = 0
        var usual = UsualRate()
    }

    /// Events up to which a group needs no ``Detail``.
    private static let smallCount = 32

    init(key: UInt64) {
        self.key = key
    }

    var isEmpty: Bool { events.isEmpty && details.isEmpty }
    var newest: Int64 { max(events.last?.time ?? .min, details.first?.sessions.last?.end ?? .min) }
    var detail: Detail? { details.first }

    mutating func withDetail(_ shape: RuleShape, _ body: (inout Detail) -> Void) {
        if details.isEmpty { details.append(makeDetail(shape)) }
        body(&details[0])
    }

    private func makeDetail(_ shape: RuleShape) -> Detail {
        var detail = Detail()
        for event in events { Self.add(event, to: &detail.sessions, shape) }
        for index in detail.sessions.indices { detail.sessions[index].hasNews = false }
        return detail
    }

    mutating func clear() { self = RuleGroup(key: key) }

    // MARK: Events

    /// - Returns: the event as it is kept; nil when it does not count, as another one of what counts once.
    mutating func insert(_ event: RuleEvent, _ shape: RuleShape) -> RuleEvent? {
        var event = distinguished(event)
        if let sampling = details.first?.sampling, sampling > 0, event.value >> UInt32(32 - sampling) != 0 { event.value = 0 }
        if event.once != 0, let known = index(ofOnce: event, shape) {
            // Of several at one time the same one is kept, whichever came first.
            guard (event.time, event.line) < (events[known].time, events[known].line) else { return nil }
            let old = events.remove(at: known)
            event.count = old.count
            place(event)
            if !details.isEmpty, let at = details[0].sessions.lastIndex(where: { $0.start <= old.time && old.time <= $0.end }) {
                details[0].sessions[at].move(old, to: event, last: events.last { $0.time <= old.time }?.time)
            }
            return event
        }
        place(event)
        if details.isEmpty, events.count > Self.smallCount {
            details.append(makeDetail(shape))
            if let last = details[0].sessions.indices.last { details[0].sessions[last].hasNews = true }
        } else if !details.isEmpty {
            Self.add(event, to: &details[0].sessions, shape)
        }
        if case .rate(let rate) = shape.condition {
            withDetail(shape) { $0.usual.add(event, history: rate.history.inMicroseconds, within: shape.within) }
        }
        return event
    }

    /// How many events of one time are looked at for one of the same text.
    private static let sameTimeReach = 64

    /// The event with another name where a line of the same text at the same time is there already: both count, and which of
    /// them came first does not matter.
    private func distinguished(_ event: RuleEvent) -> RuleEvent {
        // Fast path: nothing of this time is there.
        guard let last = events.last, last.time >= event.time else { return event }
        let end = max(0, events.count - Self.sameTimeReach)
        var upper = events.count
        while upper > end, events[upper - 1].time > event.time { upper -= 1 }
        var lower = upper
        while lower > end, events[lower - 1].time == event.time { lower -= 1 }
        guard lower < upper, self.isTaken(event, in: lower..<upper) else { return event }
        var event = event
        let name = event.line
        func isTaken(_ repetition: UInt64) -> Bool {
            event.line = LineSet.name(text: UInt64(name), repetition: repetition)
            return self.isTaken(event, in: lower..<upper)
        }
        // Names are given in their order: those of 1 to some number are taken, and the next one is free.
        var taken: UInt64 = 0, free: UInt64 = 1
        while free < 1 << 32, isTaken(free) { (taken, free) = (free, free * 2) }
        while free - taken > 1 {
            let middle = (taken + free) / 2
            if isTaken(middle) { taken = middle } else { free = middle }
        }
        event.line = LineSet.name(text: UInt64(name), repetition: free)
        return event
    }

    /// Whether one of these events, all of one time and so in the order of their names, has the name and the step of `event`.
    private func isTaken(_ event: RuleEvent, in range: Range<Int>) -> Bool {
        var lower = range.lowerBound, upper = range.upperBound
        while lower < upper {
            let middle = (lower + upper) / 2
            if events[middle].line < event.line { lower = middle + 1 } else { upper = middle }
        }
        while lower < range.upperBound, events[lower].line == event.line {
            if events[lower].step == event.step { return true }
            lower += 1
        }
        return false
    }

    /// Events come nearly in order: the place is near the end.
    private mutating func place(_ event: RuleEvent) {
        var at = events.count
        while at > 0, event < events[at - 1] { at -= 1 }
        events.insert(event, at: at)
    }

    /// How many events are looked at for one that is the same: the lines of a connection lie near each other.
    private static let onceReach = 512

    private func index(ofOnce event: RuleEvent, _ shape: RuleShape) -> Int? {
        for at in events.indices.reversed().prefix(Self.onceReach) {
            let known = events[at]
            if known.once == event.once, known.step == event.step, known.value == event.value || event.value == 0,
                (known.time &- event.time).magnitude <= shape.within.magnitude
            {
                return at
            }
        }
        return nil
    }

    /// Adds an event to the session that it belongs to, or to two that are one from now on.
    private static func add(_ event: RuleEvent, to sessions: inout [RuleSession], _ shape: RuleShape) {
        func isNear(_ session: RuleSession) -> Bool {
            event.time >= session.start &- shape.within && event.time <= session.end &+ shape.within
        }
        guard let at = sessions.lastIndex(where: isNear) else {
            var session = RuleSession(at: event.time)
            session.add(event)
            let place = sessions.firstIndex { $0.start > event.time } ?? sessions.count
            sessions.insert(session, at: place)
            return
        }
        sessions[at].add(event)
        guard at > 0, sessions[at - 1].end &+ shape.within >= sessions[at].start else { return }
        let earlier = sessions.remove(at: at - 1)
        sessions[at - 1].takeIn(earlier)
    }

    /// Forgets events and sessions that no row can reach any more that is not later than the pipeline allows.
    mutating func forget(_ shape: RuleShape) {
        let oldest = shape.oldest(before: newest)
        if let first = events.first, first.time < oldest {
            let count = events.firstIndex { $0.time >= oldest } ?? events.count
            // The session goes on beyond what is forgotten of it.
            if details.isEmpty, count < events.count, events[count].time &- events[count - 1].time <= shape.within {
                details.append(makeDetail(shape))
            }
            // Cut off in large pieces: each cut moves all that is left.
            if count > 16 || count * 2 > events.count || events.count <= Self.smallCount { events.removeFirst(count) }
        }
        guard let detail = details.first else { return }
        if detail.sessions.count > 1 {
            let newest = newest
            details[0].sessions.removeAll {
                $0.end &+ shape.within &+ shape.lateness < newest && !($0.hasNews && !$0.reports.isEmpty)
            }
        }
        if !detail.included.isEmpty, detail.included.count > 16 {
            let kept = Set(events.map(\.line))
            details[0].included = detail.included.filter { kept.contains($0.key) }
        }
    }

    /// Whether it has more events than it may. Those that are out of reach do not count: how many of them are left depends on
    /// when ``forget(_:)`` was called.
    func isFull(_ shape: RuleShape) -> Bool {
        guard events.count > shape.maxEvents else { return false }
        let oldest = shape.oldest(before: newest)
        return events.count - firstIndex { $0.time >= oldest } > shape.maxEvents
    }

    /// Puts events together that lie near each other: first those that no window can tell apart, then those that nearly none can.
    /// What the rule finds in them must have been found before.
    mutating func putTogether(_ shape: RuleShape) {
        if details.isEmpty { details.append(makeDetail(shape)) }
        let oldest = shape.oldest(before: newest)
        events.removeFirst(firstIndex { $0.time >= oldest })
        for quantum in [shape.quantum, max(shape.quantum, shape.within / 256), max(shape.quantum, shape.within / 32)] {
            merge(quantum)
            if events.count <= shape.maxEvents / 2 { return }
        }
        // What is left are distinct values: a sample of them is enough to say how many there are (Wegman's adaptive sampling).
        while events.count > shape.maxEvents / 2, details[0].sampling < 24 {
            details[0].sampling += 1
            let sampling = UInt32(32 - details[0].sampling)
            for at in events.indices where events[at].value >> sampling != 0 { events[at].value = 0 }
            merge(max(shape.quantum, shape.within / 32))
        }
        if events.count > shape.maxEvents { events.removeFirst(events.count - shape.maxEvents) }
    }

    private struct MergeKey: Hashable {
        let bucket: Int64
        let value: UInt32
        let step: Int
    }

    private mutating func merge(_ quantum: Int64) {
        var merged: [RuleEvent] = []
        var places: [MergeKey: Int] = [:]
        for event in events {
            let key = MergeKey(bucket: event.time / max(1, quantum), value: event.value, step: event.step)
            if let at = places[key] {
                merged[at].count += event.count
                merged[at].once = 0
            } else {
                places[key] = merged.count
                merged.append(event)
            }
        }
        events = merged
    }

    /// How much memory it takes, about.
    var bytes: Int {
        var bytes =
            MemoryLayout<RuleGroup>.stride + (events.capacity == 0 ? 0 : 48 + events.capacity * MemoryLayout<RuleEvent>.stride)
        guard let detail = details.first else { return bytes }
        bytes +=
            48 + MemoryLayout<Detail>.stride + detail.included.count * 100 + detail.labels.reduce(0) { $0 + $1.utf8.count + 16 }
        for session in detail.sessions {
            bytes += MemoryLayout<RuleSession>.stride + 400 + min(session.count, LineSet.limit) * 8 + session.reports.count * 200
        }
        return bytes
    }

    // MARK: Sessions

    /// Takes a match into the session that it is in.
    mutating func found(_ match: RuleMatch, included: [String], _ shape: RuleShape) {
        withDetail(shape) { detail in
            guard let at = detail.sessions.lastIndex(where: { $0.start <= match.end && match.completedBy.time <= $0.end }) else {
                return
            }
            if let known = detail.sessions[at].reports.firstIndex(where: { $0.included == included }) {
                detail.sessions[at].reports[known].take(match)
            } else {
                detail.sessions[at].reports.append(RuleReport(included: included, match))
            }
            // An absence is found without an event that comes.
            detail.sessions[at].hasNews = true
        }
    }

    typealias Found = (session: RuleSession, report: RuleReport)

    /// What is to be reported of it now, and the values that the rule groups by.
    mutating func takeDue(labels: [String], _ shape: RuleShape) -> (found: [Found], key: [String]) {
        var found: [Found] = [], key = labels
        withDetail(shape) { detail in
            if detail.labels.isEmpty { detail.labels = labels }
            key = detail.labels
            for at in detail.sessions.indices {
                for index in detail.sessions[at].reports.indices where detail.sessions[at].reports[index].isDue {
                    detail.sessions[at].reports[index].setReported()
                    if detail.sessions[at].reports.count == 1 { detail.sessions[at].hasNews = false }
                    found.append((detail.sessions[at], detail.sessions[at].reports[index]))
                }
            }
        }
        return (found, key)
    }

    /// Whether something came to what was reported of it.
    var hasNews: Bool { details.first?.sessions.contains { $0.hasNews && !$0.reports.isEmpty } ?? false }

    /// What was reported of it and is more now.
    mutating func takeNews(_ shape: RuleShape) -> (news: [Found], key: [String]) {
        var news: [Found] = [], key: [String] = []
        withDetail(shape) { detail in
            key = detail.labels
            for at in detail.sessions.indices where detail.sessions[at].hasNews && !detail.sessions[at].reports.isEmpty {
                detail.sessions[at].hasNews = false
                for report in detail.sessions[at].reports where report.isReported { news.append((detail.sessions[at], report)) }
            }
        }
        return (news, key)
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter, _ shape: RuleShape) {
        writer.write(key)
        writer.write(compact: Int64(events.count))
        var last: Int64 = 0
        for event in events {
            writer.write(compact: event.time &- last)
            last = event.time
            writer.write(compact: Int64(event.line))
            writer.write(compact: Int64(event.count))
            if shape.steps.count > 1 { writer.write(byte: UInt8(event.step)) }
            if shape.hasDistinct { writer.write(compact: Int64(event.value)) }
            if shape.isOncePer { writer.write(compact: Int64(event.once)) }
        }
        writer.write(!details.isEmpty)
        guard let detail = details.first else { return }
        writer.write(detail.sessions.count)
        for session in detail.sessions { session.encode(to: &writer) }
        writer.write(detail.labels.count)
        for label in detail.labels { writer.write(label) }
        writer.write(detail.included.count)
        for (line, texts) in detail.included.sorted(by: { $0.key < $1.key }) {
            writer.write(compact: Int64(line))
            writer.write(texts.count)
            for text in texts { writer.write(text) }
        }
        writer.write(byte: UInt8(detail.sampling))
        detail.usual.encode(to: &writer)
    }

    init(from reader: inout StateReader, _ shape: RuleShape) throws(StateReader.Damaged) {
        key = try reader.uint64()
        events = try Self.events(&reader, shape)
        guard try reader.bool() else { return }
        var detail = Detail()
        for _ in 0..<(try reader.count()) { detail.sessions.append(try RuleSession(from: &reader)) }
        for _ in 0..<(try reader.count()) { detail.labels.append(try reader.string()) }
        for _ in 0..<(try reader.count()) {
            guard let line = UInt32(exactly: try reader.compactInt64()) else { throw StateReader.Damaged() }
            var texts: [String] = []
            for _ in 0..<(try reader.count()) { texts.append(try reader.string()) }
            detail.included[line] = texts
        }
        detail.sampling = Int(try reader.byte())
        guard detail.sampling <= 24, zip(detail.sessions, detail.sessions.dropFirst()).allSatisfy({ $0.start <= $1.start }) else {
            throw StateReader.Damaged()
        }
        detail.usual = try UsualRate(from: &reader)
        details = [detail]
    }

    private static func events(_ reader: inout StateReader, _ shape: RuleShape) throws(StateReader.Damaged) -> [RuleEvent] {
        let count = try reader.compactInt64()
        guard (0...Int64(shape.maxEvents)).contains(count) else { throw StateReader.Damaged() }
        var events: [RuleEvent] = []
        events.reserveCapacity(Int(min(count, 64)))
        var last: Int64 = 0
        func small(_ number: Int64) throws(StateReader.Damaged) -> UInt32 {
            guard let small = UInt32(exactly: number) else { throw StateReader.Damaged() }
            return small
        }
        for _ in 0..<count {
            last = last &+ (try reader.compactInt64())
            let line = try small(try reader.compactInt64())
            let weight = Int(try small(try reader.compactInt64()) & 0x0FFF_FFFF)
            let step = shape.steps.count > 1 ? Int(try reader.byte()) : 0
            let value = shape.hasDistinct ? try small(try reader.compactInt64()) : 0
            let once = shape.isOncePer ? try small(try reader.compactInt64()) : 0
            guard step < shape.steps.count, (events.last?.time ?? .min) <= last, last.magnitude <= RuleShape.maxTime.magnitude
            else {
                throw StateReader.Damaged()
            }
            events.append(RuleEvent(time: last, line: line, value: value, once: once, step: step, count: weight))
        }
        return events
    }
}

/// The usual number of events of a group, as a sum in which each counts less the older it is: one number, the same in any
/// order of the events.
///
/// Source: Brown: Smoothing, Forecasting and Prediction of Discrete Time Series, 1963 (exponential smoothing, here in continuous
/// time).
struct UsualRate: Sendable {
    /// Σ count · exp((time − reference) / history)
    private var sum = 0.0
    private var reference: Int64 = 0
    private(set) var since: Int64?

    /// - Parameter within: a group that was away for longer than `history` and that is not known any more.
    mutating func add(_ event: RuleEvent, history: Int64, within: Int64) {
        guard since != nil, event.time &- reference <= history &+ within else {
            (sum, reference, since) = (Double(event.count), event.time, event.time)
            return
        }
        since = min(since!, event.time)
        if event.time > reference {
            sum *= Self.weight(reference &- event.time, history)
            reference = event.time
        }
        sum += Double(event.count) * Self.weight(event.time &- reference, history)
    }

    private static func weight(_ age: Int64, _ history: Int64) -> Double { exp(Double(age) / Double(history)) }

    /// The mean count of a window of length `within` before the one that ends at `end`; nil while the group is not known for
    /// `learn`.
    ///
    /// - Parameter recent: the events in that window and after it.
    func perWindow(before end: Int64, within: Int64, _ rate: DetectionRule.Rate, recent: some Sequence<RuleEvent>) -> Double? {
        let history = rate.history.inMicroseconds
        guard let since, case let known = end &- within &- since, known >= max(rate.learn.inMicroseconds, 1) else { return nil }
        var total = sum * Self.weight(reference &- end, history)
        for event in recent { total -= Double(event.count) * Self.weight(event.time &- end, history) }
        // The integral of the weights over what is known before the window.
        let weights = (Self.weight(-within, history) - Self.weight(since &- end, history)) * Double(history) / Double(within)
        return weights > 0 ? max(0, total) / weights : nil
    }

    init() {}

    func encode(to writer: inout StateWriter) {
        writer.write(since != nil)
        guard let since else { return }
        writer.write(sum)
        writer.write(reference)
        writer.write(since)
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        guard try reader.bool() else { return }
        sum = try reader.double()
        guard sum.isFinite, sum >= 0 else { throw StateReader.Damaged() }
        reference = try reader.time()
        since = try reader.time()
    }
}
