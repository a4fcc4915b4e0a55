import Foundation

/// What only one `obs run` has of a data directory at a time: two would notify twice of everything.
final class RunLock: Sendable {
    private let descriptor: Int32

    /// Takes it until this object goes, or the process ends, however it does.
    ///
    /// - Throws: ``AlreadyRunning`` when another process has it.
    init(_ directory: String) throws {
        let path = directory + "/run.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw CannotLock(path: path, reason: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            // A number of another machine's, or of another namespace, helps nobody; it is shown where there is such a process
            // here.
            let process = (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { Int32($0.prefix { $0 != "\n" }) }
            close(descriptor)
            throw AlreadyRunning(directory: directory, process: process.flatMap { kill($0, 0) == 0 || errno == EPERM ? $0 : nil })
        }
        ftruncate(descriptor, 0)
        let text = Array("\(getpid())\n".utf8)
        pwrite(descriptor, text, text.count, 0)
    }

    deinit { close(descriptor) }
}

struct AlreadyRunning: Error, CustomStringConvertible {
    let directory: String
    let process: Int32?

    var description: String {
        """
        \(directory): another 'obs run'\(process.map { " (process \($0))" } ?? "") runs on this data directory; stop it, \
        or choose another with --data-dir
        """
    }
}

private struct CannotLock: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "\(path): cannot be opened: \(reason); run obs as the user who owns the folder" }
}
