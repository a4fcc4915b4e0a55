import Columns
import Foundation
@preconcurrency import GRDB
import LakeSQL

/// What a statement that SQLite refused for a name may have meant.
struct SQLSuggestion {
    /// What there is none of: a table, a column, a function.
    private enum Kind: String, CaseIterable {
        case table = "no such table: "
        case column = "no such column: "
        case function = "no such function: "
    }

    /// SQLite's sentence with the name that was meant, if there is one that is near.
    ///
    /// - Parameters:
    ///   - lakeTables: with their layers.
    ///   - words: of the statement: the tables among them are those whose columns may be meant.
    static func sentence(_ message: String, lakeTables: [String], words: [String], _ database: Database) -> String {
        for kind in Kind.allCases {
            guard message.utf8.starts(with: kind.rawValue.utf8) else { continue }
            let name = String(decoding: message.utf8.dropFirst(kind.rawValue.utf8.count), as: UTF8.self)
            let last = lastPart(name)
            let known = (try? names(kind, lakeTables, words, database)) ?? []
            // A table of the lake is known by its layer and its name, a column by its own.
            let inOtherLayer = lakeTables.filter { lastPart($0).hasSameBytes(as: last) }
            let isOfOtherLayer = kind == .table && !inOtherLayer.isEmpty
            guard let meant = isOfOtherLayer ? inOtherLayer[0] : nearest(kind == .table ? name : last, among: known) else {
                return kind == .table ? message + "; 'obs query tables' lists all" : message
            }
            return "\(message); did you mean '\(meant)'?"
        }
        return message
    }

    private static func lastPart(_ name: String) -> String {
        let parts = name.utf8.split(separator: UInt8(ascii: "."))
        return parts.last.map { String(decoding: $0, as: UTF8.self) } ?? name
    }

    private static func names(_ kind: Kind, _ lakeTables: [String], _ words: [String], _ database: Database) throws -> [String] {
        switch kind {
        case .table:
            let own = try String.fetchAll(
                database, sql: "SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name NOT GLOB '*_*_*'")
            return SQLViews.all.map(\.name) + lakeTables + own
        case .column:
            // Each table that the statement names is asked for its columns.
            let candidates = try String.fetchAll(
                database, sql: "SELECT DISTINCT name FROM pragma_table_list WHERE type IN ('table', 'view', 'virtual')")
            let named = Set(words.map { OutsideText($0.lowercased()) })
            return try candidates.filter { named.contains(OutsideText($0.lowercased())) }.flatMap {
                try String.fetchAll(database, sql: "SELECT name FROM pragma_table_info(?)", arguments: [$0])
            }
        case .function:
            return try String.fetchAll(database, sql: "SELECT DISTINCT name FROM pragma_function_list")
        }
    }

    /// The name with the fewest changes of a letter, if that is less than a third of it.
    static func nearest(_ name: String, among names: [String]) -> String? {
        let wanted = Array(name.lowercased().utf8.prefix(100))
        let best = names.map { (name: $0, distance: distance(wanted, Array($0.lowercased().utf8.prefix(100)))) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        guard let best, best.distance <= max(1, wanted.count / 3) else { return nil }
        return best.name
    }

    /// How many bytes to change, add, leave out or swap with their neighbour (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var rows = [Array(0...right.count)]
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                var least = min(row[j], rows[i][j + 1]) + 1
                least = min(least, rows[i][j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { least = min(least, rows[i - 1][j - 1] + 1) }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
