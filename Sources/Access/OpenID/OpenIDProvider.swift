import Columns
import Foundation
import JWTKit
import Transfer

/// A provider of OpenID Connect: who it says that somebody is, and by which keys its word is checked.
///
/// Its document and keys are fetched when they are first needed, and again when they are old or a token names an unknown key: a
/// provider rotates its keys without notice. How often that happens is limited, because anybody may send tokens. While the
/// provider cannot be reached, the known document and keys are used for a day.
///
/// Source: OpenID Connect Core 1.0, §3.1 and §10.1; RFC 7636; RFC 9068; RFC 8725.
package actor OpenIDProvider {
    package nonisolated let settings: OpenIDSettings
    private var known: (document: ProviderDocument, keys: VerificationKeys, at: Timestamp)?
    private var lastTry: (at: Timestamp, failure: OpenIDError?)?
    private var fetching: Task<Result<(ProviderDocument, VerificationKeys), OpenIDError>, Never>?

    /// Keys are asked for again after an hour, and not used after a day.
    static let age = Duration.seconds(3600), greatestAge = Duration.seconds(86_400)
    /// Not more often, whatever tokens come.
    static let pause = Duration.seconds(10)

    package init(_ settings: OpenIDSettings) {
        self.settings = settings
    }

    // MARK: Log-ins

    /// Where a browser is sent to log in.
    ///
    /// - Throws: ``OpenIDError/unavailable(_:)``.
    package func address(for attempt: LogInAttempt, now: Timestamp) async throws(OpenIDError) -> String {
        let document = try await document(now)
        let separator = document.authorization.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
        return document.authorization + separator + Self.form(attempt.query(settings))
    }

    /// Who has logged in, for the code that the browser has come back with.
    ///
    /// - Parameter issuer: whom the browser says that it comes from, if it does.
    /// - Throws: ``OpenIDError``.
    package func person(code: String, from issuer: String?, _ attempt: LogInAttempt, now: Timestamp) async throws(OpenIDError)
        -> OpenIDPerson
    {
        let document = try await document(now)
        guard issuer == settings.issuer || issuer == nil && !document.namesItself else {
            throw .refusedCode("the browser comes from another provider")
        }
        let answer = try await Self.blocking { [settings] () throws(OpenIDError) in
            try Self.redeem(code, attempt, at: document, settings)
        }
        return try await claims(of: answer, for: .logIn(nonce: attempt.nonce), now: now).person(settings)
    }

    /// Where a browser may be sent to log out at the provider too; nil when it has no such page, or nothing is known of it yet.
    package var endOfSession: String? {
        guard let address = known?.document.endOfSession else { return nil }
        let separator = address.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
        return address + separator + Self.form([("client_id", settings.clientID)])
    }

    private struct Answer: Decodable {
        let id_token: String?
        let error: String?
    }

    /// Blocks.
    private static func redeem(
        _ code: String, _ attempt: LogInAttempt, at document: ProviderDocument, _ settings: OpenIDSettings
    ) throws(OpenIDError) -> String {
        var fields = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", attempt.returnAddress),
            ("code_verifier", attempt.verifier), ("client_id", settings.clientID),
        ]
        var request = WebRequest("POST", document.token)
        if let secret = settings.clientSecret {
            let text: String
            do { text = try secret() } catch { throw .unavailable("the secret of obs cannot be read: \(error)") }
            if document.takesBasic {
                // RFC 6749, §2.3.1: both are encoded first.
                let pair = [settings.clientID, text].map(encoded).joined(separator: ":")
                request.headers["Authorization"] = "Basic " + Data(pair.utf8).base64EncodedString()
            } else {
                fields.append(("client_secret", text))
            }
        }
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.headers["Accept"] = "application/json"
        request.body = Data(form(fields).utf8)
        let answer = try ask(request, settings)
        let read = try? JSONDecoder().decode(Answer.self, from: answer.body)
        if let token = read?.id_token, answer.isSuccess { return token }
        guard !(500..<600).contains(answer.status) else { throw .unavailable("it answers \(answer.status)") }
        throw .refusedCode(OpenIDError.shown(read?.error ?? "it answers \(answer.status)", 100))
    }

    // MARK: Tokens

    /// Who a program acts for that shows a token of the provider.
    ///
    /// - Throws: ``OpenIDError``.
    package func person(ofToken token: String, now: Timestamp) async throws(OpenIDError) -> OpenIDPerson {
        try await claims(of: token, for: .request, now: now).person(settings)
    }

    private struct Header: Decodable {
        let alg: String
        let kid: String?
        let typ: String?
        let crit: [String]?
    }

    /// Longer ones are not looked at.
    private static let longestToken = 16_384

    /// What a token says, after everything about it is checked.
    private func claims(
        of token: String, for purpose: TokenClaims.Purpose, now: Timestamp
    ) async throws(OpenIDError) -> TokenClaims {
        guard token.utf8.count <= Self.longestToken else { throw .badToken("it has more than \(Self.longestToken) bytes") }
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64URL.decode(String(Substring(parts[0]))),
            let header = try? JSONDecoder().decode(Header.self, from: bytes)
        else { throw .badToken("it is not a signed JSON Web Token") }
        guard VerificationKeys.isAccepted(header.alg) else {
            throw .badToken("a signature by '\(OpenIDError.shown(header.alg, 20))' is not accepted")
        }
        // RFC 7515, §4.1.11: what one does not understand must be refused.
        guard header.crit == nil else { throw .badToken("it has a critical extension") }
        try Self.check(type: header.typ, for: purpose)
        var key = try await key(header, now)
        key.algorithm = JWK.Algorithm(rawValue: header.alg)
        key.keyIdentifier = JWKIdentifier(string: "key")
        // Of one key alone: a collection with several takes its first one for a name that it does not know.
        let collection = JWTKeyCollection(), claims: TokenClaims
        do {
            try await collection.add(jwk: key)
            claims = try await collection.verify(token, as: TokenClaims.self)
        } catch {
            throw .badToken("its signature is wrong")
        }
        try claims.check(purpose, settings, now: now)
        return claims
    }

    /// A token for one purpose is not taken for another.
    ///
    /// Source: RFC 8725, §3.11; RFC 9068, §2.1.
    private static func check(type: String?, for purpose: TokenClaims.Purpose) throws(OpenIDError) {
        let type = type?.lowercased() ?? "jwt"
        let isFit =
            switch purpose {
            case .logIn: type == "jwt"
            case .request: ["jwt", "at+jwt", "application/at+jwt"].contains(type)
            }
        guard isFit else { throw .badToken("it is of the type '\(OpenIDError.shown(type, 30))'") }
    }

    // MARK: What is known of the provider

    private func document(_ now: Timestamp) async throws(OpenIDError) -> ProviderDocument {
        if let known, Self.age(of: known.at, now) < Self.age { return known.document }
        return try await refreshed(now).document
    }

    private func key(_ header: Header, _ now: Timestamp) async throws(OpenIDError) -> JWK {
        if let known, Self.age(of: known.at, now) < Self.age, let key = known.keys.key(named: header.kid, for: header.alg) {
            return key
        }
        guard let key = try await refreshed(now).keys.key(named: header.kid, for: header.alg) else {
            throw .badToken("the provider has no such key")
        }
        return key
    }

    /// What is known after the provider was asked again, if it was not asked a moment ago.
    ///
    /// - Throws: ``OpenIDError/unavailable(_:)`` when nothing is known that could still be used.
    private func refreshed(_ now: Timestamp) async throws(OpenIDError) -> (document: ProviderDocument, keys: VerificationKeys) {
        if let lastTry, fetching == nil, Self.age(of: lastTry.at, now) < Self.pause {
            return try usable(now, lastTry.failure)
        }
        // All who need it wait for the same exchange. It ends by its own limits, and by nobody's leaving.
        let task =
            fetching
            ?? Task { [settings] in
                await Result.of { () throws(OpenIDError) in
                    try await Self.blocking { () throws(OpenIDError) in try Self.fetch(settings) }
                }
            }
        fetching = task
        let result = await task.value
        // The first of those who waited keeps what came.
        guard fetching == task else { return try usable(now, lastTry?.failure) }
        fetching = nil
        switch result {
        case .success(let (document, keys)):
            known = (document, keys, now)
            lastTry = (now, nil)
        case .failure(let error):
            lastTry = (now, error)
            if known != nil { settings.report("\(error); what is known of it is used") }
        }
        return try usable(now, lastTry?.failure)
    }

    private func usable(_ now: Timestamp, _ failure: OpenIDError?) throws(OpenIDError) -> (ProviderDocument, VerificationKeys) {
        guard let known, Self.age(of: known.at, now) < Self.greatestAge else {
            throw failure ?? .unavailable("nothing is known of it")
        }
        return (known.document, known.keys)
    }

    /// How old something of `time` is. Requests of the same moment may be answered in another order than that of their times; a
    /// time that is later by more is as good as long ago: the clock was set back.
    private static func age(of time: Timestamp, _ now: Timestamp) -> Duration {
        time - now > TokenClaims.skew ? greatestAge : max(.zero, now - time)
    }

    /// Blocks.
    private static func fetch(_ settings: OpenIDSettings) throws(OpenIDError) -> (ProviderDocument, VerificationKeys) {
        func get(_ url: String) throws(OpenIDError) -> Data {
            let answer = try ask(WebRequest("GET", url), settings)
            guard answer.status == 200 else { throw .unavailable("\(url) answers \(answer.status)") }
            return answer.body
        }
        let document = try ProviderDocument(try get(ProviderDocument.address(of: settings.issuer)), issuer: settings.issuer)
        return (document, try VerificationKeys(try get(document.keys)))
    }

    private static func ask(_ request: WebRequest, _ settings: OpenIDSettings) throws(OpenIDError) -> WebAnswer {
        var request = request
        request.authorities = settings.authorities
        request.timeout = settings.timeout
        request.answerLimit = 262_144
        request.refuses = settings.refuses
        do throws(NoAnswer) { return try request.perform() } catch {
            throw .unavailable(OpenIDError.shown(error.reason, 300))
        }
    }

    /// Runs what blocks on a thread that may.
    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(OpenIDError) -> Value
    ) async throws(OpenIDError) -> Value {
        let result = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: Result { () throws(OpenIDError) in try body() }) }
        }
        return try result.get()
    }

    /// `name=value&…`, with everything encoded that is not a letter, a digit or one of `-._~`.
    private static func form(_ fields: [(String, String)]) -> String {
        fields.map { name, value in "\(encoded(name))=\(encoded(value))" }.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(
            withAllowedCharacters: CharacterSet(
                charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")) ?? ""
    }
}

extension Result where Failure == OpenIDError, Success: Sendable {
    fileprivate static func of(_ body: () async throws(OpenIDError) -> Success) async -> Self {
        do throws(OpenIDError) { return .success(try await body()) } catch { return .failure(error) }
    }
}
