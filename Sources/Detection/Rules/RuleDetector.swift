import Columns
import Foundation

/// Runs one rule over rows as they come: windows of event time per group, in memory that is bounded.
///
/// A group gives a finding when the rule first holds for it, and again, with the newer counts, when they have doubled or a minute
/// of event time has passed. The same rows give the same groups in whatever order they come within the lateness that the pipeline
/// allows, and also after ``restore(_:)``; what the last finding of each group says is the same too.
struct RuleDetector: Detector {
    /// Groups beyond which those that were quiet longest are forgotten, and bytes of all groups.
    struct Limits: Sendable {
        var groups = 2_000_000
        var bytes = 192 << 20
    }

    let rule: DetectionRule
    let shape: RuleShape
    private let limits: Limits
    private let title: TextTemplate
    private let text: TextTemplate
    private let filter: RowFilter
    private(set) var table = GroupTable()
    private var exceptions: [SeenException]
    /// The values that are known of each group, and the groups, for rules that look for new ones.
    private var values: SeenValues?
    private var groups: SeenValues?
    private var newest = Int64.min
    /// Deadlines up to here are judged, for rules of absence.
    private var judged = Int64.min
    private(set) var figures = DetectorFigures()

    var horizon: Duration { rule.within + .microseconds(shape.lateness + RuleReport.repeatAfter) }

    init(_ rule: DetectionRule, _ context: DetectorContext, limits: Limits = Limits()) {
        self.rule = rule
        self.limits = limits
        shape = RuleShape(rule, lateness: context.allowedLateness)
        title = TextTemplate(rule.title, names: rule.placeholders)
        text = TextTemplate(rule.description, names: rule.placeholders)
        filter = RowFilter(rule, context)
        exceptions = rule.exceptions.compactMap { exception in
            guard case .seen(let seen) = exception else { return nil }
            return SeenException(seen, lateness: context.allowedLateness)
        }
        guard case .newValue(let new) = rule.condition else { return }
        values = SeenValues(forgetAfter: new.within.inMicroseconds)
        // A user who was away for longer than a network is remembered is still the same user.
        groups = SeenValues(forgetAfter: new.within.inMicroseconds * 4)
    }

    // MARK: Rows

    /// What a batch did to the groups.
    private struct Work {
        /// By group: the earliest event that came, and one of its rows.
        var touched: [Int: (dirty: Int64, row: Int)] = [:]
        var order: [Int] = []
        var lines: [(slot: Int, row: Int, line: LineReference, completes: Bool)] = []
    }

    mutating func observe(_ rows: DetectorRows) -> [Finding] {
        guard rows.count > 0 else { return [] }
        newest = max(newest, max(-RuleShape.maxTime, min(RuleShape.maxTime, rows.newest)))
        let work = insert(rows)
        keepLines(work, rows)
        var findings: [Finding] = []
        if hasDeadlines {
            findings = judge(rows.evidence)
        } else {
            let shape = shape
            for slot in work.order {
                findings += evaluate(slot, work.touched[slot]!, rows)
                // Not before: a batch may reach over more than a window.
                table.withGroup(slot) { $0.forget(shape) }
            }
        }
        if table.count > limits.groups { forgetQuietest(keeping: limits.groups * 9 / 10) }
        return findings
    }

    private var hasDeadlines: Bool { rule.condition == .silence || rule.condition == .missing }

    private mutating func insert(_ rows: DetectorRows) -> Work {
        var work = Work()
        let masks = rule.steps.map { rows.mask($0.match) }
        let seen = exceptions.map { $0.rows(rows) }
        let hasMatch = masks.contains { $0.contains(true) }
        guard hasMatch || seen.contains(where: { $0 != nil }), let keys = rows.keys(rule.keyColumns) else {
            // A kind of rows that lacks a column of the group may still be what an exception looks at.
            note(seen, rows)
            return work
        }
        let isExcepted = hasMatch ? filter.excepted(rows) : nil
        let columns = RowColumns(rule, rows)
        for row in 0..<rows.count {
            if masks.contains(where: { $0[row] }), keys[row] != 0, isExcepted?[row] != true,
                !isKnown(row, seen, rows), isNew(row, columns, rows)
            {
                for (step, mask) in masks.enumerated() where mask[row] { insert(row, step, keys[row], columns, rows, &work) }
            }
            for (index, seen) in seen.enumerated() { exceptions[index].take(row, seen, rows) }
        }
        return work
    }

