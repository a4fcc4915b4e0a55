internal import CCurl
package import Columns
public import Foundation
import Synchronization

/// One plain HTTP exchange: no redirects, no proxy of the environment, certificates verified. Notifications have a courier of
/// their own, which knows secrets, tokens and proxies.
public struct WebRequest: Sendable {
    /// In capitals, such as `GET`.
    public var method: String
    /// An absolute URL with the scheme `http` or `https`.
    public var url: String
    /// By name; one value each.
    public var headers: [String: String] = [:]
    /// Nil sends none.
    public var body: Data?
    /// A file with the issuers of the server's certificate, as PEM; nil for those that the machine trusts.
    public var authorities: String?
    /// For the whole exchange, from the look-up of the name to the last byte.
    public var timeout: Duration = .seconds(30)
    /// What an answer has beyond so many bytes is dropped.
    public var answerLimit = 65_536

    /// Why no connection may be made to an address that the name of the host was looked up to; nil where it may.
    package var refuses: (@Sendable (IPAddress) -> String?)?

    /// A request without headers and body.
    public init(_ method: String = "GET", _ url: String) {
        self.method = method
        self.url = url
    }

    /// Blocks until it is answered.
    ///
    /// - Throws: ``NoAnswer`` when nobody answers. An answer of any status is an answer.
    public func perform() throws(NoAnswer) -> WebAnswer {
        for (name, value) in headers where (name + value).utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) {
            throw NoAnswer(reason: "a line break stands in the header \(OutsideText(name).inOneLine)")
        }
        guard let curl = CurlHandle() else { throw NoAnswer(reason: "libcurl cannot be started") }
        curl.set(CURLOPT_URL, url)
        curl.set(CURLOPT_PROTOCOLS_STR, "http,https")
        curl.set(CURLOPT_PROXY, "")
        if let authorities { curl.set(CURLOPT_CAINFO, authorities) }
        curl.set(timeout: timeout)
        if body != nil { curl.set(CURLOPT_POST, 1) }
        curl.set(CURLOPT_CUSTOMREQUEST, method)
        // An empty value takes out a header that libcurl sends by itself: `Expect` would cost a round trip.
        let all = ["User-Agent": "obs", "Expect": ""].merging(headers) { _, given in given }
        curl.set(
            CURLOPT_HTTPHEADER, list: all.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.isEmpty ? "" : " \($0.value)")" }
        )
        let objection = Mutex<String?>(nil)
        if let refuses {
            curl.ask { address in
                guard let reason = refuses(address) else { return true }
                objection.withLock { $0 = reason }
                return false
            }
        }
        let outcome = curl.perform(body: body, answerLimit: answerLimit)
        // Where it was permitted nowhere else, libcurl has only tried in vain.
        if outcome.code != CURLE_OK, let reason = objection.withLock({ $0 }) { throw NoAnswer(reason: reason) }
        guard outcome.code == CURLE_OK else { throw NoAnswer(reason: outcome.problem) }
        return WebAnswer(status: curl.number(CURLINFO_RESPONSE_CODE), body: outcome.answer)
    }

    /// The same on a thread that may block.
    public func send() async throws(NoAnswer) -> WebAnswer {
        let result = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: Result { () throws(NoAnswer) in try perform() }) }
        }
        return try result.get()
    }
}

/// The response to a request.
public struct WebAnswer: Sendable {
    /// The HTTP status code.
    public let status: Int
    /// At most ``WebRequest/answerLimit`` bytes.
    public let body: Data

    /// 2xx.
    public var isSuccess: Bool { (200..<300).contains(status) }
}

/// A request without a response.
public struct NoAnswer: Error, CustomStringConvertible {
    /// In libcurl's words, such as `Failed to connect to 127.0.0.1 port 9464: Connection refused`.
    public let reason: String

    /// The reason.
    public var description: String { reason }
}
