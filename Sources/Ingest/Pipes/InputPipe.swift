internal import CLinux
import Dispatch
import Foundation

/// Standard input, or a named pipe from one opening to the end of all its writers.
///
/// Used by one task; ``stop()`` may be called from any.
final class InputPipe: Sendable {
    /// What a read gives.
    enum Read: Sendable, Equatable {
        case bytes([UInt8])
        /// Nobody writes to it any more.
        case end
        /// ``stop()`` was called.
        case stopped
        case failed(reason: String)
    }

    /// What the kernel keeps for a pipe, as far as it allows that: while one piece is written to disk the next one comes.
    private static let kernelBytes: Int32 = 1 << 20
    /// In milliseconds.
    private static let lookInterval: Int32 = 100
    private static let queue = DispatchQueue(label: "obs.ingest.pipe", attributes: .concurrent)

    private let descriptor: Int32
    /// Standard input: a read without anything to read would wait.
    private let isBlocking: Bool
    private let stopReader: Int32
    private let stopWriter: Int32

    /// - Parameter path: `-` for standard input.
    /// - Throws: ``IngestError/cannotRead(path:reason:)`` when it cannot be opened or is not a FIFO.
    init(_ path: String) throws(IngestError) {
        // Opened without waiting: a writer that does not come must not keep obs from ending.
        let opened = path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard opened >= 0 else { throw .cannotRead(path: path, reason: String(cString: strerror(errno))) }
        var information = stat()
        guard path == "-" || fstat(opened, &information) == 0 && information.st_mode & S_IFMT == S_IFIFO else {
            close(opened)
            throw .cannotRead(path: path, reason: "it is not a FIFO; make one with mkfifo")
        }
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else {
            let code = errno
            close(opened)
            throw .cannotRead(path: path, reason: String(cString: strerror(code)))
        }
        descriptor = opened
        isBlocking = path == "-"
        (stopReader, stopWriter) = (ends[0], ends[1])
        obs_growPipe(descriptor, Self.kernelBytes)
    }

    deinit {
        for descriptor in [descriptor, stopReader, stopWriter] { close(descriptor) }
    }

    /// What was written since, at most `limit` bytes; waits for the first.
    ///
    /// - Parameter looksForEnd: whether to look now and then whether a writer is left. The kernel says nothing of a writer who
    ///   came and went while the pipe was being opened.
    func read(_ limit: Int, looksForEnd: Bool) async -> Read {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.readNow(limit, looksForEnd)) }
        }
    }

    /// Ends the read that waits, and each later one.
    func stop() {
        var byte: UInt8 = 0
        _ = write(stopWriter, &byte, 1)
    }

    private func readNow(_ limit: Int, _ looksForEnd: Bool) -> Read {
        while true {
            var waiting = [
                pollfd(fd: stopReader, events: Int16(POLLIN), revents: 0),
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&waiting, 2, looksForEnd && !isBlocking ? Self.lookInterval : -1) < 0 {
                guard errno == EINTR else { return .failed(reason: String(cString: strerror(errno))) }
                continue
            }
            if waiting[0].revents != 0 { return .stopped }
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
                // Safe because the read is limited to the room.
                count = Foundation.read(descriptor, buffer.baseAddress, limit)
                initialized = max(0, count)
            }
            if count > 0 { return .bytes(bytes) }
            if count == 0 { return .end }
            guard errno == EINTR || errno == EAGAIN else { return .failed(reason: String(cString: strerror(errno))) }
        }
    }
}
