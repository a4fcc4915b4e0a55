import Columns
import Foundation

/// Runs rules over events as they come: sliding windows of event time per rule and group, in memory that the number of groups bounds.
///
/// A group gives a finding when its counts are reached, and again, with the newer counts, when they have doubled or a minute of event time has
/// passed. It knows no clock: the same events in the same order give the same findings, also after ``restore(_:)``.
public struct RuleEngine: Sendable {
    /// Groups that a rule keeps; beyond it those that were quiet longest are forgotten.
    private static let maxGroups = 50_000
    /// Events that a group keeps; beyond it the oldest are forgotten, which can only lower counts that are far above any threshold.
    private static let maxEvents = 4096
    /// Lines of evidence in a finding.
    private static let maxEvidence = 12
    /// Of a line in evidence.
    private static let maxLineBytes = 2000
    private static let repeatAfter = Duration.seconds(60).inMicroseconds

    public let rules: [DetectionRule]
    /// By rule.
    private let texts: [Texts]
    private var groups: [Groups]
    /// Groups that are remembered, of all rules.
    public var groupCount: Int { groups.reduce(0) { $0 + $1.all.count } }
    /// Groups that were forgotten because there were too many.
    public private(set) var forgottenGroups = 0

    private struct Texts {
        let title: TextTemplate
        let description: TextTemplate

        init(_ rule: DetectionRule) {
            let names = rule.placeholders
            title = TextTemplate(rule.title, names: names)
            description = TextTemplate(rule.description, names: names)
        }
    }

    /// The groups of one rule. `slots` is by the values that the rule groups by, so that a batch looks a group up once and then finds it by number.
    private struct Groups {
        var slots: [[OutsideText]: Int] = [:]
        var all: [EventGroup] = []

        mutating func slot(_ key: [OutsideText]) -> Int {
            if let known = slots[key] { return known }
            return add(key, EventGroup())
        }

        @discardableResult mutating func add(_ key: [OutsideText], _ group: EventGroup) -> Int {
            slots[key] = all.count
            all.append(group)
            return all.count - 1
        }

        /// Keeps only the groups that `isKept` says.
        mutating func filter(_ isKept: (_ slot: Int) -> Bool) {
            var kept = Groups()
            for (key, slot) in slots where isKept(slot) { kept.add(key, all[slot]) }
            self = kept
        }
    }

    public init(rules: [DetectionRule]) {
        self.rules = rules
        texts = rules.map(Texts.init)
        groups = Array(repeating: Groups(), count: rules.count)
    }

    /// The findings that these events complete.
    ///
    /// - Parameters:
    ///   - events: with `event_time`, `count`, `file` and `offset` columns.
    ///   - lines: the raw lines that the events were made of.
    ///   - lineRows: for each event the row of its line.
    public mutating func observe(events: Batch, lines: Batch, lineRows: [Int32]) -> [Finding] {
        guard let written = events["event_time"] else { return [] }
        let times = Self.believable(written, arrivals: lines["arrival_time"], lineRows)
        let files = lines["file"], offsets = lines["offset"], raw = lines["line"], hosts = events["host"]
        // Files are hashed when the first row of the batch is matched: most batches have none.
        var fileHashes: [UInt64]?
        func name(_ row: Int) -> UInt32 {
            let line = Int(lineRows[row])
            let hashes = fileHashes ?? files?.stableHashes() ?? []
            fileHashes = hashes
            return LineSet.name(file: line < hashes.count ? hashes[line] : 0, offset: offsets?.integer(at: line) ?? 0)
        }
        var findings: [Finding] = []
        for index in rules.indices {
            observe(rule: index, events, times, findings: &findings, name: name) { row in
                let line = Int(lineRows[row])
                return Evidence(
                    file: files?.string(at: line) ?? "", offset: offsets?.integer(at: line) ?? 0,
                    line: raw.map { Self.text($0, line) } ?? "", time: Timestamp(microseconds: times.integer(at: row) ?? 0),
                    host: hosts?.label(at: row))
            }
            limitGroups(index)
        }
        return findings
    }

    /// How far ahead of its line's arrival an event may be.
    private static let maxSkew = Duration.seconds(3600).inMicroseconds

    /// The times of events, and of those from a clock that is far ahead the time of their arrival: nothing has happened after it was told. Else one such event would end the
    /// window of its group, and make every other group look quiet.
    private static func believable(_ times: Column, arrivals: Column?, _ lineRows: [Int32]) -> Column {
        guard let arrivals, times.count > 0, case .int64(let all) = times.values,
            let first = arrivals.integer(at: Int(lineRows[0]))
        else {
            return times
        }
        // Fast path: lines of a batch arrive together, and nearly none tells of the future.
        guard all[times.range].max()! > first, all[times.range].max()! &- first > maxSkew else { return times }
        func arrival(_ row: Int) -> Int64 { arrivals.integer(at: Int(lineRows[row])) ?? .max }
        func isAhead(_ row: Int) -> Bool {
            let time = all[times.range.lowerBound + row], arrival = arrival(row)
            return time > arrival && time &- arrival > maxSkew
        }
        guard (0..<times.count).contains(where: isAhead) else { return times }
        var builder = NumberBuilder<Int64>()
        for row in 0..<times.count { builder.append(isAhead(row) ? arrival(row) : all[times.range.lowerBound + row]) }
        return builder.finish()
    }

