import Columns
import Foundation

/// All detectors of one pipeline. It hands each the rows that it looks at, and those that look at findings what the others found.
///
/// One task uses it.
public final class DetectorSet {
    private struct Member {
        let entry: DetectionEntry
        var detector: any Detector
    }

    private var members: [Member]
    private var cache = EvidenceCache()
    private var newest = Int64.min

    /// Detectors that remember nothing yet; ``restore(_:)`` brings back what they knew.
    public init(_ entries: [DetectionEntry], _ context: DetectorContext) {
        members = entries.map { Member(entry: $0, detector: $0.settings.detector(context)) }
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
    ///   - size: how many rows detectors are shown at a time. What they ask of columns is computed once for all rows.
    ///   - body: is called with what each part of the rows completes.
    public func observe(
        stored events: Batch, table: String? = nil, inPartsOf size: Int, _ body: ([Finding]) -> Void
    ) {
        let source = table.map(RowSource.table) ?? .events
        guard members.contains(where: { $0.entry.settings.rows == source }), !events.isEmpty,
            let rows = DetectorRows(
                events: events, lines: events.selecting(["file", "offset"]), lineRows: (0..<Int32(events.count)).map(\.self),
                cache: cache)
        else { return }
        for start in stride(from: 0, to: rows.count, by: size) {
            let findings = observe(rows.part(start..<min(rows.count, start + size)), of: source)
            if !findings.isEmpty { body(findings) }
        }
    }

    private func observe(_ rows: DetectorRows, of source: RowSource) -> [Finding] {
        newest = max(newest, rows.newest)
        var findings: [Finding] = []
        for index in members.indices where members[index].entry.settings.rows == source {
            findings += marked(members[index].detector.observe(rows), index)
        }
        return reported(findings + combined(findings))
    }

    /// Whether any detector looks at the rows of a gold table.
    public func looks(at table: String) -> Bool { members.contains { $0.entry.settings.rows == .table(table) } }

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
    }

    /// What the detectors that look at findings make of these.
    private func combined(_ findings: [Finding]) -> [Finding] {
        guard !findings.isEmpty, members.contains(where: { $0.entry.settings.rows == .findings }),
            let batch = FindingRows(findings), let rows = batch.rows(cache)
        else { return [] }
        return members.indices.filter { members[$0].entry.settings.rows == .findings }.flatMap {
            marked(members[$0].detector.observe(rows), $0)
        }
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
    public var figures: [(entry: DetectionEntry, figures: DetectorFigures)] { members.map { ($0.entry, $0.detector.figures) } }

    // MARK: Checkpoints

    private static let layout: UInt8 = 1

    /// All that the detectors must remember.
    public func snapshot() -> Data {
        var writer = StateWriter()
        writer.write(byte: Self.layout)
        writer.write(newest)
        if let horizon = members.map(\.detector.horizon).max(), newest > .min {
            cache.forget(before: newest &- horizon.inMicroseconds)
        }
        cache.encode(to: &writer)
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
        for _ in 0..<(try reader.count()) {
            let kind = try reader.string(), name = try reader.string(), state = Data(try reader.array())
            guard let index = members.firstIndex(where: { $0.entry.kind == kind && $0.entry.name == name }) else { continue }
            try members[index].detector.restore(state)
        }
        guard reader.isAtEnd else { throw StateReader.Damaged() }
    }
}

/// Findings as rows: `event_time`, `rule`, `severity`, and a column for each label.
private struct FindingRows {
    private let events: Batch
    private let lines: Batch

    init?(_ findings: [Finding]) {
        let reserved: Set = ["event_time", "rule", "severity", "count"]
        var names: [String] = []
        for finding in findings { names += finding.labels.keys.filter { !names.contains($0) && !reserved.contains($0) } }
        let schema = Schema(
            [Field("event_time", .timestamp), Field("rule", .text), Field("severity", .text)]
                + names.map { Field($0, .text, isNullable: true) })
        let rows = findings.map { finding in
            [.timestamp(finding.lastSeen), .text(finding.name), .text(finding.severity.rawValue)]
                + names.map { finding.labels[$0].map(Value.text) ?? .null }
        }
        let evidence = findings.map { $0.evidence.last ?? Evidence(file: $0.name, offset: 0, line: $0.title, time: $0.lastSeen) }
        guard let events = try? Batch(schema: schema, rows: rows),
            let lines = try? Batch(
                schema: Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)]),
                rows: evidence.map { [.text($0.file), .int($0.offset), .text($0.line)] })
        else { return nil }
        self.events = events
        self.lines = lines
    }

    func rows(_ cache: EvidenceCache) -> DetectorRows? {
        DetectorRows(events: events, lines: lines, lineRows: (0..<Int32(events.count)).map(\.self), cache: cache)
    }
}
