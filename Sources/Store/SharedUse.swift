import Foundation
import Glibc

/// Who has a database open, in all processes: any number of the same version share it, and whoever brings it up to date has it
/// alone, so that no process meets tables that changed under it.
///
/// It is a lock on a file beside the database: closing any other descriptor of the database itself would take SQLite's own
/// locks away.
final class SharedUse: Sendable {
    private let descriptor: Int32

    /// Waits while somebody has it alone.
    ///
    /// - Parameter isReading: does not make the file where it is not there.
    /// - Returns: nil where the file can be neither made nor read, as in a folder of somebody else's.
    init?(of path: String, isReading: Bool = false) {
        let file = path + ".lock"
        var opened = isReading ? -1 : open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        if opened < 0 { opened = open(file, O_RDONLY | O_CLOEXEC) }
        guard opened >= 0 else { return nil }
        descriptor = opened
        share()
    }

    deinit {
        // The kernel gives the lock back with the descriptor, also when the process is killed.
        close(descriptor)
    }

    /// Has it alone while `body` runs, or gives nil when others still share it after `patience`.
    ///
    /// It is shared again afterwards. Whoever waits for the same lets go in between: the first of them does the work for all,
    /// so `body` must look whether it is still to be done.
    func alone<Value>(within patience: Duration, _ body: () throws -> Value) rethrows -> Value? {
        let clock = ContinuousClock(), end = clock.now + patience
        defer { share() }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            // A file system without locks says something else: there nobody can be waited for.
            guard errno == EWOULDBLOCK || errno == EINTR else { break }
            guard clock.now < end else { return nil }
            flock(descriptor, LOCK_UN)
            usleep(20_000)
            share()
            flock(descriptor, LOCK_UN)
        }
        return try body()
    }

    private func share() {
        while flock(descriptor, LOCK_SH) != 0, errno == EINTR {}
    }
}
