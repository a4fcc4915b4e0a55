/// How far a text that is read from one end to the other was taken, and how it is known again.
struct TextProgress {
    private(set) var position: FilePosition
    /// The bytes at the start, until they are as many as are hashed.
    private var head: [UInt8]
    /// The last bytes before the position.
    private var recent: [UInt8]

    /// From the start of a file.
    init(path: String, _ identity: FileIdentity) {
        self.init(FilePosition(path: path, device: identity.device, inode: identity.inode), head: [], recent: [])
    }

    /// - Parameters:
    ///   - head: the first bytes of the text, as many as are hashed or all before the position.
    ///   - recent: the last bytes before the position.
    init(_ position: FilePosition, head: [UInt8], recent: [UInt8]) {
        self.position = position
        self.head = Array(head.prefix(Int(min(position.offset, Int64(FilePosition.headLength)))))
        self.recent = recent
    }

    /// Moves on past a block.
    mutating func advance(by block: LineBlock) {
        if block.skippedNULs > 0 {
            add([UInt8](repeating: 0, count: Int(min(block.skippedNULs, Int64(FilePosition.headLength))))[...])
        }
        add(block.bytes[..<block.length])
        position.head = Fingerprint(of: head)
        position.tail = Fingerprint(of: recent)
        position.offset = block.offset + Int64(block.length)
        position.isInsideLine = block.endsInsideLine
    }

    private mutating func add(_ bytes: ArraySlice<UInt8>) {
        head += bytes.prefix(FilePosition.headLength - head.count)
        recent = Array((recent + bytes.suffix(FilePosition.tailLength)).suffix(FilePosition.tailLength))
    }
}

/// A file's text from where a position is in it.
struct PositionedText {
    let reader: TextReader
    let progress: TextProgress

    /// Nil when the file is another one than that of the position: its text begins or goes on differently, or ends before.
    ///
    /// - Parameter end: how far it may be read, where it is a spool.
    init?(path: String, at position: FilePosition, within end: SpoolEnd? = nil) throws {
        // A file that was never read, and was empty when it was seen, is known by its inode alone.
        reader = try TextReader(path: path, within: end)
        if position.head.length == 0, reader.identity != position.identity { return nil }
        if reader.isRegular, !reader.isCompressed {
            // Two openings of a name that is being rotated may be of two files.
            guard let file = OpenFile(path: path, within: end), file.identity == reader.identity,
                try position.isPosition(in: file)
            else {
                return nil
            }
            progress = TextProgress(
                position, head: try file.read(at: 0, length: FilePosition.headLength),
                recent: try file.read(at: position.offset - Int64(position.tail.length), length: position.tail.length))
            reader.seek(to: position.offset)
            return
        }
        guard position.offset > 0 else {
            // Seen, and not read: what it began with is looked at in a reader that does not come back.
            let start = try Self.start(of: TextReader(path: path), position.head.length)
            guard Fingerprint(of: start) == position.head else { return nil }
            progress = TextProgress(position, head: [], recent: [])
            return
        }
        var search = TextSearch([position])
        while !search.isDecided {
            let bytes = try reader.read(Int(min(Int64(LineBlock.size), position.offset - search.offset)))
            if bytes.isEmpty { return nil }
            search.add(bytes)
        }
        guard let found = search.found else { return nil }
        progress = found
    }

    private static func start(of reader: TextReader, _ length: Int) throws -> [UInt8] {
        var start: [UInt8] = []
        while start.count < length {
            let more = try reader.read(length - start.count)
            if more.isEmpty { break }
            start += more
        }
        return start
    }
}

/// Finds how far a text is known, in one pass: which of many positions are in it, and which of them is the furthest.
struct TextSearch {
    /// Those that may still be met, the nearest last.
    private var candidates: [FilePosition]
    private var head: [UInt8] = []
    private var recent: [UInt8] = []
    /// How many bytes were looked at.
    private(set) var offset: Int64 = 0
    /// The furthest that was met.
    private(set) var found: TextProgress?

    init(_ positions: some Sequence<FilePosition>) {
        candidates = positions.filter { $0.offset > 0 && $0.head.length > 0 }.sorted { $0.offset > $1.offset }
    }

    /// Nothing more of the text has to be looked at.
    var isDecided: Bool { candidates.isEmpty }

    /// Looks at the bytes that follow those before.
    mutating func add(_ bytes: [UInt8]) {
        let known = head.count
        head += bytes.prefix(FilePosition.headLength - head.count)
        if head.count > known {
            // The start is looked at before the rest is.
            let head = head
            candidates.removeAll {
                $0.head.length > known && $0.head.length <= head.count && Fingerprint(of: head.prefix($0.head.length)) != $0.head
            }
        }
        while let next = candidates.last, next.offset <= offset + Int64(bytes.count) {
            candidates.removeLast()
            let end = Int(next.offset - offset)
            let before = Array((recent + bytes[max(0, end - FilePosition.tailLength)..<end]).suffix(FilePosition.tailLength))
            guard Fingerprint(of: before.suffix(next.tail.length)) == next.tail else { continue }
            found = TextProgress(next, head: head, recent: before)
        }
        recent = Array((recent + bytes.suffix(FilePosition.tailLength)).suffix(FilePosition.tailLength))
        offset += Int64(bytes.count)
    }

    /// The text has ended: what lies behind is not in it.
    mutating func end() { candidates = [] }
}
