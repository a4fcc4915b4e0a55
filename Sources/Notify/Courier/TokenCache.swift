import Columns
import Foundation
import Synchronization

/// Access tokens that services issued, until they expire. In memory only.
final class TokenCache: Sendable {
    /// The client that a token was issued to.
    enum Owner: Sendable, Hashable {
        case oauth2(OAuth2)
        case weChat(url: String, corporation: String, secret: String)
    }

    private struct Token {
        var text: String
        var validUntil: ContinuousClock.Instant
    }

    private let tokens = Mutex<[Owner: Token]>([:])

    func token(_ owner: Owner) -> String? {
        tokens.withLock { tokens in
            guard let token = tokens[owner], token.validUntil > .now else { return nil }
            return token.text
        }
    }

    func keep(_ text: String, for duration: Duration, _ owner: Owner) {
        tokens.withLock { $0[owner] = Token(text: text, validUntil: .now + duration) }
    }

    func forget(_ owner: Owner) { tokens.withLock { $0[owner] = nil } }
}

extension Courier {
    enum TokenAnswer: Sendable {
        case success(String)
        case failure(HTTPAnswer)
    }

    private struct OAuthAnswer: Decodable {
        var access_token: String
        var expires_in: Double?
    }

    /// The token for `settings`, fetched if none is known: with the client's name and secret as basic authentication, and if that
    /// is refused, in the form, as Go's client does.
    func token(_ settings: OAuth2) async -> TokenAnswer {
        if let known = tokens.token(.oauth2(settings)) { return .success(known) }
        var answer: HTTPAnswer
        do {
            let (request, http) = try await tokenRequest(settings, inForm: false)
            answer = await transfer(request, http)
            if case .answered(400...401, _, _, _) = answer {
                let (request, http) = try await tokenRequest(settings, inForm: true)
                answer = await transfer(request, http)
            }
        } catch {
            return .failure(.failed(reason: "\(error)"))
        }
        guard case .answered(200..<300, let body, _, _) = answer else {
            if case .answered(let status, _, let shown, _) = answer {
                return .failure(
                    .failed(reason: "\(settings.tokenURL) gave no token but \(status)\(shown.isEmpty ? "" : ": \(shown)")"))
            }
            return .failure(answer)
        }
        guard let token = try? JSONDecoder().decode(OAuthAnswer.self, from: body), !token.access_token.isEmpty,
            !token.access_token.unicodeScalars.contains(where: \.isLineBreak)
        else { return .failure(.failed(reason: "\(settings.tokenURL) answered without an access_token")) }
        // Ten seconds early, so that it does not expire on the way.
        tokens.keep(token.access_token, for: .seconds(max(0, min(token.expires_in ?? 3600, 86_400) - 10)), .oauth2(settings))
        return .success(token.access_token)
    }

    /// The same on a thread that may wait for a secret.
    private func tokenRequest(
        _ settings: OAuth2, inForm: Bool
    ) async throws(NotifierError) -> (HTTPRequest, HTTPClientConfiguration) {
        try await blocking { () throws(NotifierError) in try Self.tokenRequest(settings, inForm: inForm) }
    }

    /// The request for a token, with the client's name and secret in the form or as basic authentication.
    static func tokenRequest(_ settings: OAuth2, inForm: Bool) throws(NotifierError) -> (HTTPRequest, HTTPClientConfiguration) {
        let url = try settings.tokenURL.reveal(), secret = try settings.clientSecret.reveal()
        var fields = [("grant_type", "client_credentials")]
        if !settings.scopes.isEmpty { fields.append(("scope", settings.scopes.joined(separator: " "))) }
        fields += settings.endpointParameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        var http = HTTPClientConfiguration()
        http.tls = settings.tls
        http.proxy = settings.proxy
        if inForm {
            fields += [("client_id", settings.clientID), ("client_secret", secret)]
        } else {
            http.authorization = .basic(
                username: HTTPRequest.escape(settings.clientID), password: .text(HTTPRequest.escape(secret)))
        }
        return (.form(fields, to: url, secrets: [secret]), http)
    }
}
