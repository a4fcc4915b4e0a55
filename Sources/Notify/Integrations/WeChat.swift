import Columns
import Foundation

/// A message of an application of WeChat Work. A token is fetched first, and kept for two hours.
///
/// Source: Alertmanager 0.25, notify/wechat.
struct WeChat: Integration {
    static let key = "wechat_configs"
    static let name = "wechat"

    var sendsResolved = false
    var http: HTTPClientConfiguration?
    var secret: Secret?
    var corporation = ""
    var url: Endpoint?
    var texts: [Text: MessageTemplate]
    var isMarkdown = false

    enum Text: String, CodingKey, CaseIterable { case message, to_user, to_party, to_tag, agent_id }

    private enum CodingKeys: String, CodingKey { case api_secret, api_secret_file, corp_id, api_url, message_type }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolved(decoder, default: false)
        http = try Self.http(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        secret = try keys.secret(.api_secret, orFile: .api_secret_file)
        corporation = try keys.decodeIfPresent(String.self, forKey: .corp_id) ?? ""
        url = try keys.decodeIfPresent(Endpoint.self, forKey: .api_url)
        let words = try decoder.container(keyedBy: Text.self)
        texts = [:]
        for key in Text.allCases {
            texts[key] = try words.template(key, default: key == .message ? DefaultMessages.withSubject : DefaultMessages.empty)
        }
        let type = try keys.decodeIfPresent(String.self, forKey: .message_type)?.nilIfEmpty ?? "text"
        guard ["text", "markdown"].contains(type) else {
            throw keys.refused(.message_type, "message_type is '\(type)'; write text or markdown")
        }
        isMarkdown = type == "markdown"
    }

    struct Defaults: IntegrationDefaults {
        var url = Endpoint.known("https://qyapi.weixin.qq.com/cgi-bin/")
        var secret: Secret?
        var corporation = ""

        private enum CodingKeys: String, CodingKey { case wechat_api_url, wechat_api_secret, wechat_api_corp_id }

        init() {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            url = try keys.decodeIfPresent(Endpoint.self, forKey: .wechat_api_url) ?? url
            secret = try keys.decodeIfPresent(Secret.self, forKey: .wechat_api_secret).flatMap { $0.isEmpty ? nil : $0 }
            corporation = try keys.decodeIfPresent(String.self, forKey: .wechat_api_corp_id) ?? ""
        }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) {
        http = http ?? global.http
        url = url ?? global[Defaults.self].url
        secret = secret ?? global[Defaults.self].secret
        if corporation.isEmpty { corporation = global[Defaults.self].corporation }
        guard secret != nil else { throw .missing("api_secret in wechat_configs, or wechat_api_secret in global") }
        guard !corporation.isEmpty else { throw .missing("corp_id in wechat_configs, or wechat_api_corp_id in global") }
    }

    var templates: [MessageTemplate] { Array(texts.values) }

    private struct Message: Encodable {
        var text: [String: String]?
        var markdown: [String: String]?
        var touser: String?
        var toparty: String?
        var totag: String?
        var agentid: String?
        var safe = "0"
        var msgtype: String
    }

    private struct TokenAnswer: Decodable {
        var access_token: String?
        var expires_in: Double?
        var errcode: Int?
    }

    /// Busy, or rate limited.
    private static let passing: Set<Int> = [-1, 45_009, 45_033, 45_047]

    private struct Answer: Decodable {
        var errcode: Int
        var errmsg: String?
        /// The users that did not get it, separated by `|`.
        var invaliduser: String?
    }

    /// As the service documents it: 2048 bytes of text, 4096 of Markdown.
    private var limit: Int { isMarkdown ? 4096 : 2048 }

    func message(_ notice: Notice) -> Data {
        let model = MessageModel(notice) { isMarkdown ? OutsideText($0).markdown : $0 }
        func text(_ key: Text) -> String? { texts[key].flatMap { model.text($0).nilIfEmpty } }
        let told = ["content": (text(.message) ?? "").cut(to: limit, .bytes, as: isMarkdown ? .markdown : .none)]
        return HTTPRequest.encode(
            Message(
                text: isMarkdown ? nil : told, markdown: isMarkdown ? told : nil, touser: text(.to_user),
                toparty: text(.to_party),
                totag: text(.to_tag), agentid: text(.agent_id), msgtype: isMarkdown ? "markdown" : "text"))
    }

    func deliver(_ notice: Notice, by courier: Courier) async -> NoticeOutcome {
        guard let template = texts[.message], !MessageModel(notice).text(template).isBlank else { return .nothingToSay }
        let http = self.http ?? HTTPClientConfiguration()
        let secret: String, base: String
        do {
            (secret, base) = try await courier.blocking { () throws(NotifierError) in
                (try self.secret?.reveal() ?? "", try url?.appending("") ?? "")
            }
        } catch {
            return .retry(reason: "\(error)")
        }
        let owner = TokenCache.Owner.weChat(url: base, corporation: corporation, secret: secret)
        var token = courier.tokens.token(owner)
        if token == nil {
            let query = HTTPRequest.encodeForm([("corpid", corporation), ("corpsecret", secret)])
            let answer = await courier.send(HTTPRequest(method: "GET", url: "\(base)gettoken?\(query)", secrets: [secret]), http)
            guard case .answered(200, let body, let shown, _) = answer else { return answer.outcome().asFailure("gave no token") }
            let given = try? JSONDecoder().decode(TokenAnswer.self, from: body)
            guard let given, let text = given.access_token?.nilIfEmpty else {
                if let code = given?.errcode, Self.passing.contains(code) {
                    return .retry(reason: "the receiver gave no token: \(shown)")
                }
                return .refused(reason: "the receiver gave no token for the corporation \(corporation); check api_secret")
            }
            courier.tokens.keep(text, for: .seconds(max(60, min(given.expires_in ?? 7200, 7200) - 60)), owner)
            token = text
        }
        let address = "\(base)message/send?access_token=\(HTTPRequest.escape(token ?? ""))"
        let answer = await courier.send(
            HTTPRequest(
                url: address, headers: ["Content-Type": "application/json"], body: message(notice),
                secrets: [secret, token ?? ""]),
            http)
        guard case .answered(200, let body, let shown, _) = answer else {
            return answer.outcome().asFailure("did not take the message")
        }
        // The service responds with 200 to everything; the outcome is in the body.
        guard let result = try? JSONDecoder().decode(Answer.self, from: body) else {
            return .retry(reason: "the receiver answered: \(shown)")
        }
        switch result.errcode {
        case 0:
            guard let missed = result.invaliduser?.nilIfBlank else { return .delivered }
            return .partly(taken: [], reason: "not delivered to \(missed.truncated(toScalars: 200))", isWorthAnotherTry: false)
        // The token is no longer valid; the next try fetches another.
        case 40001, 40014, 42001:
            courier.tokens.forget(owner)
            return .retry(reason: "the receiver answered: \(shown)")
        case let code where Self.passing.contains(code): return .retry(reason: "the receiver answered: \(shown)")
        default: return .refused(reason: "the receiver answered: \(shown)")
        }
    }
}

extension NoticeOutcome {
    /// The same as a failure, where success is impossible.
    fileprivate func asFailure(_ what: String) -> NoticeOutcome {
        self == .delivered ? .retry(reason: "the receiver \(what)") : self
    }
}
