import Crypto
import CryptoExtras
import Foundation
import Glibc
import Synchronization

/// A provider of OpenID Connect on a port of its own: its document, its keys, codes that are valid once and only with their PKCE,
/// tokens by real keys. It signs by itself, without the library by which obs checks signatures.
public final class OpenIDTestProvider: Sendable {
    /// A token before it is signed.
    public struct Token: Sendable {
        public var header: [String: any Sendable]
        public var claims: [String: any Sendable]
        public var key: Key
    }

    /// What a token is signed by.
    public enum Key: Sendable, Equatable {
        /// By the key of a name, of which there are two of RSA and one of P-256.
        case rsa, otherRSA, ec
        /// By nothing.
        case none
        /// By a text as a shared secret.
        case shared(String)

        var name: String { self == .rsa ? "rsa-1" : self == .otherRSA ? "rsa-2" : "ec-1" }
        var algorithm: String { self == .ec ? "ES256" : "RS256" }
    }

    /// One that a browser has begun.
    private struct Code: Sendable {
        var challenge: String, nonce: String, redirect: String
    }

    private struct State: Sendable {
        var keys: [Key] = [.rsa, .ec]
        var key = Key.rsa
        var document: [String: any Sendable] = [:]
        var change: @Sendable (inout Token) -> Void = { _ in }
        var codes: [String: Code] = [:]
        var requests: [String] = []
        var failure: String?
    }

    private let state = Mutex(State())
    private let listener: LoopbackListener
    /// The one client that it knows.
    public let clientID = "obs", clientSecret = "s3cret & more"

    public init() throws {
        listener = try LoopbackListener()
        listener.accept(for: self) { provider, connection in provider.serve(connection) }
    }

    deinit { stop() }

    /// Answers nobody any more.
    public func stop() { listener.stop() }

    public var port: Int { Int(listener.port) }
    public var issuer: String { "http://127.0.0.1:\(port)" }
    /// Method and path of each request, without the query.
    public var requests: [String] { state.withLock { $0.requests } }

    // MARK: What a test wants of it

    /// Shows these keys from now on, and signs by the first one.
    public func publish(_ keys: [Key]) {
        state.withLock { state in (state.keys, state.key) = (keys, keys[0]) }
    }

    /// Changes each token that it gives for a code.
    public func changing(_ change: @escaping @Sendable (inout Token) -> Void) { state.withLock { $0.change = change } }

    /// Says something else of itself.
    public func saying(_ name: String, _ value: any Sendable) { state.withLock { $0.document[name] = value } }

    /// Answers every request with a status, such as `500 Broken`; nil as it should.
    public func failing(_ status: String?) { state.withLock { $0.failure = status } }

    /// A token for obs, of somebody in the group `sre`, after `change`.
    ///
    /// - Parameter time: when it is given, in seconds since 1970.
    public func token(at time: Double = Date.now.timeIntervalSince1970, _ change: (inout Token) -> Void = { _ in }) -> String {
        let key = state.withLock { $0.key }, now = Int(time)
        var token = Token(
            header: ["alg": key.algorithm, "kid": key.name, "typ": "JWT"],
            claims: [
                "iss": issuer, "sub": "4711", "aud": clientID, "exp": now + 300, "iat": now, "preferred_username": "ann",
                "groups": ["everybody", "sre"],
            ], key: key)
        change(&token)
        return Self.sign(token)
    }

    // MARK: Keys

    /// Made by `openssl`: the library takes minutes for it in a debug build.
    private static let rsaKeys: [_RSA.Signing.PrivateKey] = (0..<2).compactMap { _ in
        (try? output(of: "sh", ["-c", "openssl genrsa 2048 2>/dev/null"])).flatMap { try? .init(pemRepresentation: $0.text) }
    }

    /// Whether the keys could be made.
    public static var canBeMade: Bool { rsaKeys.count == 2 }
    private static let ecKey = P256.Signing.PrivateKey()

