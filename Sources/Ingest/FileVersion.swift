import Foundation

/// How a file, or a folder, looked: while it looks alike, there is no need to read it again.
public struct FileVersion: Sendable, Equatable {
    /// In bytes.
    public let size: Int64
    /// When it was last written to; a folder, when something was last added to it, moved in it or taken out. Nanoseconds since
    /// 1970.
    public let modified: Int64
    /// Of the file that the path led to.
    public let inode: UInt64

    /// Of what is at `path`; nil if nothing does, or it may not be looked at: `errno` says which.
    public init?(path: String) {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        self.init(information)
    }

    init(_ information: stat) {
        size = Int64(information.st_size)
        modified = Int64(information.st_mtim.tv_sec) * 1_000_000_000 + Int64(information.st_mtim.tv_nsec)
        inode = UInt64(information.st_ino)
    }

    /// The clock of a file system ticks every few milliseconds: another change within the same tick would not show.
    var isRecent: Bool { age < .seconds(1) }

    /// How long ago it was written to.
    var age: Duration { .nanoseconds(Self.now - modified) }

    /// The present, as ``modified`` has it.
    static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1e9) }
}
