import CSQLite
import Columns
import Lake

/// Which columns a statement reads of a table, and which of its conditions the scan is given: what `xBestIndex` decides, and
/// `xFilter` does. Between them it is a text, because SQLite may keep it as long as the statement.
struct ScanPlan {
    enum Comparison: String {
        case equal = "="
        case greater = ">"
        case atLeast = "g"
        case less = "<"
        case atMost = "l"
        case among = "i"
        case isNull = "n"
        case isNotNull = "N"

        init?(_ code: UInt8) {
            switch Int32(code) {
            case SQLITE_INDEX_CONSTRAINT_EQ: self = .equal
            case SQLITE_INDEX_CONSTRAINT_GT: self = .greater
            case SQLITE_INDEX_CONSTRAINT_GE: self = .atLeast
            case SQLITE_INDEX_CONSTRAINT_LT: self = .less
            case SQLITE_INDEX_CONSTRAINT_LE: self = .atMost
            case SQLITE_INDEX_CONSTRAINT_ISNULL: self = .isNull
            case SQLITE_INDEX_CONSTRAINT_ISNOTNULL: self = .isNotNull
            default: return nil
            }
        }

        /// Which share of the rows is left, as a guess.
        var selectivity: Double {
            switch self {
            case .equal: 0.001
            case .among: 0.005
            case .isNull: 0.1
            case .isNotNull: 0.9
            default: 0.3
            }
        }
    }

    /// Positions in the schema, in order.
    var columns: [Int] = []
    /// In the order of the arguments of `xFilter`.
    var conditions: [(column: Int, comparison: Comparison)] = []

    init() {}

    /// - Returns: nil for what is not such a text.
    init?(_ text: String) {
        let halves = Self.parts(text, ";")
        guard halves.count == 2 else { return nil }
        for number in Self.parts(halves[0], ",") where !number.isEmpty {
            guard let column = Int(number) else { return nil }
            columns.append(column)
        }
        for condition in Self.parts(halves[1], ",") where !condition.isEmpty {
            let bytes = Array(condition.utf8)
            guard let comparison = Comparison(rawValue: String(decoding: bytes.suffix(1), as: UTF8.self)),
                let column = Int(String(decoding: bytes.dropLast(), as: UTF8.self))
            else { return nil }
            conditions.append((column, comparison))
        }
    }

    private static func parts(_ text: String, _ separator: Unicode.Scalar) -> [String] {
        text.utf8.split(separator: UInt8(ascii: separator), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    var text: String {
        columns.map(String.init).joined(separator: ",") + ";"
            + conditions.map { "\($0.column)\($0.comparison.rawValue)" }.joined(separator: ",")
    }
}
