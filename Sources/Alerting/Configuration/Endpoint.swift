import Foundation

/// An HTTP address from the configuration. Its text may hold a token (Slack, Discord and Telegram put theirs into the path), so it shows no more
/// of itself than scheme, host and port.
public struct Endpoint: Sendable, Hashable, Decodable, CustomStringConvertible, CustomReflectable {
    private let secret: Secret

    /// - Throws: ``AlertingError/badURL(_:)`` when it is no http or https address with a host; the message masks what may be secret.
    public init(_ text: String) throws(AlertingError) {
        try self.init(.text(text))
    }

    init(_ secret: Secret) throws(AlertingError) {
        self.secret = secret
        if case .text(let text) = secret, text != "<secret>", Self.parse(text) == nil { throw .badURL(Self.mask(text)) }
    }

    public init(from decoder: any Decoder) throws {
        try self.init(Secret(from: decoder))
    }

    /// The address with all that it holds.
    ///
    /// - Throws: ``AlertingError`` when it is in a file that cannot be read or does not hold an address.
    func reveal() throws(AlertingError) -> String {
        let text = try secret.reveal()
        guard Self.parse(text) != nil else { throw .badURL(Self.mask(text)) }
        return text
    }

    /// The address with `path` behind it, one `/` between the two.
    func appending(_ path: String) throws(AlertingError) -> String {
        let base = try reveal()
        return base.hasSuffix("/") ? base + path : base + "/" + path
    }

    /// `https://hooks.slack.com`, or the name of the file that it is in.
    public var description: String {
        switch secret {
        case .text(let text): Self.mask(text)
        case .file(let path): "the address in \(path)"
        }
    }
    public var customMirror: Mirror { Mirror(self, children: [:]) }

    /// Scheme, host and port of an address: what an error may show of it.
    static func mask(_ text: String) -> String {
        guard let components = URLComponents(string: text), let scheme = components.scheme, let host = components.host,
            !host.isEmpty
        else { return "<secret>" }
        return "\(scheme)://\(host)\(components.port.map { ":\($0)" } ?? "")"
    }

    private static func parse(_ text: String) -> URLComponents? {
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }), let components = URLComponents(string: text),
            let scheme = components.scheme?.lowercased(), scheme == "http" || scheme == "https", components.host?.isEmpty == false
        else { return nil }
        return components
    }
}

extension KeyedDecodingContainer {
    /// An address given in place or by the name of a file that holds it, of which there must not be both.
    func endpoint(_ key: Key, orFile fileKey: Key) throws -> Endpoint? {
        let endpoint = try decodeIfPresent(Endpoint.self, forKey: key)
        let file = try decodeIfPresent(FileName.self, forKey: fileKey)?.path
        if endpoint != nil, file != nil {
            throw refused(fileKey, "\(key.stringValue) and \(fileKey.stringValue) are both given; keep one of them")
        }
        return try endpoint ?? file.map { try Endpoint(.file($0)) }
    }
}
