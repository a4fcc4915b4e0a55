/// Somebody who is told, and how.
public struct Receiver: Sendable {
    public var name: String
    /// In the order of ``Integrations/all``, and within a kind in that of the file.
    public var integrations: [any Integration]

    public init(name: String, integrations: [any Integration]) {
        self.name = name
        self.integrations = integrations
    }

    private enum NameKey: String, CodingKey { case name }

    private struct IntegrationKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// - Parameter global: gives what integrations do not say themselves.
    init(from decoder: any Decoder, _ global: GlobalConfiguration) throws {
        name = try decoder.container(keyedBy: NameKey.self).decodeIfPresent(String.self, forKey: .name) ?? ""
        guard !name.isEmpty else { throw AlertingError.missing("name of a receiver") }
        integrations = []
        let keys = try decoder.container(keyedBy: IntegrationKey.self)
        for type in Integrations.all {
            let key = IntegrationKey(stringValue: type.key)
            guard keys.contains(key), try !keys.decodeNil(forKey: key) else { continue }
            var list = try keys.nestedUnkeyedContainer(forKey: key)
            while !list.isAtEnd { integrations.append(try Self.next(type, of: &list, global)) }
        }
    }

    private static func next<Kind: Integration>(
        _ type: Kind.Type, of list: inout any UnkeyedDecodingContainer, _ global: GlobalConfiguration
    ) throws -> any Integration {
        let path = list.codingPath
        let index = list.currentIndex
        var integration = try list.decode(type)
        do {
            try integration.adopt(global)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: path + [ConfigurationKey(index)], debugDescription: "\(error)"))
        }
        return integration
    }
}