    private static func rsa(_ key: Key) -> _RSA.Signing.PrivateKey { rsaKeys[key == .otherRSA ? 1 : 0] }

    /// The public key as PEM: what a forger would use as a shared secret.
    public static var publicKey: String { rsaKeys[0].publicKey.pemRepresentation }

    private static func published(_ key: Key) -> [String: any Sendable] {
        switch key {
        case .rsa, .otherRSA:
            guard let numbers = try? rsa(key).publicKey.getKeyPrimitives() else { return [:] }
            return [
                "kty": "RSA", "use": "sig", "kid": key.name, "alg": "RS256", "n": encode(numbers.modulus),
                "e": encode(numbers.publicExponent),
            ]
        case .ec:
            let point = ecKey.publicKey.rawRepresentation
            return [
                "kty": "EC", "use": "sig", "kid": key.name, "crv": "P-256", "x": encode(point.prefix(32)),
                "y": encode(point.suffix(32)),
            ]
        case .none, .shared: return ["kty": "oct", "kid": "shared", "k": "AAAA"]
        }
    }

    private static func sign(_ token: Token) -> String {
        let text = encode(json(token.header)) + "." + encode(json(token.claims)), bytes = Data(text.utf8)
        let signature: Data?
        switch token.key {
        case .rsa, .otherRSA: signature = try? rsa(token.key).signature(for: bytes, padding: .insecurePKCS1v1_5).rawRepresentation
        case .ec: signature = try? ecKey.signature(for: bytes).rawRepresentation
        case .none: signature = Data()
        case .shared(let secret):
            signature = Data(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: Data(secret.utf8))))
        }
        return text + "." + encode(signature ?? Data())
    }

    private static func json(_ object: [String: any Sendable]) -> Data {
        (try? JSONSerialization.data(withJSONObject: object, options: .sortedKeys)) ?? Data()
    }

    private static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }

    // MARK: HTTP

    private func serve(_ connection: Int32) {
        guard let (line, headers, body) = Self.request(connection) else { return }
        let words = line.split(separator: " ").map(String.init), parts = URLComponents(string: words.count > 1 ? words[1] : "/")
        let fields = Dictionary((parts?.queryItems ?? []).map { ($0.name, $0.value ?? "") }) { first, _ in first }
        let name = "\(words[0]) \(parts?.path ?? "")"
        let failure = state.withLock { state in
            state.requests.append(name)
            return state.failure
        }
        let answer: (status: String, headers: [String], body: Data)
        switch name {
        case _ where failure != nil: answer = (failure!, [], Data())
        case "GET /.well-known/openid-configuration": answer = ("200 OK", ["Content-Type: application/json"], document)
        case "GET /keys":
            let keys = state.withLock { $0.keys }.map(Self.published)
            answer = ("200 OK", ["Content-Type: application/json"], Self.json(["keys": keys]))
        case "GET /authorize": answer = authorize(fields)
        case "GET /approve": answer = approve(fields)
        case "POST /token": answer = redeem(headers, body)
        case "GET /end": answer = ("200 OK", ["Content-Type: text/html"], Data("<p>Logged out of the provider.".utf8))
        default: answer = ("404 Not Found", [], Data())
        }
        let head = ["HTTP/1.1 \(answer.status)", "Content-Length: \(answer.body.count)", "Connection: close"] + answer.headers
        let bytes = Data((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + answer.body
        bytes.withUnsafeBytes { _ = send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private static func request(_ connection: Int32) -> (line: String, headers: [String: String], body: String)? {
        var received = [UInt8](), chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
                let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                let headers = Dictionary(
                    lines.dropFirst().map { line in
                        let parts = line.split(separator: ":", maxSplits: 1)
                        return (parts[0].lowercased(), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
                    }
                ) { _, last in last }
                let rest = received[end.upperBound...]
                if rest.count >= Int(headers["content-length"] ?? "0") ?? 0 {
                    return (lines[0], headers, String(decoding: rest, as: UTF8.self))
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            received += chunk[..<count]
        }
    }

    private var document: Data {
        let said: [String: any Sendable] = [
            "issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
            "jwks_uri": issuer + "/keys", "end_session_endpoint": issuer + "/end", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": true,
        ]
        return Self.json(said.merging(state.withLock { $0.document }) { _, changed in changed })
    }

    /// A page with a link, as a person would see it.
    private func authorize(_ fields: [String: String]) -> (status: String, headers: [String], body: Data) {
        guard fields["response_type"] == "code", fields["client_id"] == clientID, fields["code_challenge_method"] == "S256",
            let challenge = fields["code_challenge"], let redirect = fields["redirect_uri"], let nonce = fields["nonce"],
            let state = fields["state"], fields["scope"]?.contains("openid") == true
        else { return ("400 Bad Request", [], Data("a parameter is wrong".utf8)) }
        let code = UUID().uuidString
        self.state.withLock { $0.codes[code] = Code(challenge: challenge, nonce: nonce, redirect: redirect) }
        var back = URLComponents(string: redirect)
        back?.queryItems = [("code", code), ("state", state), ("iss", issuer)].map { URLQueryItem(name: $0, value: $1) }
        let address = back?.string ?? ""
        let encoded = Data(address.utf8).base64EncodedString().replacingOccurrences(of: "+", with: "%2B")
        let page = "<!doctype html><title>Provider</title><a id=\"approve\" href=\"/approve?to=\(encoded)\">Approve</a>"
        return ("200 OK", ["Content-Type: text/html"], Data(page.utf8))
    }

    private func approve(_ fields: [String: String]) -> (status: String, headers: [String], body: Data) {
        let address = Data(base64Encoded: fields["to"] ?? "").map { String(decoding: $0, as: UTF8.self) } ?? ""
        return ("302 Found", ["Location: \(address)"], Data())
    }

    private func redeem(_ headers: [String: String], _ body: String) -> (status: String, headers: [String], body: Data) {
        func refuse(_ error: String) -> (String, [String], Data) {
            ("400 Bad Request", ["Content-Type: application/json"], Self.json(["error": error]))
        }
        let items = URLComponents(string: "?" + body)?.queryItems ?? []
        let fields = Dictionary(items.map { ($0.name, $0.value ?? "") }) { first, _ in first }
        let pair = "\(clientID):s3cret%20%26%20more"
        guard headers["authorization"] == "Basic " + Data(pair.utf8).base64EncodedString() else {
            return refuse("invalid_client")
        }
        // A code holds once.
        guard let code = state.withLock({ $0.codes.removeValue(forKey: fields["code"] ?? "") }),
            fields["grant_type"] == "authorization_code", fields["redirect_uri"] == code.redirect,
            Self.encode(SHA256.hash(data: Data((fields["code_verifier"] ?? "").utf8))) == code.challenge
        else { return refuse("invalid_grant") }
        let change = state.withLock { $0.change }
        let token = token { token in
            token.claims["nonce"] = code.nonce
            change(&token)
        }
        return ("200 OK", ["Content-Type: application/json"], Self.json(["id_token": token, "token_type": "Bearer"]))
    }

    /// Where the page of the provider leads back to, as if a person had pressed its link; nil when it is refused.
    public func approval(of address: String) throws -> String? {
        let query = URLComponents(string: address)?.queryItems ?? []
        let page = authorize(Dictionary(query.map { ($0.name, $0.value ?? "") }) { first, _ in first })
        guard let match = String(decoding: page.body, as: UTF8.self).firstMatch(of: /to=([^"]*)"/) else { return nil }
        let encoded = String(match.1).removingPercentEncoding ?? ""
        return Data(base64Encoded: encoded).map { String(decoding: $0, as: UTF8.self) }
    }
}
