import Columns
import Foundation

/// How requests to an endpoint are made, with the names of Prometheus' `http_config`.
///
/// Source: prometheus/common 0.38, config.HTTPClientConfig.
struct HTTPClientConfiguration: Sendable, Hashable, Decodable {
    /// What the `Authorization` header says.
    enum Authorization: Sendable, Hashable {
        case basic(username: String, password: Secret)
        /// The type, such as `Bearer`, and the credentials that follow it.
        case other(type: String, credentials: Secret)
        case oauth2(OAuth2)
    }

    var authorization: Authorization?
    var tls = TLSConfiguration()
    /// Additional headers of each request.
    var headers: [String: String] = [:]
    var proxy: Secret?
    var followsRedirects = true
    var usesHTTP2 = true

    private enum CodingKeys: String, CodingKey {
        case authorization, headers, oauth2
        case basic = "basic_auth"
        case bearer = "bearer_token"
        case bearerFile = "bearer_token_file"
        case tls = "tls_config"
        case proxy = "proxy_url"
        case followsRedirects = "follow_redirects"
        case usesHTTP2 = "enable_http2"
    }

    private struct Basic: Decodable {
        var username: String
        var password: Secret

        private enum CodingKeys: String, CodingKey { case username, password, password_file }

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            username = try keys.decodeIfPresent(String.self, forKey: .username) ?? ""
            password = try keys.secret(.password, orFile: .password_file) ?? .text("")
        }
    }

    private struct Credentials: Decodable {
        var type: String
        var credentials: Secret

        private enum CodingKeys: String, CodingKey { case type, credentials, credentials_file }

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            let given = try keys.decodeIfPresent(String.self, forKey: .type)?.trimmingCharacters(in: .whitespaces) ?? ""
            type = given.isEmpty ? "Bearer" : given
            guard type.lowercased() != "basic" else {
                throw keys.refused(.type, "http_config has the authorization type 'basic'; write basic_auth instead")
            }
            guard !type.contains(where: \.isNewline) else { throw keys.refused(.type, "the authorization type has a line break") }
            credentials = try keys.headerSecret(.credentials, orFile: .credentials_file) ?? .text("")
        }
    }

    init() {}

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        let basic = try keys.decodeIfPresent(Basic.self, forKey: .basic).map {
            Authorization.basic(username: $0.username, password: $0.password)
        }
        let bearer = try keys.headerSecret(.bearer, orFile: .bearerFile).map {
            Authorization.other(type: "Bearer", credentials: $0)
        }
        let other = try keys.decodeIfPresent(Credentials.self, forKey: .authorization).map {
            Authorization.other(type: $0.type, credentials: $0.credentials)
        }
        let oauth2 = try keys.decodeIfPresent(OAuth2.self, forKey: .oauth2).map(Authorization.oauth2)
        let given = [basic, bearer, other, oauth2].compactMap(\.self)
        guard given.count <= 1 else {
            throw NotifierError.badHTTP("has more than one of basic_auth, bearer_token, authorization and oauth2; keep one")
        }
        authorization = given.first
        tls = try keys.decodeIfPresent(TLSConfiguration.self, forKey: .tls) ?? tls
        proxy = try keys.decodeIfPresent(Secret.self, forKey: .proxy).flatMap { $0.isEmpty ? nil : $0 }
        followsRedirects = try keys.decodeIfPresent(Bool.self, forKey: .followsRedirects) ?? followsRedirects
        usesHTTP2 = try keys.decodeIfPresent(Bool.self, forKey: .usesHTTP2) ?? usesHTTP2
        headers = try keys.decodeIfPresent([String: String].self, forKey: .headers) ?? [:]
        for (name, value) in headers {
            let isName = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
            guard isName, !value.contains(where: \.isNewline) else {
                throw keys.refused(.headers, "http_config has the header '\(name)', which is none")
            }
        }
    }
}

/// How certificates are checked, with the names of Prometheus' `tls_config`.
struct TLSConfiguration: Sendable, Hashable, Decodable {
    enum Version: String, Sendable, CaseIterable, Decodable {
        case tls10 = "TLS10"
        case tls11 = "TLS11"
        case tls12 = "TLS12"
        case tls13 = "TLS13"
    }

