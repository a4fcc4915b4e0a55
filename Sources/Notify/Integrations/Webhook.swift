import Columns
import Foundation

/// Version 4 of Alertmanager's webhook, with an idempotency key and an optional signature.
struct Webhook: HTTPIntegration {
    static let key = "webhook_configs"
    static let name = "webhook"

    var url: Endpoint
    var sendsResolved = true
    var http: HTTPClientConfiguration?
    /// More alerts than this in one notification are left out and counted; 0 means no limit.
    var maxAlerts = 0
    /// For the whole request.
    var timeout = Duration.seconds(10)
    /// Signs each request (docs/alerting.md, "Signed webhooks").
    var signingSecret: Secret?

    private enum CodingKeys: String, CodingKey {
        case url, timeout
        case urlFile = "url_file"
        case maxAlerts = "max_alerts"
        case signingSecret = "signing_secret"
        case signingSecretFile = "signing_secret_file"
    }

    /// - Throws: ``NotifierError/badURL(_:)``.
    init(url: String) throws(NotifierError) {
        self.url = try Endpoint(url)
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        guard let url = try keys.endpoint(.url, orFile: .urlFile) else { throw NotifierError.missing("url in webhook_configs") }
        self.url = url
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        maxAlerts = Int(clamping: try keys.decodeIfPresent(UInt64.self, forKey: .maxAlerts) ?? 0)
        timeout = try keys.duration(.timeout) ?? timeout
        if timeout == .zero { timeout = .seconds(10) }
        signingSecret = try keys.secret(.signingSecret, orFile: .signingSecretFile)
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) { adoptHTTP(global) }

    var templates: [MessageTemplate] { [] }

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        var payload = notice.payload
        if maxAlerts > 0, payload.alerts.count > maxAlerts {
            payload.truncatedAlerts += payload.alerts.count - maxAlerts
            payload.alerts.removeLast(payload.alerts.count - maxAlerts)
        }
        var request = HTTPRequest.json(payload, to: try url.reveal())
        request.timeout = timeout
        request.headers["Idempotency-Key"] = notice.key
        if let secret = try signingSecret?.reveal() {
            request.headers[Self.signatureHeader] = Self.signature(of: request.body, at: notice.sentAt, secret)
            request.secrets.append(secret)
        }
        return [request]
    }

    static let signatureHeader = "Obs-Signature"

    /// `t=SECONDS,v1=HEX`: the time and the HMAC-SHA256 of `SECONDS.BODY`, so that a receiver can refuse a replayed request.
    static func signature(of body: Data, at now: Timestamp, _ secret: String) -> String {
        let seconds = Int64(now.secondsSince1970)
        return "t=\(seconds),v1=\(Digest.hmacHex(Data("\(seconds).".utf8) + body, key: secret))"
    }
}