    private mutating func isKnown(_ row: Int, _ seen: [SeenException.Rows?], _ rows: DetectorRows) -> Bool {
        exceptions.indices.contains { exceptions[$0].isKnown(row, seen[$0], rows) }
    }

    private mutating func note(_ seen: [SeenException.Rows?], _ rows: DetectorRows) {
        guard seen.contains(where: { $0 != nil }) else { return }
        for row in 0..<rows.count {
            for (index, seen) in seen.enumerated() { exceptions[index].take(row, seen, rows) }
        }
    }

    /// Whether a row has a value that its group has not had for long; true for rules of other kinds.
    private mutating func isNew(_ row: Int, _ columns: RowColumns, _ rows: DetectorRows) -> Bool {
        guard case .newValue(let new) = rule.condition, let own = columns.groups?[row], let both = columns.groupValues?[row]
        else { return true }
        guard own != 0, both != 0 else { return false }
        let time = rows.times[row]
        let known = groups?[own]?.first
        groups?.insert(own, at: time, lateness: shape.lateness)
        guard values?.insert(both, at: time, lateness: shape.lateness) ?? false else { return false }
        let learn = new.learn.inMicroseconds
        return known.map { time &- $0 >= learn } ?? (learn == 0)
    }

    private mutating func insert(
        _ row: Int, _ step: Int, _ key: UInt64, _ columns: RowColumns, _ rows: DetectorRows, _ work: inout Work
    ) {
        let slot = table.slot(key), shape = shape, hasDeadlines = hasDeadlines
        let event = RuleEvent(
            time: rows.times[row], line: rows.lineName(row), value: columns.value(row, step), once: columns.once(row), step: step,
            count: shape.isOncePer ? 1 : rows.weight(row))
        let isLast = step == shape.lastStep
        let labels = hasDeadlines ? rule.keyColumns.map { rows.label($0, row) } : []
        let included = isLast && !rule.include.isEmpty ? rule.include.map { rows.label($0, row) } : []
        let kept: RuleEvent? = table.withGroup(slot) { group in
            guard let event = group.insert(event, shape) else { return nil }
            guard !labels.isEmpty || !included.isEmpty else { return event }
            group.withDetail(shape) { detail in
                if detail.labels.isEmpty { detail.labels = labels }
                if !included.isEmpty { detail.included[event.line] = included }
            }
            return event
        }
        guard let event = kept else { return }
        if let known = work.touched[slot] {
            work.touched[slot] = (min(known.dirty, event.time), known.row)
        } else {
            work.touched[slot] = (event.time, row)
            work.order.append(slot)
        }
        let line = LineReference(time: event.time, name: event.line)
        work.lines.append((slot, row, line, isLast && shape.steps.count > 1))
    }

    /// Keeps the lines that may become evidence: the first and the last ones of each session, and those that may complete a
    /// finding.
    private func keepLines(_ work: Work, _ rows: DetectorRows) {
        for (slot, row, line, completes) in work.lines {
            let group = table.groups[slot]
            let isEvidence: Bool
            if let detail = group.detail {
                isEvidence = detail.sessions.contains { $0.contains(line) }
            } else {
                let events = group.events
                isEvidence =
                    events.count <= RuleSession.firstLines + RuleSession.lastLines
                    || line.time <= events[RuleSession.firstLines - 1].time
                    || line.time >= events[events.count - RuleSession.lastLines].time
            }
            if isEvidence || completes { rows.keep(row, as: line) }
        }
    }

    // MARK: Findings

    private mutating func evaluate(_ slot: Int, _ touched: (dirty: Int64, row: Int), _ rows: DetectorRows) -> [Finding] {
        var matches: [RuleMatch] = []
        table.groups[slot].matches(shape, since: touched.dirty) { match in
            // Matches that follow one another in a session say no more than the one that says most of them together.
            guard rule.include.isEmpty, let last = matches.last, match.end &- last.end <= shape.within else {
                matches.append(match)
                return
            }
            matches[matches.count - 1].takeIn(match)
        }
        guard !matches.isEmpty else { return [] }
        let labels = rule.keyColumns.map { rows.label($0, touched.row) }
        return report(matches, slot, labels: labels, rows.evidence)
    }

