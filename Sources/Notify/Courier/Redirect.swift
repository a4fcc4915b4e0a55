import Foundation

/// Where a request goes on to when its answer points elsewhere (301, 302, 303, 307, 308): to the same origin with all that it has, to another only when it has
/// nothing that is meant for the first alone. A POST stays a POST with its text, whatever the status: as a GET it would be lost and count as delivered.
///
/// An origin is scheme, host and port (RFC 6454 §4).
enum Redirect {
    static let statuses: Set<Int> = [301, 302, 303, 307, 308]

    enum Decision: Equatable {
        case follow(HTTPRequest, HTTPClientConfiguration)
        /// Why it stays, for people.
        case stay(String)
    }

    /// - Parameter location: the whole address, as libcurl has worked it out against the one that it was told.
    static func next(after request: HTTPRequest, _ http: HTTPClientConfiguration, to location: String) -> Decision {
        guard let from = URLComponents(string: request.url), var to = URLComponents(string: location), to.host?.isEmpty == false
        else {
            return .stay("it points to what is no address")
        }
        // Under the name of a certificate the address was another; what is relative to that is relative to ours.
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
                "it points to \(place), and the secrets of this receiver go nowhere else; write that address into the configuration if it is right"
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

    /// Whether the request itself holds something that only its receiver may have. What is secret in its address stays there.
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
