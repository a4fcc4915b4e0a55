internal import CCurl
import Foundation
import Parsing

/// Posts JSON by libcurl. Certificates are verified, redirects are not followed (a receiver that moved is a configuration to change, and a redirect could lead into
/// a network that the URL does not), and what the receiver answers is read only to its limit.
///
/// A request blocks; each runs on a thread of this sender's queue, never on the shared pool.
struct WebhookSender: Sendable {
    enum Outcome: Sendable, Equatable {
        case delivered
        /// Worth another try: no connection, a time-out, 408, 429 or 5xx.
        ///
        /// - Parameter after: what the receiver asked for by `Retry-After`, or nil.
        case retry(reason: String, after: Duration? = nil)
        /// Not worth one: the receiver does not want it.
        case refused(reason: String)
    }

    private static let queue = DispatchQueue(label: "obs.alerting.webhook", attributes: .concurrent)
    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    func post(_ body: Data, to webhook: WebhookConfiguration, idempotencyKey: String) async -> Outcome {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: Self.perform(body, webhook, idempotencyKey)) }
        }
    }

    private static func perform(_ body: Data, _ webhook: WebhookConfiguration, _ key: String) -> Outcome {
        guard isReady, let handle = curl_easy_init() else { return .retry(reason: "libcurl cannot be started") }
        defer { curl_easy_cleanup(handle) }
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        do {
            for header in try Self.headers(webhook.http, key) { headers = curl_slist_append(headers, header) }
            try authorize(handle, webhook.http)
        } catch {
            // A secret's file may be on its way: the notification is not given up for it.
            return .retry(reason: error.description)
        }
        let milliseconds = Int(
            webhook.timeout.components.seconds * 1000 + webhook.timeout.components.attoseconds / 1_000_000_000_000_000)
        _ = obs_curl_set_text(handle, CURLOPT_URL, webhook.url)
        _ = obs_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = obs_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        let tls = webhook.http.tls
        _ = obs_curl_set_long(handle, CURLOPT_SSL_VERIFYPEER, tls.skipsVerification ? 0 : 1)
        _ = obs_curl_set_long(handle, CURLOPT_SSL_VERIFYHOST, tls.skipsVerification ? 0 : 2)
        for (option, file) in [
            (CURLOPT_CAINFO, tls.caFile), (CURLOPT_SSLCERT, tls.certificateFile), (CURLOPT_SSLKEY, tls.keyFile),
        ] {
            if let file { _ = obs_curl_set_text(handle, option, file) }
        }
        _ = obs_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, min(milliseconds, 5000))
        _ = obs_curl_set_long(handle, CURLOPT_TIMEOUT_MS, milliseconds)
        _ = obs_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = obs_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)
        _ = obs_curl_set_long(handle, CURLOPT_POST, 1)
        _ = obs_curl_set_long(handle, CURLOPT_POSTFIELDSIZE, body.count)
        // The answer's text is of no use; a receiver that sends without end is cut off by the time-out.
        _ = obs_curl_set_write(handle) { _, size, count, _ in size * count }
        let result = body.withUnsafeBytes { bytes in
            // Safe because libcurl reads POSTFIELDSIZE bytes during the call, while `body` is held.
            _ = obs_curl_set_pointer(handle, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            return curl_easy_perform(handle)
        }
        guard result == CURLE_OK else { return .retry(reason: String(cString: curl_easy_strerror(result))) }
        var status = 0
        _ = obs_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        switch status {
        case 200..<300: return .delivered
        case 408, 429, 500...:
            // curl_off_t is a long here, and the answer is in seconds, also where the header held a date.
            var seconds = 0
            _ = obs_curl_get_long(handle, CURLINFO_RETRY_AFTER, &seconds)
            return .retry(reason: "the receiver answered \(status)", after: seconds > 0 ? .seconds(min(seconds, 3600)) : nil)
        default: return .refused(reason: "the receiver answered \(status)")
        }
    }

    private static func headers(_ http: HTTPClientConfiguration, _ key: String) throws(AlertingError) -> [String] {
        var headers = http.headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        headers += ["Content-Type: application/json", "User-Agent: obs", "Idempotency-Key: \(key)", "Expect:"]
        if case .other(let type, let credentials) = http.authorization {
            headers.append("Authorization: \(type) \(try credentials.reveal())")
        }
        return headers
    }

    private static func authorize(_ handle: UnsafeMutableRawPointer, _ http: HTTPClientConfiguration) throws(AlertingError) {
        guard case .basic(let username, let password) = http.authorization else { return }
        _ = obs_curl_set_long(handle, CURLOPT_HTTPAUTH, 1)  // CURLAUTH_BASIC, a macro that Swift does not see
        _ = obs_curl_set_text(handle, CURLOPT_USERNAME, username)
        _ = obs_curl_set_text(handle, CURLOPT_PASSWORD, try password.reveal())
    }
}
