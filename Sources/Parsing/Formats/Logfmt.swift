import Columns
import Foundation

/// `level=info msg="stopping all fetchers" user=17 ok`, as Heroku, Grafana and many Go programs write it; typed by the columns that the definition declares, whose
/// paths are the keys.
///
/// A value in quotes may hold blanks and the escapes of JSON. A key without a value is true. What is declared nowhere is not looked at.
///
/// Source: https://brandur.org/logfmt
public struct Logfmt: LogFormat {
    public static let name = "logfmt"
    public static let samples = [
        #"ts=2026-11-21T10:00:00Z level=info msg="a \"quoted\" word" user=17 duration=12.5 cached"#,
        "ts=1795255200 level=error msg=timeout user=18 duration=30",
    ]

    private var record: RecordColumns
    private let tree: PathTree

    public init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        try options.checkSettings(RecordColumns.settings, format: Self.name)
        record = try RecordColumns(format: Self.name, context: context, options: options)
        // A dot in a key is a dot: nothing is nested here.
        tree = PathTree(options.columns.map { OutsideText($0.path).replacingScalars { $0 == "\\" || $0 == "." ? "\\\($0)" : nil } })
    }

    public var schema: Schema { record.schema }

    public mutating func parse(_ lines: Batch) -> ParsedBatch {
        let rejected = lines.rejected { row, line, file, offset, arrival in
            append(line, file: file, offset: offset, arrival: arrival, row: row)
        }
        return record.finish(rejected: rejected)
    }

    private mutating func append(_ line: Span<UInt8>, file: Span<UInt8>, offset: Int64, arrival: Int64, row: Int)
        -> RejectionReason?
    {
        guard !line.isBlank else { return .emptyLine }
        record.begin()
        var bad: Int?
        var pairs = 0
        var at = 0
        while true {
            while at < line.count, line[at] <= 0x20 { at += 1 }
            guard at < line.count else { break }
            let keyStart = at
            while at < line.count, line[at] > 0x20, line[at] != UInt8(ascii: "="), line[at] != UInt8(ascii: "\"") { at += 1 }
            guard at > keyStart else { return .unreadableHeader }
            let column = tree.child(of: 0, line.extracting(keyStart..<at)).flatMap { tree.columns[$0] }
            guard at < line.count, line[at] == UInt8(ascii: "=") else {
                guard at == line.count || line[at] <= 0x20 else { return .unreadableHeader }
                if let column, !record.set(column, bool: true), bad == nil { bad = column }
                continue
            }
            at += 1
            pairs += 1
            if at < line.count, line[at] == UInt8(ascii: "\"") {
                guard let end = quoted(line, at, column: column, bad: &bad) else { return .unreadableHeader }
                at = end
                continue
            }
            let start = at
            while at < line.count, line[at] > 0x20, line[at] != UInt8(ascii: "\"") { at += 1 }
            guard at == line.count || line[at] <= 0x20 else { return .unreadableHeader }
            // `key=` is a value that is empty: a text is, anything else is absent.
            guard let column, at > start || record.isText(column) else { continue }
            if !record.set(column, text: line.extracting(start..<at)), bad == nil { bad = column }
        }
        // A line of words is no logfmt, however many of them could be keys.
        guard pairs > 0 else { return .unreadableHeader }
        return record.commit(badColumn: bad, file: file, offset: offset, arrival: arrival, row: row)
    }

    /// Reads a value in quotes; gives where it ends, or nil when it does not.
    private mutating func quoted(_ line: Span<UInt8>, _ start: Int, column: Int?, bad: inout Int?) -> Int? {
        var at = start + 1
        let from = record.scratch.count
        while at < line.count, line[at] != UInt8(ascii: "\"") {
            guard line[at] == UInt8(ascii: "\\") else {
                record.append(line[at])
                at += 1
                continue
            }
            guard at + 1 < line.count else { return nil }
            switch line[at + 1] {
            case UInt8(ascii: "n"): record.append(10)
            case UInt8(ascii: "r"): record.append(13)
            case UInt8(ascii: "t"): record.append(9)
            default: record.append(line[at + 1])
            }
            at += 2
        }
        guard at < line.count else { return nil }
        if let column, !record.set(column, scratchFrom: from), bad == nil { bad = column }
        return at + 1
    }

    public var state: Data { Data() }
    public mutating func restore(_ state: Data) {}
}
