/// FNV-1a, 64 bits: the same on every machine and in every run, as what is kept on disk must be. It distinguishes things; it is
/// not a protection against anybody.
///
/// Source: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm", IETF draft-eastlake-fnv.
public struct StableHash: Sendable {
    /// The hash of the bytes so far.
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of no bytes.
    public init() {}

    /// The hash of `bytes`.
    @inlinable public static func of(_ bytes: Span<UInt8>) -> UInt64 {
        var hash = StableHash()
        hash.add(bytes)
        return hash.value
    }

    /// The hash of the UTF-8 of `text`.
    public static func of(_ text: String) -> UInt64 {
        var hash = StableHash()
        hash.add(text)
        return hash.value
    }

    /// Takes one more byte in.
    public mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

    /// Takes more bytes in.
    public mutating func add(_ bytes: Span<UInt8>) {
        for index in bytes.indices { add(bytes[index]) }
    }

    /// Adds the text's UTF-8.
    public mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
    }
}
