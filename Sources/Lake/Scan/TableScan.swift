import Columns

/// The rows of a table at one version, batch by batch, as somebody asks for them; see ``DeltaTable/rows(of:where:)``.
///
/// Of a row group the columns with conditions are read first. Where no row fulfils them, nothing else is.
public struct TableScan {
    private let table: DeltaTable
    private let snapshot: Snapshot
    private let wanted: Schema
    private let conditions: [(field: Field, test: TypedTest, times: ClosedRange<Timestamp>?)]
    private let matchers: [Matcher]
    private let files: [LiveFile]
    private var nextFile = 0
    private var open: (scan: FileScan, nextGroup: Int)?

    /// Asked before each row group: when it says so, there are no more rows.
    public var shouldStop: () -> Bool = { false }

    /// Bytes of the files that are done or passed over, and of all.
    public private(set) var done: Int64 = 0
    /// Bytes of all files.
    public let total: Int64

    init(_ table: DeltaTable, columns: [String]?, _ conditions: [ColumnCondition], matching matchers: [Matcher]) {
        self.table = table
        self.matchers = matchers
        let snapshot = table.snapshot, schema = snapshot.schema
        self.snapshot = snapshot
        wanted = columns.map { schema.selecting($0) } ?? schema
        self.conditions = conditions.map { condition in
            // A column that is not there is all null.
            let field = schema[condition.column] ?? Field(condition.column, .text, isNullable: true)
            return (field, TypedTest(condition.test, field.type), field.type == .timestamp ? condition.test.times : nil)
        }
        files = snapshot.files
        total = Int64(snapshot.sizeInBytes)
    }

    /// The next rows that fulfil all conditions, at least one; nil at the end.
    ///
    /// - Throws: ``LakeError`` of a file that is damaged or missing.
    public mutating func next() throws(LakeError) -> Batch? {
        while !shouldStop() {
            if let (scan, group) = open {
                guard group < scan.reader.rowGroupCount else {
                    finishFile()
                    continue
                }
                open!.nextGroup = group + 1
                if let batch = try batch(scan, group) { return batch }
            } else {
                guard nextFile < files.count else { return nil }
                let file = files[nextFile]
                guard mayHold(file) else {
                    finishFile()
                    continue
                }
                open = (try FileScan(file, snapshot: snapshot, table: table), 0)
            }
        }
        return nil
    }

    private mutating func finishFile() {
        done += Int64(files[nextFile].size)
        nextFile += 1
        open = nil
    }

    /// Whether the log leaves a row of the file that fulfils all.
    private func mayHold(_ file: LiveFile) -> Bool {
        for column in snapshot.partitionColumns {
            guard let field = snapshot.schema[column], let text = file.partitionValues[column],
                let value = PartitionValues.value(text, field.type)
            else { continue }
            for matcher in matchers where matcher.name == column && !matcher.matches(value.description) { return false }
            for condition in conditions where condition.field.name == column {
                var isKept = [true]
                condition.test.narrow(&isKept, PartitionValues.column(value, field.type, count: 1))
                if !isKept[0] { return false }
            }
        }
        let timed = conditions.filter { $0.times != nil }
        guard !timed.isEmpty, let bounds = file.stats.flatMap(FileBounds.init) else { return true }
        return timed.allSatisfy { bounds.mayHold($0.times!, in: $0.field.name) }
    }

    private func batch(_ scan: FileScan, _ group: Int) throws(LakeError) -> Batch? {
        let count = scan.reader.rowGroups[group].rowCount
        guard count > 0, conditions.allSatisfy({ scan.mayHold($0.test, $0.field.name, rowGroup: group) }) else { return nil }
        var read: [String: Column] = [:], isKept: [Bool] = []
        if !conditions.isEmpty {
            isKept = Array(repeating: true, count: count)
            for condition in conditions {
                if read[condition.field.name] == nil {
                    read[condition.field.name] = try scan.columns([condition.field], rowGroup: group)[0]
                }
                condition.test.narrow(&isKept, read[condition.field.name]!)
                guard isKept.contains(true) else { return nil }
            }
        }
        let rest = wanted.fields.filter { read[$0.name] == nil }
        for (field, column) in zip(rest, try scan.columns(rest, rowGroup: group)) { read[field.name] = column }
        var columns = wanted.fields.map { read[$0.name]! }
        if isKept.contains(false) {
            let rows = isKept.indices.filter { isKept[$0] }
            columns = columns.map { $0.gather(rows) }
        }
        // Whether others kept to "never null" is theirs to see to: what they wrote is read.
        let schema = Schema(
            zip(wanted.fields, columns).map { Field($0.name, $0.type, isNullable: $0.isNullable || $1.nullCount > 0) })
        return Batch(schema: schema, columns: columns)
    }
}

extension ColumnCondition.Test {
    /// The times that fulfil it lie in this range; nil when that cannot be said simply.
    fileprivate var times: ClosedRange<Timestamp>? {
        func time(_ value: Value?) -> Timestamp? { if case .timestamp(let time)? = value { time } else { nil } }
        switch self {
        case .isAmong(let values):
            let times = values.compactMap(time)
            guard let first = times.min(), let last = times.max() else { return nil }
            return first...last
        case .isBetween(let low, let high):
            guard low == nil || time(low?.value) != nil, high == nil || time(high?.value) != nil else { return nil }
            let first = time(low?.value) ?? Timestamp(microseconds: .min),
                last = time(high?.value) ?? Timestamp(microseconds: .max)
            return first <= last ? first...last : nil
        case .isNull, .isNotNull: return nil
        }
    }
}
