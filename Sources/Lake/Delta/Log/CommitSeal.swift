internal import CZlib

/// The checksum in the commits of obs, by which a bit that has changed is found although every line still is an action.
///
///     {"commitInfo":{…,"obsChecksum":"9ae0daaf","obsPrevious":"1c291ca3"}}
///     {"add":{…}}
///
/// `obsChecksum` is the CRC-32 of the whole file with eight zeros in its place. `obsPrevious` is that of the file of the
/// version before, so that a commit which another engine wrote is known too, once obs has committed after it. The protocol
/// leaves to each writer what `commitInfo` holds, and others pass over both. A commit without them,
/// another engine's, is checked for its structure alone.
enum CommitSeal {
    /// What stands in the place of the checksum until it is known.
    static let unset = "00000000"

    private static let checksumKey = Array(#""obsChecksum":""#.utf8)
    private static let previousKey = Array(#""obsPrevious":""#.utf8)

    /// The CRC-32 of `bytes`, as zlib and Parquet have it.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let whole = Array(bytes)
        return UInt32(whole.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) })
    }

    /// Eight hexadecimal digits.
    static func text(_ checksum: UInt32) -> String {
        let digits = String(checksum, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Puts the checksum of a commit in its place.
    ///
    /// - Precondition: the first line has an ``unset`` one.
    static func close(_ bytes: inout [UInt8]) {
        guard let place = place(of: checksumKey, in: bytes) else { preconditionFailure("a commit has a place for its checksum") }
        bytes.replaceSubrange(place..<(place + 8), with: text(checksum(bytes)).utf8)
    }

    /// Whether the bytes are those that were closed, or were never closed.
    ///
    /// The other key is looked for too, so that no single bit makes a commit of obs one that has no checksum.
    static func isIntact(_ bytes: [UInt8]) -> Bool {
        guard let place = place(of: checksumKey, in: bytes) else { return self.place(of: previousKey, in: bytes) == nil }
        guard place + 8 <= bytes.count else { return false }
        var unsealed = bytes
        unsealed.replaceSubrange(place..<(place + 8), with: unset.utf8)
        return bytes[place..<(place + 8)].elementsEqual(text(checksum(unsealed)).utf8)
    }

    /// Where the value of a key begins in the first line. Within a JSON text its quotes would be escaped, so only a key is found.
    private static func place(of key: [UInt8], in bytes: [UInt8]) -> Int? {
        let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        guard end >= key.count else { return nil }
        for start in 0...(end - key.count) where bytes[start] == key[0] && bytes[start..<(start + key.count)].elementsEqual(key) {
            return start + key.count
        }
        return nil
    }
}
