import Columns

/// The rows of one batch as detectors look at them, with what several of them ask for computed once: which rows fulfil some
/// matchers, the hashes of a column, the networks of its addresses.
///
/// It lives for one batch, and one task uses it.
public final class DetectorRows {
    /// With an `event_time` column.
    public let events: Batch
    /// The event time of each row in microseconds. Of a row whose clock is more than an hour ahead it is the time at which its
    /// line arrived: nothing happens after it was reported, and one such row would else end the window of its group and make
    /// every other group look quiet.
    let times: [Int64]
    /// The newest of ``times``.
    let newest: Int64
    private let lines: Batch
    private let lineRows: [Int32]
    private let cache: EvidenceCache
    /// How many events each row stands for; nil where each is one.
    let weights: [UInt32]?
    /// Whether lines are kept for evidence; not of rows that are without them, as those of silver.
    let keepsLines: Bool
    /// Of rows that are what rules found: what each is.
    private let found: FindingMoments

    /// Which rows are excepted by history, by exception; one that is not there excepts none.
    var known: [DetectionRule.Seen: [Bool]] = [:]
    /// Whether rules look at what the detector finds that these rows are shown to now.
    var isWatched = false
    /// What such detectors found in these rows.
    var moments = FindingMoments()

    private var masks: [[Matcher]: [Bool]] = [:]
    private var selections: [[[Matcher]]: [Int32]] = [:]
    private var candidates: [Candidates: [Int32]] = [:]
    private var listMasks: [ListKey: [Bool]] = [:]
    private var networks: [String: Column] = [:]
    private var hashes: [ColumnReference: [UInt64]] = [:]
    private var keys: [[ColumnReference]: [UInt64]] = [:]
    /// 0 until it is asked for: each is the same for all rules.
    private var lineNames: [UInt32] = []
    /// Of silver, whose lines have no texts.
    private lazy var fileHashes = lines["file"]?.stableHashes() ?? []
    private lazy var texts = LineTexts(lines, hosts: events["host"])

    private struct Candidates: Hashable {
        let steps: [[Matcher]]
        let seen: [DetectionRule.Seen]
    }

    private struct ListKey: Hashable {
        let column: ColumnReference
        let list: ObjectIdentifier
    }

    /// How far ahead of its line's arrival an event may be.
    private static let maxSkew = Duration.seconds(3600).inMicroseconds

    /// - Parameters:
    ///   - events: rows with an `event_time`.
    ///   - lines: the raw lines that the rows were made of, with `file`, `offset` and `line`, perhaps `arrival_time`.
    ///   - lineRows: for each row of `events` the row of its line.
    /// - Returns: nil when the rows have no time.
    init?(events: Batch, lines: Batch, lineRows: [Int32], cache: EvidenceCache) {
        guard let written = events["event_time"], case .int64(let all) = written.values else { return nil }
        self.events = events
        self.lines = lines
        self.lineRows = lineRows
        self.cache = cache
        weights = Self.weights(events)
        times = Self.believable(Array(all[written.range]), arrivals: lines["arrival_time"], lineRows)
        newest = times.max() ?? .min
        keepsLines = lines["line"] != nil
        found = FindingMoments()
    }

    /// Rows that are what rules found, in the order of their times.
    init(_ found: FindingMoments, cache: EvidenceCache) {
        events = found.rows
        lines = Batch(empty: Schema([]))
        lineRows = []
        self.cache = cache
        weights = nil
        times = found.times
        newest = times.max() ?? .min
        keepsLines = true
        self.found = found
        lineNames = times.indices.map { found.line($0).name }
    }

    private static func weights(_ events: Batch) -> [UInt32]? {
        guard let counts = events["count"] else { return nil }
        return (0..<counts.count).map { UInt32(clamping: counts.integer(at: $0) ?? 1) }
    }

    var count: Int { times.count }

    private static func believable(_ times: [Int64], arrivals: Column?, _ lineRows: [Int32]) -> [Int64] {
        guard let arrivals, let newest = times.max(), let first = arrivals.integer(at: Int(lineRows[0])) else { return times }
        // Fast path: lines of a batch arrive together, and nearly none is of the future.
        guard newest > first, newest &- first > maxSkew else { return times }
        return times.indices.map { row in
            let arrival = arrivals.integer(at: Int(lineRows[row])) ?? .max
            return times[row] > arrival && times[row] &- arrival > maxSkew ? arrival : times[row]
        }
    }

    // MARK: Columns

    /// Which rows fulfil all of `matchers`.
    func mask(_ matchers: [Matcher]) -> [Bool] {
        if let known = masks[matchers] { return known }
        let mask = matchers.rows(in: events)
        masks[matchers] = mask
        return mask
    }

    /// The rows that fulfil one of `steps`, ascending: most rules are about few of the rows.
    func selection(_ steps: [[Matcher]]) -> [Int32] {
        if let known = selections[steps] { return known }
        let masks = steps.map(mask)
        var rows: [Int32] = []
        for row in 0..<count where masks[0][row] || masks.count > 1 && masks.contains(where: { $0[row] }) {
            rows.append(Int32(row))
        }
        selections[steps] = rows
        return rows
    }

    /// The rows that fulfil a step of a rule and are not excepted by history, ascending.
    func candidates(_ rule: DetectionRule) -> [Int32] {
        let key = Candidates(steps: rule.steps.map(\.match), seen: rule.seen)
        if let known = candidates[key] { return known }
        var rows = selection(key.steps)
        for seen in key.seen {
            guard let known = known[seen] else { continue }
            rows.removeAll { known[Int($0)] }
        }
        candidates[key] = rows
        return rows
    }

