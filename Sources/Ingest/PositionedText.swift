/// How far a text that is read from one end to the other was taken, and how it is known again.
struct TextProgress {
    private(set) var position: FilePosition
    /// The bytes at the start, until they are as many as are hashed.
    private var head: [UInt8]
    /// The last bytes before the position.
    private var recent: [UInt8]

    /// From the start of a file.
    init(path: String, device: UInt64 = 0, inode: UInt64 = 0) {
        self.init(
            FilePosition(path: path, device: device, inode: inode, offset: 0, head: .none, tail: .none), head: [], recent: [])
    }

    fileprivate init(_ position: FilePosition, head: [UInt8], recent: [UInt8]) {
        self.position = position
        self.head = head
        self.recent = recent
    }

    /// Moves on past a block.
    mutating func advance(by block: LineBlock) {
        let bytes = block.bytes[..<block.length]
        if head.count < FilePosition.headLength {
            head += bytes.prefix(FilePosition.headLength - head.count)
            position.head = Fingerprint(of: head)
        }
        recent = Array((recent + bytes.suffix(FilePosition.tailLength)).suffix(FilePosition.tailLength))
        position.tail = Fingerprint(of: recent)
        position.offset += Int64(block.length)
    }
}

/// A file's text from where a position is in it.
struct PositionedText {
    let reader: TextReader
    let progress: TextProgress

    /// Nil when the file is another one than that of the position: its text begins or goes on differently, or ends before.
    init?(path: String, at position: FilePosition) throws {
        // A file that was never read is known by its inode alone.
        if position.offset == 0 {
            guard let identity = OpenFile.identity(of: path), identity.device == position.device, identity.inode == position.inode
            else { return nil }
        }
        reader = try TextReader(path: path)
        // One pass from the start: a compressed file cannot be read at a place.
        var offset: Int64 = 0
        var head: [UInt8] = [], recent: [UInt8] = []
        while offset < position.offset {
            let bytes = try reader.read(Int(min(Int64(LineBlock.size), position.offset - offset)))
            if bytes.isEmpty { return nil }
            let isHeadKnown = head.count >= position.head.length
            head += bytes.prefix(FilePosition.headLength - head.count)
            // The start is looked at before the rest is read.
            if !isHeadKnown, head.count >= position.head.length,
                Fingerprint(of: head.prefix(position.head.length)) != position.head
            {
                return nil
            }
            recent = Array((recent + bytes.suffix(FilePosition.tailLength)).suffix(FilePosition.tailLength))
            offset += Int64(bytes.count)
        }
        guard Fingerprint(of: recent.suffix(position.tail.length)) == position.tail else { return nil }
        progress = TextProgress(position, head: head, recent: recent)
    }
}
