internal import CCurl
import Columns
import Foundation
import Synchronization
import Transfer

/// Sends requests and mails by libcurl. Certificates are verified unless the configuration says otherwise, no proxy is taken from
/// the environment, and responses are read up to a limit.
///
/// A transfer blocks; each runs on a thread of this queue, never on the shared pool.
final class Courier: Sendable {
    private static let queue = DispatchQueue(label: "obs.alerting.courier", attributes: .concurrent)
    static let maxAnswer = 65_536

    let tokens: TokenCache
    /// Where it sends to.
    private let destinations: Destinations

    init(tokens: TokenCache = TokenCache(), destinations: Destinations = Destinations()) {
        self.tokens = tokens
        self.destinations = destinations
    }

    /// The same, with its tokens, for a receiver that may be elsewhere only.
    func limited(to destinations: Destinations) -> Courier { Courier(tokens: tokens, destinations: destinations) }

    /// Does what may block, such as asking a program for a secret, on a thread that may.
    func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(NotifierError) -> Value
    ) async throws(NotifierError) -> Value {
        let result = await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: Result { () throws(NotifierError) in try body() }) }
        }
        return try result.get()
    }

    /// Sends one request. If it needs an access token and none is known, that is fetched first.
    func send(_ request: HTTPRequest, _ http: HTTPClientConfiguration) async -> HTTPAnswer {
        guard case .oauth2(let settings) = http.authorization else { return await transfer(request, http) }
        switch await token(settings) {
        case .failure(let answer): return answer
        case .success(let token):
            var authorized = http
            authorized.authorization = .other(type: "Bearer", credentials: .text(token))
            let answer = await transfer(request, authorized)
            // A token may be revoked before it expires; the next try fetches another.
            if case .answered(401, _, let shown, _) = answer {
                tokens.forget(.oauth2(settings))
                return .failed(reason: "the receiver did not take the token\(shown.isEmpty ? "" : ": \(shown)")")
            }
            return answer
        }
    }

    func transfer(_ request: HTTPRequest, _ http: HTTPClientConfiguration) async -> HTTPAnswer {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.perform(request, http)) }
        }
    }

    func send(_ mail: Mail) async -> NoticeOutcome {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.perform(mail)) }
        }
    }

    /// The most redirects in a row.
    static let maxRedirects = 10

    private func perform(_ request: HTTPRequest, _ http: HTTPClientConfiguration) -> HTTPAnswer {
        var (request, http) = (request, http)
        for _ in 0...Self.maxRedirects {
            let (answer, location) = exchange(request, http)
            guard let location, http.followsRedirects, case .answered(let status, _, _, _) = answer,
                Redirect.statuses.contains(status)
            else { return answer }
            switch Redirect.next(after: request, http, to: location) {
            case .follow(let next, let settings): (request, http) = (next, settings)
            case .stay(let why): return .answered(status: status, body: Data(), shown: why, retryAfter: nil)
            }
        }
        return .failed(reason: "\(Endpoint.mask(request.url)): it points elsewhere more than \(Self.maxRedirects) times")
    }

    /// One request: its response, and the address that a redirect names.
    private func exchange(_ request: HTTPRequest, _ http: HTTPClientConfiguration) -> (
        answer: HTTPAnswer, location: String?
    ) {
        guard let curl = CurlHandle() else { return (.failed(reason: "libcurl cannot be started"), nil) }
        var secrets = request.secrets
        do {
            curl.set(try Self.options(request, http, &secrets))
        } catch {
            // The file of a secret may be about to come: the notification is not given up for it.
            return (.failed(reason: "\(error)"), nil)
        }
        let place = Endpoint.mask(request.url), host = URLComponents(string: request.url)?.host ?? ""
        if let objection = destinations.objection(toHost: host) { return (.failed(reason: "\(place): \(objection)"), nil) }
        let gate = Gate(destinations, host: host)
        curl.ask { gate.permits($0) }
        let transfer = curl.perform(body: request.method == "GET" ? nil : request.body, answerLimit: Self.maxAnswer)
        // Where it was permitted nowhere else, libcurl has only tried in vain.
        if transfer.code != CURLE_OK, let objection = gate.objection {
            return (.failed(reason: "\(place): \(objection)"), nil)
        }
        guard transfer.code == CURLE_OK else {
            return (.failed(reason: "\(place): \(Redaction.clean(transfer.problem, secrets, limit: 200))"), nil)
        }
        // curl_off_t is a long here, and the answer is in seconds, also where the header held a date.
        let wait = curl.number(CURLINFO_RETRY_AFTER)
        let answer = HTTPAnswer.answered(
            status: curl.number(CURLINFO_RESPONSE_CODE), body: transfer.answer,
            shown: Redaction.clean(String(decoding: transfer.answer.prefix(2000), as: UTF8.self), secrets, limit: 300),
            retryAfter: wait > 0 ? min(.seconds(wait), NoticeOutcome.longestPause) : nil)
        return (answer, curl.text(CURLINFO_REDIRECT_URL))
    }

    /// The options of libcurl for a request.
    static func options(_ request: HTTPRequest, _ http: HTTPClientConfiguration, _ secrets: inout [String]) throws(NotifierError)
        -> CurlOptions
    {
        var options = CurlOptions()
        var url = request.url
        var headers = http.headers.merging(request.headers) { _, given in given }
        headers["User-Agent"] = headers["User-Agent"] ?? "obs"
        headers["Expect"] = ""
        // libcurl checks the certificate against the name in the address. So the address gets that name, and the connection still
        // goes to the host.
        if let name = http.tls.serverName, var components = URLComponents(string: url), let host = components.host {
            let port = components.port ?? (components.scheme == "http" ? 80 : 443)
            headers["Host"] = components.port.map { "\(host):\($0)" } ?? host
            components.host = name
            url = components.string ?? url
            options.set(CURLOPT_CONNECT_TO, list: ["\(name):\(port):\(host):\(port)"])
        }
        options.set(CURLOPT_URL, url)
        options.set(CURLOPT_PROTOCOLS_STR, "http,https")
        // Redirects are not libcurl's: it does not know which secrets must not be sent on (Redirect).
        options.set(CURLOPT_FOLLOWLOCATION, 0)
        options.set(CURLOPT_HTTP_VERSION, http.usesHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
        switch request.method {
        case "GET": options.set(CURLOPT_HTTPGET, 1)
        case "POST": options.set(CURLOPT_POST, 1)
        default: options.set(CURLOPT_CUSTOMREQUEST, request.method)
        }
        options.set(timeout: request.timeout)
        options.set(http.tls)
        let proxy = try http.proxy?.reveal()
        options.set(CURLOPT_PROXY, proxy ?? "")
        if let proxy { secrets.append(proxy) }
        switch http.authorization {
        case .basic(let username, let password):
            let password = try password.reveal()
            secrets.append(password)
            options.set(CURLOPT_HTTPAUTH, 1)  // CURLAUTH_BASIC, a macro that Swift does not see
            options.set(CURLOPT_USERNAME, username)
            options.set(CURLOPT_PASSWORD, password)
        case .other(let type, let credentials):
            let credentials = try credentials.reveal()
            secrets.append(credentials)
            headers["Authorization"] = "\(type) \(credentials)"
        case .oauth2, nil: break
        }
        if let signature = request.awsSignature {
            options.set(CURLOPT_AWS_SIGV4, signature.scope)
            options.set(CURLOPT_USERNAME, signature.accessKey)
            options.set(CURLOPT_PASSWORD, signature.secretKey)
            secrets.append(signature.secretKey)
        }
        for (name, value) in headers where value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) {
            throw .badHTTP("has a line break in the header \(name)")
        }
        options.set(
            CURLOPT_HTTPHEADER,
            list: headers.sorted { $0.key < $1.key }.map { $0.value.isEmpty ? "\($0.key):" : "\($0.key): \($0.value)" })
        return options
    }

    private func perform(_ mail: Mail) -> NoticeOutcome {
        guard let curl = CurlHandle() else { return .retry(reason: "libcurl cannot be started") }
        curl.set(Self.options(mail))
        if let objection = destinations.objection(toHost: mail.host) { return .retry(reason: "\(mail.place): \(objection)") }
        let gate = Gate(destinations, host: mail.host)
        curl.ask { gate.permits($0) }
        let transfer = curl.perform(upload: mail.text)
        let secrets = [mail.login?.password].compactMap(\.self)
        let answers = RecipientAnswers(transfer.conversation)
        let problem = gate.objection ?? Redaction.clean(transfer.problem, secrets, limit: 200)
        let reason = "\(mail.place): \(problem)"
        guard transfer.code == CURLE_OK else {
            if !answers.refused.isEmpty, answers.taken.isEmpty {
                return answers.refused.contains(where: \.isPassing)
                    ? .retry(reason: "\(mail.place): \(answers.problem)") : .refused(reason: "\(mail.place): \(answers.problem)")
            }
            let status = curl.number(CURLINFO_RESPONSE_CODE)
            // RFC 5321 §4.2.1: 4yz may be tried again, 5yz is final; a failed login or missing TLS is the server's state and may
            // be repaired.
            let isFinal =
                (500..<600).contains(status)
                && [CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_WEIRD_SERVER_REPLY].contains { $0 == transfer.code }
            return isFinal ? .refused(reason: reason) : .retry(reason: reason)
        }
        guard !answers.refused.isEmpty else { return .delivered }
        return .partly(
            taken: Set(answers.taken), reason: "\(mail.place): \(answers.problem)",
            isWorthAnotherTry: answers.refused.contains(where: \.isPassing))
    }

    /// The options of libcurl for a mail.
    static func options(_ mail: Mail) -> CurlOptions {
        var options = CurlOptions()
        // As for requests: the address has the name that the certificate is issued for.
        if let name = mail.tls.serverName {
            let port = mail.smarthost.port
            options.set(CURLOPT_CONNECT_TO, list: ["\(name):\(port):\(mail.host):\(port)"])
        }
        options.set(CURLOPT_URL, mail.url)
        options.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        options.set(CURLOPT_PROXY, "")
        options.set(timeout: mail.timeout)
        options.set(mail.tls)
        options.set(CURLOPT_USE_SSL, mail.requiresTLS ? Int(CURLUSESSL_ALL.rawValue) : Int(CURLUSESSL_NONE.rawValue))
        if let login = mail.login {
            options.set(CURLOPT_USERNAME, login.username)
            options.set(CURLOPT_PASSWORD, login.password)
            options.set(CURLOPT_LOGIN_OPTIONS, login.mechanisms)
            if !login.identity.isEmpty { options.set(CURLOPT_SASL_AUTHZID, login.identity) }
        }
        options.set(CURLOPT_MAIL_FROM, "<\(mail.from)>")
        options.set(CURLOPT_MAIL_RCPT, list: mail.recipients.map { "<\($0)>" })
        options.set(CURLOPT_UPLOAD, 1)
        return options
    }
}

