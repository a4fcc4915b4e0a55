/// One integration of a receiver with its settings, such as a Slack channel: it can send a notice (``Notifiers/send(_:by:)``).
///
/// Its settings stay inside, because they hold secrets.
public struct Notifier: Sendable {
    let integration: any Integration
    /// The partials that its templates may name.
    let library: MessageLibrary
    /// Where it may send to.
    package var destinations = Destinations()

    init(_ integration: any Integration, _ library: MessageLibrary = .builtin) {
        self.integration = integration
        self.library = library
    }

    /// A webhook (version 4 of Alertmanager's payload) with default settings.
    ///
    /// - Parameter url: where it posts to.
    /// - Throws: an error with one sentence when `url` is not an http:// or https:// address with a host.
    public static func webhook(_ url: String) throws -> Notifier { Notifier(try Webhook(url: url)) }

    /// The kind of integration as metrics, logs and lists name it, such as `slack`.
    public var kind: String { type(of: integration).name }

    /// Whether it also notifies that alerts have been resolved (`send_resolved`).
    public var sendsResolved: Bool { integration.sendsResolved }
}
