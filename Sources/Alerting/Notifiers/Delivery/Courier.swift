internal import CCurl
import Columns
import Foundation
import Parsing
import Synchronization
import Transfer

/// Sends requests and mails by libcurl. Certificates are verified unless the configuration says otherwise, no proxy is taken from the environment,
/// and what a receiver answers is read only to a limit.
///
/// A transfer blocks; each runs on a thread of this queue, never on the shared pool.
public final class Courier: Sendable {
    private static let queue = DispatchQueue(label: "obs.alerting.courier", attributes: .concurrent)
    static let maxAnswer = 65_536

    let tokens = TokenCache()

    init() {}

    /// Sends one request. A token for it is fetched first if it needs one and none is known.
    func send(_ request: HTTPRequest, _ http: HTTPClientConfiguration) async -> HTTPAnswer {
        guard case .oauth2(let settings) = http.authorization else { return await transfer(request, http) }
        switch await token(settings) {
        case .failure(let answer): return answer
        case .success(let token):
            var authorized = http
            authorized.authorization = .other(type: "Bearer", credentials: .text(token))
            let answer = await transfer(request, authorized)
            // A token may be withdrawn before its time; the next try fetches another.
            if case .answered(401, _, let shown, _) = answer {
                tokens.forget(.oauth2(settings))
                return .failed(reason: "the receiver did not take the token\(shown.isEmpty ? "" : ": \(shown)")")
            }
            return answer
        }
    }

    func transfer(_ request: HTTPRequest, _ http: HTTPClientConfiguration) async -> HTTPAnswer {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: Self.perform(request, http)) }
        }
    }

    func send(_ mail: Mail) async -> DeliveryOutcome {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: Self.perform(mail)) }
        }
    }

    private static func perform(_ request: HTTPRequest, _ http: HTTPClientConfiguration) -> HTTPAnswer {
        guard let curl = CurlHandle() else { return .failed(reason: "libcurl cannot be started") }
        var secrets = request.secrets
        do {
            try prepare(curl, request, http, &secrets)
        } catch {
            // A secret's file may be on its way: the notification is not given up for it.
            return .failed(reason: "\(error)")
        }
        let transfer = curl.perform(body: request.method == "GET" ? nil : request.body, answerLimit: maxAnswer)
        let place = Endpoint.mask(request.url)
        guard transfer.code == CURLE_OK else {
            return .failed(reason: "\(place): \(Redaction.clean(transfer.problem, secrets, limit: 200))")
        }
        // curl_off_t is a long here, and the answer is in seconds, also where the header held a date.
        let wait = curl.number(CURLINFO_RETRY_AFTER)
        return .answered(
            status: curl.number(CURLINFO_RESPONSE_CODE), body: transfer.answer,
            shown: Redaction.clean(String(decoding: transfer.answer.prefix(2000), as: UTF8.self), secrets, limit: 300),
            retryAfter: wait > 0 ? .seconds(min(wait, 3600)) : nil)
    }

    private static func prepare(
        _ curl: borrowing CurlHandle, _ request: HTTPRequest, _ http: HTTPClientConfiguration, _ secrets: inout [String]
    ) throws(AlertingError) {
        var url = request.url
        var headers = http.headers.merging(request.headers) { _, given in given }
        headers["User-Agent"] = headers["User-Agent"] ?? "obs"
        headers["Expect"] = ""
        // libcurl checks the certificate against the name in the address; so the address bears the other name, and the connection goes where it went.
        if let name = http.tls.serverName, var components = URLComponents(string: url), let host = components.host {
            let port = components.port ?? (components.scheme == "http" ? 80 : 443)
            headers["Host"] = components.port.map { "\(host):\($0)" } ?? host
            components.host = name
            url = components.string ?? url
            curl.set(CURLOPT_CONNECT_TO, list: ["\(name):\(port):\(host):\(port)"])
        }
        curl.set(CURLOPT_URL, url)
        curl.set(CURLOPT_PROTOCOLS_STR, "http,https")
        curl.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        curl.set(CURLOPT_FOLLOWLOCATION, http.followsRedirects ? 1 : 0)
        curl.set(CURLOPT_MAXREDIRS, 10)
        // CURL_REDIR_POST_ALL: a POST that is sent on stays one, or the notification would be lost and count as delivered.
        curl.set(CURLOPT_POSTREDIR, 7)
        curl.set(CURLOPT_HTTP_VERSION, http.usesHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
        switch request.method {
        case "GET": curl.set(CURLOPT_HTTPGET, 1)
        case "POST": curl.set(CURLOPT_POST, 1)
        default: curl.set(CURLOPT_CUSTOMREQUEST, request.method)
        }
        curl.set(timeout: request.timeout)
        curl.set(http.tls)
        let proxy = try http.proxy?.reveal()
        curl.set(CURLOPT_PROXY, proxy ?? "")
        if let proxy { secrets.append(proxy) }
        switch http.authorization {
        case .basic(let username, let password):
            let password = try password.reveal()
            secrets.append(password)
            curl.set(CURLOPT_HTTPAUTH, 1)  // CURLAUTH_BASIC, a macro that Swift does not see
            curl.set(CURLOPT_USERNAME, username)
            curl.set(CURLOPT_PASSWORD, password)
        case .other(let type, let credentials):
            let credentials = try credentials.reveal()
            secrets.append(credentials)
            headers["Authorization"] = "\(type) \(credentials)"
        case .oauth2, nil: break
        }
        if let signature = request.awsSignature {
            curl.set(CURLOPT_AWS_SIGV4, signature.scope)
            curl.set(CURLOPT_USERNAME, signature.accessKey)
            curl.set(CURLOPT_PASSWORD, signature.secretKey)
            secrets.append(signature.secretKey)
        }
        for (name, value) in headers where value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) {
            throw .badHTTP("has a line break in the header \(name)")
        }
        curl.set(
            CURLOPT_HTTPHEADER,
            list: headers.sorted { $0.key < $1.key }.map { $0.value.isEmpty ? "\($0.key):" : "\($0.key): \($0.value)" })
    }

    private static func perform(_ mail: Mail) -> DeliveryOutcome {
        guard let curl = CurlHandle() else { return .retry(reason: "libcurl cannot be started") }
        curl.set(CURLOPT_URL, mail.url)
        curl.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        curl.set(CURLOPT_PROXY, "")
        curl.set(timeout: mail.timeout)
        curl.set(mail.tls)
        curl.set(CURLOPT_USE_SSL, mail.requiresTLS ? Int(CURLUSESSL_ALL.rawValue) : Int(CURLUSESSL_NONE.rawValue))
        if let login = mail.login {
            curl.set(CURLOPT_USERNAME, login.username)
            curl.set(CURLOPT_PASSWORD, login.password)
            curl.set(CURLOPT_LOGIN_OPTIONS, login.mechanisms)
            if !login.identity.isEmpty { curl.set(CURLOPT_SASL_AUTHZID, login.identity) }
        }
        curl.set(CURLOPT_MAIL_FROM, "<\(mail.from)>")
        curl.set(CURLOPT_MAIL_RCPT, list: mail.recipients.map { "<\($0)>" })
        curl.set(CURLOPT_UPLOAD, 1)
        let transfer = curl.perform(upload: mail.text)
        guard transfer.code != CURLE_OK else { return .delivered }
        let secrets = [mail.login?.password].compactMap(\.self)
        let status = curl.number(CURLINFO_RESPONSE_CODE)
        let reason = "\(mail.place): \(Redaction.clean(transfer.problem, secrets, limit: 200))"
        // RFC 5321 §4.2.1: 4yz may be tried again, 5yz is final; that a login failed or TLS is missing is the server's state and may be mended.
        let isFinal =
            (500..<600).contains(status)
            && [CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_WEIRD_SERVER_REPLY].contains { $0 == transfer.code }
        return isFinal ? .refused(reason: reason) : .retry(reason: reason)
    }
}

