import Columns
import Foundation

/// `level=info msg="stopping all fetchers" user=17 ok`, as Heroku, Grafana and many Go programs write it; typed by the columns
/// that the definition declares, whose paths are the keys.
///
/// A value in quotes may hold blanks and the escapes of JSON and of Go (`\u00e9`, `\U0001f600`, `\x41`). A key without a value
/// is true. What is declared nowhere is not looked at.
///
/// Source: https://brandur.org/logfmt
struct Logfmt: LogFormat {
    static let name = "logfmt"
    static let samples = [
        #"ts=2026-11-21T10:00:00Z level=info msg="a \"quoted\" word" user=17 duration=12.5 cached"#,
        "ts=1795255200 level=error msg=timeout user=18 duration=30",
    ]

    private var record: RecordColumns
    private let tree: PathTree

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        try options.checkSettings(RecordColumns.settings, format: Self.name)
        record = try RecordColumns(format: Self.name, context: context, options: options)
        // A dot in a key is a dot: nothing is nested here.
        tree = PathTree(
            options.columns.map { OutsideText($0.path).replacingScalars { $0 == "\\" || $0 == "." ? "\\\($0)" : nil } })
    }

    var schema: Schema { record.schema }
    var declared: [FormatOptions.DeclaredColumn] { record.declared }

    mutating func parse(_ lines: Batch) -> ParsedBatch {
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
        // A line of words is not logfmt, however many of them could be keys.
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
            case UInt8(ascii: "b"): record.append(8)
            case UInt8(ascii: "f"): record.append(12)
            case UInt8(ascii: "u"), UInt8(ascii: "U"), UInt8(ascii: "x"):
                if let (scalar, end) = Self.scalar(line, at) {
                    for byte in String(scalar).utf8 { record.append(byte) }
                    at = end
                    continue
                }
                // Not a code: it is kept as it was written.
                record.append(line[at])
                record.append(line[at + 1])
            default: record.append(line[at + 1])
            }
            at += 2
        }
        guard at < line.count else { return nil }
        if let column, !record.set(column, scratchFrom: from), bad == nil { bad = column }
        return at + 1
    }

    /// The scalar of a code such as `\u00e9` at `start`, and where it ends; half a surrogate pair is U+FFFD. A byte of Go's
    /// `\x` above ASCII is part of something that is not text, and is kept as it was written.
    private static func scalar(_ line: Span<UInt8>, _ start: Int) -> (Unicode.Scalar, Int)? {
        func number(_ line: Span<UInt8>, from: Int, digits: Int) -> UInt32? {
            guard from + digits <= line.count else { return nil }
            var value: UInt32 = 0
            for index in from..<(from + digits) {
                guard let digit = line[index].hexValue else { return nil }
                value = value << 4 | UInt32(digit)
            }
            return value
        }
        let kind = line[start + 1]
        let digits = kind == UInt8(ascii: "x") ? 2 : kind == UInt8(ascii: "u") ? 4 : 8
        guard let code = number(line, from: start + 2, digits: digits) else { return nil }
        let end = start + 2 + digits
        if digits == 2 { return code < 0x80 ? (Unicode.Scalar(UInt8(code)), end) : nil }
        if (0xD800..<0xDC00).contains(code), end + 1 < line.count, line[end] == UInt8(ascii: "\\"),
            line[end + 1] == UInt8(ascii: "u"),
            let low = number(line, from: end + 2, digits: 4), (0xDC00..<0xE000).contains(low)
        {
            return (Unicode.Scalar(0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}", end + 6)
        }
        return (Unicode.Scalar(code) ?? "\u{FFFD}", end)
    }

    var state: Data { Data() }
    mutating func restore(_ state: Data) {}
}
