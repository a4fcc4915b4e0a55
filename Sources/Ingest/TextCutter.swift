import Columns
import Parsing
import Telemetry

/// Cuts a text that comes from one end to the other into blocks of whole lines.
struct TextCutter {
    /// What came and is not behind the position yet.
    private(set) var text: [UInt8] = []
    /// NULs that were taken from before `text`.
    private var skippedNULs: Int64 = 0
    private(set) var isAtEnd = false

    /// - Parameter more: what comes next; nothing at the end.
    mutating func add(_ more: [UInt8]) {
        if more.isEmpty { isAtEnd = true }
        text += more
    }

    /// Takes `text` for all that came since the position.
    mutating func replace(with text: [UInt8]) {
        self.text = text
        isAtEnd = false
    }

    /// The next whole lines, the same again until ``advance(by:)``; nil when more has to come first.
    ///
    /// - Parameter takesEnd: at the end a last line without its end is whole.
    mutating func next(behind position: FilePosition, takesEnd: Bool) -> LineBlock? {
        // Before a line, however many they are: a hole may be larger than the memory.
        if !position.isInsideLine, text.first == 0 {
            let count = text.leadingNULs
            skippedNULs += Int64(count)
            text.removeFirst(count)
        }
        return LineBlock(
            text, at: position.offset + skippedNULs, isEnd: isAtEnd && takesEnd, insideLine: position.isInsideLine,
            skippedNULs: skippedNULs)
    }

    mutating func advance(by block: LineBlock) {
        text = Array(text[block.length...])
        skippedNULs = 0
    }
}

/// The lines of a text as the sources cut it, for those who only want to see them (`obs parse`). Of a line that is too long a
/// piece at a time is held.
public struct TextLines {
    private let reader: TextReader
    private var cutter = TextCutter()
    private var progress: TextProgress
    private let metrics = SourceMetrics(MetricsRegistry(), source: "")

    /// - Parameter path: `-` is standard input.
    public init(path: String) throws {
        reader = try TextReader(path: path)
        progress = TextProgress(path: path, FileIdentity(device: 0, inode: 0))
    }

    /// Some lines, of the schema `RawLines.schema`; nil at the end.
    public mutating func next() throws -> Batch? {
        while true {
            if let block = cutter.next(behind: progress.position, takesEnd: true) {
                var builder = RawLinesBuilder()
                _ = block.append(to: &builder, source: "", file: "", arrival: Timestamp(microseconds: 0), metrics)
                progress.advance(by: block)
                cutter.advance(by: block)
                return builder.finish()
            }
            if cutter.isAtEnd { return nil }
            // A little at a time, so that what comes through a pipe is shown as it comes.
            cutter.add(try reader.read(1 << 16))
        }
    }
}
