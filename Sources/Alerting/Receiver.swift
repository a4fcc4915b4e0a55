import Notify

/// Who is notified, and how.
public struct Receiver: Sendable {
    /// The name by which routes refer to it.
    public var name: String
    /// Its integrations, each of which gets every notification. None: incidents are kept, and nobody is notified.
    public var notifiers: [Notifier]

    /// A receiver with integrations that are made elsewhere, such as by `obs demo`.
    public init(name: String, notifiers: [Notifier]) {
        self.name = name
        self.notifiers = notifiers
    }

    private enum NameKey: String, CodingKey { case name }

    /// - Parameter settings: what integrations do not set themselves.
    init(from decoder: any Decoder, _ settings: NotifierSettings) throws {
        name = try decoder.container(keyedBy: NameKey.self).decodeIfPresent(String.self, forKey: .name) ?? ""
        guard !name.isEmpty else { throw AlertingError.missing("name of a receiver") }
        notifiers = try Notifiers.read(from: decoder, settings)
    }
}
