import Columns

/// The bronze table: each line as it came, where it was, and when it arrived. Sources write it, formats read it, and it is
/// never changed.
public enum RawLines {
    /// A line of this length or more is not a line of a format: it goes to quarantine as ``RejectionReason/lineTooLong``. One of
    /// more than twice the length is cut into pieces, so that a file without line ends cannot fill the memory. Every piece, the
    /// last one too, has this length at least: so what follows a cut can never be taken for a line, neither now nor when
    /// the table is read again.
    public static let maxLineLength = 1 << 20

    /// `source` is the configured source's name, `file` the path (or peer) that the line was read from, `offset` the position
    /// of its first byte there (in the decompressed text). `line` has no line end and is always UTF-8; for the rare line that is
    /// not, `line` shows U+FFFD in place of what is invalid and `raw` keeps the exact bytes.
    public static let schema = Schema([
        Field("source", .text),
        Field("file", .text),
        Field("offset", .int64),
        Field("arrival_time", .timestamp),
        Field("line", .text),
        Field("raw", .binary, isNullable: true),
    ])

    /// What `format` makes of lines. Those that are too long are not lines of it, whatever is in them.
    public static func parse(_ lines: Batch, with format: inout any LogFormat) -> ParsedBatch {
        let lines = type(of: format).readsSyslogLines ? JournalLines.asSyslog(lines) : lines
        guard case .text(let texts) = lines["line"]?.values, let range = lines["line"]?.range else { return format.parse(lines) }
        let limit = UInt32(maxLineLength)
        guard range.contains(where: { texts.offsets[$0 + 1] - texts.offsets[$0] >= limit }) else { return format.parse(lines) }
        let kept = (0..<lines.count).filter {
            texts.offsets[range.lowerBound + $0 + 1] - texts.offsets[range.lowerBound + $0] < limit
        }
        let parsed = format.parse(lines.gather(kept))
        let tooLong = Set(0..<lines.count).subtracting(kept).map { RejectedLine(row: $0, reason: .lineTooLong) }
        return ParsedBatch(
            events: parsed.events, lineRows: parsed.lineRows.map { Int32(kept[Int($0)]) },
            rejected: (parsed.rejected.map { RejectedLine(row: kept[$0.row], reason: $0.reason) } + tooLong).sorted {
                $0.row < $1.row
            })
    }
}

/// Builds a batch of ``RawLines`` from the bytes that a source reads.
public struct RawLinesBuilder: Sendable {
    private var sources = DictionaryBuilder()
    private var files = DictionaryBuilder()
    private var offsets = NumberBuilder<Int64>()
    private var arrivals = NumberBuilder<Int64>()
    private var lines = TextBuilder()
    private var raws = TextBuilder()
    private var hasInvalidLine = false
    /// Bytes of NUL before lines that were passed over: the hole that a copied and truncated log begins with when its writer
    /// goes on where it was.
    public private(set) var skippedNULs = 0
    // One source and one file give many lines: their codes are kept, because hashing two names a line would cost more than the
    // line.
    private var lastSource: (name: String, code: UInt32)?
    private var lastFile: (name: String, code: UInt32)?

    /// A builder without lines.
    public init() {}

    /// No lines.
    public static var empty: Batch {
        var builder = RawLinesBuilder()
        return builder.finish()
    }

    /// The number of lines so far.
    public var count: Int { lines.count }
    /// The bytes of the lines so far; sources cut a batch by this and by ``count``.
    public var byteCount: Int { lines.byteCount }

    /// Makes room for what a source has read, so that the buffers do not grow by halves.
    public mutating func reserveCapacity(lines count: Int, bytes: Int) {
        sources.reserveCapacity(count)
        files.reserveCapacity(count)
        offsets.reserveCapacity(count)
        arrivals.reserveCapacity(count)
        lines.reserveCapacity(texts: count, bytes: bytes)
    }

    /// Appends one line.
    ///
    /// - Parameters:
    ///   - line: its bytes without the line end (LF or CRLF).
    ///   - offset: the position of its first byte in the file.
    public mutating func append(_ line: Span<UInt8>, offset: Int64, source: String, file: String, arrival: Timestamp) {
        append(text: line)
        offsets.append(offset)
        appendOrigin(of: 1, source: source, file: file, arrival: arrival)
    }

    /// Appends the lines of a block as it stands in a file, without their LF or CRLF, without NULs before them, and without the
    /// byte order mark of the file; gives how many they are.
    ///
    /// - Parameters:
    ///   - offset: the position of the block's first byte in the file.
    ///   - startsInsideLine: the block begins with the rest of a line that was cut: with whatever bytes that goes on.
    public mutating func append(
        linesOf block: Span<UInt8>, offset: Int64, source: String, file: String, arrival: Timestamp,
        startsInsideLine: Bool = false
    ) -> Int {
        // A line end is not part of a longer sequence: where the block is UTF-8 each line is.
        let isUTF8 = !hasInvalidLine && block.isValidUTF8
        let before = lines.count
        var start = offset == 0 && block.starts(with: "\u{FEFF}") ? 3 : 0
        var isRest = startsInsideLine
        while start < block.count {
            let end = block.firstIndex(of: UInt8(ascii: "\n"), from: start) ?? block.count
            var textEnd = end
            // A piece of a longer line keeps a CR at its end: it is the line's, and without it the piece would be shorter than
            // pieces are.
            if end > start, block[end - 1] == UInt8(ascii: "\r"), end < block.count || end - start < RawLines.maxLineLength {
                textEnd = end - 1
            }
            var textStart = start
            if textStart < textEnd, block[textStart] == 0, !isRest {
                // Slow path: hardly any line begins with a NUL.
                while textStart < textEnd, block[textStart] == 0 { textStart += 1 }
                skippedNULs += textStart - start
            }
            if textStart < textEnd || textStart == start {
                let text = block.extracting(textStart..<textEnd)
                if isUTF8 { lines.append(text) } else { append(text: text) }
                offsets.append(offset + Int64(textStart))
            }
            isRest = false
            start = end + 1
        }
        let count = lines.count - before
        appendOrigin(of: count, source: source, file: file, arrival: arrival)
        return count
    }

    private mutating func appendOrigin(of count: Int, source: String, file: String, arrival: Timestamp) {
        if lastSource?.name != source { lastSource = (source, sources.code(utf8: source)) }
        if lastFile?.name != file { lastFile = (file, files.code(utf8: file)) }
        sources.append(code: lastSource!.code, count: count)
        files.append(code: lastFile!.code, count: count)
        arrivals.append(arrival.microseconds, count: count)
    }

    private mutating func append(text line: Span<UInt8>) {
        // Fast path: nearly every line of a log is UTF-8.
        if line.isValidUTF8 {
            lines.append(line)
            if hasInvalidLine { raws.appendNull() }
        } else {
            if !hasInvalidLine {
                hasInvalidLine = true
                for _ in 0..<lines.count { raws.appendNull() }
            }
            lines.append(utf8: line.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
            raws.append(line)
        }
    }

    /// What was built; the builder is empty after it.
    public mutating func finish() -> Batch {
        let count = lines.count
        defer {
            hasInvalidLine = false
            skippedNULs = 0
            lastSource = nil
            lastFile = nil
        }
        return Batch(
            schema: RawLines.schema,
            columns: [
                sources.finish(), files.finish(), offsets.finish(), arrivals.finish(), lines.finish(),
                hasInvalidLine ? raws.finish() : .nulls(.binary, count: count),
            ])
    }
}
