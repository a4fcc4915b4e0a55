import Columns
import Foundation

/// One JSON object a line, typed by the columns that the definition declares. A column's path is a key, keys with dots between
/// them (`timing.total`), or a place in a list (`items.0.name`); `\.` is a dot in a key.
///
/// A number may stand in quotes; a time is a text in RFC 3339 or a number in the unit that `epoch_unit` says (`s` by default);
/// a text column takes any value, an object as it is written. A `null` is null.
struct JSONLines: LogFormat {
    static let name = "json"
    static let samples = [
        #"{"ts":"2026-11-21T10:00:00.250Z","user":{"id":17,"name":"Zoë"},"path":"/p/9","status":200,"latency_ms":12.5,"#
            + #""ok":true}"#,
        #"{"ts":"2026-11-21T11:00:01+01:00","user":{"id":"18"},"path":"\/a\u00e9","status":404,"latency_ms":3,"ok":false,"#
            + #""tags":["a","b"]}"#,
    ]

    private var record: RecordColumns
    private let tree: PathTree

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        try options.checkSettings(RecordColumns.settings, format: Self.name)
        record = try RecordColumns(format: Self.name, context: context, options: options)
        tree = PathTree(options.columns.map(\.path))
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
        var scanner = JSONScanner()
        do throws(MalformedJSON) {
            try scanner.readObject(line, tree, into: &record)
        } catch {
            return .unreadableHeader
        }
        return record.commit(badColumn: scanner.badColumn, file: file, offset: offset, arrival: arrival, row: row)
    }

    var state: Data { Data() }
    mutating func restore(_ state: Data) {}
}

extension FormatOptions {
    /// - Throws: ``FormatError/unknownSetting(_:format:known:)`` for the first setting that is not among `known`.
    func checkSettings(_ known: [String], format: String) throws(FormatError) {
        for setting in settings where !known.contains(setting.key) {
            throw .unknownSetting(setting.key, format: format, known: known)
        }
    }
}

extension Batch {
    /// Goes over raw lines: the row, the text (which is UTF-8), the file, the offset and the time of arrival.
    func forEachLine(_ body: (Int, Span<UInt8>, Span<UInt8>, Int64, Int64) -> Void) {
        let files = columns[1], offsets = columns[2], arrivals = columns[3], texts = columns[4]
        for row in 0..<count {
            let offset = offsets.integer(at: row) ?? 0, arrival = arrivals.integer(at: row) ?? 0
            texts.withBytes(at: row) { line in
                files.withBytes(at: row) { file in body(row, line, file, offset, arrival) }
            }
        }
    }

    /// The lines that `take` gives a reason for.
    func rejected(_ take: (Int, Span<UInt8>, Span<UInt8>, Int64, Int64) -> RejectionReason?) -> [RejectedLine] {
        var rejected: [RejectedLine] = []
        forEachLine { row, line, file, offset, arrival in
            if let reason = take(row, line, file, offset, arrival) { rejected.append(RejectedLine(row: row, reason: reason)) }
        }
        return rejected
    }
}

extension Span<UInt8> {
    /// Whether there is nothing but blanks and tabs.
    var isBlank: Bool {
        for index in 0..<count where self[index] != 0x20 && self[index] != 0x09 && self[index] != 0x0D { return false }
        return true
    }
}
