import Columns
import Foundation

/// An HTTP address from the configuration. Its text may hold a token (Slack, Discord and Telegram put theirs into the path), so
/// its description is no more than scheme, host and port.
struct Endpoint: Sendable, Hashable, Decodable, CustomStringConvertible, CustomReflectable {
    private let secret: Secret

    /// - Throws: ``NotifierError/badURL(_:)`` when it is not an http or https address with a host; the message masks what may be
    ///   secret.
    init(_ text: String) throws(NotifierError) {
        try self.init(.text(text))
    }

    init(_ secret: Secret) throws(NotifierError) {
        self.secret = secret
        if case .text(let text) = secret, text != "<secret>", Self.parse(text) == nil { throw .badURL(Self.mask(text)) }
    }

    init(from decoder: any Decoder) throws {
        // By the container, so that the reader of the file sees a secret and masks it.
        try self.init(decoder.singleValueContainer().decode(Secret.self))
    }

    /// An address that is part of the program.
    static func known(_ url: String) -> Endpoint {
        do { return try Endpoint(url) } catch { preconditionFailure("\(error)") }
    }

    /// The whole address.
    ///
    /// - Throws: ``NotifierError`` when it is in a file that cannot be read or does not hold an address.
    func reveal() throws(NotifierError) -> String {
        let text = try secret.reveal()
        guard Self.parse(text) != nil else { throw .badURL(Self.mask(text)) }
        return text
    }

    /// The address followed by `path`, with one `/` between the two.
    func appending(_ path: String) throws(NotifierError) -> String {
        let base = try reveal()
        return base.hasSuffix("/") ? base + path : base + "/" + path
    }

    /// `https://hooks.slack.com`, or the name of the file that it is in.
    var description: String {
        switch secret {
        case .text(let text): Self.mask(text)
        case .file(let path): "the address in \(path)"
        case .command(let command): "the address that \(command.words.first ?? "") prints"
        }
    }
    var customMirror: Mirror { Mirror(self, children: [:]) }

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
    /// An address given in place or by the name of a file that holds it. Both together are an error.
    func endpoint(_ key: Key, orFile fileKey: Key) throws -> Endpoint? {
        let endpoint = try decodeIfPresent(Endpoint.self, forKey: key)
        let file = try decodeIfPresent(FileName.self, forKey: fileKey)?.path
        if endpoint != nil, file != nil {
            throw refused(fileKey, "\(key.stringValue) and \(fileKey.stringValue) are both given; keep one of them")
        }
        return try endpoint ?? file.map { try Endpoint(.file($0)) }
    }
}
