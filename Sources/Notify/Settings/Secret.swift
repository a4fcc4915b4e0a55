import Columns
import Foundation

/// A password, token or URL that nobody is to see: in the configuration itself, from the environment, or in a file that is read each time it is
/// needed, so that it can be changed without a restart. It never prints itself.
public enum Secret: Sendable, Hashable, Decodable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    case text(String)
    case file(String)

    /// Reads `file:PATH` as the name of a file, `${NAME}` as a variable of the environment (``CodingUserInfoKey/environment``), all else as the secret.
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

    /// The secret itself; of a file its text without white space around it.
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

    /// Nothing was given, neither in place nor by a file's name.
    var isEmpty: Bool {
        switch self {
        case .text(let text), .file(let text): text.isEmpty
        }
    }

    public var description: String { "<secret>" }
    public var debugDescription: String { "<secret>" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension KeyedDecodingContainer {
    /// A secret given in place or by the name of a file, of which there must not be both; nil when neither is given or both are empty.
    func secret(_ key: Key, orFile fileKey: Key) throws -> Secret? {
        let secret = try decodeIfPresent(Secret.self, forKey: key).flatMap { $0.isEmpty ? nil : $0 }
        let file = try decodeIfPresent(FileName.self, forKey: fileKey)?.path
        if secret != nil, file != nil {
            throw refused(fileKey, "\(key.stringValue) and \(fileKey.stringValue) are both given; keep one of them")
        }
        return secret ?? file.map(Secret.file)
    }
}

/// The name of a file; a relative one begins where the configuration file lies.
struct FileName: Decodable {
    /// Nil when the name is empty.
    let path: String?

    init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        path = name.isEmpty ? nil : decoder.path(named: name)
    }
}
