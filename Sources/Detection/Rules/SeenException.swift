import Columns

/// The exception of what is known by history: a row of a network from which the same user has logged in before.
struct SeenException {
    let exception: DetectionRule.Seen
    private(set) var seen: SeenValues
    private let within: Int64
    /// Never less than rows may be late: all that counts for a row has come when it comes.
    private let after: Int64
    private let lateness: Int64
    private var guesses: Guesses?

    /// What of a batch it looks at.
    private struct Rows {
        let mask: [Bool]
        let keys: [UInt64]
        /// Of ``DetectionRule/Seen/unless``.
        let guessMask: [Bool]
        let guessKeys: [UInt64]
    }

    init(_ exception: DetectionRule.Seen, lateness: Duration) {
        self.exception = exception
        within = exception.within.inMicroseconds
        after = max(exception.after, lateness).inMicroseconds
        self.lateness = lateness.inMicroseconds
        seen = SeenValues(forgetAfter: within)
        guesses = exception.unless.map { Guesses($0) }
    }

    private func rows(_ rows: DetectorRows) -> Rows? {
        guard let keys = rows.keys(exception.by) else { return nil }
        guard let unless = exception.unless else {
            return Rows(mask: rows.mask(exception.match), keys: keys, guessMask: [], guessKeys: [])
        }
        guard let guessKeys = rows.keys(unless.by) else { return nil }
        return Rows(mask: rows.mask(exception.match), keys: keys, guessMask: rows.mask(unless.match), guessKeys: guessKeys)
    }

    /// Takes in the rows of a batch, one after the other, and says which of `asked` are excepted: by what came before each.
    ///
    /// - Returns: nil when the batch lacks a column.
    mutating func observe(_ rows: DetectorRows, asked: [Bool]) -> [Bool]? {
        guard let batch = self.rows(rows) else { return nil }
        var known = [Bool](repeating: false, count: rows.count)
        let times = rows.times, keys = batch.keys
        for row in 0..<rows.count {
            let time = times[row]
            if guesses != nil { judge(upTo: time) }
            if asked[row], keys[row] != 0 { known[row] = seen.isKnown(keys[row], at: time, within: within, after: after) }
            if guesses != nil, batch.guessMask[row], batch.guessKeys[row] != 0 { guesses?.insert(batch.guessKeys[row], at: time) }
            guard batch.mask[row], keys[row] != 0 else { continue }
            if guesses != nil {
                guesses?.wait(.init(value: keys[row], guessed: batch.guessKeys[row], time: time))
            } else {
                seen.insert(keys[row], at: time, lateness: lateness)
            }
        }
        return known
    }

    /// Decides of what was seen whether it makes its value known, once no guess that came before it can still come.
    private mutating func judge(upTo time: Int64) {
        guard let due = guesses?.takeWaiting(before: time &- lateness) else { return }
        for one in due {
            // A value that is known stays known: an owner who mistypes at home goes on living there.
            let isKnown = seen[one.value].map { one.time &- $0.last <= within } ?? false
            guard isKnown || !(guesses?.isGuessed(one.guessed, at: one.time) ?? false) else { continue }
            seen.insert(one.value, at: one.time, lateness: lateness)
        }
    }

    /// Forgets what no row can reach any more that comes in time.
    mutating func forget(before newest: Int64) {
        seen.forget(before: newest &- lateness)
        guesses?.forget(before: newest &- lateness)
    }

    var count: Int { seen.count + (guesses?.count ?? 0) }
    var bytes: Int { seen.bytes + (guesses?.bytes ?? 0) }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        seen.encode(to: &writer)
        guesses?.encode(to: &writer)
    }

    mutating func decode(from reader: inout StateReader) throws(StateReader.Damaged) {
        try seen.decode(from: &reader)
        try guesses?.decode(from: &reader)
    }
}

/// Who has guessed lately, such as networks with failed log-ins: since when each has done so as often as
/// ``DetectionRule/Unless/count``, without a pause as long as ``DetectionRule/Unless/within``. A log-in after guesses proves
/// nothing: it is the intruder's own.
private struct Guesses {
    /// Something seen that may make a value known; it waits until no earlier guess can come.
    struct Waiting {
        let value: UInt64
        let guessed: UInt64
        let time: Int64
    }

    /// The first guesses of one key since a pause, ascending, in seconds: more are never needed.
    private struct Run {
        var first = SIMD8<UInt32>(repeating: .max)
        var last: UInt32

        init(_ second: UInt32) {
            last = second
            first[0] = second
        }

        mutating func take(_ second: UInt32, _ needed: Int) {
            last = max(last, second)
            var rest = second
            for at in 0..<needed where rest < first[at] { (first[at], rest) = (rest, first[at]) }
        }
    }

    private let needed: Int
    private let pause: UInt32
    private var runs = KeyTable(Run(0))
    /// The run before, while a late guess may still join the two.
    private var earlier = KeyTable(Run(0))
    /// By time, then by value; those before `head` are done. Each row asks for the oldest, so it must be at hand.
    private var waiting: [Waiting] = []
    private var head = 0

    /// Runs that began since there was last looked for those that are over, or too many. Counted by rows and not by how many are
    /// kept, so that it does not matter when ``forget(before:)`` was called.
    private var begun = 0

    /// Keys beyond which those that were quiet longest are forgotten: strangers who knocked once, for the most part.
    private static let maxRuns = 30_000
    private static let maxWaiting = 100_000

    init(_ unless: DetectionRule.Unless) {
        needed = max(1, min(unless.count, 8))
        pause = UInt32(clamping: Int64(unless.within.inSeconds))
    }

