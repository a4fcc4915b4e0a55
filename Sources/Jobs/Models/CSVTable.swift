import Columns
import Configuration
import Foundation
import Ingest
import Parsing

/// A CSV file with headings, read whole, for models: every column that is a number becomes a double.
struct CSVTable {
    /// More than this is data for a pipeline, not for a table in memory.
    static let maxBytes = 1 << 30

    let batch: Batch

    /// - Throws: the reason why the file cannot be read, or ``UsageError`` with the first line that cannot be read.
    init(path: String) throws {
        let reader = try TextReader(path: path)
        var text: [UInt8] = []
        while true {
            let bytes = try reader.read(1 << 20)
            if bytes.isEmpty { break }
            text += bytes
            guard text.count <= Self.maxBytes else {
                throw UsageError("\(path): the table is larger than 1 GiB; take a sample of it")
            }
        }
        var lines = text.split(separator: 10, omittingEmptySubsequences: false).map { line in
            Array(line.last == 13 ? line.dropLast() : line)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.count > 1, let inferred = FormatOptions.inferred(from: lines, format: "csv") else {
            throw UsageError("\(path): there is no table; a CSV file with a line of headings and rows is needed")
        }
        // Two hundred lines do not show whether all numbers are whole: a double holds both. A time is not a feature.
        let columns = inferred.columns.map { column in
            FormatOptions.DeclaredColumn(
                column.name == "event_time" ? "time" : column.name,
                column.type == .int64 ? .double : column.type == .double ? .double : column.type,
                path: column.path)
        }
        var format = try LogFormats.make(
            "csv", context: ParsingContext(timeZone: .gmt), options: FormatOptions(columns: columns))
        var builder = RawLinesBuilder()
        var offset: Int64 = 0
        for line in lines {
            builder.append(line.span, offset: offset, source: "", file: path, arrival: Timestamp(microseconds: 0))
            offset += Int64(line.count + 1)
        }
        let parsed = format.parse(builder.finish())
        if let bad = parsed.rejected.first {
            throw UsageError(
                "\(path):\(bad.row + 1): the row cannot be read (\(bad.reason.rawValue)); correct it or leave it out")
        }
        batch = parsed.events.selecting(columns.map(\.name))
    }
}