    /// What has come to the groups that were found since they were told of last, as findings that bring their incidents up to date. For the end of an epoch: a group is told of
    /// when it has doubled, and an attack ends somewhere in between.
    public mutating func updates() -> [Finding] {
        var findings: [Finding] = []
        for index in rules.indices {
            for (key, slot) in groups[index].slots where groups[index].all[slot].hasNews {
                var finding = Self.finding(
                    rules[index], texts[index], key, groups[index].all[slot], at: groups[index].all[slot].newest)
                finding.isUpdate = true
                findings.append(finding)
                groups[index].all[slot].isBroughtUpToDate()
            }
        }
        return findings
    }

    /// The beginning of a line, cut between bytes: to count characters of every line would cost more than all else that a rule does.
    private static func text(_ lines: Column, _ row: Int) -> String {
        lines.withBytes(at: row) { bytes in
            bytes.extracting(first: maxLineBytes).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        }
    }

    private mutating func observe(
        rule index: Int, _ events: Batch, _ times: Column, findings: inout [Finding], name: (Int) -> UInt32,
        evidence: (Int) -> Evidence
    ) {
        let rule = rules[index]
        let isMatched = rule.match.rows(in: events)
        let completes = rule.then.map { $0.rows(in: events) }
        let columns = rule.groupBy.compactMap { events[$0] }
        // An event that does not say what the rule groups by is about nobody.
        guard columns.count == rule.groupBy.count else { return }
        let rowGroups = RowGroups(columns, count: events.count)
        func key(_ row: Int) -> [OutsideText] { columns.map { OutsideText($0.label(at: row) ?? "") } }
        // By the number of a row's group: its slot, looked up when the first row of it matches; -2 is looked up and not there.
        var slots = [Int32](repeating: -1, count: rowGroups.count)
        let distinct = rule.distinct.flatMap { events[$0.column] }?.stableHashes()
        let counts = events["count"]
        let within = rule.within.inMicroseconds
        for row in 0..<events.count where isMatched[row] || completes?[row] == true {
            let number = Int(rowGroups.numbers[row])
            guard number >= 0 else { continue }
            let isCompletion = completes?[row] == true
            // Only a group that is known can be completed.
            if slots[number] == -1, isCompletion { slots[number] = groups[index].slots[key(row)].map(Int32.init) ?? -2 }
            if slots[number] < 0, !isCompletion { slots[number] = Int32(groups[index].slot(key(row))) }
            guard slots[number] >= 0 else { continue }
            let slot = Int(slots[number])
            let time = times.integer(at: row) ?? 0
            if isCompletion {
                groups[index].all[slot].forget(before: time - within)
                guard groups[index].all[slot].total >= max(rule.count, 1), groups[index].all[slot].newest <= time else {
                    continue
                }
                groups[index].all[slot].keep(evidence(row), limit: Self.maxEvidence)
                groups[index].all[slot].addToSession(time: time, count: 1, line: name(row))
                findings.append(Self.finding(rule, texts[index], key(row), groups[index].all[slot], at: time))
                groups[index].all[slot] = EventGroup()  // told; what follows is a new story
                continue
            }
            groups[index].all[slot].add(
                time: time, count: Int32(clamping: counts?.integer(at: row) ?? 1), distinct: distinct?[row],
                line: name(row), within: within, limit: Self.maxEvents
            )
            groups[index].all[slot].forget(before: groups[index].all[slot].newest &- within)
            let isReached =
                rule.then == nil && groups[index].all[slot].total >= rule.count
                && rule.distinct.map { groups[index].all[slot].distinctCount >= $0.count } ?? true
            let isDue = isReached && groups[index].all[slot].isDue(after: Self.repeatAfter)
            if isDue || groups[index].all[slot].evidence.count < Self.maxEvidence - 2 {
                groups[index].all[slot].keep(evidence(row), limit: Self.maxEvidence)
            }
            if isDue {
                groups[index].all[slot].isReported()
                findings.append(
                    Self.finding(rule, texts[index], key(row), groups[index].all[slot], at: groups[index].all[slot].newest))
            }
        }
    }

    private mutating func limitGroups(_ index: Int) {
        let count = groups[index].all.count
        guard count > Self.maxGroups else { return }
        let kept = Self.maxGroups * 9 / 10
        // By place where times are equal, as in a flood within one second: it must not take everything with it.
        let all = groups[index].all
        let newest = Set(all.indices.sorted { (all[$0].newest, $0) > (all[$1].newest, $1) }.prefix(kept))
        groups[index].filter { newest.contains($0) }
        forgottenGroups += count - groups[index].all.count
    }

