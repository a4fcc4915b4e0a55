import CSQLite
import Columns
import Lake

/// A table of the lake as SQLite sees it.
final class VirtualTable: ModuleTable {
    let table: DeltaTable
    let schema: Schema
    private let stop: StopSign
    private let rowCount: Double

    init(_ table: DeltaTable, _ stop: StopSign) throws(LakeError) {
        self.table = table
        self.stop = stop
        schema = table.schema
        rowCount = Double(try table.rowCount())
    }

    var declaration: String { Self.declaration(schema) }

    static func declaration(_ schema: Schema) -> String {
        let columns = schema.fields.map { "\(Self.quoted($0.name)) \(SQLType.declaration($0.type))" }
        return "CREATE TABLE t(\(columns.isEmpty ? "nothing" : columns.joined(separator: ", ")))"
    }

    func cursor() -> any ModuleCursor { VirtualCursor(self, stop) }

    static func quoted(_ name: String) -> String {
        let quote = UInt8(ascii: "\"")
        let bytes = name.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return String(decoding: [quote] + bytes + [quote], as: UTF8.self)
    }

    /// Chooses what the scan is given of a statement's conditions. SQLite looks at all of them again, so that what the scan
    /// does not understand is right all the same.
    func plan(_ info: UnsafeMutablePointer<sqlite3_index_info>) {
        var plan = ScanPlan(), share = 1.0
        for index in 0..<Int(info.pointee.nConstraint) {
            let constraint = info.pointee.aConstraint[index]
            let column = Int(constraint.iColumn)
            guard constraint.usable != 0, schema.fields.indices.contains(column),
                var comparison = ScanPlan.Comparison(constraint.op)
            else { continue }
            let type = schema.fields[column].type
            if ![.isNull, .isNotNull].contains(comparison) {
                let collation = sqlite3_vtab_collation(info, Int32(index)).map { String(cString: $0) } ?? "BINARY"
                guard type != .binary, SQLType.isComparable(type, by: collation) else { continue }
            }
            if comparison == .equal, obs_sqlite_takes_all(info, Int32(index)) != 0 { comparison = .among }
            plan.conditions.append((column, comparison))
            info.pointee.aConstraintUsage[index].argvIndex = Int32(plan.conditions.count)
            share *= comparison.selectivity
        }
        // The last bit stands for all columns from the 64th on.
        let used = info.pointee.colUsed
        plan.columns = schema.fields.indices.filter { used & (1 << UInt64(min($0, 63))) != 0 }
        // Rows without a column could not be counted.
        if plan.columns.isEmpty, let cheapest = cheapest { plan.columns = [plan.conditions.first?.column ?? cheapest] }
        info.pointee.estimatedRows = Int64(max(1, rowCount * share))
        // What is passed over costs little, and to begin costs a file that is opened.
        info.pointee.estimatedCost = 1000 + rowCount * (0.1 + share) * Double(plan.columns.count)
        keep(plan.text, in: info)
    }

    private var cheapest: Int? {
        let flat = schema.fields.firstIndex { ![.text, .binary].contains($0.type) }
        return flat ?? schema.fields.indices.first
    }
}

/// Goes through the rows of a ``VirtualTable``.
final class VirtualCursor: ModuleCursor {
    private let table: VirtualTable
    private let stop: StopSign
    private var scan: TableScan?
    /// By position in the schema: where the column is in the batch at hand.
    private var places: [Int?] = []
    private var batch: Batch?
    private var row = 0
    private(set) var rowID: Int64 = 0

    init(_ table: VirtualTable, _ stop: StopSign) {
        self.table = table
        self.stop = stop
    }

    var isAtEnd: Bool { batch == nil }

    func begin(_ plan: String, _ arguments: UnsafeBufferPointer<OpaquePointer?>) throws {
        guard let plan = ScanPlan(plan), plan.conditions.count <= arguments.count else {
            throw LakeSQLError.refused("a plan of SQLite was changed")
        }
        let fields = table.schema.fields
        places = Array(repeating: nil, count: fields.count)
        for (place, column) in plan.columns.enumerated() { places[column] = place }
        (rowID, row, batch) = (0, 0, nil)
        var conditions: [ColumnCondition] = []
        for (index, condition) in plan.conditions.enumerated() {
            guard let argument = arguments[index] else { continue }
            switch condition.comparison.test(argument, fields[condition.column].type) {
            case .condition(let test): conditions.append(ColumnCondition(fields[condition.column].name, test))
            case .unknown: break
            case .never: return scan = nil
            }
        }
        scan = table.table.rows(of: plan.columns.map { fields[$0].name }, where: conditions)
        scan!.shouldStop = { [stop] in stop.isSet }
        batch = try scan!.next()
    }

    func advance() throws {
        row += 1
        rowID += 1
        guard let current = batch, row >= current.count else { return }
        row = 0
        batch = try scan?.next()
    }

    func give(_ column: Int, to context: OpaquePointer?) {
        guard places.indices.contains(column), let place = places[column], let batch else { return sqlite3_result_null(context) }
        SQLType.give(batch.columns[place], row, batch.schema.fields[place].type, to: context)
    }
}