    private mutating func report(_ matches: [RuleMatch], _ slot: Int, labels: [String], _ evidence: EvidenceSource) -> [Finding] {
        let include = rule.include, shape = shape
        let (found, key) = table.withGroup(slot) { group in
            for match in matches {
                let included = include.isEmpty ? [] : group.detail?.included[match.completedBy.name] ?? include.map { _ in "" }
                group.found(match, included: included, shape)
            }
            return group.takeDue(labels: labels, shape)
        }
        return found.map { finding(key, $0.session, $0.report, evidence) }
    }

    mutating func updates(_ evidence: EvidenceSource) -> [Finding] {
        let shape = shape
        var findings: [Finding] = []
        for slot in 0..<table.count where table.groups[slot].hasNews {
            let (news, key) = table.withGroup(slot) { $0.takeNews(shape) }
            for (session, report) in news {
                var finding = finding(key, session, report, evidence)
                finding.isUpdate = true
                findings.append(finding)
            }
        }
        return findings
    }

    /// What was to come and did not.
    private mutating func judge(_ evidence: EvidenceSource) -> [Finding] {
        let settled = newest &- shape.lateness
        // Each look goes through all groups.
        guard judged == .min || settled &- judged >= min(Duration.seconds(1).inMicroseconds, max(1, shape.within / 64)) else {
            return []
        }
        let deadlines = (judged == .min ? .min : judged &+ 1)...max(settled, judged == .min ? .min : judged &+ 1)
        judged = settled
        var findings: [Finding] = []
        for slot in 0..<table.count {
            var matches: [RuleMatch] = []
            table.groups[slot].absences(shape, deadlines: deadlines) { matches.append($0) }
            if !matches.isEmpty { findings += report(matches, slot, labels: table.groups[slot].detail?.labels ?? [], evidence) }
            let shape = shape
            table.withGroup(slot) { $0.forget(shape) }
        }
        return findings
    }

    private func finding(_ key: [String], _ session: RuleSession, _ report: RuleReport, _ evidence: EvidenceSource) -> Finding {
        let columns = rule.keyColumns
        var labels = rule.labels
        for (column, value) in zip(columns, key) { labels[column.label] = value }
        for (column, value) in zip(rule.include, report.included) { labels[column.label] = value }
        func value(_ name: String) -> String {
            if let label = labels[name] { return label }
            switch name {
            case "count": return String(report.count)
            case "distinct": return String(report.distinct)
            case "usual": return String(format: "%.1f", report.usual)
            default: return ""
            }
        }
        return Finding(
            name: rule.name, detector: DetectionRule.kind, severity: rule.severity, labels: labels, title: title.filled(value),
            description: text.filled(value), startsAt: Timestamp(microseconds: report.startsAt),
            lastSeen: Timestamp(microseconds: hasDeadlines ? max(session.end, report.lastMatch) : session.end),
            completedAt: Timestamp(microseconds: report.completedBy.time &+ (hasDeadlines ? shape.within : 0)),
            count: report.count,
            evidence: evidence.cache.lines(session.evidence(completedBy: shape.steps.count > 1 ? report.completedBy : nil)),
            within: rule.within,
            session: Finding.Session(start: Timestamp(microseconds: session.start), count: session.count, lines: session.lines),
            ends: rule.ending)
    }

    // MARK: Memory

    private mutating func forgetQuietest(keeping kept: Int) {
        let count = table.count
        guard count > kept else { return }
        // By number where times are equal, as in a flood within one second: it must not take everything with it.
        let all = table.groups
        let order = all.indices.sorted { (all[$0].newest, $0) > (all[$1].newest, $1) }.prefix(kept)
        var isKept = [Bool](repeating: false, count: count)
        for slot in order { isKept[slot] = true }
        table.filter { slot, _ in isKept[slot] }
        figures.forgotten += count - table.count
    }

