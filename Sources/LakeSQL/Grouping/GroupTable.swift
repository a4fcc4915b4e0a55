import CSQLite
import Columns
import Lake

/// The groups of a table of the lake as SQLite sees them: the columns of the table, and those of a ``GroupShape``.
///
/// A row has a value in the columns that its group is alike in. Who asks for another column, or compares one in a way that the
/// scan cannot, gets ``LakeSQLError/inexact``.
final class GroupTable: ModuleTable {
    fileprivate let table: DeltaTable
    fileprivate let schema: Schema
    fileprivate let shape: GroupShape
    /// So many groups are given at a time.
    fileprivate let limit: GroupLimit
    private let stop: StopSign
    private let rowCount: Double

    init(_ table: DeltaTable, _ shape: GroupShape, _ limit: GroupLimit, _ stop: StopSign) throws(LakeError) {
        self.table = table
        self.shape = shape
        self.limit = limit
        self.stop = stop
        schema = table.schema
        rowCount = Double(try table.rowCount())
    }

    var declaration: String {
        let columns = schema.fields.map { "\(VirtualTable.quoted($0.name)) \(SQLType.declaration($0.type))" }
        // What is made for a function or by an aggregate has no type and no collation, as theirs have none.
        let made = [GroupShape.countName] + shape.keys.indices.map { "#k\($0)" } + shape.measures.indices.map { "#m\($0)" }
        return "CREATE TABLE t(\((columns + made.map(VirtualTable.quoted)).joined(separator: ", ")))"
    }

    func plan(_ info: UnsafeMutablePointer<sqlite3_index_info>) {
        var plan = ScanPlan(), share = 1.0
        for index in 0..<Int(info.pointee.nConstraint) {
            let constraint = info.pointee.aConstraint[index], column = Int(constraint.iColumn)
            guard constraint.usable != 0, shape.filters.contains(column), var comparison = ScanPlan.Comparison(constraint.op)
            else { continue }
            if ![.isNull, .isNotNull].contains(comparison) {
                let collation = sqlite3_vtab_collation(info, Int32(index)).map { String(cString: $0) } ?? "BINARY"
                guard SQLType.isComparable(schema.fields[column].type, by: collation) else { continue }
            }
            if comparison == .equal, obs_sqlite_takes_all(info, Int32(index)) != 0 { comparison = .among }
            plan.conditions.append((column, comparison))
            info.pointee.aConstraintUsage[index].argvIndex = Int32(plan.conditions.count)
            // SQLite would ask for the column to compare again.
            info.pointee.aConstraintUsage[index].omit = 1
            share *= comparison.selectivity
        }
        info.pointee.estimatedRows = Int64(max(1, rowCount * share / 100))
        info.pointee.estimatedCost = 1000 + rowCount * share
        keep(plan.text, in: info)
    }

    func cursor() -> any ModuleCursor { GroupCursor(self, stop) }
}

/// How many groups are kept before they are given, and what their values may take in bytes; the rows of one batch go beyond it.
struct GroupLimit {
    var count = 1 << 17
    var bytes = 32 << 20
}

/// Goes through groups. So that they take a bounded memory, what was found is given whenever it is much: then a group comes
/// again, and SQLite puts both together.
private final class GroupCursor: ModuleCursor {
    private let table: GroupTable
    private let stop: StopSign
    private var scan: TableScan?
    private var tally: GroupTally
    private var groups = GroupTally.Groups()
    private var row = 0
    private(set) var rowID: Int64 = 0

    init(_ table: GroupTable, _ stop: StopSign) {
        self.table = table
        self.stop = stop
        tally = GroupTally(table.shape, table.schema)
    }

    var isAtEnd: Bool { row >= groups.count }