    private static func finding(
        _ rule: DetectionRule, _ texts: Texts, _ key: [OutsideText], _ group: EventGroup, at time: Int64
    ) -> Finding {
        let labels = Labels(zip(rule.groupBy, key.map(\.string)))
        func value(_ name: String) -> String {
            labels[name] ?? (name == "count" ? String(group.total) : String(group.distinctCount))
        }
        return Finding(
            name: rule.name, detector: "rule", severity: rule.severity, labels: labels,
            title: texts.title.filled(value), description: texts.description.filled(value),
            startsAt: Timestamp(microseconds: group.oldest ?? time), lastSeen: Timestamp(microseconds: max(time, group.newest)),
            count: group.total,
            evidence: group.evidence, within: rule.within,
            session: Finding.Session(
                start: Timestamp(microseconds: group.sessionStart), count: group.sessionCount, lines: group.lines),
            ends: rule.ending)
    }
}

// MARK: Checkpoints

extension RuleEngine {
    /// The first byte of a snapshot. Layout 1 was a JSON array, and began with its bracket; layout 2 had no sessions.
    private static let layout: UInt8 = 3

    /// The groups, for a checkpoint.
    ///
    /// Those that have been quiet for longer than their rule looks back are forgotten first: no event that comes in order can find them again, and a log of
    /// months would carry every address that was ever in it from checkpoint to checkpoint.
    public mutating func snapshot() -> Data {
        forgetQuietGroups()
        var writer = StateWriter()
        writer.write(byte: Self.layout)
        writer.write(rules.count)
        for (rule, groups) in zip(rules, groups) {
            writer.write(rule.stateIdentity)
            writer.write(groups.slots.count)
            for (key, slot) in groups.slots.sorted(by: { $0.value < $1.value }) {
                writer.write(key.count)
                for part in key { writer.write(part.string) }
                groups.all[slot].encode(to: &writer)
            }
        }
        return writer.data
    }

    private mutating func forgetQuietGroups() {
        guard let newest = groups.lazy.flatMap(\.all).map(\.newest).max(), newest > .min else { return }
        for (index, rule) in rules.enumerated() {
            let oldest = newest &- rule.within.inMicroseconds &- Self.repeatAfter
            let all = groups[index].all
            groups[index].filter { all[$0].newest >= oldest }
        }
    }

    /// Goes on from a snapshot, also one of an earlier layout. A rule that looks at other events now, or groups them otherwise, than when the snapshot was made starts to
    /// count anew.
    ///
    /// - Throws: when the bytes are not what ``snapshot()`` gave.
    public mutating func restore(_ snapshot: Data) throws {
        let saved = snapshot.first == UInt8(ascii: "[") ? try Self.layout1(snapshot) : try Self.saved(snapshot)
        for (index, rule) in rules.enumerated() {
            if let own = saved[rule.stateIdentity] { groups[index] = own }
        }
    }

    /// By the identity of the rule.
    private static func saved(_ snapshot: Data) throws(StateReader.Damaged) -> [String: Groups] {
        var reader = StateReader(snapshot)
        let layout = try reader.byte()
        guard (2...Self.layout).contains(layout) else { throw StateReader.Damaged() }
        var saved: [String: Groups] = [:]
        for _ in 0..<(try reader.count()) {
            let identity = try reader.string()
            var groups = Groups()
            for _ in 0..<(try reader.count()) {
                var key: [OutsideText] = []
                for _ in 0..<(try reader.count()) { key.append(OutsideText(try reader.string())) }
                groups.add(key, try EventGroup(from: &reader, layout: layout))
            }
            if saved[identity] == nil { saved[identity] = groups }
        }
        guard reader.isAtEnd else { throw StateReader.Damaged() }
        return saved
    }

    private struct SavedInLayout1: Decodable {
        var rule: String
        var keys: [[String]]
        var groups: [EventGroup]
    }

    private static func layout1(_ snapshot: Data) throws -> [String: Groups] {
        let saved = try JSONDecoder().decode([SavedInLayout1].self, from: snapshot).map { entry in
            guard entry.keys.count == entry.groups.count else { throw StateReader.Damaged() }
            var groups = Groups()
            for (key, group) in zip(entry.keys, entry.groups) { groups.add(key.map { OutsideText($0) }, group) }
            return (entry.rule, groups)
        }
        return Dictionary(saved) { first, _ in first }
    }
}

extension DetectionRule {
    /// Equal for two rules whose groups mean the same: thresholds and texts may differ.
    fileprivate var stateIdentity: String {
        "\(name) \(match.map(\.description)) \(groupBy) \(distinct?.column ?? "") \(then?.map(\.description) ?? [])"
    }
}
