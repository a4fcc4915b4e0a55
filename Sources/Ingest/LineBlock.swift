import Columns
import Parsing

/// Bytes of whole lines as they stand in a file.
struct LineBlock {
    /// What is read at once: large enough for speed, small enough that several wait without harm.
    static let size = 1 << 20

    var bytes: [UInt8]
    var offset: Int64
    /// How many of the bytes are whole lines.
    var length: Int

    /// The whole lines at the start of `bytes`, or nil when there is none.
    ///
    /// - Parameter isEnd: no more bytes will come: a last line without its end is whole.
    init?(_ bytes: [UInt8], at offset: Int64, isEnd: Bool) {
        guard !bytes.isEmpty else { return nil }
        self.bytes = bytes
        self.offset = offset
        if let newline = bytes.span.lastIndex(of: UInt8(ascii: "\n")) {
            length = isEnd ? bytes.count : newline + 1
        } else if isEnd || bytes.count >= RawLines.maxLineLength {
            length = bytes.count
        } else {
            return nil
        }
    }

    /// Appends the lines, without their LF or CRLF, to `builder`; gives how many they are.
    func append(to builder: inout RawLinesBuilder, source: String, file: String, arrival: Timestamp) -> Int {
        // Log lines are seldom shorter than this; where they are, the rest grows as usual.
        builder.reserveCapacity(lines: length / 64, bytes: length)
        return builder.append(
            linesOf: bytes.span.extracting(..<length), offset: offset, source: source, file: file, arrival: arrival)
    }
}
