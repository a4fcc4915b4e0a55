import Columns
import Foundation

/// All detectors of one pipeline. It hands each the rows that it looks at, and those that look at findings what the others found.
///
/// One task uses it.
public final class DetectorSet {
    private struct Member {
        let entry: DetectionEntry
        var detector: any Detector
        /// Whether a rule may look at its findings.
        let isWatched: Bool
    }

    private var members: [Member]
    private let exceptions: SeenExceptions
    private var cache = EvidenceCache()
    private var newest = Int64.min

    /// Detectors that remember nothing yet; ``restore(_:)`` brings back what they knew.
    public init(_ entries: [DetectionEntry], _ context: DetectorContext) {
        let rules = entries.compactMap { $0.settings as? DetectionRule }
        exceptions = SeenExceptions(rules, lateness: context.allowedLateness)
        let combined = rules.filter { $0.rows == .findings }
        members = entries.map { entry in
            Member(
                entry: entry, detector: entry.settings.detector(context),
                isWatched: combined.contains { $0.watches(entry.settings) })
        }
    }

    /// The findings that these rows complete.
    ///
    /// - Parameters:
    ///   - events: rows with an `event_time`.
    ///   - lines: the raw lines that the rows were made of: `file`, `offset`, `line`, perhaps `arrival_time`.
    ///   - lineRows: for each row of `events` the row of its line.
    ///   - table: the gold table that the rows are of; nil for events of an input.
    public func observe(events: Batch, lines: Batch, lineRows: [Int32], table: String? = nil) -> [Finding] {
        let source = table.map(RowSource.table) ?? .events
        guard members.contains(where: { $0.entry.settings.rows == source }), !events.isEmpty,
            let rows = DetectorRows(events: events, lines: lines, lineRows: lineRows, cache: cache)
        else { return [] }
        return observe(rows, of: source)
    }

    /// The findings of rows that were kept without their lines, as those of silver are: the same as live, without evidence.
    ///
    /// - Parameters:
    ///   - events: rows with an `event_time`; with `file` and `offset` where lines are to be distinguished.
    ///   - table: the gold table that the rows are of; nil for events of an input.
    public func observe(stored events: Batch, table: String? = nil) -> [Finding] {
        observe(
            events: events, lines: events.selecting(["file", "offset"]), lineRows: (0..<Int32(events.count)).map(\.self),
            table: table)
    }

    private func observe(_ rows: DetectorRows, of source: RowSource) -> [Finding] {
        newest = max(newest, rows.newest)
        exceptions.observe(rows, of: source)
        var findings: [Finding] = []
        for index in members.indices where members[index].entry.settings.rows == source {
            rows.isWatched = members[index].isWatched
            let found = members[index].detector.observe(rows)
            if rows.isWatched, !(members[index].entry.settings is DetectionRule) {
                for finding in found { rows.moments.add(finding) }
            }
            findings += marked(found, index)
        }
        return reported(findings + combined(rows.moments))
    }

    /// Whether any detector looks at the rows of a gold table.
    public func looks(at table: String) -> Bool { members.contains { $0.entry.settings.rows == .table(table) } }

    /// Whether a detector of a gold table asks which incidents are known (``DetectorContext/isLeftOut``), and is to see those
    /// that were found in the rows before.
    public func asksForIncidents(at table: String) -> Bool {
        members.contains { $0.entry.settings is SeriesSettings && $0.entry.settings.rows == .table(table) }
    }

    /// What has come to earlier findings since they were reported. For the end of an epoch: a group is reported when it has
    /// doubled, and an attack ends somewhere in between.
    public func updates() -> [Finding] {
        let evidence = EvidenceSource(cache: cache)
        return reported(members.indices.flatMap { marked(members[$0].detector.updates(evidence), $0) })
    }

    /// Keeps memory bounded where there are no snapshots, which do the same. What there is to report of what is forgotten
    /// ``updates()`` must have given before.
    public func forget() {
        for index in members.indices { members[index].detector.forget() }
        exceptions.forget()
    }

    /// What the detectors that look at findings make of what others found.
    private func combined(_ moments: FindingMoments) -> [Finding] {
        guard !moments.isEmpty else { return [] }
        var moments = moments
        moments.sort()
        return observe(DetectorRows(moments, cache: cache), of: .findings)
    }

    private func marked(_ findings: [Finding], _ index: Int) -> [Finding] {
        guard members[index].entry.settings.mode == .simulate else { return findings }
        return findings.map { finding in
            var finding = finding
            finding.isSimulated = true
            return finding
        }
    }

    /// Without those that only other detectors look at.
    private func reported(_ findings: [Finding]) -> [Finding] {
        let hidden = Set(members.lazy.filter { $0.entry.settings.mode == .internal }.map(\.entry.name))
        return hidden.isEmpty ? findings : findings.filter { !hidden.contains($0.name) }
    }

    /// What each detector needs in memory, in the order of the configuration.
    public var figures: [(entry: DetectionEntry, figures: DetectorFigures)] {
        members.map { member in
            var figures = member.detector.figures
            let shared = exceptions.figures(of: member.entry.name)
            figures.keys += shared.keys
            figures.bytes += shared.bytes
            return (member.entry, figures)
        }
    }

    // MARK: Checkpoints

    private static let layout: UInt8 = 2

    /// All that the detectors must remember.
    public func snapshot() -> Data {
        var writer = StateWriter()
        writer.write(byte: Self.layout)
        writer.write(newest)
        if let horizon = members.map(\.detector.horizon).max(), newest > .min {
            cache.forget(before: newest &- horizon.inMicroseconds)
        }
        cache.encode(to: &writer)
        exceptions.encode(to: &writer)
        writer.write(members.count)
        for index in members.indices {
            writer.write(members[index].entry.kind)
            writer.write(members[index].entry.name)
            writer.write(Array(members[index].detector.snapshot()))
        }
        return writer.data
    }

    /// Goes on from a snapshot. A detector that the snapshot does not have begins anew.
    ///
    /// - Throws: ``StateReader/Damaged`` when the bytes are not what ``snapshot()`` gave.
    public func restore(_ snapshot: Data) throws {
        var reader = StateReader(snapshot)
        guard try reader.byte() == Self.layout else { throw StateReader.Damaged() }
        newest = try reader.int64()
        cache = try EvidenceCache(from: &reader)
        try exceptions.decode(from: &reader)
        for _ in 0..<(try reader.count()) {
            let kind = try reader.string(), name = try reader.string(), state = Data(try reader.array())
            guard let index = members.firstIndex(where: { $0.entry.kind == kind && $0.entry.name == name }) else { continue }
            try members[index].detector.restore(state)
        }
        guard reader.isAtEnd else { throw StateReader.Damaged() }
    }
}

extension DetectionRule {
    /// Whether a rule on findings may look at what a detector finds.
    fileprivate func watches(_ other: any DetectorSettings) -> Bool {
        guard other.rows != .findings else { return false }
        let matchers = steps.map(\.match) + seen.flatMap { [$0.match] + ($0.unless.map { [$0.match] } ?? []) }
        return matchers.contains { matchers in
            matchers.allSatisfy { matcher in
                switch matcher.name {
                case "rule": matcher.matches(other.name)
                case "severity": matcher.matches(other.severity.rawValue)
                default: true
                }
            }
        }
    }
}
