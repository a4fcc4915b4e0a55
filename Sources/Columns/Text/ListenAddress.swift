/// Where to listen, as configurations have it: `127.0.0.1:9464`, `[::]:601`, `:514` for all addresses of IPv4.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address, of IPv6 without its brackets.
    public let host: String
    /// 0 lets the system choose.
    public let port: Int

    /// Nil where the text is not a host and a port, and for an address of IPv6 without brackets, whose end could be either.
    public init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let digits = text.utf8[text.utf8.index(after: colon)...]
        guard !digits.isEmpty, digits.allSatisfy(\.isDigit), let port = UInt16(Substring(digits)) else { return nil }
        var host = text.utf8[..<colon]
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
            host = host.dropFirst().dropLast()
            guard !host.isEmpty else { return nil }
        } else if host.contains(UInt8(ascii: ":")) {
            return nil
        }
        self.host = host.isEmpty ? "0.0.0.0" : String(Substring(host))
        self.port = Int(port)
    }

    /// As it is written.
    public var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
