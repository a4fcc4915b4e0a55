import Columns
import Crypto
import Foundation

/// What `_last_checkpoint` holds: which checkpoint is the newest. It only saves a listing: one that is damaged is passed over.
///
/// Source: Delta Transaction Log Protocol, "Last Checkpoint File" and "JSON checksum".
struct CheckpointHint: Codable {
    var version: Int64
    var size: Int64
    var parts: Int?
    var checksum: String?

    init(version: Int64, size: Int64) {
        self.version = version
        self.size = size
        checksum = Self.checksum(["version": version, "size": size])
    }

    /// - Throws: when the bytes are not a hint, or not the one that its checksum is of.
    init(_ bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(CheckpointHint.self, from: Data(bytes))
        guard let checksum else { return }
        let members = try JSONDecoder().decode([String: Member].self, from: Data(bytes)).filter { $0.key != "checksum" }
        // Other writers put structures in it, whose canonical form is not made here.
        guard members.values.allSatisfy({ $0.number != nil }) else { return }
        guard Self.checksum(members.mapValues { $0.number! }) == checksum else { throw Mismatch() }
    }

    struct Mismatch: Error {}

    private struct Member: Decodable {
        let number: Int64?
        init(from decoder: any Decoder) throws { number = try? decoder.singleValueContainer().decode(Int64.self) }
    }

    /// The MD5 of the canonical form.
    private static func checksum(_ members: [String: Int64]) -> String {
        let canonical = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { "\"\($0)\"=\($1)" }
        return Insecure.MD5.hash(data: Data(canonical.joined(separator: ",").utf8)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// As it goes to the file.
    var bytes: [UInt8] {
        // Numbers and a word always encode.
        Array(try! JSONEncoder().encode(self))
    }
}
