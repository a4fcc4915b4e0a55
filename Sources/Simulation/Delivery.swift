import Columns

/// What happens to lines on their way: some come out of order, some late, some damaged. Seeded, so that a run can be repeated.
///
/// A line that is held back comes with the lines of a later time; nothing is lost, and nothing comes twice.
public struct Delivery: Sendable {
    /// Which share of lines is treated how; by default none.
    public struct Options: Sendable {
        /// Equal seeds treat equal lines equally.
        public var seed: UInt64 = 1
        /// The share of lines that come up to ``outOfOrderBy`` late: within what a pipeline allows.
        public var outOfOrder = 0.0
        /// The longest delay of a line out of order; the shortest is half of it.
        public var outOfOrderBy = Duration.seconds(30)
        /// The share of lines that come up to ``lateBy`` late: beyond what a pipeline allows.
        public var late = 0.0
        /// The longest delay of a late line; the shortest is half of it.
        public var lateBy = Duration.seconds(1800)
        /// The share of lines of which a part is cut off or overwritten.
        public var corrupt = 0.0

        /// Delivers every line at once and undamaged.
        public init() {}
    }

    /// How many lines were treated how.
    struct Counts: Sendable, Hashable {
        /// All lines that were given to ``Delivery/deliver(_:now:)``.
        var lines = 0
        /// Lines held back within what a pipeline allows.
        var outOfOrder = 0
        /// Lines held back beyond it.
        var late = 0
        /// Lines that were damaged, also those that were held back as well.
        var corrupt = 0
    }

    private let options: Options
    private var random: SplitMix64
    /// Lines that are held back, by the time at which they come.
    private var held: [(due: Timestamp, line: SimulatedLine)] = []
    /// What happened so far.
    private(set) var counts = Counts()

    /// Holds nothing back yet.
    public init(_ options: Options) {
        self.options = options
        random = SplitMix64(seed: options.seed ^ 0x5DEE_CE66_D1CE_4E5B)
    }

    /// What arrives by `now` of `lines` and of what was held back before.
    public mutating func deliver(_ lines: [SimulatedLine], now: Timestamp) -> [SimulatedLine] {
        var arriving: [SimulatedLine] = []
        for line in lines {
            counts.lines += 1
            let line = damaged(line)
            if random.chance(options.late) {
                counts.late += 1
                hold(line, for: options.lateBy)
            } else if random.chance(options.outOfOrder) {
                counts.outOfOrder += 1
                hold(line, for: options.outOfOrderBy)
            } else {
                arriving.append(line)
            }
        }
        var left: [(due: Timestamp, line: SimulatedLine)] = []
        for entry in held {
            if entry.due <= now { arriving.append(entry.line) } else { left.append(entry) }
        }
        held = left
        return arriving
    }

    /// What is still held back, at the end.
    public mutating func finish() -> [SimulatedLine] {
        defer { held = [] }
        return held.sorted { $0.due < $1.due }.map(\.line)
    }

    private mutating func hold(_ line: SimulatedLine, for longest: Duration) {
        let microseconds = Int64.random(in: (longest.inMicroseconds / 2)...max(1, longest.inMicroseconds), using: &random)
        held.append((line.time + .microseconds(microseconds), line))
    }

    private mutating func damaged(_ line: SimulatedLine) -> SimulatedLine {
        guard options.corrupt > 0, random.chance(options.corrupt) else { return line }
        counts.corrupt += 1
        var bytes = Array(line.text.utf8)
        let at = Int.random(in: 0..<max(1, bytes.count), using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes = Array(bytes.prefix(at))
        case 1:
            for index in at..<min(bytes.count, at + 6) { bytes[index] = UInt8(ascii: "#") }
        default: bytes.insert(contentsOf: Array("\u{FFFD}\u{FFFD}".utf8), at: at)
        }
        return SimulatedLine(line.stream, line.time, String(decoding: bytes, as: UTF8.self))
    }
}
