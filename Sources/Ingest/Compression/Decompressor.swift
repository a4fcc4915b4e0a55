/// Gives the text of one compressed file, a piece at a time. Several streams behind one another are one text, as the tools that
/// write them have it.
///
/// A conformer holds a bounded amount of memory, whatever the file says of itself. It is used by one task, and by nobody after it
/// has named a problem.
protocol Decompressor: AnyObject {
    /// Decompresses from the start of `input` to the start of `output`. It may be called with no input, for what it still holds.
    ///
    /// - Parameter isEnd: nothing comes behind `input`.
    func decompress(_ input: UnsafeBufferPointer<UInt8>, isEnd: Bool, into output: UnsafeMutableBufferPointer<UInt8>)
        -> DecompressionStep

    /// Whether the file may end here: no stream is open.
    var mayEnd: Bool { get }
}

/// What one call took, gave, and met.
struct DecompressionStep {
    var consumed = 0
    var written = 0
    /// Why nothing more can be read, as the end of a sentence about the file.
    var problem: String?
}

/// How a file is compressed, or packed in another way that is not lines: known by its first bytes, not by its name.
enum Compression: CaseIterable {
    case gzip, zstandard, xz, bzip2, journalExport

    /// How the names of such files end.
    static let endings = [".gz", ".zst", ".xz", ".bz2"]

    /// So many bytes tell.
    static let magicLength = 10

    /// What people call it.
    var name: String {
        switch self {
        case .gzip: "gzip"
        case .zstandard: "zstd"
        case .xz: "xz"
        case .bzip2: "bzip2"
        case .journalExport: "journal export"
        }
    }

    private var magic: [UInt8] {
        switch self {
        case .gzip: [0x1F, 0x8B]
        case .zstandard: [0x28, 0xB5, 0x2F, 0xFD]
        case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
        case .bzip2: Array("BZh".utf8)
        // Every writer of the format begins an entry with it.
        case .journalExport: Array("__CURSOR=".utf8)
        }
    }

    /// Forms that are known and not read. The magic numbers are those of `file(1)`.
    private static let unread: [(magic: [UInt8], name: String)] = [
        ([0x04, 0x22, 0x4D, 0x18], "LZ4"), ([0x1F, 0x9D], "compress (.Z)"), (Array("LZIP".utf8), "lzip"),
        ([0x50, 0x4B, 0x03, 0x04], "ZIP"), ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7-Zip"),
        (Array("Rar!\u{1A}\u{07}".utf8), "RAR"),
    ]

    /// - Returns: nil for a plain file.
    init?(of bytes: some Collection<UInt8>) {
        for kind in Self.allCases where bytes.starts(with: kind.magic) {
            // "BZh" alone could begin a line: a level and the mark of a block, or of the end, follow.
            if kind == .bzip2 {
                let rest = Array(bytes.dropFirst(3).prefix(7))
                guard rest.count == 7, (0x31...0x39).contains(rest[0]),
                    [[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]].contains(Array(rest[1...]))
                else { continue }
            }
            self = kind
            return
        }
        return nil
    }

    /// The name of the form that a file is compressed in, where obs knows and does not read it.
    static func unreadName(_ bytes: some Collection<UInt8>) -> String? {
        unread.first { bytes.starts(with: $0.magic) }?.name
    }

    /// Whether more bytes could still make a compressed file of these.
    static func mayBegin(_ bytes: [UInt8]) -> Bool {
        (allCases.map(\.magic) + unread.map(\.magic)).contains { bytes.starts(with: $0.prefix(bytes.count)) }
    }

    func makeDecompressor() -> (any Decompressor)? {
        switch self {
        case .gzip: Gzip()
        case .zstandard: Zstandard()
        case .xz: XZ()
        case .bzip2: Bzip2()
        case .journalExport: JournalExport()
        }
    }
}
