import Columns
import Templates

/// What the tables say of the templates of one stream. Templates that were merged, by whichever run, are one group; the oldest
/// of a group represents it, so that runs that merged in another order agree.
struct TemplateHistory {
    let table: String
    private var entries: [UInt64: Entry] = [:]
    /// By id: another id of its group, nearer to the representative.
    private var links: [UInt64: UInt64] = [:]

    init(table: String) { self.table = table }

    private struct Entry {
        var text = ""
        var changedAt = Int64.min
        var isWidened = false
        var first: Int64?
        var last: Int64?
        var lines: Int64 = 0
        var before: Int64 = 0
        var earlier: Int64 = 0

        mutating func add(_ other: Entry) {
            // The widest text of a group is the one that was widened last.
            if (other.isWidened ? 1 : 0, other.changedAt) > (isWidened ? 1 : 0, changedAt) {
                (text, changedAt, isWidened) = (other.text, other.changedAt, other.isWidened)
            }
            first = [first, other.first].compactMap(\.self).min()
            last = [last, other.last].compactMap(\.self).max()
            lines += other.lines
            before += other.before
            earlier += other.earlier
        }
    }

    /// A template of the answer.
    struct Row {
        let table: String
        let id: UInt64
        let text: String
        let first, last: Int64?
        let lines, before: Int64
        var resolvedTo: UInt64?

        var growth: Double? { before > 0 ? Double(lines) / Double(before) : nil }

        func isBefore(_ other: Row, _ selection: TemplateQuestions.Selection) -> Bool {
            func key(_ row: Row) -> (Double, Int64) {
                switch selection {
                case .growing: (row.growth ?? 0, row.lines)
                case .new, .merged: (0, row.first ?? .min)
                case .all, .gone: (0, row.last ?? .min)
                }
            }
            let (left, right) = (key(self), key(other))
            return left != right ? left > right : id < other.id
        }

        func values(_ range: TemplateRange) -> [Value] {
            func time(_ value: Int64?) -> Value { value.map { .timestamp(Timestamp(microseconds: $0)) } ?? .null }
            let hasRange = range.since != nil
            return [
                .text(TemplateTable.text(of: id)), .text(text), .int(lines), hasRange ? .int(before) : .null,
                hasRange ? growth.map { .double(($0 * 100).rounded() / 100) } ?? .null : .null, time(first), time(last),
                .text(table), resolvedTo.map { .text(TemplateTable.text(of: $0)) } ?? .null,
            ]
        }
    }

    // MARK: Reading

    /// Takes in a row of the table of templates.
    mutating func add(change batch: Batch, _ row: Int, until: Timestamp) {
        guard let time = batch["event_time"]?.integer(at: row), time <= until.microseconds,
            let id = TemplateTable.id(batch["template_id"], row), let change = batch["change"]?.string(at: row)
        else { return }
        var entry = entries[id] ?? Entry()
        // Several runs write to one table, so rows need not be in the order of time.
        if change == "new" || change == "widened", time >= entry.changedAt, change == "widened" || !entry.isWidened {
            entry.text = batch["template"]?.string(at: row) ?? ""
            entry.changedAt = time
            entry.isWidened = entry.isWidened || change == "widened"
        }
        if change == "new" { entry.first = min(entry.first ?? time, time) }
        entries[id] = entry
        if change == "merged", let into = TemplateTable.id(batch["resolved_to"], row) { join(id, into) }
    }

    /// Takes in a row of the windows that count.
    mutating func add(count batch: Batch, _ row: Int, _ range: TemplateRange) {
        guard let start = batch["window_start"]?.integer(at: row), start <= range.until.microseconds,
            let id = TemplateTable.id(batch["template_id"], row), let lines = batch["lines"]?.integer(at: row)
        else { return }
        var entry = entries[id] ?? Entry()
        if let last = batch["last_seen"]?.integer(at: row) { entry.last = max(entry.last ?? last, last) }
        if start >= range.since?.microseconds ?? .min {
            entry.lines += lines
        } else {
            entry.earlier += lines
            if start >= range.before?.microseconds ?? .max { entry.before += lines }
        }
        entries[id] = entry
    }

    // MARK: Merging

    private func root(_ id: UInt64) -> UInt64 {
        var id = id
        while let next = links[id] { id = next }
        return id
    }

    private mutating func join(_ id: UInt64, _ other: UInt64) {
        let (left, right) = (root(id), root(other))
        if left != right { links[left] = right }
    }

    /// By the root of a group, the ids in it, the representative first.
    private func groups() -> [[UInt64]] {
        let order = entries.sorted { left, right in
            let (first, second) = (left.value.first ?? .max, right.value.first ?? .max)
            return first != second ? first < second : left.key < right.key
        }
        return Dictionary(grouping: order.map(\.key), by: root).values.map(\.self)
    }

    /// The templates that a query selects, in no order.
    func rows(_ selection: TemplateQuestions.Selection, _ range: TemplateRange) -> [Row] {
        groups().flatMap { ids -> [Row] in
            guard selection != .merged else {
                return ids.dropFirst().map { id in
                    var row = row(id, entries[id]!)
                    row.resolvedTo = ids[0]
                    return row
                }
            }
            let group = ids.dropFirst().reduce(into: entries[ids[0]]!) { $0.add(entries[$1]!) }
            return isSelected(group, selection, range) ? [row(ids[0], group)] : []
        }
    }

    private func isSelected(_ entry: Entry, _ selection: TemplateQuestions.Selection, _ range: TemplateRange) -> Bool {
        switch selection {
        case .all: range.since == nil || entry.lines > 0
        case .new: entry.first.map { $0 >= range.since?.microseconds ?? .min } ?? false
        case .growing: entry.before > 0 && entry.lines > entry.before
        case .gone: entry.lines == 0 && entry.earlier > 0
        case .merged: false
        }
    }

    private func row(_ id: UInt64, _ entry: Entry) -> Row {
        Row(
            table: table, id: id, text: entry.text, first: entry.first, last: entry.last, lines: entry.lines,
            before: entry.before)
    }
}
