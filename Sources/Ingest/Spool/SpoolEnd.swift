import Synchronization

/// How far the file of a spool is taken in for good. Its follower reads no further: lines that are written and not yet synced are
/// cut off again when the disk fails, and their sender sends them once more.
///
/// A follower that had read them would have each twice, and would take the file, which got shorter, for one that was written
/// anew.
final class SpoolEnd: Sendable, Hashable {
    private let state = Mutex<(file: FileIdentity, end: Int64)?>(nil)

    /// - Parameter file: the one that the spool writes to; of all others everything is taken in.
    func set(_ file: FileIdentity, _ end: Int) { state.withLock { $0 = (file, Int64(end)) } }

    /// The same file, with more in it.
    func advance(to end: Int) { state.withLock { $0?.end = Int64(end) } }

    /// Nil for a file that the spool does not write to.
    func end(of file: FileIdentity) -> Int64? { state.withLock { $0?.file == file ? $0?.end : nil } }

    static func == (left: SpoolEnd, right: SpoolEnd) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
