import Columns
import Foundation
import Parsing

/// Where pushed lines wait on disk: they are in a file, and synced, before their sender gets its response. From there on they are
/// a file like any other, which a ``FollowSource`` follows.
///
///     spool/NAME.log      grows; renamed to NAME.log.1 when it is large and what was renamed before is committed
///     spool/NAME.log.1    what a pipeline may still be reading
///
/// When a pipeline stops the file grows up to a limit, and then nothing more is taken: the sender keeps the data and hears so.
public actor Spool {
    /// How large the files of a spool may become.
    public struct Limits: Sendable {
        /// The file is renamed when it has so many bytes.
        var segmentBytes = 64 << 20
        /// Nothing is taken beyond so many.
        public var maxBytes = 1 << 30

        /// Segments of 64 MiB, 1 GiB in all.
        public init() {}
    }

    /// Of the source; it is in the names of the files.
    public let name: String
    /// The file that a source follows.
    public nonisolated let path: String
    private let limits: Limits
    private let isConsumed: @Sendable (_ inode: UInt64) -> Bool
    private let sums: SpoolSums
    private var file: FileHandle
    /// Of what is taken in: a failing disk may have left more in the file, while ``needsCutting``.
    private var size: Int
    /// How far its follower may read.
    nonisolated let end = SpoolEnd()
    private var needsCutting = false
    /// The file was renamed, and there is none in its place yet.
    private var needsOpening = false
    /// Bodies that wait to be written together: one sync for all who came during the last one.
    private var waiting: [(body: [UInt8], continuation: CheckedContinuation<Void, any Error>)] = []
    private var waitingBytes = 0
    private var isWriting = false
    /// What is taken out of lines before they are on disk.
    private var redactor: LineRedactor?
    private static let queue = DispatchQueue(label: "obs.ingest.spool", attributes: .concurrent)

    /// - Parameters:
    ///   - folder: where the file is, or is made.
    ///   - isConsumed: whether the file with this inode is the one that the last committed position is in: then all older ones
    ///     are read.
    public init(
        name: String, folder: String, limits: Limits = Limits(), isConsumed: @escaping @Sendable (_ inode: UInt64) -> Bool
    ) throws {
        self.name = name
        self.limits = limits
        self.isConsumed = isConsumed
        path = "\(folder)/\(name).log"
        sums = SpoolSums(of: path)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        (file, size) = try Self.open(path, end)
    }

    /// From now on lines are redacted before they are on disk; nil for not at all.
    package func redact(by redactor: LineRedactor?) { self.redactor = redactor }

    /// Takes `lines`: on disk before this returns.
    ///
    /// - Parameter lines: bytes of whole lines; a last one without its end gets one.
    /// - Throws: ``SpoolError`` when they are not taken.
    public func append(_ lines: [UInt8]) async throws {
        guard !lines.isEmpty, lines.contains(where: { $0 != 10 && $0 != 13 && $0 != 32 }) else { throw SpoolError.empty }
        var length = 0
        for byte in lines {
            length = byte == 10 ? 0 : length + 1
            guard length < RawLines.maxLineLength else { throw SpoolError.lineTooLong(limit: RawLines.maxLineLength) }
        }
        var body = lines.last == 10 ? lines : lines + [10]
        if let redactor {
            // Without its key nothing may be kept: the sender keeps the lines.
            do { body = try redactor.redact(body) } catch { throw SpoolError.cannotWrite(reason: "\(error)") }
        }
        if size + waitingBytes + body.count > limits.maxBytes, !isWriting, isReadUpToHere {
            // Otherwise the spool would stay full: only after a write is it looked whether there is room.
            rotate()
        }
        guard size + waitingBytes + body.count <= limits.maxBytes else {
            throw SpoolError.full(name: name, limit: limits.maxBytes)
        }
        try await withCheckedThrowingContinuation { continuation in
            waiting.append((body, continuation))
            waitingBytes += body.count
            guard !isWriting else { return }
            isWriting = true
            // The one writer: it owns the file until nobody waits, and every waiter hears from it.
            Task { await self.writeAll() }
        }
    }

    private func writeAll() async {
        while !waiting.isEmpty {
            let group = waiting
            let bytes = waitingBytes
            waiting = []
            waitingBytes = 0
            let result = await write(group.flatMap(\.body))
            if case .success = result { size += bytes }
            for (_, continuation) in group { continuation.resume(with: result) }
            if size >= limits.segmentBytes { rotate() }
        }
        isWriting = false
    }

    /// Puts bytes behind what is taken in, on disk.
    private func write(_ bytes: [UInt8]) async -> Result<Void, any Error> {
        do { try makeReady() } catch { return .failure(error) }
        let descriptor = file.fileDescriptor, start = size, sums = sums, end = end, path = path
        let failure: Int32 = await withCheckedContinuation { continuation in
            Self.queue.async {
                var failure = bytes.span.writeAll(to: descriptor)
                if failure == 0, fsync(descriptor) != 0 { failure = errno }
                if failure == 0 {
                    end.advance(to: start + bytes.count)
                    // The follower was woken by the write, and could not read it yet.
                    futimens(descriptor, nil)
                    sums.append(bytes, from: start)
                }
                continuation.resume(returning: failure)
            }
        }
        guard failure != 0 else { return .success(()) }
        needsCutting = true
        // What fails here is tried again before the next write.
        try? makeReady()
        return .failure(SpoolError.cannotWrite(reason: "\(path): \(String(cString: strerror(failure)))"))
    }

    /// Makes the file end where what is taken in ends: what comes next would be joined to half a line that was not acknowledged.
    private func makeReady() throws(SpoolError) {
        if needsOpening {
            (file, size) = try Self.open(path, end)
            needsOpening = false
        }
        guard needsCutting else { return }
        guard ftruncate(file.fileDescriptor, off_t(size)) == 0 else {
            throw .cannotWrite(reason: "\(path): \(String(cString: strerror(errno)))")
        }
        needsCutting = false
    }

    /// Whether all that was renamed before has been read, and the file is being read.
    private var isReadUpToHere: Bool {
        var status = stat()
        return stat(path, &status) == 0 && isConsumed(UInt64(status.st_ino))
    }

    /// Begins a new file, if what was renamed before has been read and committed.
    private func rotate() {
        let older = path + ".1"
        var status = stat()
        guard !needsCutting, !needsOpening, stat(path, &status) == 0 else { return }
        // Only a file that is surely not there may be replaced: what is in it may not be read yet.
        if access(older, F_OK) == 0 || errno != ENOENT {
            guard isConsumed(UInt64(status.st_ino)) else { return }
            guard unlink(older) == 0 else { return }
        }
        guard rename(path, older) == 0 else { return }
        sums.rotate(to: older)
        needsOpening = true
        // What fails here is tried again before the next write: lines that went on into the renamed file might never be read.
        try? makeReady()
    }

    private static func open(_ path: String, _ end: SpoolEnd) throws(SpoolError) -> (FileHandle, Int) {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw SpoolError.cannotWrite(reason: "\(path): \(String(cString: strerror(errno)))") }
        var status = stat()
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard fstat(descriptor, &status) == 0 else {
            throw SpoolError.cannotWrite(reason: "\(path): \(String(cString: strerror(errno)))")
        }
        // A crash in the middle of a write leaves half a line, which was never acknowledged to its sender.
        let size: Int
        do { size = try cutHalfLine(path, Int(status.st_size)) } catch { throw (error as? SpoolError) ?? unreadable(path) }
        end.set(FileIdentity(status), size)
        return (file, size)
    }

    private static func unreadable(_ path: String) -> SpoolError {
        .cannotWrite(reason: "\(path): its end cannot be read: \(String(cString: strerror(EIO)))")
    }

    /// Cuts the file behind its last line end; gives its size.
    private static func cutHalfLine(_ path: String, _ size: Int) throws -> Int {
        guard size > 0 else { return size }
        guard let reader = FileHandle(forReadingAtPath: path) else { throw unreadable(path) }
        var end = size
        while end > 0 {
            let start = max(0, end - 65_536)
            try reader.seek(toOffset: UInt64(start))
            let bytes = try reader.read(upToCount: end - start) ?? Data()
            if let newline = bytes.lastIndex(of: 10) {
                let kept = start + (newline - bytes.startIndex) + 1
                if kept < size, truncate(path, kept) != 0 {
                    throw SpoolError.cannotWrite(reason: "\(path): \(String(cString: strerror(errno)))")
                }
                return kept
            }
            end = start
        }
        guard truncate(path, 0) == 0 else { throw SpoolError.cannotWrite(reason: "\(path): \(String(cString: strerror(errno)))") }
        return 0
    }
}

extension Spool {
    /// What is wrong with the spools in a folder, one sentence each.
    public static func problems(in folder: String) -> [String] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        return names.filter { $0.hasSuffix(".log") || $0.hasSuffix(".log.1") }.compactMap {
            SpoolSums(of: "\(folder)/\($0)").problem()
        }
    }
}

/// Why pushed lines are not taken.
public enum SpoolError: Error, Sendable, Equatable, CustomStringConvertible {
    case empty
    case lineTooLong(limit: Int)
    case full(name: String, limit: Int)
    case cannotWrite(reason: String)

    /// The sentence for people, with the way out.
    public var description: String {
        switch self {
        case .empty: "the body holds no line; send text with a line an event"
        case .lineTooLong(let limit): "a line is longer than \(limit) bytes; send shorter ones"
        case .full(let name, let limit):
            "the spool of '\(name)' holds \(limit) bytes that are not processed yet; send again later"
        case .cannotWrite(let reason): "the lines cannot be written: \(reason)"
        }
    }
}