    /// Groups that have been quiet for longer than the rule looks back are forgotten at a snapshot: no row that comes in time can
    /// find them again, and a log of months would else carry every address that was ever in it from checkpoint to checkpoint.
    private mutating func forgetQuiet() {
        let oldest = newest &- shape.retention
        let count = table.groups.count { $0.newest < oldest }
        if newest > .min, count > 0 { table.filter { $1.newest >= oldest } }
        for index in exceptions.indices { exceptions[index].forget(before: newest) }
        values?.forget(before: newest)
        groups?.forget(before: newest)
    }

    private func measured() -> (keys: Int, bytes: Int) {
        let seen = [values, groups].compactMap(\.self)
        return (
            table.count + seen.reduce(0) { $0 + $1.times.count } + exceptions.reduce(0) { $0 + $1.count },
            table.groups.reduce(table.bytes) { $0 + $1.bytes } + seen.reduce(0) { $0 + $1.bytes }
                + exceptions.reduce(0) { $0 + $1.bytes }
        )
    }

    // MARK: Checkpoints

    private static let layout: UInt8 = 5

    mutating func forget() {
        forgetQuiet()
        (figures.keys, figures.bytes) = measured()
        if figures.bytes > limits.bytes {
            forgetQuietest(keeping: table.count * 3 / 4)
            (figures.keys, figures.bytes) = measured()
        }
    }

    mutating func snapshot() -> Data {
        forget()
        var writer = StateWriter()
        writer.write(byte: Self.layout)
        writer.write(rule.stateIdentity)
        writer.write(newest)
        writer.write(judged)
        writer.write(table.count)
        for group in table.groups { group.encode(to: &writer, shape) }
        for exception in exceptions { exception.encode(to: &writer) }
        values?.encode(to: &writer)
        groups?.encode(to: &writer)
        return writer.data
    }

    /// A rule that looks at other rows now, or groups them otherwise, than when the snapshot was made starts to count anew.
    mutating func restore(_ snapshot: Data) throws {
        var reader = StateReader(snapshot)
        guard try reader.byte() == Self.layout else { throw StateReader.Damaged() }
        guard try reader.string() == rule.stateIdentity else { return }
        var restored = self
        restored.table = GroupTable()
        restored.newest = try reader.int64()
        restored.judged = try reader.int64()
        guard [restored.newest, restored.judged].allSatisfy({ $0 == .min || $0.magnitude <= RuleShape.maxTime.magnitude * 2 })
        else {
            throw StateReader.Damaged()
        }
        for _ in 0..<(try reader.count()) {
            guard restored.table.insert(try RuleGroup(from: &reader, shape)) else { throw StateReader.Damaged() }
        }
        for index in exceptions.indices { try restored.exceptions[index].decode(from: &reader) }
        try restored.values?.decode(from: &reader)
        try restored.groups?.decode(from: &reader)
        guard reader.isAtEnd else { throw StateReader.Damaged() }
        self = restored
    }
}

extension RuleMatch {
    /// What two windows say together.
    fileprivate mutating func takeIn(_ other: RuleMatch) {
        if other.count > count { usual = other.usual }
        (count, distinct) = (max(count, other.count), max(distinct, other.distinct))
        (start, end) = (min(start, other.start), max(end, other.end))
        completedBy = min(completedBy, other.completedBy)
    }
}

extension DetectionRule {
    /// Equal for two rules whose groups mean the same: thresholds and texts may differ.
    fileprivate var stateIdentity: String {
        let steps = steps.map { "\($0.match.map(\.description)) \($0.distinct?.column.description ?? "")" }
        let condition =
            switch condition {
            case .steps: "steps"
            case .newValue(let new): "new \(new.column)"
            case .rate(let rate): "rate \(rate.history)"
            case .silence: "silence"
            case .missing: "missing"
            }
        let seen = exceptions.compactMap {
            guard case .seen(let seen) = $0 else { return nil as String? }
            let unless = seen.unless.map { "\($0.match.map(\.description)) \($0.by) \($0.count)" } ?? ""
            return "\(seen.match.map(\.description)) \(seen.by) \(unless)"
        }
        return "\(name) \(steps) \(groupBy) \(oncePer) \(include) \(condition) \(seen)"
    }
}
