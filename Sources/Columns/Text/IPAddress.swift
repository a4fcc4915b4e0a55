#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An IPv4 or IPv6 address. An IPv4 address that is mapped into IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
public struct IPAddress: Sendable, Hashable {
    /// The 128 bits of IPv6; an IPv4 address is in the lowest 32.
    let high: UInt64
    let low: UInt64
    /// Whether it is an IPv4 address, also one that came mapped into IPv6.
    public let isIPv4: Bool

    init(high: UInt64, low: UInt64, isIPv4: Bool) {
        self.high = high
        self.low = low
        self.isIPv4 = isIPv4
    }

    /// The address that `text` is, a zone such as `%eth0` left out; nil for a host name and any other text.
    public init?(_ text: Span<UInt8>) {
        // The longest text of an address has 45 bytes (RFC 4291 §2.2, with IPv4 at its end); a zone is longer by a name.
        guard (2...63).contains(text.count) else { return nil }
        let length = text.firstIndex(of: UInt8(ascii: "%")) ?? text.count
        var words: (UInt64, UInt64) = (0, 0)
        var isIPv4 = false, isKnown = false
        // Safe because the copy ends with a zero byte, and inet_pton writes at most 16 bytes.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { copy in
            for index in 0..<length { copy[index] = CChar(bitPattern: text[index]) }
            copy[length] = 0
            withUnsafeMutableBytes(of: &words) { bytes in
                if inet_pton(AF_INET, copy.baseAddress!, bytes.baseAddress! + 12) == 1 {
                    (isIPv4, isKnown) = (true, true)
                } else {
                    isKnown = inet_pton(AF_INET6, copy.baseAddress!, bytes.baseAddress!) == 1
                }
            }
        }
        guard isKnown else { return nil }
        let high = UInt64(bigEndian: words.0), low = UInt64(bigEndian: words.1)
        let isMapped = high == 0 && low >> 32 == 0xFFFF
        self.init(high: high, low: isMapped ? low & 0xFFFF_FFFF : low, isIPv4: isIPv4 || isMapped)
    }

    /// Nil when `text` is not an address.
    public init?(_ text: String) {
        var text = text
        guard let address = text.withUTF8({ IPAddress($0.span) }) else { return nil }
        self = address
    }

    /// Its first `length` bits; the others are 0.
    ///
    /// - Precondition: `length` is from 0 to 32 for IPv4, to 128 for IPv6.
    func masked(_ length: Int) -> IPAddress {
        if isIPv4 { return IPAddress(high: 0, low: length == 0 ? 0 : low & (0xFFFF_FFFF << UInt64(32 - length)), isIPv4: true) }
        let high = length >= 64 ? high : length == 0 ? 0 : high & (.max << UInt64(64 - length))
        let low = length <= 64 ? 0 : low & (.max << UInt64(128 - length))
        return IPAddress(high: high, low: length == 128 ? self.low : low, isIPv4: false)
    }
}

extension IPAddress {
    /// The IPv4 address that a gateway sends packets for this one to; nil for an address of another kind.
    ///
    /// Source: RFC 6052 §2.1, the well-known prefix 64:ff9b::/96.
    package var embeddedIPv4: IPAddress? {
        guard !isIPv4, high == 0x0064_FF9B_0000_0000, low >> 32 == 0 else { return nil }
        return IPAddress(high: 0, low: low, isIPv4: true)
    }
}

extension IPAddress: CustomStringConvertible {
    /// As RFC 5952 writes it.
    public var description: String {
        if isIPv4 { return (0..<4).map { String(low >> UInt64(24 - $0 * 8) & 0xFF) }.joined(separator: ".") }
        var words = (high.bigEndian, low.bigEndian)
        // Safe because inet_ntop reads 16 bytes and writes at most 46 with the zero at the end.
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            withUnsafeBytes(of: &words) { _ = inet_ntop(AF_INET6, $0.baseAddress!, text.baseAddress!, 64) }
            return String(cString: text.baseAddress!)
        }
    }
}

/// The addresses that begin with the same bits: `192.0.2.0/24`, `2001:db8::/32`.
public struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    /// The first address of the network.
    public let address: IPAddress
    /// How many bits are the same.
    public let length: Int

    /// - Parameter length: 0 to 32 for IPv4, 0 to 128 for IPv6; nil when it is neither.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...(address.isIPv4 ? 32 : 128)).contains(length) else { return nil }
        self.address = address.masked(length)
        self.length = length
    }

    /// The network that is taken for one owner: the /24 of an IPv4 address, the /64 of an IPv6 address.
    ///
    /// Source: RFC 6177 §2: a site has at least a /64, so that who changes addresses within it is the same.
    public init(around address: IPAddress) {
        length = address.isIPv4 ? 24 : 64
        self.address = address.masked(length)
    }

    /// Reads `ADDRESS/LENGTH`, or an address alone, which is a network of one.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(address, length: address.isIPv4 ? 32 : 128)
            return
        }
        guard parts[1].utf8.count <= 3, parts[1].allSatisfy(\.isNumber), let length = Int(parts[1]) else { return nil }
        self.init(address, length: length)
    }

    /// Whether `other` is of the same family and has the same first ``length`` bits.
    public func contains(_ other: IPAddress) -> Bool {
        other.isIPv4 == address.isIPv4 && other.masked(length) == address
    }

    /// Whether there is no other address in it.
    public var isOneAddress: Bool { length == (address.isIPv4 ? 32 : 128) }

    /// CIDR notation: `192.0.2.0/24`.
    public var description: String { "\(address)/\(length)" }
}
