import Columns
import Foundation

@testable import Parsing

/// Raw lines of one file, with the offsets that they would have there.
func rawLines(_ lines: [String], file: String = "auth.log", arrival: Timestamp = Timestamp(year: 2026, month: 11, day: 21))
    -> Batch
{
    var builder = RawLinesBuilder()
    var offset: Int64 = 0
    for line in lines {
        let bytes = Array(line.utf8)
        builder.append(bytes.span, offset: offset, source: "auth", file: file, arrival: arrival)
        offset += Int64(bytes.count + 1)
    }
    return builder.finish()
}

extension SSHD {
    /// Parses lines with stamps in UTC.
    static func parse(_ lines: [String], year: Int? = nil, arrival: Timestamp = Timestamp(year: 2026, month: 11, day: 21))
        -> ParsedBatch
    {
        var format = SSHD(context: ParsingContext(year: year, timeZone: .gmt))
        return format.parse(rawLines(lines, arrival: arrival))
    }
}

/// The rows of events without `file` and `offset`.
func shown(_ parsed: ParsedBatch) -> [[Value]] {
    (0..<parsed.events.count).map { Array(parsed.events.row($0).dropLast(2)) }
}

/// Columns as a pipeline declares them: `name:type` or `name:type@path`, with ! for one that must have a value.
func columns(_ text: String) -> [FormatOptions.DeclaredColumn] {
    text.split(separator: " ").map { item in
        let parts = item.split(separator: "@", maxSplits: 1), names = parts[0].split(separator: ":")
        let type = names[1].hasSuffix("!") ? names[1].dropLast() : names[1]
        return .init(
            String(names[0]), ColumnType(rawValue: String(type))!, path: parts.count == 2 ? String(parts[1]) : nil,
            isNullable: !names[1].hasSuffix("!"))
    }
}
