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
    private let counts: Column?
    /// The rows that these are a part of, and where they begin there: what was computed for all of them is not computed again.
    private let whole: (rows: DetectorRows, start: Int)?

    private var masks: [[Matcher]: [Bool]] = [:]
    private var listMasks: [ListKey: [Bool]] = [:]
    private var networks: [String: Column] = [:]
    private var hashes: [ColumnReference: [UInt64]] = [:]
    private var keys: [[ColumnReference]: [UInt64]] = [:]
    /// By line; 0 until it is asked for: each is the same for all rules.
    private var lineNames: [UInt32] = []
    /// Of silver, whose lines have no texts.
    private var fileHashes: [UInt64] = []
    private lazy var texts = LineTexts(lines, hosts: events["host"])

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
        counts = events["count"]
        times = Self.believable(Array(all[written.range]), arrivals: lines["arrival_time"], lineRows)
        newest = times.max() ?? .min
        whole = nil
    }

    private init(_ range: Range<Int>, of rows: DetectorRows) {
        events = rows.events.slice(range)
        lines = rows.lines
        lineRows = []
        cache = rows.cache
        counts = events["count"]
        times = Array(rows.times[range])
        newest = times.max() ?? .min
        whole = (rows, range.lowerBound)
    }

    /// Some of these rows. What detectors ask of several parts is computed once, for all rows.
    func part(_ range: Range<Int>) -> DetectorRows { DetectorRows(range, of: self) }

    private func cut<Element>(_ all: [Element]?, from start: Int) -> [Element]? { all.map { Array($0[start..<start + count]) } }

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
        let mask = whole.flatMap { cut($0.rows.mask(matchers), from: $0.start) } ?? matchers.rows(in: events)
        masks[matchers] = mask
        return mask
    }

    /// The rows whose value is in `list`.
    func mask(_ column: ColumnReference, in list: ValueList) -> [Bool] {
        let key = ListKey(column: column, list: ObjectIdentifier(list))
        if let known = listMasks[key] { return known }
        let mask =
            whole.flatMap { cut($0.rows.mask(column, in: list), from: $0.start) }
            ?? self.column(column).map { list.rows(of: $0) } ?? Array(repeating: false, count: count)
        listMasks[key] = mask
        return mask
    }

    func column(_ reference: ColumnReference) -> Column? {
        guard let column = events[reference.column] else { return nil }
        guard reference.isNetwork else { return column }
        if let known = networks[reference.column] { return known }
        let made = whole?.rows.column(reference)?.slice(whole!.start..<whole!.start + count) ?? column.networks()
        networks[reference.column] = made
        return made
    }

    /// A hash of each value; 0 for a null and for the empty text. Nil when there is no such column.
    func hashes(_ reference: ColumnReference) -> [UInt64]? {
        if let known = hashes[reference] { return known }
        if let whole {
            let made = cut(whole.rows.hashes(reference), from: whole.start)
            hashes[reference] = made
            return made
        }
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
        if let whole {
            let made = cut(whole.rows.keys(references), from: whole.start)
            keys[references] = made
            return made
        }
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

    func weight(_ row: Int) -> Int { max(0, Int(counts?.integer(at: row) ?? 1)) }

    func label(_ reference: ColumnReference, _ row: Int) -> String { column(reference)?.label(at: row) ?? "" }

    // MARK: Lines

    /// What the line of a row is called in a ``LineSet``: a hash of its text, so that it does not depend on the order in which
    /// lines came. Lines of the same text at the same time are distinguished by ``RuleGroup``.
    func lineName(_ row: Int) -> UInt32 {
        if let whole { return whole.rows.lineName(row + whole.start) }
        let line = Int(lineRows[row])
        if lineNames.isEmpty {
            // Made when the first row of the batch is asked for: most batches have none.
            lineNames = Array(repeating: 0, count: lines.count)
            // Silver has no texts: there a line is where it is.
            if !texts.areKnown { fileHashes = lines["file"]?.stableHashes() ?? [] }
        }
        if lineNames[line] == 0 {
            let place = UInt64(bitPattern: texts.offset(line))
            lineNames[line] = LineSet.name(text: fileHashes.isEmpty ? texts.hash(line) : Self.mixed(fileHashes[line] ^ place))
        }
        return lineNames[line]
    }

    /// Keeps the line of a row for the evidence of findings; nothing where the texts of lines are not known, as in silver.
    func keep(_ row: Int, as reference: LineReference) {
        if let whole { return whole.rows.keep(row + whole.start, as: reference) }
        guard texts.areKnown, !cache.contains(reference) else { return }
        cache.insert(texts.evidence(line: Int(lineRows[row]), row: row, time: times[row]), as: reference)
    }

    var evidence: EvidenceSource { EvidenceSource(cache: cache) }
}

/// Texts of lines; those of files and hosts are made once for each run of equal ones.
private struct LineTexts {
    private let offsets: Column?
    private let lines: Column?
    private let hosts: Column?
    private var files: TextRuns?

    init(_ batch: Batch, hosts: Column?) {
        offsets = batch["offset"]
        lines = batch["line"]
        files = batch["file"].map(TextRuns.init)
        self.hosts = hosts
    }

    /// Of a line in evidence.
    private static let maxLineBytes = 2000
    /// Lines that differ only beyond this are distinguished as those that are equal.
    private static let maxHashedBytes = 4096

    var areKnown: Bool { lines != nil }

    func offset(_ line: Int) -> Int64 { offsets?.integer(at: line) ?? 0 }

    func hash(_ line: Int) -> UInt64 {
        lines?.withBytes(at: line) { StableHash.of($0.extracting(first: Self.maxHashedBytes)) } ?? 0
    }

    mutating func evidence(line: Int, row: Int, time: Int64) -> Evidence {
        _ = files?.isNew(at: line)
        return Evidence(
            file: files?.text ?? "", offset: offset(line), line: lines.map { Self.text($0, line) } ?? "",
            time: Timestamp(microseconds: time), host: hosts?.label(at: row))
    }

    /// The beginning of a line, cut between bytes: to count characters of every line would cost more than all else that a rule
    /// does.
    private static func text(_ lines: Column, _ row: Int) -> String {
        lines.withBytes(at: row) { bytes in
            bytes.extracting(first: maxLineBytes).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        }
    }
}
