import Columns

/// Reads the integrations of receivers and sends notices by them. Keeps the access tokens that services issue, so one of these
/// serves a whole process.
public final class Notifiers: Sendable {
    private let courier = Courier()

    /// Without any access token yet.
    public init() {}

    /// The keys of integrations that a receiver may have, such as `webhook_configs`.
    public static var keys: [String] { Integrations.all.map { $0.key } }

    /// Sends a notice. It may be called from any task, several times at once; what must not be sent twice is identified by
    /// ``Notice/key``.
    ///
    /// - Returns: how it ended; it does not throw.
    public func send(_ notice: Notice, by notifier: Notifier) async -> NoticeOutcome {
        var notice = notice
        notice.library = notifier.library
        return await notifier.integration.deliver(notice, by: courier.limited(to: notifier.destinations))
    }

    /// Reads the integrations of one receiver: the keys `webhook_configs`, `slack_configs` and so on, each with a list.
    ///
    /// - Parameters:
    ///   - decoder: at the receiver.
    ///   - settings: what integrations do not set themselves.
    /// - Returns: the integrations in the order of ``Integrations/all``, those of one kind in the order of the file.
    /// - Throws: `DecodingError` with one sentence and the place.
    public static func read(from decoder: any Decoder, _ settings: NotifierSettings) throws -> [Notifier] {
        let keys = try decoder.container(keyedBy: ConfigurationKey.self)
        var found: [Notifier] = []
        for type in Integrations.all {
            let key = ConfigurationKey(type.key)
            guard keys.contains(key), try !keys.decodeNil(forKey: key) else { continue }
            var list = try keys.nestedUnkeyedContainer(forKey: key)
            while !list.isAtEnd { found.append(Notifier(try next(type, of: &list, settings), settings.library)) }
        }
        return found
    }

    private static func next<Kind: Integration>(
        _ type: Kind.Type, of list: inout any UnkeyedDecodingContainer, _ settings: NotifierSettings
    ) throws -> any Integration {
        let path = list.codingPath + [ConfigurationKey(list.currentIndex)]
        var integration = try list.decode(type)
        do {
            try integration.adopt(settings)
            try settings.library.check(integration.templates, in: type.key)
        } catch {
            throw DecodingError.dataCorrupted(.init(codingPath: path, debugDescription: "\(error)"))
        }
        return integration
    }
}
