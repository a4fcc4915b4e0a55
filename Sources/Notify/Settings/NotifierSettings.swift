/// What integrations take when they do not set it themselves: Alertmanager's `global`, without its `resolve_timeout`, and its
/// `templates`.
///
/// Source: Alertmanager 0.25, config.GlobalConfig.
public struct NotifierSettings: Sendable, Decodable {
    var http = HTTPClientConfiguration()
    /// The partials that the messages of all integrations may name.
    private(set) var library = MessageLibrary.builtin
    private var defaults: [ObjectIdentifier: any IntegrationDefaults] = [:]

    private enum CodingKeys: String, CodingKey { case http_config }

    /// Without `global` and `templates`: the addresses of the services, and nothing else.
    public init() {}

    /// Reads `global`: the keys of all integrations.
    ///
    /// - Parameter decoder: at `global`.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        http = try keys.decodeIfPresent(HTTPClientConfiguration.self, forKey: .http_config) ?? http
        for type in Integrations.all { try read(type, from: decoder) }
    }

    private mutating func read<Kind: Integration>(_ type: Kind.Type, from decoder: any Decoder) throws {
        defaults[ObjectIdentifier(Kind.Defaults.self)] = try Kind.Defaults(from: decoder)
    }

    /// The defaults of one kind of integration.
    subscript<Defaults: IntegrationDefaults>(_ type: Defaults.Type) -> Defaults {
        defaults[ObjectIdentifier(type)] as? Defaults ?? Defaults()
    }

    /// Loads the partials that templates of messages may name: `{{>NAME}}` is the file NAME.mustache.
    ///
    /// - Parameter patterns: paths of files, or patterns of them with `*`. A pattern that matches no file is not an error, as
    ///   with Alertmanager.
    /// - Throws: an error with one sentence for a file that cannot be read or is not a template.
    public mutating func load(templates patterns: [String]) throws { library = try TemplateFiles.load(patterns) }
}