    private static func seconds(_ time: Int64) -> UInt32 { UInt32(clamping: time / 1_000_000) }

    mutating func insert(_ key: UInt64, at time: Int64) {
        let second = Self.seconds(time)
        guard var run = runs[key], second <= run.last || second &- run.last <= pause else {
            earlier[key] = runs[key]
            runs[key] = Run(second)
            begun += 1
            if begun > Self.maxRuns / 4 { forgetQuietest(at: time) }
            return
        }
        if second < run.first[0], run.first[0] &- second > pause {
            var before = earlier[key] ?? Run(second)
            before.take(second, needed)
            earlier[key] = before
            return
        }
        run.take(second, needed)
        if let before = earlier[key], run.first[0] <= before.last || run.first[0] &- before.last <= pause {
            for at in 0..<needed where before.first[at] != .max { run.take(before.first[at], needed) }
            earlier[key] = nil
        }
        runs[key] = run
    }

    /// Whether `key` had guessed often enough before `time`.
    func isGuessed(_ key: UInt64, at time: Int64) -> Bool {
        guard key != 0 else { return false }
        let second = Self.seconds(time)
        return holds(runs[key], second) || holds(earlier[key], second)
    }

    private func holds(_ run: Run?, _ second: UInt32) -> Bool {
        guard let run else { return false }
        return run.first[needed - 1] <= second && (second <= run.last || second &- run.last <= pause)
    }

    /// Rows come nearly in order: the place is near the end.
    mutating func wait(_ one: Waiting) {
        var at = waiting.count
        while at > head, (one.time, one.value) < (waiting[at - 1].time, waiting[at - 1].value) { at -= 1 }
        waiting.insert(one, at: at)
    }

    /// What waits and is older than `time`, oldest first; nil when nothing is.
    mutating func takeWaiting(before time: Int64) -> [Waiting]? {
        let isFull = waiting.count - head > Self.maxWaiting
        guard head < waiting.count, isFull || waiting[head].time < time else { return nil }
        var end = head
        while end < waiting.count, isFull || waiting[end].time < time { end += 1 }
        let due = Array(waiting[head..<end])
        head = end
        // Cut off in large pieces: each cut moves all that is left.
        if head * 2 > waiting.count {
            waiting.removeFirst(head)
            head = 0
        }
        return due
    }

    private mutating func forgetQuietest(at time: Int64) {
        begun = 0
        forget(before: time &- Int64(pause) * 1_000_000)
        guard runs.count > Self.maxRuns else { return }
        // By key where times are equal, as in a flood within one second: it must not take everything with it.
        let bound = runs.all.map { ($0.value.last, $0.key) }.sorted(by: >)[Self.maxRuns * 3 / 4]
        runs.filter { ($1.last, $0) > bound }
        forgetEarlier { _ in true }
    }

    private mutating func forgetEarlier(keeping isKept: (Run) -> Bool) {
        let runs = runs
        earlier.filter { runs[$0] != nil && isKept($1) }
    }

    mutating func forget(before newest: Int64) {
        let oldest = Self.seconds(newest)
        let pause = pause
        runs.filter { $1.last >= oldest || oldest &- $1.last <= pause }
        forgetEarlier { $0.last >= oldest || (oldest &- $0.last) / 2 <= pause }
    }

    var count: Int { runs.count }
    var bytes: Int {
        (runs.capacity + earlier.capacity) * (MemoryLayout<Run>.stride + 8) + waiting.capacity * MemoryLayout<Waiting>.stride
    }

    func encode(to writer: inout StateWriter) {
        writer.write(compact: Int64(begun))
        for runs in [runs, earlier] {
            writer.write(runs.count)
            for (key, run) in runs.all.sorted(by: { $0.key < $1.key }) {
                writer.write(key)
                writer.write(compact: Int64(run.last))
                let first = (0..<needed).map { run.first[$0] }.filter { $0 != .max }
                writer.write(byte: UInt8(first.count))
                for second in first { writer.write(compact: Int64(run.last) - Int64(second)) }
            }
        }
        writer.write(waiting.count - head)
        for one in waiting[head...] {
            writer.write(one.value)
            writer.write(one.guessed)
            writer.write(one.time)
        }
    }

    mutating func decode(from reader: inout StateReader) throws(StateReader.Damaged) {
        let number = try reader.compactInt64()
        guard (0...Int64(Self.maxRuns)).contains(number) else { throw StateReader.Damaged() }
        begun = Int(number)
        runs = try Self.runs(&reader)
        earlier = try Self.runs(&reader)
        (waiting, head) = ([], 0)
        for _ in 0..<(try reader.count()) {
            wait(.init(value: try reader.uint64(), guessed: try reader.uint64(), time: try reader.time()))
        }
    }

    private static func runs(_ reader: inout StateReader) throws(StateReader.Damaged) -> KeyTable<Run> {
        var runs = KeyTable(Run(0))
        for _ in 0..<(try reader.count()) {
            let key = try reader.uint64()
            guard key != 0 else { throw StateReader.Damaged() }
            var run = Run(try Self.second(try reader.compactInt64()))
            let count = Int(try reader.byte())
            guard count <= 8 else { throw StateReader.Damaged() }
            for at in 0..<count {
                let age = try reader.compactInt64()
                guard (0...Int64(run.last)).contains(age) else { throw StateReader.Damaged() }
                run.first[at] = run.last - UInt32(age)
            }
            runs[key] = run
        }
        return runs
    }

    private static func second(_ number: Int64) throws(StateReader.Damaged) -> UInt32 {
        guard let second = UInt32(exactly: number) else { throw StateReader.Damaged() }
        return second
    }
}
