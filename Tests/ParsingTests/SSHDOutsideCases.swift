import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

/// Lines that went wrong elsewhere. They are not in the project; what is right of each is in `Tests/Cases/sshd/outside.tsv`.
@Suite(.enabled(if: outsideCases != nil, "there are no cases at OBS_CASES"))
struct `Lines of logs from outside` {
    private struct Right {
        let file: String, line: Int, values: [String]

        init?(_ row: Substring) {
            let parts = row.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 7, let line = Int(parts[1]) else { return nil }
            (file, self.line, values) = (parts[0], line, Array(parts[2...]))
        }
    }

    private static let columns = ["event", "user", "source", "port", "count"]

    @Test func `have the event, user, source, port and count that they tell`() throws {
        let table = try String(contentsOf: try #require(caseFiles("sshd/outside.tsv").first), encoding: .utf8)
        let rows = table.split(separator: "\n").compactMap(Right.init)
        #expect(rows.count > 100)
        for (file, rows) in Dictionary(grouping: rows, by: \.file) {
            let path = outsideCases!.appending(path: "faults/logs/\(file).log").path
            guard let bytes = FileManager.default.contents(atPath: path) else { continue }
            let lines = bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
            for right in rows {
                var read = [lines[right.line - 1]]
                // Such a line means the one before it.
                while read[0].contains("last message repeated") { read.insert(lines[right.line - 1 - read.count], at: 0) }
                let events = SSHD.parse(read, year: 2026).events
                let found = Self.columns.map { column -> String in
                    guard events.count == read.count, let values = events[column] else { return "rejected" }
                    let row = events.count - 1
                    if column == "port" || column == "count" { return values.integer(at: row).map { String($0) } ?? "-" }
                    return values.string(at: row).map { $0.isEmpty ? "\"\"" : $0 } ?? "-"
                }
                #expect(found == right.values, "\(file), line \(right.line): \(lines[right.line - 1])")
            }
        }
    }
}