/// Asks ``Destinations`` of each address that a transfer is about to connect to, and keeps the first objection.
private final class Gate: Sendable {
    private let destinations: Destinations
    private let host: String
    private let first = Mutex<String?>(nil)

    init(_ destinations: Destinations, host: String) {
        self.destinations = destinations
        self.host = host
    }

    var objection: String? { first.withLock { $0 } }

    func permits(_ address: IPAddress) -> Bool {
        guard let objection = destinations.objection(to: address, host: host) else { return true }
        first.withLock { $0 = $0 ?? objection }
        return false
    }
}

extension CurlOptions {
    fileprivate mutating func set(_ tls: TLSConfiguration) {
        set(CURLOPT_SSL_VERIFYPEER, tls.skipsVerification ? 0 : 1)
        set(CURLOPT_SSL_VERIFYHOST, tls.skipsVerification ? 0 : 2)
        for (option, file) in [
            (CURLOPT_CAINFO, tls.caFile), (CURLOPT_SSLCERT, tls.certificateFile), (CURLOPT_SSLKEY, tls.keyFile),
        ] {
            if let file { set(option, file) }
        }
        // CURL_SSLVERSION_TLSv1_0 is 4 and so on; the maximum is shifted by 16 bits. Go's default is TLS 1.2 at least.
        let versions: [TLSConfiguration.Version: Int] = [.tls10: 4, .tls11: 5, .tls12: 6, .tls13: 7]
        let greatest = tls.maxVersion.flatMap { versions[$0] } ?? 0
        set(CURLOPT_SSLVERSION, (tls.minVersion.flatMap { versions[$0] } ?? 6) | (greatest << 16))
    }
}
