import Columns
import Foundation

/// Watches sessions of events, and finds those that are unlike the sessions before. Rows count in the order in which they come:
/// the same rows give the same findings, however they are cut into batches.
///
/// New and too many events are found when they come, missing ones when the session is over. A session that was found is not
/// learned while its incident goes on, nor within a day of the first that was found alike: a thousand tasks that fail in one
/// batch would otherwise be usual before there is an incident.
struct SequenceWatcher: Detector {
    /// Sessions that are open at once; of more, those that were quiet longest are over.
    private static let maxOpen = 10_000
    /// Kinds of sessions: words of keys times groups. Of further ones nothing is learned.
    private static let maxKinds = 64
    /// Sessions are looked through so often per ``SequenceSettings/idle``.
    private static let looks: Int64 = 16
    private static let maxReported = 10_000
    /// From the first session that was found until others like it may be learned.
    private static let patience = Duration.seconds(86_400).inMicroseconds
    /// Of a key that is a whole value.
    private static let maxNameLength = 256

    private let settings: SequenceSettings
    private let context: DetectorContext
    private let report: SequenceReport
    private let keys: SessionKeys
    private var open: [UInt64: LogSession] = [:]
    private var usual: [UInt64: UsualSessions] = [:]
    /// By kind: the labels of its group.
    private var groups: [UInt64: Labels] = [:]
    private var events = EventTexts()
    /// By the hash of what was reported: when it was for the first time.
    private var reported: [UInt64: Int64] = [:]
    private var newest = Int64.min
    private var lastLook = Int64.min
    private(set) var figures = DetectorFigures()

    var horizon: Duration { settings.idle + context.allowedLateness }

    init(_ settings: SequenceSettings, _ context: DetectorContext) {
        self.settings = settings
        self.context = context
        report = SequenceReport(settings)
        keys = SessionKeys(settings.keys)
    }

    mutating func updates(_ evidence: EvidenceSource) -> [Finding] { [] }

    // MARK: Rows

    /// What says of the rows of a batch which session they belong to.
    private struct SessionColumns {
        let rows: DetectorRows
        let events: [UInt64]
        let groups: [UInt64]
        let names: Column
        let others: [UInt64]
        let mask: [Bool]?

        init?(_ rows: DetectorRows, _ settings: SequenceSettings) {
            guard let events = rows.hashes(ColumnReference(settings.event)), let groups = rows.keys(settings.groupBy),
                let names = rows.events[settings.session[0]],
                let others = rows.keys(settings.session.dropFirst().map { ColumnReference($0) })
            else { return nil }
            (self.rows, self.events, self.groups, self.names, self.others) = (rows, events, groups, names, others)
            mask = settings.match.isEmpty ? nil : rows.mask(settings.match)
        }

        func isOfSession(_ row: Int) -> Bool {
            mask?[row] ?? true && events[row] != 0 && groups[row] != 0 && others[row] != 0 && !names.isNull(at: row)
        }
    }

    mutating func observe(_ rows: DetectorRows) -> [Finding] {
        guard let columns = SessionColumns(rows, settings) else { return [] }
        var findings: [Finding] = []
        for row in 0..<rows.count {
            newest = max(newest, rows.times[row])
            endQuiet(rows.evidence, &findings)
            guard columns.isOfSession(row), let (name, word) = name(columns.names, row) else { continue }
            let kind = DetectorRows.mixed(columns.groups[row] &+ UInt64(word))
            guard knows(kind, columns, row) else { continue }
            let key = DetectorRows.mixed(StableHash.of(name.span) ^ DetectorRows.mixed(kind ^ columns.others[row]))
            observe(columns, row, name, kind, key, &findings)
            if open.count > Self.maxOpen { endQuietest(rows.evidence, &findings) }
        }
        return SequenceReport.merged(findings)
    }

