import Columns
import Parsing
import Telemetry

/// Bytes of whole lines as they stand in a file.
///
/// Where a line is cut that is too long depends on the file alone, not on how its bytes came: a stream, a batch and a run that
/// was killed give the same pieces.
struct LineBlock {
    /// What is read at once: large enough for speed, small enough that several wait without harm.
    static let size = 1 << 20
    /// Who has so many bytes at hand can always cut something, however long the line is: a piece, and more behind it than a piece
    /// must have.
    static let window = 2 * RawLines.maxLineLength + 1

    var bytes: [UInt8]
    var offset: Int64
    /// How many of the bytes are whole lines, or a piece of one.
    var length: Int
    /// How many NULs before `offset` are passed over.
    var skippedNULs: Int64
    /// It begins with the rest of a line that was cut.
    var startsInsideLine: Bool
    /// It ends within a line.
    var endsInsideLine = false

    /// The whole lines at the start of `bytes`, or nil when there is none.
    ///
    /// - Parameters:
    ///   - isEnd: no more bytes will come: a last line without its end is whole.
    ///   - skippedNULs: how many NULs were before these bytes.
    init?(_ bytes: [UInt8], at offset: Int64, isEnd: Bool, insideLine: Bool = false, skippedNULs: Int64 = 0) {
        guard !bytes.isEmpty else { return nil }
        self.bytes = bytes
        self.offset = offset
        self.skippedNULs = skippedNULs
        startsInsideLine = insideLine
        let firstEnd = bytes.span.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        if firstEnd >= Self.window {
            length = RawLines.maxLineLength
            endsInsideLine = true
        } else if firstEnd < bytes.count {
            length = bytes.span.lastIndex(of: UInt8(ascii: "\n"))! + 1
        } else if isEnd {
            length = bytes.count
        } else {
            return nil
        }
    }

    /// Appends the lines, without their LF or CRLF, to `builder`, and counts what was read; gives how many they are.
    func append(
        to builder: inout RawLinesBuilder, source: String, file: String, arrival: Timestamp, _ metrics: SourceMetrics
    ) -> Int {
        // Log lines are seldom shorter than this; where they are, the rest grows as usual.
        builder.reserveCapacity(lines: length / 64, bytes: length)
        let before = builder.skippedNULs
        let count = builder.append(
            linesOf: bytes.span.extracting(..<length), offset: offset, source: source, file: file, arrival: arrival,
            startsInsideLine: startsInsideLine)
        metrics.bytes.increment(by: length)
        metrics.nuls.increment(by: builder.skippedNULs - before + Int(skippedNULs))
        return count
    }
}

extension [UInt8] {
    /// How many NULs there are at the start.
    var leadingNULs: Int { firstIndex { $0 != 0 } ?? count }
}
