import Foundation

/// Whether a redirect (301, 302, 303, 307, 308) is followed: to the same origin always, to another only when the request holds
/// nothing that is meant for the first alone. A POST stays a POST with its body, whatever the status: as a GET it would be lost
/// and count as delivered.
///
/// An origin is scheme, host and port (RFC 6454 §4).
enum Redirect {
    static let statuses: Set<Int> = [301, 302, 303, 307, 308]

    enum Decision: Equatable {
        case follow(HTTPRequest, HTTPClientConfiguration)
        /// It is not followed; the reason in one sentence.
        case stay(String)
    }

    /// - Parameter location: the absolute address, as libcurl resolved it against the one of the request.
    static func next(after request: HTTPRequest, _ http: HTTPClientConfiguration, to location: String) -> Decision {
        guard let from = URLComponents(string: request.url), var to = URLComponents(string: location), to.host?.isEmpty == false
        else {
            return .stay("it points to something that is not an address")
        }
        // With a server_name libcurl got another host than the configuration has: a relative address is meant for the configured
        // one.
        if let name = http.tls.serverName, to.host?.lowercased() == name.lowercased() { to.host = from.host }
        var next = request
        next.url = to.string ?? location
        guard origin(from) != origin(to) else { return .follow(next, http) }
        let place = Endpoint.mask(next.url)
        if from.scheme?.lowercased() == "https", to.scheme?.lowercased() != "https" {
            return .stay("it points to \(place), which is not encrypted; write the address that is meant into the configuration")
        }
        guard !hasSecrets(request, http, from) else {
            return .stay(
                """
                it points to \(place), and the secrets of this receiver go nowhere else; write that address into the \
                configuration if it is right
                """
            )
        }
        var settings = http
        settings.tls.serverName = nil
        return .follow(next, settings)
    }

    private static func origin(_ url: URLComponents) -> [String] {
        let scheme = url.scheme?.lowercased() ?? ""
        return [scheme, url.host?.lowercased() ?? "", String(url.port ?? (scheme == "https" ? 443 : 80))]
    }

    /// Whether the request holds something that only its receiver may see. A secret in its address does not count: it is not sent
    /// on.
    private static func hasSecrets(_ request: HTTPRequest, _ http: HTTPClientConfiguration, _ from: URLComponents) -> Bool {
        if http.authorization != nil || !http.headers.isEmpty || http.tls.certificateFile != nil { return true }
        if request.awsSignature != nil || from.user != nil { return true }
        if request.headers.keys.contains(where: { !harmless.contains($0.lowercased()) }) { return true }
        return request.secrets.contains { secret in
            !secret.isEmpty
                && [secret, HTTPRequest.escape(secret)].contains { request.body.range(of: Data($0.utf8)) != nil }
        }
    }

    private static let harmless: Set<String> = ["content-type", "idempotency-key"]
}
