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
    private let keyColumns: [ColumnReference]
    /// For each group its place in ``Work/touched`` and one; 0 between two batches.
    private var places: [Int32] = []
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
        keyColumns = rule.keyColumns
        guard case .newValue(let new) = rule.condition else { return }
        values = SeenValues(forgetAfter: new.within.inMicroseconds)
        // A user who was away for longer than a network is remembered is still the same user.
        groups = SeenValues(forgetAfter: new.within.inMicroseconds * 4)
    }

    // MARK: Rows

    /// What a batch did to the groups.
    private struct Work {
        /// In the order in which their first events came; those that were looked at have the slot -1.
        var touched: [(slot: Int, dirty: Int64, row: Int)] = []
        /// Of rows whose lines may become evidence; nothing where there are no lines.
        var lines: [(slot: Int, row: Int, line: LineReference, completes: Bool)] = []
        var findings: [Finding] = []
    }

    mutating func observe(_ rows: DetectorRows) -> [Finding] {
        guard rows.count > 0 else { return [] }
        newest = max(newest, max(-RuleShape.maxTime, min(RuleShape.maxTime, rows.newest)))
        var work = Work()
        insert(rows, &work)
        if hasDeadlines {
            keepLines(work.lines, rows)
            work.findings = judge(rows)
            for touched in work.touched { places[touched.slot] = 0 }
        } else {
            if rows.keepsLines { keepLines(work.lines, rows) }
            for index in work.touched.indices where work.touched[index].slot >= 0 { settle(index, rows, &work) }
        }
        if table.count > limits.groups { forgetQuietest(keeping: limits.groups * 9 / 10) }
        return work.findings
    }

    private var hasDeadlines: Bool { rule.condition == .silence || rule.condition == .missing }

    /// Looks at a group again that events came to, and forgets what is out of reach: not before, because a batch may be longer
    /// than a window.
    private mutating func settle(_ index: Int, _ rows: DetectorRows, _ work: inout Work) {
        let touched = work.touched[index], shape = shape
        places[touched.slot] = 0
        work.touched[index].slot = -1
        work.findings += evaluate(touched.slot, since: touched.dirty, row: touched.row, rows)
        table.withGroup(touched.slot) { $0.forget(shape) }
    }

    private mutating func insert(_ rows: DetectorRows, _ work: inout Work) {
        let candidates = rows.candidates(rule)
        // A kind of rows may lack a column of the group.
        guard !candidates.isEmpty, let keys = rows.keys(keyColumns) else { return }
        let isExcepted = filter.excepted(rows)
        let columns = RowColumns(rule, rows, candidates)
        // One step: each candidate is of it.
        let masks = rule.steps.count == 1 ? [] : rule.steps.map { rows.mask($0.match) }
        for candidate in candidates {
            let row = Int(candidate), key = keys[row]
            guard key != 0, isExcepted?[row] != true, isNew(row, columns, rows) else { continue }
            guard !masks.isEmpty else {
                insert(row, 0, key, columns, rows, &work)
                continue
            }
            for (step, mask) in masks.enumerated() where mask[row] { insert(row, step, key, columns, rows, &work) }
        }
    }

    /// Whether a row has a value that its group has not had for long; true for rules of other kinds.
    private mutating func isNew(_ row: Int, _ columns: RowColumns, _ rows: DetectorRows) -> Bool {
        guard columns.isNewValue, case .newValue(let new) = rule.condition, let own = columns.groups?[row],
            let both = columns.groupValues?[row]
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
        let slot = table.slot(key), shape = shape
        let event = RuleEvent(
            time: rows.times[row], line: columns.lines[row], value: columns.value(row, step), once: columns.once(row), step: step,
            count: shape.isOncePer ? 1 : columns.weight(row))
        guard let event = table.withGroup(slot, { $0.insert(event, shape) }) else { return }
        let isLast = step == shape.lastStep
        if hasDeadlines || (isLast && shape.isFoundByEach) { keepDetail(slot, event, row, isLast, rows) }
        while places.count <= slot { places.append(0) }
        if places[slot] == 0 {
            work.touched.append((slot, event.time, row))
            places[slot] = Int32(work.touched.count)
        } else {
            let index = Int(places[slot]) - 1
            work.touched[index].dirty = min(work.touched[index].dirty, event.time)
        }
        if rows.keepsLines {
            let line = LineReference(time: event.time, name: event.line)
            work.lines.append((slot, row, line, isLast && (shape.steps.count > 1 || rows.isWatched)))
        }
        if table.groups[slot].isFull(shape) { putTogether(slot, rows, &work) }
    }

    private mutating func keepDetail(_ slot: Int, _ event: RuleEvent, _ row: Int, _ isLast: Bool, _ rows: DetectorRows) {
        let labels = hasDeadlines ? keyColumns.map { rows.label($0, row) } : []
        let included = isLast ? rule.include.map { rows.label($0, row) } : []
        guard !labels.isEmpty || !included.isEmpty else { return }
        let shape = shape
        table.withGroup(slot) { group in
            group.withDetail(shape) { detail in
                if detail.labels.isEmpty { detail.labels = labels }
                if !included.isEmpty { detail.included[event.line] = included }
            }
        }
    }

    /// Makes room in a group that is full. What its rule finds in the events until now is found before, so that it does not
    /// matter where a batch ends.
    private mutating func putTogether(_ slot: Int, _ rows: DetectorRows, _ work: inout Work) {
        let shape = shape
        if !hasDeadlines {
            if rows.keepsLines {
                keepLines(work.lines.filter { $0.slot == slot }, rows)
                work.lines.removeAll { $0.slot == slot }
            }
            settle(Int(places[slot]) - 1, rows, &work)
        }
        table.withGroup(slot) { $0.putTogether(shape) }
    }

    /// Keeps the lines that may become evidence: the first and the last ones of each session, and those that may complete a
    /// finding.
    private func keepLines(_ lines: [(slot: Int, row: Int, line: LineReference, completes: Bool)], _ rows: DetectorRows) {
        for (slot, row, line, completes) in lines {
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

    private mutating func evaluate(_ slot: Int, since dirty: Int64, row: Int, _ rows: DetectorRows) -> [Finding] {
        var matches: [RuleMatch] = []
        table.groups[slot].matches(shape, since: dirty) { matches.append($0) }
        guard !matches.isEmpty else { return [] }
        let labels = keyColumns.map { rows.label($0, row) }
        show(matches, slot, labels, rows)
        if rule.include.isEmpty { matches = shape.together(matches) }
        return report(matches, slot, labels: labels, rows.evidence)
    }

    /// Shows what holds to the rules that look at findings.
    private func show(_ matches: [RuleMatch], _ slot: Int, _ key: [String], _ rows: DetectorRows) {
        guard rows.isWatched else { return }
        var last: [String]?
        for match in matches {
            let included = included(match, slot)
            if last != included {
                last = included
                rows.moments.begin(.init(rule: rule.name, severity: rule.severity, labels: labels(key, included)))
            }
            rows.moments.add(at: match.end, line: match.completedBy)
        }
    }

    /// The values of the columns that the rule includes, of the row that completes a match.
    private func included(_ match: RuleMatch, _ slot: Int) -> [String] {
        rule.include.isEmpty
            ? [] : table.groups[slot].detail?.included[match.completedBy.name] ?? rule.include.map { _ in "" }
    }

    private func labels(_ key: [String], _ included: [String]) -> Labels {
        var labels = rule.labels
        for (column, value) in zip(keyColumns, key) { labels[column.label] = value }
        for (column, value) in zip(rule.include, included) { labels[column.label] = value }
        return labels
    }

    private mutating func report(_ matches: [RuleMatch], _ slot: Int, labels: [String], _ evidence: EvidenceSource) -> [Finding] {
        let shape = shape
        for match in matches {
            let included = included(match, slot)
            table.withGroup(slot) { $0.found(match, included: included, shape) }
        }
        let (found, key) = table.withGroup(slot) { $0.takeDue(labels: labels, shape) }
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
    private mutating func judge(_ rows: DetectorRows) -> [Finding] {
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
            if !matches.isEmpty {
                let labels = table.groups[slot].detail?.labels ?? []
                show(matches, slot, labels, rows)
                findings += report(matches, slot, labels: labels, rows.evidence)
            }
            let shape = shape
            table.withGroup(slot) { $0.forget(shape) }
        }
        return findings
    }

    private func finding(_ key: [String], _ session: RuleSession, _ report: RuleReport, _ evidence: EvidenceSource) -> Finding {
        let labels = labels(key, report.included)
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
        values?.forget(before: newest &- shape.lateness)
        groups?.forget(before: newest &- shape.lateness)
    }

    private func measured() -> (keys: Int, bytes: Int) {
        let seen = [values, groups].compactMap(\.self)
        return (
            table.count + seen.reduce(0) { $0 + $1.count },
            table.groups.reduce(table.bytes + places.count * 4) { $0 + $1.bytes } + seen.reduce(0) { $0 + $1.bytes }
        )
    }

    // MARK: Checkpoints

    private static let layout: UInt8 = 6

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
        try restored.values?.decode(from: &reader)
        try restored.groups?.decode(from: &reader)
        guard reader.isAtEnd else { throw StateReader.Damaged() }
        self = restored
    }
}

extension RuleShape {
    /// Matches that follow one another in a session say no more than the one that says most of them together.
    fileprivate func together(_ matches: [RuleMatch]) -> [RuleMatch] {
        var together: [RuleMatch] = []
        for match in matches {
            if let last = together.last, match.end &- last.end <= within {
                together[together.count - 1].takeIn(match)
            } else {
                together.append(match)
            }
        }
        return together
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
        let seen = seen.map(\.identity)
        return "\(name) \(steps) \(groupBy) \(oncePer) \(include) \(condition) \(seen)"
    }
}
