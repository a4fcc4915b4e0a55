import Columns
import Foundation

/// A mail by SMTP, as text and as HTML.
///
/// Source: Alertmanager 0.25, notify/email.
struct Email: Integration {
    static let key = "email_configs"
    static let name = "email"

    var sendsResolved = false
    var to: MessageTemplate
    var from: MessageTemplate?
    var hello = ""
    var smarthost: Smarthost?
    var username = ""
    var password: Secret?
    /// For CRAM-MD5.
    var secret: Secret?
    var identity = ""
    /// By name in the usual case of mails: `Subject`.
    var headers: [String: MessageTemplate] = [:]
    var html: MessageTemplate
    var text: MessageTemplate
    var requiresTLS: Bool?
    var tls = TLSConfiguration()
    var timeout = Duration.seconds(30)

    private enum CodingKeys: String, CodingKey {
        case to, from, hello, smarthost, auth_username, auth_password, auth_password_file, auth_secret, auth_identity, headers,
            html, text
        case require_tls, tls_config
    }

    init(from decoder: any Decoder) throws {
        sendsResolved = try Self.sendsResolvedOfMail(decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        to = try keys.required(.to, "email_configs")
        from = try keys.decodeIfPresent(MessageTemplate.self, forKey: .from).flatMap { $0.source.isEmpty ? nil : $0 }
        hello = try keys.decodeIfPresent(String.self, forKey: .hello) ?? ""
        smarthost = try keys.decodeIfPresent(Smarthost.Optional.self, forKey: .smarthost)?.value
        username = try keys.decodeIfPresent(String.self, forKey: .auth_username) ?? ""
        password = try keys.secret(.auth_password, orFile: .auth_password_file)
        secret = try keys.decodeIfPresent(Secret.self, forKey: .auth_secret).flatMap { $0.isEmpty ? nil : $0 }
        identity = try keys.decodeIfPresent(String.self, forKey: .auth_identity) ?? ""
        for (name, template) in try keys.templates(.headers) {
            let canonical = Self.canonical(name)
            guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }) else {
                throw keys.refused(.headers, "'\(name)' is not the name of a header")
            }
            guard headers.updateValue(template, forKey: canonical) == nil else {
                throw keys.refused(.headers, "the header \(canonical) is given twice")
            }
        }
        html = try keys.template(.html, default: DefaultMessages.mailHTML)
        text = try keys.template(.text, default: DefaultMessages.mailText)
        requiresTLS = try keys.decodeIfPresent(Bool.self, forKey: .require_tls)
        tls = try keys.decodeIfPresent(TLSConfiguration.self, forKey: .tls_config) ?? tls
    }

    private enum OwnKeys: String, CodingKey { case send_resolved }

    private static func sendsResolvedOfMail(_ decoder: any Decoder) throws -> Bool {
        try decoder.container(keyedBy: OwnKeys.self).decodeIfPresent(Bool.self, forKey: .send_resolved) ?? false
    }

    /// `message-id` as `Message-Id`.
    private static func canonical(_ name: String) -> String {
        name.split(separator: "-", omittingEmptySubsequences: false).map {
            $0.prefix(1).uppercased() + $0.dropFirst().lowercased()
        }
        .joined(separator: "-")
    }

    struct Defaults: IntegrationDefaults {
        var from = ""
        var hello = "localhost"
        var smarthost: Smarthost?
        var username = ""
        var password: Secret?
        /// For CRAM-MD5.
        var secret: Secret?
        var identity = ""
        var requiresTLS = true

        private enum CodingKeys: String, CodingKey {
            case smtp_from, smtp_hello, smtp_smarthost, smtp_auth_username, smtp_auth_password, smtp_auth_password_file,
                smtp_auth_secret, smtp_auth_identity, smtp_require_tls
        }

        init() {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            func text(_ key: CodingKeys) throws -> String? { try keys.decodeIfPresent(String.self, forKey: key) }
            from = try text(.smtp_from) ?? from
            hello = try text(.smtp_hello) ?? hello
            smarthost = try keys.decodeIfPresent(Smarthost.Optional.self, forKey: .smtp_smarthost)?.value
            username = try text(.smtp_auth_username) ?? username
            password = try keys.secret(.smtp_auth_password, orFile: .smtp_auth_password_file)
            secret = try keys.decodeIfPresent(Secret.self, forKey: .smtp_auth_secret).flatMap { $0.isEmpty ? nil : $0 }
            identity = try text(.smtp_auth_identity) ?? identity
            requiresTLS = try keys.decodeIfPresent(Bool.self, forKey: .smtp_require_tls) ?? requiresTLS
        }
    }

    mutating func adopt(_ global: NotifierSettings) throws(NotifierError) {
        let defaults = global[Defaults.self]
        smarthost = smarthost ?? defaults.smarthost
        guard smarthost != nil else { throw .missing("smarthost in email_configs, or smtp_smarthost in global") }
        if from == nil {
            guard !defaults.from.isEmpty else { throw .missing("from in email_configs, or smtp_from in global") }
            guard let given = try? MessageTemplate(defaults.from) else {
                throw .badValue("smtp_from in global is not a Mustache template")
            }
            from = given
        }
        if hello.isEmpty { hello = defaults.hello }
        if username.isEmpty { username = defaults.username }
        password = password ?? defaults.password
        secret = secret ?? defaults.secret
        if identity.isEmpty { identity = defaults.identity }
        requiresTLS = requiresTLS ?? defaults.requiresTLS
    }

    var templates: [MessageTemplate] { [to, html, text] + [from].compactMap(\.self) + Array(headers.values) }

    func deliver(_ notice: Notice, by courier: Courier) async -> NoticeOutcome {
        do {
            let mail = try await courier.blocking { () throws(NotifierError) in try self.mail(notice) }
            // Recipients that accepted it before do not get it again.
            guard !mail.recipients.isEmpty else { return .delivered }
            let outcome = await courier.send(mail)
            guard !notice.alreadyTaken.isEmpty, case .refused(let reason) = outcome else { return outcome }
            return .partly(taken: [], reason: reason, isWorthAnotherTry: false)
        } catch NotifierError.badValue(let reason) {
            return .refused(reason: reason)
        } catch {
            return .retry(reason: "\(error)")
        }
    }

    static let maxSubject = 500

    func mail(_ notice: Notice) throws(NotifierError) -> Mail {
        guard let smarthost, let from else { throw .badValue("the receiver has no smarthost or no sender") }
        let model = MessageModel(notice)
        let senders = try MailAddress.list(model.text(from))
        guard senders.count == 1, let sender = senders.first else {
            throw .badValue("'from' of email_configs is \(senders.count) addresses; it must be one")
        }
        let recipients = try MailAddress.list(model.text(to))
        guard !recipients.isEmpty else { throw .badValue("'to' of email_configs is not an address") }
        var lines = headers.mapValues { model.text($0).truncated(toScalars: Self.maxSubject) }
        lines["Subject"] = lines["Subject"] ?? notice.subject.truncated(toScalars: Self.maxSubject)
        lines["To"] = lines["To"] ?? model.text(to)
        lines["From"] = lines["From"] ?? model.text(from)
        // The same for the same text: a server that compares it shows a mail that was sent twice only once.
        lines["Message-Id"] = lines["Message-Id"] ?? "<\(notice.key)@\(sender.domain)>"
        lines["Date"] = lines["Date"] ?? MailText.date(notice.sentAt)
        lines["Auto-Submitted"] = lines["Auto-Submitted"] ?? "auto-generated"
        var parts: [(type: String, text: String)] = []
        if !text.source.isEmpty { parts.append(("text/plain", model.text(text))) }
        if !html.source.isEmpty { parts.append(("text/html", MessageModel(notice) { OutsideText($0).html }.text(html))) }
        let login = try self.login(smarthost)
        return Mail(
            smarthost: smarthost, hello: hello.isEmpty ? "localhost" : hello, from: sender.address,
            recipients: recipients.map(\.address).filter { !notice.alreadyTaken.contains($0) },
            text: MailText.compose(lines, parts, boundary: "obs-\(Digest.sha256Hex(notice.key).prefix(24))"), login: login,
            requiresTLS: requiresTLS ?? true, tls: tls, timeout: timeout)
    }

    /// The way to log in, as Alertmanager chooses it: PLAIN only over an encrypted connection or to this host; LOGIN if the
    /// server offers it.
    private func login(_ smarthost: Smarthost) throws(NotifierError) -> Mail.Login? {
        guard !username.isEmpty else { return nil }
        if let password {
            let isSafe =
                requiresTLS ?? true || smarthost.port == 465 || ["localhost", "127.0.0.1", "::1"].contains(smarthost.host)
            return .init(
                username: username, password: try password.reveal(), identity: identity,
                mechanisms: isSafe ? "AUTH=PLAIN;AUTH=LOGIN" : "AUTH=LOGIN")
        }
        guard let secret else { throw .badValue("the mail's auth_username has neither auth_password nor auth_secret") }
        return .init(username: username, password: try secret.reveal(), identity: "", mechanisms: "AUTH=CRAM-MD5")
    }
}

/// A mail that is ready to be handed over.
struct Mail: Sendable {
    struct Login: Sendable {
        var username: String
        var password: String
        var identity: String
        var mechanisms: String
    }

    var smarthost: Smarthost
    var hello: String
    var from: String
    var recipients: [String]
    var text: Data
    var login: Login?
    var requiresTLS: Bool
    var tls: TLSConfiguration
    var timeout: Duration

    /// As an address has it.
    var host: String { smarthost.host.utf8.contains(UInt8(ascii: ":")) ? "[\(smarthost.host)]" : smarthost.host }
    var place: String { "\(scheme)://\(host):\(smarthost.port)" }
    /// The path is the name that the server is greeted with.
    var url: String { "\(scheme)://\(tls.serverName ?? host):\(smarthost.port)/\(HTTPRequest.escape(hello))" }
    private var scheme: String { smarthost.port == 465 ? "smtps" : "smtp" }
}

extension Notice {
    var subject: String { MessageModel.subject(payload) }
}
