import Alerting
import Columns
import Incidents
import Foundation

/// The section `alerting` of obs.yaml: in place, or the name of an Alertmanager file with what obs adds to it.
struct AlertingSection: Decodable {
    private enum CodingKeys: String, CodingKey {
        case file
        case externalURL = "external_url"
        case giveUpAfter = "give_up_after"
    }

    private var configuration = AlertingConfiguration()
    private var file: String?

    init(from decoder: any Decoder) throws {
        // Keys beside `file` are read too, so that a route in two places is seen.
        configuration = try AlertingConfiguration(from: decoder)
        file = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(String.self, forKey: .file)
        guard file != nil, configuration.route != nil || !configuration.receivers.isEmpty else { return }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        throw container.refused(.file, "alerting has a file and a route or receivers beside it; keep one of the two")
    }

    /// - Parameter folder: of obs.yaml; a relative name begins there.
    func resolved(in folder: String) throws(ConfigurationError) -> AlertingConfiguration {
        guard let file else { return configuration }
        let path = file.hasPrefix("/") || folder.isEmpty ? file : folder + "/" + file
        var read = try AlertmanagerConfiguration.read(path)
        read.externalURL = configuration.externalURL
        read.giveUpAfter = configuration.giveUpAfter
        read.incidents = configuration.incidents
        read.limit(to: configuration.destinations)
        return read
    }
}

extension AlertmanagerFile: DeclaredFile {
    static var declared: KeySection.File { .alertmanager }
}

/// A plain Alertmanager configuration file.
public enum AlertmanagerConfiguration {
    /// - Throws: ``ConfigurationError`` with what Alertmanager 0.25 would refuse too, and what obs does not do.
    public static func read(_ path: String) throws(ConfigurationError) -> AlertingConfiguration {
        try read(text: try text(path), file: path)
    }

    /// Reads the text of such a file.
    ///
    /// - Parameter file: the name that mistakes are reported under.
    /// - Throws: ``ConfigurationError`` with all mistakes.
    public static func read(text: String, file: String) throws(ConfigurationError) -> AlertingConfiguration {
        try YAMLDocument(text, file: file).decode(AlertmanagerFile.self).configuration
    }

    private static func text(_ path: String) throws(ConfigurationError) -> String {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError([.init(file: path, line: nil, message: "there is no such file, or it cannot be read")])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The file as it is read, with `<secret>` for each secret.
    public static func shown(_ path: String) throws(ConfigurationError) -> String {
        try YAMLDocument(try text(path), file: path).shown(as: AlertmanagerFile.self)
    }

    /// Whether the file at `path` is one: it has a route or receivers on its outermost level, where obs.yaml has `alerting`.
    public static func isOne(_ path: String) -> Bool {
        guard let document = try? YAMLDocument(text(path), file: path) else { return false }
        return !document.topLevelKeys.isDisjoint(with: ["route", "receivers", "inhibit_rules", "global"])
    }
}
