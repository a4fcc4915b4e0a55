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
    private static let repeatAfter = Duration.seconds(60).inMicroseconds

    public let rules: [DetectionRule]
    private var groups: [[String: Group]]
    /// Groups that were forgotten because there were too many.
    public private(set) var forgottenGroups = 0

    /// The events of a group that are within the window. Old ones are passed over by `start`, and cut off when they are half of all.
    fileprivate struct Group: Codable {
        var times: [Int64] = []
        var counts: [Int32] = []
        var distinct: [String] = []
        var start = 0
        var total = 0
        var distinctCounts: [String: Int] = [:]
        var evidence: [Evidence] = []
        var lastReported: Int64?
        var reportedCount = 0
        var newest = Int64.min
    }

    public init(rules: [DetectionRule]) {
        self.rules = rules
        groups = Array(repeating: [:], count: rules.count)
    }

    /// The findings that these events complete.
    ///
    /// - Parameters:
    ///   - events: with `event_time`, `count`, `file` and `offset` columns.
    ///   - lines: the raw lines that the events were made of.
    ///   - lineRows: for each event the row of its line.
    public mutating func observe(events: Batch, lines: Batch, lineRows: [Int32]) -> [Finding] {
        guard let times = events["event_time"] else { return [] }
        var findings: [Finding] = []
        for index in rules.indices {
            let rule = rules[index]
            let isMatched = rule.match.rows(in: events)
            let isThen = rule.then.map { $0.rows(in: events) }
            let keys = rule.groupBy.map { events[$0] }
            let distinct = rule.distinct.flatMap { events[$0.column] }
            let counts = events["count"]
            for row in 0..<events.count where isMatched[row] || (isThen?[row] ?? false) {
                var parts: [String] = []
                for key in keys { parts.append(key?.string(at: row) ?? "") }
                // An event that does not say what the rule groups by is about nobody.
                guard !parts.contains("") else { continue }
                let key = parts.joined(separator: "\u{1F}")
                let time = times.integer(at: row) ?? 0
                if isThen?[row] ?? false {
                    // Only a group that is known can be completed.
                    guard var group = groups[index].removeValue(forKey: key) else { continue }
                    group.forget(before: time - rule.within.inMicroseconds)
                    if group.total >= rule.count, group.newest <= time {
                        group.keep(Self.evidence(lines, lineRows, events, row, time), limit: Self.maxEvidence)
                        findings.append(Self.finding(rule, parts, group, at: time))
                        group = Group()  // told; what follows is a new story
                        continue
                    }
                    groups[index][key] = group
                    continue
                }
                var group = groups[index].removeValue(forKey: key) ?? Group()
                group.add(
                    time: time, count: Int32(counts?.integer(at: row) ?? 1), distinct: distinct.map { $0.string(at: row) ?? "" },
                    limit: Self.maxEvents)
                group.forget(before: group.newest - rule.within.inMicroseconds)
                let isReached =
                    rule.then == nil && group.total >= rule.count
                    && (rule.distinct.map { group.distinctCount >= $0.count } ?? true)
                let total = group.total
                if group.evidence.count < Self.maxEvidence - 2 || isReached && group.isDue(total, after: Self.repeatAfter) {
                    group.keep(Self.evidence(lines, lineRows, events, row, time), limit: Self.maxEvidence)
                }
                if isReached, group.isDue(total, after: Self.repeatAfter) {
                    group.lastReported = group.newest
                    group.reportedCount = total
                    findings.append(Self.finding(rule, parts, group, at: group.newest))
                }
                groups[index][key] = group
            }
            limitGroups(index)
        }
        return findings
    }

    private mutating func limitGroups(_ index: Int) {
        guard groups[index].count > Self.maxGroups else { return }
        let oldest = groups[index].sorted { $0.value.newest < $1.value.newest }.prefix(
            groups[index].count - Self.maxGroups * 9 / 10)
        for (key, _) in oldest { groups[index][key] = nil }
        forgottenGroups += oldest.count
    }

    private static func evidence(_ lines: Batch, _ lineRows: [Int32], _ events: Batch, _ row: Int, _ time: Int64) -> Evidence {
        let line = Int(lineRows[row])
        return Evidence(
            file: lines["file"]?.string(at: line) ?? "", offset: lines["offset"]?.integer(at: line) ?? 0,
            line: String((lines["line"]?.string(at: line) ?? "").prefix(2000)), time: Timestamp(microseconds: time))
    }

    private static func finding(_ rule: DetectionRule, _ parts: [String], _ group: Group, at time: Int64) -> Finding {
        let labels = Dictionary(uniqueKeysWithValues: zip(rule.groupBy, parts))
        func fill(_ text: String) -> String {
            var text = text
            for (name, value) in labels { text = text.replacing("{\(name)}", with: value) }
            return text.replacing("{count}", with: "\(group.total)").replacing("{distinct}", with: "\(group.distinctCount)")
        }
        return Finding(
            name: rule.name, detector: "rule", severity: rule.severity, labels: labels, title: fill(rule.title),
            description: fill(rule.description),
            startsAt: Timestamp(microseconds: group.oldest ?? time), lastSeen: Timestamp(microseconds: max(time, group.newest)),
            count: group.total,
            evidence: group.evidence)
    }

    /// The groups, for a checkpoint.
    ///
    /// Those that have been quiet for longer than their rule looks back are forgotten first: no event that comes in order can find them again, and a log of
    /// months would carry every address that was ever in it from checkpoint to checkpoint.
    public mutating func snapshot() throws -> Data {
        let newest = groups.joined().map(\.value.newest).max() ?? .min
        for (index, rule) in rules.enumerated() where newest > .min {
            let oldest = newest - max(rule.within.inMicroseconds, Self.repeatAfter) * 2
            groups[index] = groups[index].filter { $0.value.newest >= oldest }
        }
        return try JSONEncoder().encode(groups)
    }

    /// Goes on from a snapshot of the same rules.
    public mutating func restore(_ snapshot: Data) throws {
        let restored = try JSONDecoder().decode([[String: Group]].self, from: snapshot)
        if restored.count == rules.count { groups = restored }
    }
}

extension RuleEngine.Group {
    var distinctCount: Int { distinctCounts.count }
    var oldest: Int64? { start < times.count ? times[start] : nil }

    mutating func add(time: Int64, count: Int32, distinct value: String?, limit: Int) {
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

    func isDue(_ total: Int, after pause: Int64) -> Bool {
        guard let lastReported else { return true }
        return total >= reportedCount * 2 || newest - lastReported >= pause
    }
}
