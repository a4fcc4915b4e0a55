/// One step on the way to a value in a configuration: the name of a key, or the index of an entry in a list.
///
/// Errors that are found only when all of a file is read name their place with it.
public struct ConfigurationKey: CodingKey, Sendable, ExpressibleByStringLiteral {
    /// The name, or the index as text.
    public let stringValue: String
    /// The index; nil for a name.
    public let intValue: Int?

    /// The key `name` of a mapping.
    public init(_ name: String) {
        stringValue = name
        intValue = nil
    }

    /// The entry `index` of a list, from 0.
    public init(_ index: Int) {
        stringValue = String(index)
        intValue = index
    }

    /// The key `name` of a mapping.
    public init(stringLiteral name: String) { self.init(name) }
    /// The key `stringValue` of a mapping; never nil.
    public init?(stringValue: String) { self.init(stringValue) }
    /// The entry `intValue` of a list; never nil.
    public init?(intValue: Int) { self.init(intValue) }
}

extension DecodingError {
    /// An error that is reported with the line of the value at `path`, relative to where `decoder` is.
    public static func found(_ error: any Error, at path: [ConfigurationKey], in decoder: any Decoder) -> DecodingError {
        .dataCorrupted(.init(codingPath: decoder.codingPath + path, debugDescription: "\(error)"))
    }
}

extension CodingUserInfoKey {
    /// The variables that `${NAME}` may name in a configuration, as `[String: String]`. Only the reader of the file looks at the
    /// environment.
    public static let environment = CodingUserInfoKey(rawValue: "obs.environment")!
    /// The folder of the configuration file as a `String`: relative file names in it begin there.
    public static let folder = CodingUserInfoKey(rawValue: "obs.folder")!
}

extension Decoder {
    /// The path of a file that the configuration names: a relative one begins in the folder of the configuration file.
    public func path(named name: String) -> String {
        guard let folder = userInfo[.folder] as? String, !folder.isEmpty, name.utf8.first != UInt8(ascii: "/") else {
            return name
        }
        return folder + "/" + name
    }
}
