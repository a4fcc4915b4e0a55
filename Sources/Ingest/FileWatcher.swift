import Foundation
import Synchronization

/// Says when one of some files may have changed: by inotify within a millisecond, and in any case after `interval`, because
/// network file systems and overlay mounts do not notify.
final class FileWatcher: Sendable {
    /// One signal stands for any number of changes.
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let notifier: Int32
    private let stopper: Int32
    /// Where there was no descriptor left for ``stopper``, the thread sees this at its next look.
    private let end = End()

    private final class End: Sendable {
        let isReached = Atomic(false)
    }

    /// - Parameter usesNotification: false polls only.
    init(interval: Duration, usesNotification: Bool) {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        notifier = usesNotification ? inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)) : -1
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        stopper = ends[1]
        let stopped = ends[0]
        let milliseconds = max(
            1, Int32(clamping: interval.components.seconds * 1000 + interval.components.attoseconds / 1_000_000_000_000_000))
        let notifier = notifier, continuation = continuation, end = end
        // A thread of its own: it waits in the kernel, which a task of the shared pool must not.
        Thread.detachNewThread {
            var events = [UInt8](repeating: 0, count: 4096)
            while !end.isReached.load(ordering: .relaxed) {
                var descriptors = [
                    pollfd(fd: stopped, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: notifier, events: Int16(POLLIN), revents: 0),
                ]
                let ready = poll(&descriptors, notifier >= 0 ? 2 : 1, milliseconds)
                if ready > 0, descriptors[0].revents != 0 { break }
                if notifier >= 0 { while read(notifier, &events, events.count) > 0 {} }
                continuation.yield()
            }
            continuation.finish()
            if stopped >= 0 { close(stopped) }
            if notifier >= 0 { close(notifier) }
        }
    }

    /// Watches the file at `path` for writes, and its folder for files that come and go. Watching it again after a rotation
    /// watches the new file.
    func watch(_ path: String) {
        guard notifier >= 0 else { return }
        // The kernel gives the same watch for the same inode, so that asking again costs a call and no more.
        inotify_add_watch(notifier, path, UInt32(IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE))
        let folder = (path as NSString).deletingLastPathComponent
        inotify_add_watch(notifier, folder.isEmpty ? "." : folder, UInt32(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE))
    }

    /// Ends the signals and the thread.
    func stop() {
        end.isReached.store(true, ordering: .relaxed)
        if stopper >= 0 { close(stopper) }  // the other end of the pipe becomes readable
    }
}
