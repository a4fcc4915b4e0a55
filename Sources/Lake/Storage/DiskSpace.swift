import Foundation

/// How full the file system is that a folder lies on, as `df` counts it: what only root may use is neither used nor available.
public struct DiskSpace: Sendable, Hashable {
    /// Bytes in use, by anything.
    public var used: Int
    /// Bytes that can still be written.
    public var available: Int

    /// Space that is already known.
    public init(used: Int, available: Int) {
        self.used = used
        self.available = available
    }

    /// Of the file system of `path`, or of the nearest folder above it that exists; nil when it does not say.
    public init?(at path: String) {
        var information = statvfs()
        var place = path.isEmpty ? "." : path
        while statvfs(place, &information) != 0 {
            guard errno == ENOENT else { return nil }
            let parent = (place as NSString).deletingLastPathComponent
            guard parent != place else { return nil }
            place = parent.isEmpty ? "." : parent
        }
        let block = Int(information.f_frsize)
        used = (Int(information.f_blocks) - Int(information.f_bfree)) * block
        available = Int(information.f_bavail) * block
    }

    /// What there is to use, in bytes.
    public var capacity: Int { used + available }
    /// From 0 to 1; a file system without a size, as some of the kernel's, is never full.
    public var usedShare: Double { capacity > 0 ? Double(used) / Double(capacity) : 0 }
}
