import Columns
import Foundation
import Parsing

/// Cuts the output of `journalctl -o json` into entries, and makes lines of them.
struct JournalCutter {
    /// What a line of a pipeline is made of.
    enum Lines: String, Sendable, Hashable, CaseIterable {
        /// The syslog line that an entry stands for.
        case text
        /// The entry with all its fields, as the journal gives it.
        case json
    }

    /// An entry of so many bytes is not kept whole. Bytes that are not UTF-8 take four each.
    static let maxEntryLength = 8 << 20
    /// The text of a cursor, with the name of its field, is not longer.
    private static let maxCursorLength = 512
    private static let cursorName = Array("\"__CURSOR\":\"".utf8)

    private let lines: Lines
    private let source: String
    /// What the last entry that was taken says of where the journal goes on.
    private(set) var cursor: String?

    private var rest: [UInt8] = []
    /// The beginning of an entry that is too long, while its end is looked for.
    private var tooLong: [UInt8]?
    /// Of that entry: it is in force once the entry is taken.
    private var cursorOfTooLong: String?
    private var entry = JournalEntry()
    private var line: [UInt8] = []

    init(_ lines: Lines, source: String, cursor: String?) {
        self.lines = lines
        self.source = source
        self.cursor = cursor
    }

    /// Takes what came next, and appends the lines of the entries that it completes.
    mutating func take(_ bytes: [UInt8], arrival: Timestamp, into builder: inout RawLinesBuilder) {
        var start = 0
        while let end = bytes.span.firstIndex(of: 10, from: start) {
            rest += bytes[start..<end]
            start = end + 1
            if let tooLong {
                findCursor()
                cursor = cursorOfTooLong ?? cursor
                append(tooLong, arrival, &builder)
                (self.tooLong, cursorOfTooLong) = (nil, nil)
            } else {
                takeEntry(arrival, &builder)
            }
            rest.removeAll(keepingCapacity: true)
        }
        rest += bytes[start...]
        if tooLong == nil, rest.count > Self.maxEntryLength { tooLong = Array(rest.prefix(RawLines.maxLineLength)) }
        if tooLong != nil {
            findCursor()
            rest = Array(rest.suffix(Self.maxCursorLength))
        }
    }

    private mutating func takeEntry(_ arrival: Timestamp, _ builder: inout RawLinesBuilder) {
        guard !rest.isEmpty else { return }
        // A span of `rest` and a change of `entry` exclude each other while both are in `self`.
        var bytes: [UInt8] = []
        swap(&bytes, &rest)
        defer { swap(&bytes, &rest) }
        let isEntry = entry.read(bytes.span)
        if let behind = entry.cursor { cursor = behind }
        switch lines {
        case .text where isEntry && entry.hasMessage:
            line.removeAll(keepingCapacity: true)
            entry.appendLine(to: &line)
            append(line, arrival, &builder)
        case .text where isEntry: break
        default: append(bytes, arrival, &builder)
        }
    }

    private func append(_ line: [UInt8], _ arrival: Timestamp, _ builder: inout RawLinesBuilder) {
        let (journal, number) = place
        builder.append(line.span, offset: number, source: source, file: journal, arrival: arrival)
    }

    /// Which journal the cursor is of, and the number of its entry there: they lead back to it.
    private var place: (journal: String, number: Int64) {
        var journal = "journald", number: Int64 = 0
        for part in (cursor ?? "").utf8.split(separator: UInt8(ascii: ";")) {
            if part.starts(with: "s=".utf8) {
                journal = "journald:" + String(decoding: part.dropFirst(2).prefix(64), as: UTF8.self)
            }
            if part.starts(with: "i=".utf8) {
                number = Int64(String(decoding: part.dropFirst(2), as: UTF8.self), radix: 16) ?? 0
            }
        }
        return (journal, number)
    }

    /// Looks for the cursor in an entry that is not kept. A quote within a value has a backslash before it, so the name of the
    /// field in quotes is nowhere else.
    private mutating func findCursor() {
        var start = cursorOfTooLong == nil ? 0 : rest.count
        while let quote = rest.span.firstIndex(of: UInt8(ascii: "\""), from: start) {
            start = quote + 1
            let value = quote + Self.cursorName.count
            guard value < rest.count, rest[quote..<value].elementsEqual(Self.cursorName),
                let end = rest.span.firstIndex(of: UInt8(ascii: "\""), from: value)
            else { continue }
            cursorOfTooLong = String(decoding: rest[value..<end], as: UTF8.self)
            return
        }
    }
}