    /// The key of the session that a row belongs to, and the number of the word that it begins with.
    private func name(_ names: Column, _ row: Int) -> (name: [UInt8], word: Int)? {
        names.withBytes(at: row) { bytes in
            guard !settings.keys.isEmpty else {
                return bytes.isEmpty ? nil : (Self.bytes(bytes, 0..<min(bytes.count, Self.maxNameLength)), 0)
            }
            return keys.key(in: bytes).map { (Self.bytes(bytes, $0.range), $0.word) }
        }
    }

    private static func bytes(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(range.count)
        for i in range { copy.append(bytes[i]) }
        return copy
    }

    private mutating func knows(_ kind: UInt64, _ columns: SessionColumns, _ row: Int) -> Bool {
        guard usual[kind] == nil else { return true }
        guard usual.count < Self.maxKinds else {
            figures.forgotten += 1
            return false
        }
        usual[kind] = UsualSessions(first: columns.rows.times[row])
        groups[kind] = Labels(settings.groupBy.map { ($0.label, columns.rows.label($0, row)) })
        return true
    }

    private mutating func observe(
        _ columns: SessionColumns, _ row: Int, _ name: [UInt8], _ kind: UInt64, _ key: UInt64, _ findings: inout [Finding]
    ) {
        let rows = columns.rows, time = rows.times[row], event = columns.events[row]
        if let session = open[key], time - session.last > settings.idle.inMicroseconds {
            open[key] = nil
            end(session, rows.evidence, &findings)
        }
        if !events.knows(event) { events.remember(event, text(rows, row)) }
        if open[key] == nil {
            let line = Self.keepLine(rows, row)
            open[key] = LogSession(name: name, kind: kind, time: time, line: line)
        }
        let count = open[key]!.add(event, at: time)
        guard open[key]!.found == nil, usual[kind]!.isKnown(at: time, learn: settings.learn),
            var oddity = usual[kind]!.oddity(of: event, count: count, length: open[key]!.length)
        else { return }
        remember(&oddity, kind, at: time)
        open[key]!.found = oddity
        let lines = rows.evidence.cache.lines([open[key]!.line, Self.keepLine(rows, row)].sorted())
        findings.append(finding([oddity], of: open[key]!, lines))
    }

    private static func keepLine(_ rows: DetectorRows, _ row: Int) -> LineReference {
        let line = LineReference(time: rows.times[row], name: rows.lineNames(of: [Int32(row)])[row])
        rows.keep(row, as: line)
        return line
    }

    private func text(_ rows: DetectorRows, _ row: Int) -> [UInt8] {
        for column in [settings.text, settings.event].compactMap({ $0.flatMap { rows.events[$0] } }) where !column.isNull(at: row)
        {
            let text = column.withBytes(at: row) { Self.bytes($0, 0..<$0.count) }
            if !text.isEmpty { return text }
        }
        return []
    }

    // MARK: Sessions that are over

    /// Ends what was quiet for ``SequenceSettings/idle``. Looks at fixed event times, so that it does not depend on batches.
    private mutating func endQuiet(_ evidence: EvidenceSource, _ findings: inout [Finding]) {
        let idle = settings.idle.inMicroseconds, step = max(1, idle / Self.looks)
        let look = (newest - context.allowedLateness.inMicroseconds) / step
        guard look > lastLook else { return }
        lastLook = look
        let bound = look * step - idle
        for (key, session) in open.filter({ $0.value.last <= bound }).sorted(by: Self.isQuieter) {
            open[key] = nil
            end(session, evidence, &findings)
        }
    }

    /// Ends a sixteenth of the sessions at once, so that the search is paid for by many.
    private mutating func endQuietest(_ evidence: EvidenceSource, _ findings: inout [Finding]) {
        for (key, session) in open.sorted(by: Self.isQuieter).prefix(Self.maxOpen / 16) {
            open[key] = nil
            figures.forgotten += 1
            end(session, evidence, &findings)
        }
    }

    private static func isQuieter(_ left: (key: UInt64, value: LogSession), _ right: (key: UInt64, value: LogSession)) -> Bool {
        (left.value.last, left.key) < (right.value.last, right.key)
    }

