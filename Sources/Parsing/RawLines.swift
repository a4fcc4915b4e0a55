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
        append(text: line)
        offsets.append(offset)
        appendOrigin(of: 1, source: source, file: file, arrival: arrival)
    }

    /// Appends the lines of a block as it stands in a file, without their LF or CRLF; gives how many they are.
    ///
    /// - Parameter offset: the position of the block's first byte in the file.
    public mutating func append(
        linesOf block: Span<UInt8>, offset: Int64, source: String, file: String, arrival: Timestamp
    ) -> Int {
        // A line end is no part of a longer sequence: where the block is UTF-8 each line is.
        let isUTF8 = !hasInvalidLine && block.isValidUTF8
        let before = lines.count
        var start = 0
        while start < block.count {
            let end = block.firstIndex(of: UInt8(ascii: "\n"), from: start) ?? block.count
            let textEnd = end > start && block[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
            let text = block.extracting(start..<textEnd)
            if isUTF8 { lines.append(text) } else { append(text: text) }
            offsets.append(offset + Int64(start))
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
