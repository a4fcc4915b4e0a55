import Foundation

/// One file of a batch on its way from its start, or from where an earlier run stopped, to its end.
struct FilePass {
    private(set) var reader: TextReader
    private(set) var progress: TextProgress
    /// What was read and is not cut into lines yet.
    private var text: [UInt8]
    private var isAtEnd: Bool

    init(_ reader: TextReader) async throws {
        self.reader = reader
        progress = TextProgress(path: reader.path)
        text = try await Self.more(of: reader)
        isAtEnd = text.isEmpty
    }

    var path: String { reader.path }
    /// Standard input is never known from before.
    var hasName: Bool { path != "-" }
    /// The first bytes of the file, before anything of it was taken.
    var head: [UInt8] { Array(text.prefix(FilePosition.headLength)) }
    /// Whether more is there than what ``next()`` has cut so far, as far as is known.
    var isLong: Bool { !isAtEnd && text.count >= LineBlock.size }

    /// Goes on behind the position that this file was read up to, under whatever name, and gives which one that is.
    mutating func resume(after known: [FilePosition]) async throws -> Int? {
        guard hasName else { return nil }
        // The longest first: a file may begin with all that another one holds.
        for (index, position) in known.enumerated().sorted(by: { $0.element.offset > $1.element.offset })
        where position.offset > 0 {
            // Only where the start fits is the file read up to the offset, to see whether the rest does.
            guard text.count >= position.head.length, Fingerprint(of: text.prefix(position.head.length)) == position.head,
                let rest = try PositionedText(path: path, at: position)
            else { continue }
            (reader, progress) = (rest.reader, rest.progress)
            text = try await Self.more(of: reader)
            isAtEnd = text.isEmpty
            return index
        }
        return nil
    }

    /// The next whole lines; nil at the end. They are given again until ``advance(by:)``.
    mutating func next() async throws -> LineBlock? {
        while true {
            if let block = LineBlock(text, at: progress.position.offset, isEnd: isAtEnd) { return block }
            guard !isAtEnd else { return nil }
            let more = try await Self.more(of: reader)
            if more.isEmpty { isAtEnd = true } else { text += more }
        }
    }

    mutating func advance(by block: LineBlock) {
        progress.advance(by: block)
        text = Array(text[block.length...])
    }

    /// Reads may block for long (a pipe, a slow disk): they run on a queue of their own, not on the shared pool.
    private static func more(of reader: TextReader) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            readQueue.async { continuation.resume(with: Result { try reader.read(LineBlock.size) }) }
        }
    }

    private static let readQueue = DispatchQueue(label: "obs.ingest.read", attributes: .concurrent)
}
