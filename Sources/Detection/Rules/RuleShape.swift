import Columns
import Foundation

/// What a rule asks of a group, in numbers: the rule as its groups need it.
struct RuleShape: Sendable {
    struct Step: Sendable {
        let count: Int
        let distinct: Int
    }

    let steps: [Step]
    let condition: DetectionRule.Condition
    /// In microseconds, as all times here.
    let within: Int64
    /// Windows of at most an hour are exact. Those that are longer are measured in steps of this, so that a group needs no more
    /// than a number for each.
    let quantum: Int64
    /// Steps in a window of steps.
    static let stepsPerWindow: Int64 = 64
    let lateness: Int64
    let hasDistinct: Bool
    /// How long a group is kept after its last event.
    let retention: Int64
    /// Events of a group beyond which they are put together.
    let maxEvents: Int
    let isOncePer: Bool
    /// Whether each event that completes the rule is found by itself, because findings bear values of its row.
    let isFoundByEach: Bool

    /// Times further away are not believed, so that differences of times cannot overflow.
    static let maxTime: Int64 = 1 << 60

    init(_ rule: DetectionRule, lateness: Duration) {
        if case .rate(let rate) = rule.condition {
            steps = [Step(count: rate.atLeast, distinct: 0)]
        } else {
            steps = rule.steps.map { Step(count: $0.count, distinct: $0.distinct?.count ?? 0) }
        }
        condition = rule.condition
        within = rule.within.inMicroseconds
        quantum = within > Duration.seconds(3600).inMicroseconds ? within / Self.stepsPerWindow : 1
        self.lateness = min(lateness.inMicroseconds, Duration.seconds(86_400).inMicroseconds)
        hasDistinct = rule.steps.contains { $0.distinct != nil }
        // What is usual outlives the window.
        let reach = if case .rate(let rate) = rule.condition { rate.history.inMicroseconds } else { Int64(0) }
        retention = within + reach + self.lateness + RuleReport.repeatAfter
        isFoundByEach = !rule.include.isEmpty
        maxEvents = quantum > 1 ? 256 : 4096
        if case .newValue = rule.condition { isOncePer = true } else { isOncePer = !rule.oncePer.isEmpty }
    }

    var lastStep: Int { steps.count - 1 }

    /// Whether an event at `time` is in the window that ends at `end`.
    func isWithin(_ time: Int64, windowTo end: Int64) -> Bool {
        guard quantum > 1 else { return time >= end &- within }
        return bucket(time) > bucket(end) &- Self.stepsPerWindow
    }

    /// The oldest time that a window of a row may reach which comes in time, where `newest` has come.
    func oldest(before newest: Int64) -> Int64 { newest &- within &- max(lateness, quantum) }

    func bucket(_ time: Int64) -> Int64 { time >= 0 ? time / quantum : (time &- (quantum - 1)) / quantum }
}

/// One event that a group remembers, or several that were put together.
struct RuleEvent: Sendable, Comparable {
    var time: Int64
    /// See ``LineSet/name(text:repetition:)``; of several events one of them.
    var line: UInt32
    /// A hash of the value that is to be distinct; 0 for none.
    var value: UInt32
    /// A hash of what is to count once; 0 for none.
    var once: UInt32
    /// The step of the rule in the four highest bits, how many events it is in the others.
    private var packed: UInt32

    init(time: Int64, line: UInt32, value: UInt32, once: UInt32, step: Int, count: Int) {
        self.time = max(-RuleShape.maxTime, min(RuleShape.maxTime, time))
        self.line = line
        self.value = value
        self.once = once
        packed = UInt32(step) << 28 | UInt32(max(0, min(count, 1 << 28 - 1)))
    }

    var step: Int { Int(packed >> 28) }
    var count: Int {
        get { Int(packed & 0x0FFF_FFFF) }
        set { packed = packed & 0xF000_0000 | UInt32(max(0, min(newValue, 1 << 28 - 1))) }
    }

    /// The name under which it is counted in a ``LineSet``: the lines of what counts once are one.
    var countedName: UInt32 { once == 0 ? line : once }

    static func < (left: RuleEvent, right: RuleEvent) -> Bool {
        left.time != right.time
            ? left.time < right.time : left.line != right.line ? left.line < right.line : left.packed < right.packed
    }
}
