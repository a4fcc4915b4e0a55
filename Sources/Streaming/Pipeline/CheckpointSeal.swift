internal import CZlib
import Foundation

/// The line in front of a checkpoint that says how many bytes follow and what their CRC-32 is, so that one that is cut short, or in which a bit has changed, is never taken for whole: the
/// positions and sums in it would be wrong, and nothing would tell.
///
///     obs-checkpoint 1 000000000004711 9ae0daaf\n
enum CheckpointSeal {
    private static let title = "obs-checkpoint 1 "
    private static let length = title.utf8.count + 15 + 1 + 8 + 1

    /// The line for what is written after it.
    static func line(of pieces: [Data]) -> Data {
        Data(line(count: pieces.reduce(0) { $0 + $1.count }, checksum: checksum(pieces)).utf8)
    }

    /// What stands behind the line, and whether there is one: an older obs wrote none, and began with a list in JSON.
    ///
    /// - Throws: ``Checkpoint/Damaged``.
    static func open(_ bytes: Data) throws -> (content: Data, isSealed: Bool) {
        if bytes.first == UInt8(ascii: "[") { return (bytes, false) }
        guard bytes.count >= length else { throw Checkpoint.Damaged(reason: "it is cut short") }
        let content = bytes.dropFirst(length)
        guard bytes.prefix(length).elementsEqual(line(count: content.count, checksum: checksum([content])).utf8) else {
            throw Checkpoint.Damaged(reason: "its checksum is not that of its bytes")
        }
        return (Data(content), true)
    }

    private static func line(count: Int, checksum: UInt) -> String {
        func padded(_ text: String, _ width: Int) -> String { String(repeating: "0", count: max(0, width - text.count)) + text }
        return "\(title)\(padded(String(count), 15)) \(padded(String(checksum, radix: 16), 8))\n"
    }

    private static func checksum(_ pieces: [Data]) -> UInt {
        pieces.reduce(UInt(crc32(0, nil, 0))) { sum, piece in
            piece.withUnsafeBytes { UInt(crc32_z(uLong(sum), $0.bindMemory(to: UInt8.self).baseAddress, $0.count)) }
        }
    }
}
