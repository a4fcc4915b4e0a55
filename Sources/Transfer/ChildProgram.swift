internal import CLinux
internal import Foundation
import Synchronization

/// Another program whose output is read. It is ended with its reader, and gets no signals that are meant for obs.
///
/// Used by one task; ``stop()`` may be called from any.
package final class ChildProgram: Sendable {
    /// How it ended.
    package struct End: Sendable {
        /// The exit status, or 128 and the number of the signal.
        package let status: Int32
        /// The last line that it wrote to standard error; empty when there is none.
        package let message: String
    }

    /// It could not be started.
    package struct CannotStart: Error {
        package let program: String
        /// In the words of the system.
        package let reason: String
    }

    /// So many bytes of standard error are looked at.
    private static let maxMessage = 4096
    /// How long it may take to end.
    private static let patience = Duration.seconds(5)
    private static let queue = DispatchQueue(label: "obs.program", attributes: .concurrent)

    /// The process, until it has been waited for: its number may belong to another one afterwards.
    private let process: Mutex<pid_t?>
    private let output: Int32
    private let errors: Int32

    /// Starts a program, which is looked for on PATH.
    ///
    /// - Throws: ``CannotStart``.
    package init(_ program: String, _ arguments: [String]) throws(CannotStart) {
        var outputs: [Int32] = [-1, -1], errors: [Int32] = [-1, -1]
        guard pipe2(&outputs, O_CLOEXEC) == 0 else { throw Self.failure(program, errno) }
        guard pipe2(&errors, O_CLOEXEC) == 0 else {
            let code = errno
            for descriptor in outputs { close(descriptor) }
            throw Self.failure(program, code)
        }
        // What is not read until the end must not keep it waiting.
        _ = fcntl(errors[1], F_SETFL, O_NONBLOCK)
        _ = fcntl(errors[0], F_SETFL, O_NONBLOCK)
        var child: pid_t = 0
        let code = Self.spawn(program, arguments, output: outputs[1], errors: errors[1], &child)
        close(outputs[1])
        close(errors[1])
        guard code == 0 else {
            close(outputs[0])
            close(errors[0])
            throw Self.failure(program, code)
        }
        process = Mutex(child)
        output = outputs[0]
        self.errors = errors[0]
    }

    deinit {
        close(output)
        close(errors)
    }

    /// What it has written since, at most `limit` bytes; waits for the first. None at the end.
    package func read(_ limit: Int) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.readNow(limit)) }
        }
    }

    private func readNow(_ limit: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            while count < limit {
                // Once there is something, only more of what has come is waited for: many lines at once cost less.
                var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
                if count > 0, poll(&waiting, 1, 0) <= 0 { return }
                // Safe because the read is limited to the room.
                let read = Foundation.read(output, buffer.baseAddress! + count, limit - count)
                if read < 0, errno == EINTR { continue }
                guard read > 0 else { return }
                count += read
            }
        }
    }

    /// Asks it to end.
    package func stop() {
        process.withLock { if let process = $0 { kill(-process, SIGTERM) } }
    }

    /// Ends it, if it has not, and gives how it ended.
    package func end() async -> End {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.endNow()) }
        }
    }

    private func endNow() -> End {
        var status: Int32 = 0
        let deadline = ContinuousClock.now + Self.patience
        // A program whose output has ended is about to end by itself, with a status that says why.
        var pause: UInt32 = 1000, hasAsked = false
        while let process = process.withLock({ $0 }) {
            let waited = waitpid(process, &status, WNOHANG)
            if waited == process || waited < 0 && errno != EINTR {
                self.process.withLock { $0 = nil }
                break
            }
            if ContinuousClock.now > deadline {
                kill(-process, SIGKILL)
            } else if pause > 100_000, !hasAsked {
                hasAsked = true
                stop()
            }
            usleep(pause)
            pause = min(200_000, pause * 2)
        }
        let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        return End(status: code, message: lastError())
    }

    private func lastError() -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.maxMessage) { buffer, count in
            // Safe because the read is limited to the room.
            count = max(0, Foundation.read(errors, buffer.baseAddress, Self.maxMessage))
        }
        return bytes.split(separator: 10).last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// - Returns: 0, or errno.
    private static func spawn(
        _ program: String, _ arguments: [String], output: Int32, errors: Int32, _ child: inout pid_t
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Its own group, so that Ctrl-C reaches obs alone; signals as a program expects them, because obs ignores some.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] =
            ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + environment { free(word) } }
        return posix_spawnp(&child, program, &actions, &attributes, &words, &environment)
    }

    private static func failure(_ program: String, _ code: Int32) -> CannotStart {
        CannotStart(program: program, reason: String(cString: strerror(code)))
    }
}

extension ChildProgram {
    /// All that a program printed.
    package struct Output {
        package var bytes: [UInt8] = []
        /// As of ``End``.
        package var status: Int32 = 0
        /// It printed more than the limit, and was ended.
        package var isCut = false
        /// It took longer than it may, and was ended.
        package var hasRunOut = false
    }

    /// Starts a program, without a shell and with nothing on standard input, and blocks until it has ended.
    ///
    /// - Parameters:
    ///   - limit: of what it may print, in bytes.
    ///   - time: that it may take.
    package static func output(
        of program: String, _ arguments: [String], limit: Int, within time: Duration
    ) throws(CannotStart) -> Output {
        let child = try ChildProgram(program, arguments), deadline = ContinuousClock.now + time
        var output = Output()
        while true {
            let left = Int32(clamping: Int64((deadline - .now) / .milliseconds(1)))
            var waiting = pollfd(fd: child.output, events: Int16(POLLIN), revents: 0)
            let found = left > 0 ? poll(&waiting, 1, left) : 0
            if found < 0, errno == EINTR { continue }
            guard found > 0 else {
                output.hasRunOut = true
                break
            }
            let bytes = child.readNow(limit + 1 - output.bytes.count)
            if bytes.isEmpty { break }
            output.bytes += bytes
            if output.bytes.count > limit {
                output.isCut = true
                break
            }
        }
        if output.hasRunOut || output.isCut { child.stopAtOnce() }
        output.status = child.endNow().status
        return output
    }

    private func stopAtOnce() { process.withLock { if let process = $0 { _ = kill(-process, SIGKILL) } } }
}
