internal import CZlib
import Foundation

/// The checksums of what was taken into a spool, beside it: a line for each group of bodies that was synced together, written
/// after that.
///
///     spool/.NAME.log.sums     first byte, number of bytes, CRC-32
///
/// A crash may leave out the last of them. What they are of was on disk before, so a spool that is shorter than they say has lost
/// lines.
struct SpoolSums: Sendable {
    private let spool: String
    private var path: String { Self.path(spool) }

    /// Hidden, because a file beside a log under a name that begins like it may be what it was rotated to.
    private static func path(_ spool: String) -> String {
        "\((spool as NSString).deletingLastPathComponent)/.\((spool as NSString).lastPathComponent).sums"
    }

    /// Compared in pieces of about so many bytes.
    private static let maxGroup = 1 << 30

    init(of spool: String) {
        self.spool = spool
    }

    /// Adds those of bytes that are on disk. What fails here leaves them without.
    func append(_ bytes: [UInt8], from start: Int) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let line = Array("\(start) \(bytes.count) \(String(Self.checksum(bytes), radix: 16))\n".utf8)
        _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// The spool has another name from now on.
    func rotate(to name: String) {
        unlink(Self.path(name))
        rename(path, Self.path(name))
    }

    /// The first thing that is not as it was taken in, or nil.
    func problem() -> String? {
        guard let text = FileManager.default.contents(atPath: path).map({ String(decoding: $0, as: UTF8.self) }),
            let file = FileHandle(forReadingAtPath: spool)
        else { return nil }
        defer { try? file.close() }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            // A line that was cut off by a crash says nothing.
            guard words.count == 3, let start = UInt64(words[0]), let count = Int(words[1]), (1...Self.maxGroup).contains(count),
                (try? file.seek(toOffset: start)) != nil
            else { continue }
            let bytes = (try? file.read(upToCount: count)) ?? nil
            guard let bytes, bytes.count == count else {
                return
                    "\(spool): it is shorter than what was taken in, from byte \(start) on; whoever pushed these lines has to "
                    + "push them again"
            }
            guard String(Self.checksum(Array(bytes)), radix: 16) == words[2] else {
                return
                    "\(spool): bytes \(start) to \(start + UInt64(count)) are not those that were taken in; look whether the "
                    + "disk is failing, and whether the lines make sense"
            }
        }
        return nil
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt {
        bytes.withUnsafeBufferPointer { UInt(crc32_z(0, $0.baseAddress, $0.count)) }
    }
}
