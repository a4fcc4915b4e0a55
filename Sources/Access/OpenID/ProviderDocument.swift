import Foundation

/// What a provider says about itself under `/.well-known/openid-configuration`.
///
/// Source: OpenID Connect Discovery 1.0, §3 and §4; RFC 8414.
package struct ProviderDocument: Sendable {
    /// Where browsers are sent to log in.
    let authorization: String
    /// Where a code is redeemed.
    let token: String
    /// Where the keys of its tokens are.
    let keys: String
    /// Where browsers may be sent to log out there too; nil when the provider has no such page.
    package let endOfSession: String?
    /// Whether the secret is sent as Basic authentication: what holds when the provider says nothing.
    let takesBasic: Bool
    /// Whether the provider says who it is when it sends a browser back (RFC 9207).
    let namesItself: Bool

    private struct File: Decodable {
        let issuer: String
        let authorization_endpoint: String
        let token_endpoint: String
        let jwks_uri: String
        let end_session_endpoint: String?
        let token_endpoint_auth_methods_supported: [String]?
        let code_challenge_methods_supported: [String]?
        let authorization_response_iss_parameter_supported: Bool?
    }

    private static let challenge = "S256", basic = "client_secret_basic", posted = "client_secret_post"

    /// - Throws: ``OpenIDError/unavailable(_:)`` for a document that is not one of `issuer`, or that names addresses without TLS.
    init(_ data: Data, issuer: String) throws(OpenIDError) {
        guard let file = try? JSONDecoder().decode(File.self, from: data) else {
            throw .unavailable("its openid-configuration is not a document of OpenID Connect Discovery")
        }
        // Else a provider could hand out the tokens of another one.
        guard file.issuer == issuer else {
            throw .unavailable("its openid-configuration is of the issuer '\(OpenIDError.shown(file.issuer, 200))'")
        }
        if let methods = file.code_challenge_methods_supported, !methods.contains(Self.challenge) {
            throw .unavailable("it does not know PKCE with S256")
        }
        for url in [file.authorization_endpoint, file.token_endpoint, file.jwks_uri, file.end_session_endpoint].compactMap(\.self)
        {
            if let objection = OpenIDSettings.objection(to: url) { throw .unavailable("its address \(objection)") }
        }
        (authorization, token, keys) = (file.authorization_endpoint, file.token_endpoint, file.jwks_uri)
        endOfSession = file.end_session_endpoint
        let methods = file.token_endpoint_auth_methods_supported ?? [Self.basic]
        takesBasic = methods.contains(Self.basic) || !methods.contains(Self.posted)
        namesItself = file.authorization_response_iss_parameter_supported ?? false
    }

    /// Where the document of an issuer is.
    static func address(of issuer: String) -> String {
        (issuer.utf8.last == UInt8(ascii: "/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration"
    }
}
