import CLinux
import Foundation
import Synchronization

/// Another program that was started, beside the tests.
///
/// Started by `posix_spawn`, because Foundation's `Process` writes past the end of a buffer when the process that starts it has some 1,400 open
/// files, and the tests that run side by side have more than that.
public final class StartedProgram: Sendable {
    /// The program could not be started.
    public struct CannotStart: Error {
        public let program: String
        /// In the words of the system.
        public let reason: String
    }

    public let processIdentifier: pid_t
    private let end = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - program: a path, or a name that is looked for in `PATH`.
    ///   - environment: what is set beside what this process has.
    ///   - input: what it reads; nothing when nil. Likewise `output` and `errors`, what it prints.
    /// - Throws: ``CannotStart``.
    public init(
        _ program: String, _ arguments: [String] = [], in folder: String? = nil, environment: [String: String] = [:],
        input: FileHandle? = nil, output: FileHandle? = nil, errors: FileHandle? = nil
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (handle, number) in [(input, STDIN_FILENO), (output, STDOUT_FILENO), (errors, STDERR_FILENO)] {
            if let handle {
                posix_spawn_file_actions_adddup2(&actions, handle.fileDescriptor, number)
            } else {
                posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
            }
        }
        // Not every file that the tests open is marked as one that ends here.
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        if let folder { posix_spawn_file_actions_addchdir_np(&actions, folder) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals as a program expects them: what this process ignores would be ignored there too.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)

        let environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + settings { free(word) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, program, &actions, &attributes, &words, &settings)
        guard code == 0 else { throw CannotStart(program: program, reason: String(cString: strerror(code))) }
        processIdentifier = child
    }

    /// Waits until it has ended.
    ///
    /// - Returns: the exit status, or 128 and the number of the signal that ended it.
    @discardableResult
    public func wait() -> Int32 {
        end.withLock { end in
            if let end { return end }
            var status: Int32 = 0
            while waitpid(processIdentifier, &status, 0) < 0, errno == EINTR {}
            let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
            end = code
            return code
        }
    }

    /// Sends it a signal.
    public func signal(_ signal: Int32) { kill(processIdentifier, signal) }
}
