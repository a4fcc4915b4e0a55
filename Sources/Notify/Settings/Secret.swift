import Columns
import Foundation

/// A password, token or address that must not be shown: written in the configuration, taken from the environment, read from a
/// file each time it is used, so that it can be changed without a restart, or printed by a program, such as the client of a
/// vault. Its description is always `<secret>`.
package enum Secret: Sendable, Hashable, Decodable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself.
    case text(String)
    /// The path of the file that holds it.
    case file(String)
    /// A program and its arguments.
    case command(SecretCommand)

    private enum Keys: String, CodingKey, CaseIterable { case file, environment, command }

    /// Reads `file:PATH` as the name of a file, `${NAME}` as a variable of the environment (``CodingUserInfoKey/environment``),
    /// and any other text as the secret itself; a mapping has one of the keys `file`, `environment` and `command`.
    ///
    /// - Throws: an error with one sentence when the variable is not set.
    package init(from decoder: any Decoder) throws {
        if let keys = try? decoder.container(keyedBy: Keys.self), !keys.allKeys.isEmpty {
            self = try Self.read(keys, decoder)
            return
        }
        let text = try decoder.singleValueContainer().decode(String.self)
        if text.hasPrefix("file:") {
            self = .file(String(text.dropFirst(5)))
            return
        }
        guard let name = text.wholeMatch(of: /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/)?.output.1 else {
            self = .text(text)
            return
        }
        self = .text(try Self.variable(String(name), decoder))
    }

    private static func variable(_ name: String, _ decoder: any Decoder) throws -> String {
        let environment = decoder.userInfo[.environment] as? [String: String] ?? [:]
        guard let value = environment[name], !value.isEmpty else { throw NotifierError.unsetVariable(name) }
        return value
    }

    private static func read(_ keys: KeyedDecodingContainer<Keys>, _ decoder: any Decoder) throws -> Secret {
        let file = try keys.decodeIfPresent(FileName.self, forKey: .file)?.path
        let name = try keys.decodeIfPresent(String.self, forKey: .environment)
        let words = try keys.decodeIfPresent([String].self, forKey: .command)
        switch (file, name, words) {
        case (let file?, nil, nil): return .file(file)
        case (nil, let name?, nil): return .text(try variable(name, decoder))
        case (nil, nil, let words?):
            guard let program = words.first, !program.isEmpty, words.allSatisfy({ !$0.utf8.contains(0) }) else {
                throw keys.refused(
                    .command, "'command' of a secret is empty; write a program and its arguments, such as [cat, key]")
            }
            return .command(SecretCommand(words))
        default: throw NotifierError.badValue("a secret has one of the keys file, environment and command")
        }
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
            guard let text = Self.line(data) else { throw .unreadableSecret(path: path) }
            return text
        case .command(let command): return try command.reveal()
        }
    }

    /// The one line that a file or a program holds, without surrounding white space; nil for none or several. A line break inside
    /// would begin another header.
    static func line(_ data: Data) -> String? {
        let text = OutsideText(String(decoding: data, as: UTF8.self)).trimmed
        return text.isEmpty || text.unicodeScalars.contains(where: \.isLineBreak) ? nil : text
    }

    /// The secret itself, for other rooms. Blocks where a program prints it.
    ///
    /// - Throws: an error with one sentence, which has nothing of the secret.
    package func read() throws -> String { try reveal() }

    /// True when neither a secret nor the name of a file was given.
    var isEmpty: Bool {
        switch self {
        case .text(let text), .file(let text): text.isEmpty
        case .command: false
        }
    }

    /// `<secret>`, whatever it holds.
    package var description: String { "<secret>" }
    /// `<secret>`, whatever it holds.
    package var debugDescription: String { "<secret>" }
    /// Without children, so that `dump` shows nothing of it.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
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
