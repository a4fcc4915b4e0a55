import Columns

/// The bronze table: each line as it came, where it stood, and when it arrived. Sources write it, formats read it, and it is
/// never changed.
public enum RawLines {
    /// A longer line is cut into pieces of this length, so that a file without line ends cannot fill the memory. The pieces go to quarantine as
    /// ``RejectionReason/lineTooLong``.
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
    // One source and one file give many lines: their codes are kept, because hashing two names a line would cost more than the line.
    private var lastSource: (name: String, code: UInt32)?
    private var lastFile: (name: String, code: UInt32)?

    public init() {}

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
        if let last = lastSource, last.name == source {
            sources.append(code: last.code)
        } else {
            lastSource = (source, sources.append(utf8: source))
        }
        if let last = lastFile, last.name == file {
            files.append(code: last.code)
        } else {
            lastFile = (file, files.append(utf8: file))
        }
        offsets.append(offset)
        arrivals.append(arrival.microseconds)
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
