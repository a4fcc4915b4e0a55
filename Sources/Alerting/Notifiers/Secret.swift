import Foundation

/// A password, token or URL that nobody is to see, in the configuration itself or in a file that is read each time it is needed, so that it can be
/// changed without a restart. It never prints itself.
public enum Secret: Sendable, Hashable, Decodable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    case text(String)
    case file(String)

    /// Reads `file:PATH` as the name of a file, all else as the secret.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self = text.hasPrefix("file:") ? .file(String(text.dropFirst(5))) : .text(text)
    }

    /// The secret itself; of a file its text without white space around it.
    ///
    /// - Throws: ``AlertingError/unreadableSecret(path:)``, which names the file only.
    func reveal() throws(AlertingError) -> String {
        switch self {
        case .text(let text): return text
        case .file(let path):
            guard let data = FileManager.default.contents(atPath: path), data.count <= 65_536 else {
                throw .unreadableSecret(path: path)
            }
            let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            // A line break inside would begin another header.
            guard !text.isEmpty, !text.contains(where: \.isNewline) else { throw .unreadableSecret(path: path) }
            return text
        }
    }

    public var description: String { "<secret>" }
    public var debugDescription: String { "<secret>" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension KeyedDecodingContainer {
    /// A secret given in place or by the name of a file, of which there must not be both.
    func secret(_ key: Key, orFile fileKey: Key) throws -> Secret? {
        let secret = try decodeIfPresent(Secret.self, forKey: key)
        let file = try decodeIfPresent(String.self, forKey: fileKey)
        if secret != nil, file != nil {
            throw AlertingError.badHTTP("has \(key.stringValue) and \(fileKey.stringValue); keep one of them")
        }
        if case .text(let text) = secret, text.contains(where: \.isNewline) {
            throw AlertingError.badHTTP("has a line break in \(key.stringValue)")
        }
        return secret ?? file.map(Secret.file)
    }
}
