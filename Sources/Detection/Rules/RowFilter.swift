import Columns

/// The columns of a batch that a rule reads, as hashes.
struct RowColumns {
    /// By step: the values that are to be distinct.
    private let distinct: [[UInt64]?]
    private let oncePer: [UInt64]?
    /// How many events each row counts for; nil where each is one.
    private let weights: [UInt32]?
    let isNewValue: Bool
    /// What the lines of the rows that it is about are called; see ``LineSet/name(text:repetition:)``.
    let lines: [UInt32]
    /// What a rule for new values groups by, and the same with the value.
    let groups: [UInt64]?
    let groupValues: [UInt64]?

    /// - Parameter candidates: the rows that it is about.
    init(_ rule: DetectionRule, _ rows: DetectorRows, _ candidates: [Int32]) {
        lines = rows.lineNames(of: candidates)
        weights = rows.weights
        distinct = rule.steps.map { $0.distinct.flatMap { rows.hashes($0.column) } }
        oncePer = rule.oncePer.isEmpty ? nil : rows.keys(rule.oncePer)
        if case .newValue(let new) = rule.condition {
            isNewValue = true
            groups = rows.keys(rule.groupBy)
            groupValues = rows.keys(rule.groupBy + [new.column])
        } else {
            (isNewValue, groups, groupValues) = (false, nil, nil)
        }
    }

    /// 0 for none.
    func value(_ row: Int, _ step: Int) -> UInt32 {
        guard let hash = distinct[step]?[row], hash != 0 else { return 0 }
        return UInt32(truncatingIfNeeded: DetectorRows.mixed(hash)) | 1
    }

    func weight(_ row: Int) -> Int { weights.map { Int($0[row]) } ?? 1 }

    /// 0 where each row counts.
    func once(_ row: Int) -> UInt32 {
        // A value is new once, on however many lines it is.
        if isNewValue { return 1 }
        guard let hash = oncePer?[row], hash != 0 else { return 0 }
        return UInt32(truncatingIfNeeded: hash >> 8) | 1
    }
}

/// The exceptions of a rule that a row alone decides: matchers and lists.
struct RowFilter {
    private var matchers: [[Matcher]] = []
    private var lists: [(column: ColumnReference, list: ValueList)] = []

    init(_ rule: DetectionRule, _ context: DetectorContext) {
        for exception in rule.exceptions {
            switch exception {
            case .matchers(let excepted): matchers.append(excepted)
            case .values(let column, let values): lists.append((column, ValueList(values: values)))
            case .file(let column, let file): lists.append((column, ValueList(file: file, note: context.note)))
            case .seen: break
            }
        }
    }

    /// Which rows do not count; nil when the rule has no such exception.
    func excepted(_ rows: DetectorRows) -> [Bool]? {
        guard !matchers.isEmpty || !lists.isEmpty else { return nil }
        var excepted = [Bool](repeating: false, count: rows.count)
        for matchers in matchers {
            let mask = rows.mask(matchers)
            for row in mask.indices where mask[row] { excepted[row] = true }
        }
        for (column, list) in lists {
            list.refresh()
            let mask = rows.mask(column, in: list)
            for row in mask.indices where mask[row] { excepted[row] = true }
        }
        return excepted
    }
}
