internal import CZlib
import Foundation

/// The first line of a checkpoint, with the length and CRC-32 of all that follows. A file that was cut short, or in which a bit
/// has changed, is
/// never used: wrong positions and sums would go unnoticed.
///
///     obs-checkpoint 1 000000000004711 9ae0daaf
enum CheckpointSeal {
    private static let title = "obs-checkpoint 1 "
    private static let length = title.utf8.count + 15 + 1 + 8 + 1

    /// The line in front of `pieces`.
    static func line(of pieces: [Data]) -> Data {
        Data(line(count: pieces.reduce(0) { $0 + $1.count }, checksum: checksum(pieces)).utf8)
    }

    /// What follows the line.
    ///
    /// - Throws: ``Checkpoint/Damaged`` when it is not what the line says.
    static func open(_ bytes: Data) throws -> Data {
        guard bytes.count >= length else { throw Checkpoint.Damaged(reason: "it is cut short") }
        let content = bytes.dropFirst(length)
        guard bytes.prefix(length).elementsEqual(line(count: content.count, checksum: checksum([content])).utf8) else {
            throw Checkpoint.Damaged(reason: "its checksum is not that of its bytes")
        }
        return Data(content)
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