    var caFile: String?
    var certificateFile: String?
    var keyFile: String?
    /// The name that the certificate must be issued for, instead of the host's.
    var serverName: String?
    var skipsVerification = false
    var minVersion: Version?
    var maxVersion: Version?

    private enum CodingKeys: String, CodingKey {
        case caFile = "ca_file"
        case certificateFile = "cert_file"
        case keyFile = "key_file"
        case serverName = "server_name"
        case skipsVerification = "insecure_skip_verify"
        case minVersion = "min_version"
        case maxVersion = "max_version"
    }

    init() {}

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func file(_ key: CodingKeys) throws -> String? { try keys.decodeIfPresent(FileName.self, forKey: key)?.path }
        func version(_ key: CodingKeys) throws -> Version? {
            guard let text = try keys.decodeIfPresent(String.self, forKey: key) else { return nil }
            guard let version = Version(rawValue: text) else {
                throw keys.refused(key, "\(key.stringValue) is '\(text)'; write TLS10, TLS11, TLS12 or TLS13")
            }
            return version
        }
        caFile = try file(.caFile)
        certificateFile = try file(.certificateFile)
        keyFile = try file(.keyFile)
        serverName = try keys.decodeIfPresent(String.self, forKey: .serverName).flatMap { $0.isEmpty ? nil : $0 }
        if let serverName, serverName.contains(where: { $0.isWhitespace || "/:@?#".contains($0) }) {
            throw keys.refused(.serverName, "server_name is '\(serverName)'; write the name of a host")
        }
        skipsVerification = try keys.decodeIfPresent(Bool.self, forKey: .skipsVerification) ?? false
        minVersion = try version(.minVersion)
        maxVersion = try version(.maxVersion)
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw NotifierError.badHTTP(
                "has \(keyFile == nil ? "cert_file without key_file" : "key_file without cert_file"); give both or none")
        }
    }
}

/// An access token is fetched from an authorization server and used until it expires.
///
/// Source: RFC 6749 §4.4, client credentials.
struct OAuth2: Sendable, Hashable, Decodable {
    var clientID: String
    var clientSecret: Secret
    var scopes: [String] = []
    var tokenURL: Endpoint
    var endpointParameters: [String: String] = [:]
    var proxy: Secret?
    var tls = TLSConfiguration()

    private enum CodingKeys: String, CodingKey {
        case scopes, client_id, client_secret, client_secret_file, token_url, endpoint_params, proxy_url, tls_config
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        clientID = try keys.decodeIfPresent(String.self, forKey: .client_id) ?? ""
        guard !clientID.isEmpty else { throw NotifierError.badHTTP("has oauth2 without client_id, which must be given") }
        guard let secret = try keys.secret(.client_secret, orFile: .client_secret_file) else {
            throw NotifierError.badHTTP("has oauth2 with neither client_secret nor client_secret_file; give one")
        }
        clientSecret = secret
        scopes = try keys.decodeIfPresent([String].self, forKey: .scopes) ?? []
        guard let url = try keys.decodeIfPresent(Endpoint.self, forKey: .token_url) else {
            throw NotifierError.badHTTP("has oauth2 without token_url, which must be given")
        }
        tokenURL = url
        endpointParameters = try keys.decodeIfPresent([String: String].self, forKey: .endpoint_params) ?? [:]
        proxy = try keys.decodeIfPresent(Secret.self, forKey: .proxy_url).flatMap { $0.isEmpty ? nil : $0 }
        tls = try keys.decodeIfPresent(TLSConfiguration.self, forKey: .tls_config) ?? tls
    }
}

extension KeyedDecodingContainer {
    /// A secret that becomes part of a header, so it must not hold a line break.
    fileprivate func headerSecret(_ key: Key, orFile fileKey: Key) throws -> Secret? {
        let secret = try secret(key, orFile: fileKey)
        if case .text(let text) = secret, text.contains(where: \.isNewline) {
            throw refused(key, "http_config has a line break in \(key.stringValue)")
        }
        return secret
    }
}
