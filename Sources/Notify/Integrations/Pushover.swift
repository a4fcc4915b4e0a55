import Columns
import Foundation

/// A message to the telephones of Pushover.
///
/// Source: Alertmanager 0.25, notify/pushover; Pushover, "Message API".
struct Pushover: HTTPIntegration {
    static let key = "pushover_configs"
    static let name = "pushover"

    var sendsResolved = true
    var http: HTTPClientConfiguration?
    var userKey: Secret
    var token: Secret
    var texts: [Text: MessageTemplate]
    var retry = Duration.seconds(60)
    var expire = Duration.seconds(3600)
    var isHTML = false
    var url = "https://api.pushover.net/1/messages.json"

    enum Text: String, CodingKey, CaseIterable { case title, message, url, url_title, sound, priority }

    private enum CodingKeys: String, CodingKey { case user_key, user_key_file, token, token_file, retry, expire, html }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: true)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        guard let userKey = try keys.secret(.user_key, orFile: .user_key_file) else {
            throw NotifierError.missing("user_key in pushover_configs")
        }
        guard let token = try keys.secret(.token, orFile: .token_file) else {
            throw NotifierError.missing("token in pushover_configs")
        }
        self.userKey = userKey
        self.token = token
        let words = try decoder.container(keyedBy: Text.self)
        let standard: [Text: MessageTemplate] = [
            .title: DefaultMessages.subject, .message: DefaultMessages.alertList, .url: DefaultMessages.link,
            .priority: "{{#isFiring}}2{{/isFiring}}{{#isResolved}}0{{/isResolved}}",
        ]
        texts = [:]
        for key in Text.allCases { texts[key] = try words.template(key, default: standard[key] ?? DefaultMessages.empty) }
        retry = try keys.goDuration(.retry) ?? retry
        expire = try keys.goDuration(.expire) ?? expire
        isHTML = try keys.decodeIfPresent(Bool.self, forKey: .html) ?? false
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) { adoptHTTP(global) }

    var templates: [MessageTemplate] { Array(texts.values) }

    /// Source: Pushover, "Message API", "Response": a status of 1 is success, any other is not.
    func objection(in answer: ServiceAnswer) -> ServiceObjection? {
        guard let status = answer.number("status"), status != 1 else { return nil }
        return ServiceObjection(isPassing: answer.saysLater)
    }

    static let maxTitle = 250
    static let maxMessage = 1024
    static let maxURL = 512

    func requests(for notice: Notice) throws(NotifierError) -> [HTTPRequest] {
        let model = MessageModel(notice), markup = MessageModel(notice) { OutsideText($0).html }
        func text(_ key: Text, limit: Int) -> String { (texts[key].map(model.text) ?? "").truncated(toScalars: limit) }
        let (token, user) = (try self.token.reveal(), try userKey.reveal())
        var message = text(.message, limit: Self.maxMessage)
        if isHTML, let template = texts[.message] { message = markup.text(template).truncatedHTML(toScalars: Self.maxMessage) }
        message = OutsideText(message).trimmed
        var fields = [
            ("token", token), ("user", user), ("title", text(.title, limit: Self.maxTitle)),
            // An empty message would be refused.
            ("message", message.isBlank ? "(no details)" : message),
            // A truncated address leads nowhere.
            ("url", text(.url, limit: .max).unicodeScalars.count > Self.maxURL ? "" : text(.url, limit: .max)),
            ("url_title", text(.url_title, limit: 100)), ("priority", text(.priority, limit: 10)),
            ("retry", String(retry.components.seconds)), ("expire", String(expire.components.seconds)),
            ("sound", text(.sound, limit: 100)),
        ]
        if isHTML { fields.append(("html", "1")) }
        return [.form(fields, to: url, secrets: [token, user])]
    }
}

extension KeyedDecodingContainer {
    /// A duration as Go writes it: `1h30m`, `1.5s`.
    func goDuration(_ key: Key) throws -> Duration? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        var total = 0.0
        var rest = text[...]
        let units: [(String, Double)] = [
            ("ms", 0.001), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("h", 3600), ("m", 60), ("s", 1),
        ]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            let after = rest.dropFirst(digits.count)
            guard let number = Double(digits), let unit = units.first(where: { after.hasPrefix($0.0) }) else {
                if text == "0" { return .zero }
                throw refused(key, "\(key.stringValue) is '\(text)'; write a duration such as 30s or 2m")
            }
            total += number * unit.1
            rest = after.dropFirst(unit.0.count)
        }
        guard !text.isEmpty, total.isFinite, total < 1e9 else {
            throw refused(key, "\(key.stringValue) is '\(text)'; write a duration such as 30s or 2m")
        }
        return .seconds(total)
    }
}