    func begin(_ plan: String, _ arguments: UnsafeBufferPointer<OpaquePointer?>) throws {
        guard let plan = ScanPlan(plan), plan.conditions.count <= arguments.count else {
            throw LakeSQLError.refused("a plan of SQLite was changed")
        }
        (rowID, row, scan) = (0, 0, nil)
        tally = GroupTally(table.shape, table.schema)
        groups = GroupTally.Groups()
        let fields = table.schema.fields
        var conditions: [ColumnCondition] = []
        for (index, condition) in plan.conditions.enumerated() {
            guard let argument = arguments[index] else { continue }
            let type = fields[condition.column].type
            guard condition.comparison.isExact(argument, type) else { throw LakeSQLError.inexact }
            switch condition.comparison.test(argument, type) {
            case .condition(let test): conditions.append(ColumnCondition(fields[condition.column].name, test))
            case .unknown: throw LakeSQLError.inexact
            case .never: return
            }
        }
        var columns = table.shape.columns
        if columns.isEmpty {
            guard let first = plan.conditions.first else {
                // The log knows how many rows there are.
                groups = .init(countOnly: try table.table.rowCount(), table.shape)
                return
            }
            // Rows without a column could not be counted.
            columns = [first.column]
        }
        scan = table.table.rows(of: columns.map { fields[$0].name }, where: conditions)
        scan!.shouldStop = { [stop] in stop.isSet }
        try fill()
    }

    private func fill() throws {
        row = 0
        let limit = table.limit
        while tally.groupCount < limit.count, tally.bytes < limit.bytes, let batch = try scan?.next() { try tally.add(batch) }
        groups = tally.take()
    }

    func advance() throws {
        row += 1
        rowID += 1
        if row == groups.count, scan != nil { try fill() }
    }

    func give(_ column: Int, to context: OpaquePointer?) {
        let fields = table.schema.fields, shape = table.shape
        if column < fields.count {
            guard let key = shape.keys.firstIndex(of: .column(column)) else {
                return sqlite3_result_error(context, LakeSQLError.inexact.description, -1)
            }
            return groups.give(key: key, row, as: fields[column].type, to: context)
        }
        let made = column - fields.count
        if made == 0 { return sqlite3_result_int64(context, groups.counts[row]) }
        if made <= shape.keys.count {
            return groups.give(key: made - 1, row, as: fields[shape.keys[made - 1].column].type, to: context)
        }
        let index = made - 1 - shape.keys.count
        groups.give(measure: index, row, as: shape.measures[index].type(in: fields), to: context)
    }
}

extension GroupShape.Measure {
    fileprivate func type(in fields: [Field]) -> ColumnType {
        switch self {
        case .present, .sum: .int64
        case .least(let column), .greatest(let column): fields[column].type
        }
    }
}

extension ScanPlan.Comparison {
    /// Whether the rows that fulfil the test of the scan are those that SQLite would keep, no more.
    fileprivate func isExact(_ argument: OpaquePointer, _ type: ColumnType) -> Bool {
        guard [.float, .double].contains(type) else { return true }
        // For SQLite a column has no NaN but null, and a whole number keeps all its digits.
        switch self {
        case .isNull, .isNotNull, .among: return false
        default:
            return sqlite3_value_type(argument) != SQLITE_INTEGER || sqlite3_value_int64(argument).magnitude <= 1 << 53
        }
    }
}

/// What the rewritten statements of ``GroupedSelect`` call.
enum GroupFunctions {
    /// The most that a product may be: the sum of those of all groups at a time is then a whole number of a double.
    private static let most: Int64 = 1 << 33

    static func register(on connection: OpaquePointer?) -> Int32 {
        sqlite3_create_function_v2(
            connection, GroupedSelect.times, 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nil,
            { context, _, arguments in
                let value = arguments![0], type = sqlite3_value_type(value)
                guard type != SQLITE_NULL else { return sqlite3_result_null(context) }
                let (product, isTooLarge) = sqlite3_value_int64(value).multipliedReportingOverflow(
                    by: sqlite3_value_int64(arguments![1]))
                // Which sum of other values comes out depends on the order of rows.
                guard type == SQLITE_INTEGER, !isTooLarge, product.magnitude <= GroupFunctions.most else {
                    return sqlite3_result_error(context, LakeSQLError.inexact.description, -1)
                }
                sqlite3_result_int64(context, product)
            }, nil, nil, nil)
    }
}
