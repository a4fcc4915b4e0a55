import Columns
import Foundation

/// What a receiver is notified of: alerts of one group, the same for each integration.
public struct Notice: Sendable {
    var payload: WebhookPayload
    /// The idempotency key: the same for the same text, however often it is sent.
    public var key = ""
    /// When it is sent: what a signed webhook carries.
    public var sentAt = Timestamp(microseconds: 0)
    /// The parts that accepted this very text before, such as recipients of a mail: they do not get it again.
    public var alreadyTaken: Set<String> = []
    /// Set by ``Notifiers/send(_:by:)``.
    var library = MessageLibrary.builtin

    init(
        payload: WebhookPayload, key: String = "", library: MessageLibrary = .builtin,
        sentAt: Timestamp = Timestamp(microseconds: 0)
    ) {
        self.payload = payload
        self.key = key
        self.library = library
        self.sentAt = sentAt
    }

    /// - Parameters:
    ///   - groupKey: names the group among all groups of `receiver`.
    ///   - groupLabels: the labels that its alerts have in common because they are grouped by them.
    ///   - externalURL: what links begin with, without a slash at its end.
    public init(_ alerts: [Alert], receiver: String, groupKey: String, groupLabels: Labels, externalURL: String) {
        self.init(
            payload: WebhookPayload(
                alerts, receiver: receiver, groupKey: groupKey, groupLabels: groupLabels, externalURL: externalURL))
    }

    /// Reads what ``json`` wrote; nil for anything else.
    public init?(json: String) {
        guard let payload = WebhookPayload(json: json) else { return nil }
        self.init(payload: payload)
    }

    /// Its alerts as version 4 of Alertmanager's webhook payload: the same notice is the same text.
    public var json: String { String(decoding: HTTPRequest.encode(payload), as: UTF8.self) }

    /// The same without resolved alerts, for an integration without `send_resolved`; nil when nothing is left.
    public var firingOnly: Notice? {
        guard let firing = payload.firingOnly else { return nil }
        var notice = self
        notice.payload = firing
        return notice
    }

    /// Names the group for services that want a name of bounded length: the digest of its key, as Alertmanager has it.
    var groupHash: String { Digest.sha256Hex(payload.groupKey) }

    var isFiring: Bool { payload.status == "firing" }

    /// Whether links can begin with `text`: an http:// or https:// address with a host.
    public static func canLink(to text: String) -> Bool { (try? Endpoint(text)) != nil }
}

extension Notice {
    /// One alert of a notice.
    public struct Alert: Encodable, Sendable {
        /// `firing` or `resolved`.
        var status: String
        var labels: Labels
        var annotations: Labels
        var startsAt: String
        var endsAt: String
        var generatorURL: String
        var fingerprint: String

        init(
            status: String, labels: Labels, annotations: Labels, startsAt: String, endsAt: String, generatorURL: String,
            fingerprint: String
        ) {
            self.status = status
            self.labels = labels
            self.annotations = annotations
            self.startsAt = startsAt
            self.endsAt = endsAt
            self.generatorURL = generatorURL
            self.fingerprint = fingerprint
        }

        /// - Parameters:
        ///   - endsAt: nil while it has no end.
        ///   - generatorURL: where to see more of it; may be empty.
        ///   - fingerprint: 16 hexadecimal digits.
        public init(
            isFiring: Bool, labels: Labels, annotations: Labels, startsAt: Timestamp, endsAt: Timestamp?, generatorURL: String,
            fingerprint: String
        ) {
            self.init(
                status: isFiring ? "firing" : "resolved", labels: labels, annotations: annotations,
                startsAt: startsAt.description, endsAt: endsAt?.description ?? "0001-01-01T00:00:00Z",
                generatorURL: generatorURL, fingerprint: fingerprint)
        }

        /// What it is about, in a few words: the summary, else the name.
        var title: String { annotations["summary"]?.nilIfBlank ?? labels["alertname"]?.nilIfBlank ?? "alert" }
    }
}
