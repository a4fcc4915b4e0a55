import Foundation

/// One file of a batch on its way from its start, or from where an earlier run stopped, to its end.
struct FilePass {
    private(set) var reader: TextReader
    private(set) var progress: TextProgress
    private var cutter = TextCutter()
    /// A last line without its end is whole: nobody writes to the text any more.
    private let takesUnfinishedLine: Bool

    /// How much of a pipe is kept while it is not sure whether it goes on as what was processed before.
    private static let keptOfPipe = 64 << 20

    /// - Parameter isWhole: a last line without its end is whole, also in a file that may still grow.
    init(_ reader: TextReader, isWhole: Bool) async throws {
        self.reader = reader
        takesUnfinishedLine = isWhole || reader.isCompressed || !reader.isRegular
        progress = TextProgress(path: reader.path, reader.identity)
        cutter.add(try await Self.more(of: reader))
    }

    var path: String { reader.path }
    /// The first bytes of the file, before anything of it was taken.
    var head: [UInt8] { Array(cutter.text.prefix(FilePosition.headLength)) }
    /// Whether more is there than what ``next()`` has cut so far, as far as is known.
    var isLong: Bool { !cutter.isAtEnd && cutter.text.count >= LineBlock.size }
    /// At the end: how many bytes of a line without its end are left for a later run.
    var unfinishedBytes: Int { cutter.text.count }

    /// Goes on behind the furthest position that this file was read up to, under whatever name, and gives which one that is.
    mutating func resume(after known: [FilePosition]) async throws -> FilePosition? {
        let found: TextProgress?
        if !reader.isRegular {
            found = try await resumePipe(after: known)
        } else {
            guard let position = try await furthest(of: known),
                let rest = try PositionedText(path: path, at: position, within: reader.end)
            else {
                return nil
            }
            reader = rest.reader
            found = rest.progress
            cutter.replace(with: try await Self.more(of: reader))
        }
        guard let found else { return nil }
        progress = found
        return found.position
    }

    private func furthest(of known: [FilePosition]) async throws -> FilePosition? {
        guard !reader.isCompressed else {
            // A compressed file cannot be read at a place: one pass says how far it is known.
            var search = TextSearch(known)
            let other = try TextReader(path: path)
            while !search.isDecided {
                let more = try await Self.more(of: other)
                if more.isEmpty { search.end() } else { search.add(more) }
            }
            return search.found?.position
        }
        guard let file = OpenFile(path: path, within: reader.end) else { return nil }
        // The longest first: a file may begin with all that another one holds.
        return try known.filter { $0.offset > 0 }.sorted { $0.offset > $1.offset }.first { try $0.isPosition(in: file) }
    }

    /// A pipe cannot be read again: what comes is compared as it comes, and kept until it is sure.
    private mutating func resumePipe(after known: [FilePosition]) async throws -> TextProgress? {
        var search = TextSearch(known)
        var text = cutter.text, isAtEnd = cutter.isAtEnd
        search.add(text)
        while true {
            // What is behind the furthest position that was met is new, unless a further one is met.
            let new = search.offset - (search.found?.position.offset ?? 0)
            if Int64(text.count) > new { text.removeFirst(text.count - Int(new)) }
            if search.isDecided || isAtEnd {
                guard Int64(text.count) == new else { throw IngestError.notTheSame(path: path) }
                cutter.replace(with: text)
                if isAtEnd { cutter.add([]) }
                return search.found
            }
            // Too long to be kept: from here on it has to be the text that it begins as.
            if text.count > Self.keptOfPipe { text = [] }
            let more = try await Self.more(of: reader)
            isAtEnd = more.isEmpty
            search.add(more)
            text += more
        }
    }

    /// The next whole lines; nil at the end. They are given again until ``advance(by:)``.
    mutating func next() async throws -> LineBlock? {
        while true {
            if let block = cutter.next(behind: progress.position, takesEnd: takesUnfinishedLine) { return block }
            guard !cutter.isAtEnd else { return nil }
            cutter.add(try await Self.more(of: reader))
        }
    }

    mutating func advance(by block: LineBlock) {
        progress.advance(by: block)
        cutter.advance(by: block)
    }

    /// Reads may block for long (a pipe, a slow disk): they run on a queue of their own, not on the shared pool.
    private static func more(of reader: TextReader) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            readQueue.async { continuation.resume(with: Result { try reader.read(LineBlock.size) }) }
        }
    }

    private static let readQueue = DispatchQueue(label: "obs.ingest.read", attributes: .concurrent)
}
