import Columns
import Foundation

/// A password, token or address that must not be shown: written in the configuration, taken from the environment, or read from a
/// file each time it is used, so that it can be changed without a restart. Its description is always `<secret>`.
public enum Secret: Sendable, Hashable, Decodable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself.
    case text(String)
    /// The path of the file that holds it.
    case file(String)

    /// Reads `file:PATH` as the name of a file, `${NAME}` as a variable of the environment (``CodingUserInfoKey/environment``),
    /// and anything else as the secret itself.
    ///
    /// - Throws: an error with one sentence when the variable is not set.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        if text.hasPrefix("file:") {
            self = .file(String(text.dropFirst(5)))
            return
        }
        guard let name = text.wholeMatch(of: /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/)?.output.1 else {
            self = .text(text)
            return
        }
        let environment = decoder.userInfo[.environment] as? [String: String] ?? [:]
        guard let value = environment[String(name)], !value.isEmpty else {
            throw NotifierError.unsetVariable(String(name))
        }
        self = .text(value)
    }

    /// The secret itself; for a file its text without surrounding white space.
    ///
    /// - Throws: ``NotifierError/unreadableSecret(path:)``, which names the file only.
    func reveal() throws(NotifierError) -> String {
        switch self {
        case .text(let text): return text
        case .file(let path):
            guard let data = FileManager.default.contents(atPath: path), data.count <= 65_536 else {
                throw .unreadableSecret(path: path)
            }
            let text = OutsideText(String(decoding: data, as: UTF8.self)).trimmed
            // A line break inside would begin another header.
            guard !text.isEmpty, !text.unicodeScalars.contains(where: \.isLineBreak) else { throw .unreadableSecret(path: path) }
            return text
        }
    }

    /// True when neither a secret nor the name of a file was given.
    var isEmpty: Bool {
        switch self {
        case .text(let text), .file(let text): text.isEmpty
        }
    }

    /// `<secret>`, whatever it holds.
    public var description: String { "<secret>" }
    /// `<secret>`, whatever it holds.
    public var debugDescription: String { "<secret>" }
    /// Without children, so that `dump` shows nothing of it.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension KeyedDecodingContainer {
    /// A secret given in place or by the name of a file; nil when neither is given or both are empty. Both together are an error.
    func secret(_ key: Key, orFile fileKey: Key) throws -> Secret? {
        let secret = try decodeIfPresent(Secret.self, forKey: key).flatMap { $0.isEmpty ? nil : $0 }
        let file = try decodeIfPresent(FileName.self, forKey: fileKey)?.path
        if secret != nil, file != nil {
            throw refused(fileKey, "\(key.stringValue) and \(fileKey.stringValue) are both given; keep one of them")
        }
        return secret ?? file.map(Secret.file)
    }
}

/// The path of a file; a relative one is resolved against the folder of the configuration file.
struct FileName: Decodable {
    /// Nil when the name is empty.
    let path: String?

    init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        path = name.isEmpty ? nil : decoder.path(named: name)
    }
}
