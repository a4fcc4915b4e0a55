import Columns

/// In which windows a rule holds for a group. Everything here follows from the group's events alone.
extension RuleGroup {
    /// Gives the windows that end at an event at `dirty` or later in which the rule holds.
    func matches(_ shape: RuleShape, since dirty: Int64, _ body: (RuleMatch) -> Void) {
        let from = firstIndex { $0.time >= dirty }
        guard from < events.count else { return }
        if shape.steps.count == 1 {
            countMatches(shape, from: from, body)
        } else {
            var at = from
            while at < events.count {
                let next = firstIndex(after: events[at].time)
                // Of several at one time the first by name: it is the same one in whatever order they came.
                for end in at..<next where events[end].step == shape.lastStep {
                    guard let match = sequence(shape, to: events[end], before: next) else { continue }
                    body(match)
                    if !shape.isFoundByEach { break }
                }
                at = next
            }
        }
    }

    /// The first event that `isBeyond` holds for; it holds for all after it.
    func firstIndex(where isBeyond: (RuleEvent) -> Bool) -> Int {
        var low = 0, high = events.count
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(events[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func firstIndex(after time: Int64) -> Int { firstIndex { $0.time > time } }

    // MARK: Counts

    /// The window slides over the events: each enters once and leaves once.
    private func countMatches(_ shape: RuleShape, from: Int, _ body: (RuleMatch) -> Void) {
        var low = firstIndex { shape.isWithin($0.time, windowTo: events[from].time) }
        var high = low, at = from
        let sampling = detail?.sampling ?? 0
        // Most groups are far from what the rule asks for: no window of theirs needs a look.
        guard (events.count - low) << sampling >= shape.steps[0].distinct,
            shape.steps[0].count <= 1 || events[low...].reduce(0, { $0 + $1.count }) >= shape.steps[0].count
        else { return }
        var window = Window(hasDistinct: shape.hasDistinct)
        while at < events.count {
            let first = at, end = events[at].time
            while high < events.count, events[high].time == end || high < at {
                window.add(events[high])
                high += 1
            }
            while !shape.isWithin(events[low].time, windowTo: end) {
                window.remove(events[low])
                low += 1
            }
            at = high
            let distinct = window.distinct << sampling
            guard window.count >= shape.steps[0].count, distinct >= shape.steps[0].distinct else { continue }
            var match = RuleMatch(
                start: events[low].time, end: end, count: window.count, distinct: distinct,
                completedBy: LineReference(time: end, name: events[first].line))
            if case .rate(let rate) = shape.condition {
                guard let usual = detail?.usual.perWindow(before: end, within: shape.within, rate, recent: events[low...]),
                    Double(window.count) >= rate.times * usual
                else { continue }
                match.usual = usual
            }
            for event in events[first..<(shape.isFoundByEach ? high : first + 1)] {
                match.completedBy.name = event.line
                body(match)
            }
        }
    }

    private struct Window {
        let hasDistinct: Bool
        var count = 0
        private var values: [UInt32: Int] = [:]

        var distinct: Int { values.count }

        init(hasDistinct: Bool) { self.hasDistinct = hasDistinct }

        mutating func add(_ event: RuleEvent) {
            count += event.count
            if hasDistinct, event.value != 0 { values[event.value, default: 0] += 1 }
        }

        mutating func remove(_ event: RuleEvent) {
            count -= event.count
            guard hasDistinct, event.value != 0, let left = values[event.value] else { return }
            values[event.value] = left > 1 ? left - 1 : nil
        }
    }

    // MARK: Sequences

    /// The window that ends at `end`, when the steps before it are all there, one after the other.
    ///
    /// From the end backwards each step takes the latest events that are enough for it: if the steps can be had at all, then so.
    private func sequence(_ shape: RuleShape, to end: RuleEvent, before limit: Int) -> RuleMatch? {
        var step = shape.lastStep, count = 0
        var values: Set<UInt32> = []
        var at = limit - 1
        while step >= 0 {
            guard at >= 0, shape.isWithin(events[at].time, windowTo: end.time) else { return nil }
            let event = events[at]
            at -= 1
            // A row that fulfils two steps is only one of them.
            guard event.step == step, step == shape.lastStep || event.line != end.line || event.time != end.time else { continue }
            count += event.count
            if event.value != 0 { values.insert(event.value) }
            guard count >= shape.steps[step].count, values.count >= shape.steps[step].distinct else { continue }
            // Events of the same moment have no order.
            at = firstIndex(after: event.time) - 1
            (step, count, values) = (step - 1, 0, [])
        }
        let window = events[firstIndex { shape.isWithin($0.time, windowTo: end.time) }..<limit].filter { $0.step == 0 }
        guard let first = window.first else { return nil }
        return RuleMatch(
            start: first.time, end: end.time, count: window.reduce(0) { $0 + $1.count },
            distinct: Set(window.lazy.map(\.value).filter { $0 != 0 }).count,
            completedBy: LineReference(time: end.time, name: end.line))
    }

    // MARK: Absences

    /// The events after which something was to come within the window and did not: any event for a rule of silence, one of the
    /// second step for one that waits for an answer.
    ///
    /// - Parameter deadlines: those that have passed since this was asked last.
    func absences(_ shape: RuleShape, deadlines: ClosedRange<Int64>, _ body: (RuleMatch) -> Void) {
        for (at, event) in events.enumerated() where event.step == 0 && deadlines.contains(event.time &+ shape.within) {
            let deadline = event.time &+ shape.within
            let isAnswered: Bool
            if shape.condition == .silence {
                isAnswered = at + 1 < events.count && events[at + 1].time <= deadline
            } else {
                isAnswered = events.contains { $0.step == 1 && $0.time >= event.time && $0.time <= deadline }
            }
            guard !isAnswered else { continue }
            body(
                RuleMatch(
                    start: event.time, end: deadline, count: event.count, distinct: 0,
                    completedBy: LineReference(time: event.time, name: event.line)))
        }
    }
}