    private mutating func end(_ session: LogSession, _ evidence: EvidenceSource, _ findings: inout [Finding]) {
        var found = session.found
        if found == nil, usual[session.kind]!.isKnown(at: session.last, learn: settings.learn) {
            var oddities = usual[session.kind]!.oddities(of: session)
            if !oddities.isEmpty {
                remember(&oddities[0], session.kind, at: session.last)
                found = oddities[0]
                findings.append(finding(oddities, of: session, evidence.cache.lines([session.line])))
            }
        }
        if found.map({ $0.isRepeated && !isLeftOut($0, session) }) ?? true { usual[session.kind]!.learn(session) }
    }

    /// Whether nothing is to be learned from a session that was found.
    private func isLeftOut(_ oddity: SessionOddity, _ session: LogSession) -> Bool {
        context.isLeftOut(
            (settings.name, report.labels(oddity, groups[session.kind] ?? [:]), settings.mode == .simulate),
            Timestamp(microseconds: session.last))
    }

    private mutating func remember(_ oddity: inout SessionOddity, _ kind: UInt64, at time: Int64) {
        let number = UInt64(SessionOddity.Kind.allCases.firstIndex(of: oddity.kind)!)
        let hash = DetectorRows.mixed(kind &+ number &+ (oddity.event ?? 0))
        oddity.isRepeated = reported[hash].map { time - $0 > Self.patience } ?? (reported.count >= Self.maxReported)
        if reported[hash] == nil, reported.count < Self.maxReported { reported[hash] = time }
    }

    private func finding(_ oddities: [SessionOddity], of session: LogSession, _ evidence: [Evidence]) -> Finding {
        report.finding(oddities, of: session, group: groups[session.kind] ?? [:], events: events, evidence)
    }

    // MARK: Checkpoints

    /// What must be the same for a state to be used.
    private var signature: String {
        "\(settings.rows) \(settings.match) \(settings.event) \(settings.session) \(settings.keys) \(settings.groupBy)"
    }

    mutating func snapshot() -> Data {
        var writer = StateWriter()
        writer.write(signature)
        for time in [newest, lastLook] { writer.write(time) }
        writer.write(usual.count)
        for (kind, sessions) in usual.sorted(by: { $0.key < $1.key }) {
            writer.write(kind)
            writer.write(groups[kind]?.count ?? 0)
            for (name, value) in groups[kind] ?? [:] {
                writer.write(name)
                writer.write(value)
            }
            sessions.encode(to: &writer)
        }
        writer.write(open.count)
        for (key, session) in open.sorted(by: { $0.key < $1.key }) {
            writer.write(key)
            session.encode(to: &writer)
        }
        events.encode(to: &writer)
        writer.write(reported.count)
        for (hash, time) in reported.sorted(by: { $0.key < $1.key }) {
            writer.write(hash)
            writer.write(time)
        }
        figures.keys = open.count
        figures.bytes = writer.bytes.count * 2
        return writer.data
    }

    mutating func restore(_ snapshot: Data) throws {
        var reader = StateReader(snapshot)
        guard try reader.string() == signature else { return }
        var restored = SequenceWatcher(settings, context)
        (restored.newest, restored.lastLook) = (try reader.int64(), try reader.int64())
        for _ in 0..<(try reader.count()) {
            let kind = try reader.uint64()
            var labels = Labels()
            for _ in 0..<(try reader.count()) {
                let name = try reader.string()
                labels[name] = try reader.string()
            }
            restored.groups[kind] = labels
            restored.usual[kind] = try UsualSessions(from: &reader)
        }
        for _ in 0..<(try reader.count()) {
            let key = try reader.uint64()
            let session = try LogSession(from: &reader)
            guard restored.usual[session.kind] != nil else { throw StateReader.Damaged() }
            restored.open[key] = session
        }
        restored.events = try EventTexts(from: &reader)
        for _ in 0..<(try reader.count()) {
            let hash = try reader.uint64()
            restored.reported[hash] = try reader.int64()
        }
        guard reader.isAtEnd else { throw StateReader.Damaged() }
        self = restored
    }
}