    /// The rows whose value is in `list`.
    func mask(_ column: ColumnReference, in list: ValueList) -> [Bool] {
        let key = ListKey(column: column, list: ObjectIdentifier(list))
        if let known = listMasks[key] { return known }
        let mask = self.column(column).map { list.rows(of: $0) } ?? Array(repeating: false, count: count)
        listMasks[key] = mask
        return mask
    }

    func column(_ reference: ColumnReference) -> Column? {
        guard let column = events[reference.column] else { return nil }
        guard reference.isNetwork else { return column }
        if let known = networks[reference.column] { return known }
        let made = column.networks()
        networks[reference.column] = made
        return made
    }

    /// A hash of each value; 0 for a null and for the empty text. Nil when there is no such column.
    func hashes(_ reference: ColumnReference) -> [UInt64]? {
        if let known = hashes[reference] { return known }
        guard let column = column(reference) else { return nil }
        let empty = StableHash().value
        var made = column.stableHashes()
        let isText = if case .int32 = column.values { false } else if case .int64 = column.values { false } else { true }
        for row in made.indices {
            if isText, made[row] == empty {
                made[row] = 0
            } else if !isText, !column.isNull(at: row) {
                made[row] = Self.mixed(made[row]) | 1
            }
        }
        hashes[reference] = made
        return made
    }

    /// One hash of several columns for each row; 0 where one of the columns has no value. Nil when a column is missing.
    func keys(_ references: [ColumnReference]) -> [UInt64]? {
        if let known = keys[references] { return known }
        var made = [UInt64](repeating: 0x9E37_79B9_7F4A_7C15, count: count)
        for reference in references {
            guard let hashes = hashes(reference) else { return nil }
            for row in made.indices where made[row] != 0 {
                made[row] = hashes[row] == 0 ? 0 : Self.mixed(made[row] ^ hashes[row]) | 1
            }
        }
        keys[references] = made
        return made
    }

    /// The finalizer of SplitMix64.
    static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    func label(_ reference: ColumnReference, _ row: Int) -> String { column(reference)?.label(at: row) ?? "" }

    // MARK: Lines

    /// What the lines of some rows are called in a ``LineSet``, by row: a hash of their texts, so that it does not depend on the
    /// order in which lines came. Lines of the same text at the same time are distinguished by ``RuleGroup``.
    ///
    /// - Parameter rows: those that are asked for.
    func lineNames(of rows: [Int32]) -> [UInt32] {
        if lineNames.isEmpty { lineNames = Array(repeating: 0, count: count) }
        var offsets: [Int64] = []
        // Silver has no texts: there a line is where it is.
        if !keepsLines, let column = lines["offset"], case .int64(let all) = column.values { offsets = Array(all[column.range]) }
        for row in rows where lineNames[Int(row)] == 0 {
            let line = Int(lineRows[Int(row)])
            let hash: UInt64
            if keepsLines {
                hash = texts.hash(line)
            } else {
                let file = fileHashes.isEmpty ? 0 : fileHashes[line]
                hash = Self.mixed(file ^ UInt64(bitPattern: offsets.isEmpty ? Int64(line) : offsets[line]))
            }
            lineNames[Int(row)] = LineSet.name(text: hash)
        }
        return lineNames
    }

    /// Keeps the line of a row for the evidence of findings; nothing where the texts of lines are not known, as in silver.
    func keep(_ row: Int, as reference: LineReference) {
        guard keepsLines, !cache.contains(reference) else { return }
        if found.isEmpty {
            texts.keep(line: Int(lineRows[row]), row: row, time: times[row], as: reference, in: cache)
        } else if let line = found.text(row) ?? cache.lines([found.line(row)]).first {
            cache.insert(line, as: reference)
        }
    }

    var evidence: EvidenceSource { EvidenceSource(cache: cache) }
}

/// Texts of lines.
private struct LineTexts {
    private let offsets: Column?
    private let lines: Column?
    private let hosts: Column?
    private let files: Column?

    init(_ batch: Batch, hosts: Column?) {
        offsets = batch["offset"]
        lines = batch["line"]
        files = batch["file"]
        self.hosts = hosts
    }

    /// Of a line in evidence, and of the name of its host: that of a JSON log may be anything.
    private static let maxLineBytes = 2000, maxHostBytes = 256
    /// Lines that differ only beyond this are distinguished as those that are equal.
    private static let maxHashedBytes = 4096

    func hash(_ line: Int) -> UInt64 {
        lines?.withBytes(at: line) { StableHash.of($0.extracting(first: Self.maxHashedBytes)) } ?? 0
    }

    /// Keeps the beginning of a line, cut between bytes: to count characters of every line would cost more than all else that a
    /// rule does.
    func keep(line: Int, row: Int, time: Int64, as reference: LineReference, in cache: EvidenceCache) {
        let offset = offsets?.integer(at: line) ?? 0, none: [UInt8] = []
        let hasHost = hosts.map { !$0.isNull(at: row) } ?? false
        func withBytes(_ column: Column?, _ row: Int, _ body: (Span<UInt8>) -> Void) {
            if let column { column.withBytes(at: row, body) } else { body(none.span) }
        }
        withBytes(files, line) { file in
            withBytes(lines, line) { text in
                withBytes(hosts, row) { host in
                    cache.insert(
                        reference, time: time, offset: offset, file: file, line: text.extracting(first: Self.maxLineBytes),
                        host: host.extracting(first: Self.maxHostBytes), hasHost: hasHost)
                }
            }
        }
    }
}
