import CSQLite
import Columns
import Lake

extension ScanPlan.Comparison {
    /// What a condition of a statement is for a scan.
    enum Wanted {
        case condition(ColumnCondition.Test)
        /// SQLite compares by itself.
        case unknown
        case never
    }

    /// What the scan is given of a comparison of a column with a value of SQL. All rows that SQLite would keep fulfil it.
    func test(_ argument: OpaquePointer, _ type: ColumnType) -> Wanted {
        switch self {
        case .isNull: return .condition(.isNull)
        case .isNotNull: return .condition(.isNotNull)
        case .among:
            var values: [Value] = [], one: OpaquePointer?
            var code = obs_sqlite_first(argument, &one)
            while code == SQLITE_OK, let value = one {
                if sqlite3_value_type(value) != SQLITE_NULL {
                    guard let value = SQLType.value(value, as: type) else { return .unknown }
                    values.append(value)
                }
                code = obs_sqlite_next(argument, &one)
            }
            return .condition(.isAmong(values))
        default: break
        }
        // Nothing is equal to null, above it or below it.
        guard sqlite3_value_type(argument) != SQLITE_NULL else { return .never }
        guard let value = SQLType.value(argument, as: type) else { return .unknown }
        switch self {
        case .equal: return .condition(.isAmong([value]))
        case .greater: return .condition(.isBetween(.init(value, isIncluded: false), nil))
        case .atLeast: return .condition(.isBetween(.init(value), nil))
        case .less: return .condition(.isBetween(nil, .init(value, isIncluded: false)))
        default: return .condition(.isBetween(nil, .init(value)))
        }
    }
}