/// Makes text from outside fit for a log: one line, bounded, and without what nobody may see.
enum Redaction {
    static func clean(_ text: String, _ secrets: [String], limit: Int) -> String {
        var text = text
        // What is very short would blot out half of the text and is no secret.
        for secret in secrets where secret.utf8.count >= 4 {
            // By bytes: with a combining mark behind it a secret would be another text of `Character`s, and stay.
            text = OutsideText(text).replacing(secret, with: "<secret>")
            text = OutsideText(text).replacing(HTTPRequest.escape(secret), with: "<secret>")
        }
        return OutsideText(text).split { $0 == " " || $0.isControl || $0.isLineBreak }.filter { !$0.isEmpty }.joined(
            separator: " "
        )
        .truncated(toScalars: limit)
    }
}

extension CurlHandle {
    fileprivate func set(_ tls: TLSConfiguration) {
        set(CURLOPT_SSL_VERIFYPEER, tls.skipsVerification ? 0 : 1)
        set(CURLOPT_SSL_VERIFYHOST, tls.skipsVerification ? 0 : 2)
        for (option, file) in [
            (CURLOPT_CAINFO, tls.caFile), (CURLOPT_SSLCERT, tls.certificateFile), (CURLOPT_SSLKEY, tls.keyFile),
        ] {
            if let file { set(option, file) }
        }
        // CURL_SSLVERSION_TLSv1_0 is 4 and so on; the greatest stands 16 bits higher. Go's default is TLS 1.2 at least.
        let versions: [TLSConfiguration.Version: Int] = [.tls10: 4, .tls11: 5, .tls12: 6, .tls13: 7]
        let greatest = tls.maxVersion.flatMap { versions[$0] } ?? 0
        set(CURLOPT_SSLVERSION, (tls.minVersion.flatMap { versions[$0] } ?? 6) | (greatest << 16))
    }
}
