import Columns
import Crypto
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Access

/// A change to a token that is right, and the word that its refusal has.
struct Forgery: Sendable, CustomTestStringConvertible {
    let name: String
    let word: String
    let change: @Sendable (inout OpenIDTestProvider.Token) -> Void

    init(_ name: String, _ word: String, _ change: @escaping @Sendable (inout OpenIDTestProvider.Token) -> Void) {
        (self.name, self.word, self.change) = (name, word, change)
    }

    var testDescription: String { name }

    private static var now: Int { Int(Date.now.timeIntervalSince1970) }

    /// What neither a log-in nor a request may bring.
    static let all = [
        Forgery("no signature", "signature by 'none' is not accepted") { ($0.header["alg"], $0.key) = ("none", .none) },
        Forgery("no signature, and the algorithm of one", "signature is wrong") { $0.key = .none },
        Forgery("the public key as a shared secret", "signature by 'HS256'") {
            ($0.header["alg"], $0.key) = ("HS256", .shared(OpenIDTestProvider.publicKey))
        },
        Forgery("the public key as a shared secret, named otherwise", "signature is wrong") {
            $0.key = .shared(OpenIDTestProvider.publicKey)
        },
        Forgery("another key under the name of one that is known", "signature is wrong") { $0.key = .otherRSA },
        Forgery("the algorithm of another kind of key", "no such key") { $0.header["alg"] = "ES256" },
        Forgery("a longer digest than the key is for", "no such key") { $0.header["alg"] = "RS512" },
        Forgery("a key that nobody knows", "no such key") { $0.header["kid"] = "../../etc/passwd" },
        Forgery("no name of a key, by a key that is not the provider's", "signature is wrong") {
            ($0.header["kid"], $0.key) = (nil, .otherRSA)
        },
        Forgery("a key of its own in the header", "signature is wrong") {
            $0.header["jwk"] = ["kty": "oct", "k": "AAAA"]
            $0.key = .shared("AAAA")
        },
        Forgery("a critical extension", "critical") { $0.header["crit"] = ["exp"] },
        Forgery("the type of a log-out", "of the type 'logout+jwt'") { $0.header["typ"] = "logout+jwt" },
        Forgery("past its end", "expired") { $0.claims["exp"] = now - 61 },
        Forgery("no end", "no time") { $0.claims["exp"] = nil },
        Forgery("an end that is no time", "no time") { $0.claims["exp"] = "tomorrow" },
        Forgery("an end beyond all times", "no time") { $0.claims["exp"] = 1e300 },
        Forgery("of the future", "not valid yet") { $0.claims["iat"] = now + 120 },
        Forgery("not yet valid", "not valid yet") { $0.claims["nbf"] = now + 120 },
        Forgery("of another issuer", "another issuer") { $0.claims["iss"] = "https://evil.example" },
        Forgery("of the issuer with a slash", "another issuer") { $0.claims["iss"] = ($0.claims["iss"] as? String ?? "") + "/" },
        Forgery("without an issuer", "another issuer") { $0.claims["iss"] = nil },
        Forgery("for another client", "somebody else") { $0.claims["aud"] = "grafana" },
        Forgery("for nobody", "somebody else") { $0.claims["aud"] = nil },
        Forgery("for a name that begins as obs does", "somebody else") { $0.claims["aud"] = "obs2" },
        Forgery("without a subject", "subject") { $0.claims["sub"] = nil },
        Forgery("of somebody without a name", "'preferred_username' is absent") { $0.claims["preferred_username"] = nil },
        Forgery("of a name that is markup", "cannot be a name") { $0.claims["preferred_username"] = "<b>ann" },
        Forgery("of a name that is a number", "is absent") { $0.claims["preferred_username"] = 7 },
        Forgery("of somebody without a role", "ann has no role") { $0.claims["groups"] = ["everybody"] },
        Forgery("of roles that are no texts", "ann has no role") { $0.claims["groups"] = [1, 2] },
    ]
}

@Suite(.enabled(if: OpenIDTestProvider.canBeMade))
struct `A provider of log-ins` {
    private let provider: OpenIDTestProvider

    init() throws { provider = try OpenIDTestProvider() }

    private func settings(_ change: (inout OpenIDSettings) -> Void = { _ in }) -> OpenIDSettings {
        var settings = OpenIDSettings(issuer: provider.issuer, clientID: provider.clientID)
        // The machine of a test may be very busy.
        settings.timeout = .seconds(120)
        settings.clientSecret = { "s3cret & more" }
        settings.roles = ["sre": .responder, "boss": .admin, "staff": .viewer]
        change(&settings)
        return settings
    }

    /// What is wrong with a token; nil when it is accepted.
    private func refusal(_ token: String, by known: OpenIDProvider, now: Timestamp = .now) async -> String? {
        do {
            _ = try await known.person(ofToken: token, now: now)
            return nil
        } catch { return "\(error)" }
    }

    @Test(arguments: [OpenIDTestProvider.Key.rsa, .ec])
    func `says who somebody is, by the key that its document leads to`(key: OpenIDTestProvider.Key) async throws {
        provider.publish([key, .none])
        let person = try await OpenIDProvider(settings()).person(ofToken: provider.token(), now: .now)
        #expect(person == OpenIDPerson(name: "ann", role: .responder, subject: "4711"))
    }

    @Test(arguments: Forgery.all)
    func `is not believed for`(forgery: Forgery) async throws {
        let known = OpenIDProvider(settings())
        let refused = await refusal(provider.token(forgery.change), by: known)
        #expect(refused?.contains(forgery.word) == true, "\(refused ?? "accepted")")
        #expect(await refusal(provider.token(), by: known) == nil)
    }

    @Test(arguments: [
        "", "a.b", "a.b.c.d", "...", "eyJ", "e30.e30.", String(repeating: "eyJ.", count: 9000), "é.e30.e30",
        "eyJhbGciOjF9.e30.AA",
    ])
    func `is not believed for what is no token`(text: String) async throws {
        #expect(await refusal(text, by: OpenIDProvider(settings()))?.contains("is not accepted: it ") == true)
        #expect(provider.requests.isEmpty, "nothing is asked for it")
    }

    @Test func `has a clock that may differ by a minute`() async throws {
        let known = OpenIDProvider(settings()), now = Int(Date.now.timeIntervalSince1970)
        #expect(await refusal(provider.token { $0.claims["exp"] = now - 30 }, by: known) == nil)
        #expect(await refusal(provider.token { $0.claims["nbf"] = now + 30 }, by: known) == nil)
    }

    @Test func `is asked again for a key that is new, but not for each token that comes`() async throws {
        let known = OpenIDProvider(settings()), start = Timestamp.now
        let time = start.secondsSince1970
        #expect(await refusal(provider.token(at: time), by: known, now: start) == nil)
        provider.publish([.otherRSA])
        let rotated = provider.token(at: time)
        // Too soon: anybody may send names of keys.
        #expect(await refusal(rotated, by: known, now: start + .seconds(5))?.contains("no such key") == true)
        #expect(provider.requests.count { $0 == "GET /keys" } == 1)
        #expect(await refusal(rotated, by: known, now: start + .seconds(11)) == nil)
        for second in 12..<20 {
            let unknown = provider.token(at: time) { $0.header["kid"] = "k\(second)" }
            #expect(await refusal(unknown, by: known, now: start + .seconds(second))?.contains("no such key") == true)
        }
        #expect(provider.requests.count { $0 == "GET /keys" } == 2)
        // The key that is gone is not good any more.
        let old = provider.token(at: time) { ($0.header["kid"], $0.key) = ("rsa-1", .rsa) }
        #expect(await refusal(old, by: known, now: start + .seconds(20))?.contains("no such key") == true)
    }

    @Test func `is asked once by many who need it at the same time`() async throws {
        let known = OpenIDProvider(settings()), token = provider.token()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { #expect(await refusal(token, by: known) == nil) } }
        }
        #expect(provider.requests.count == 2)
    }

    @Test func `that cannot be asked is believed for a day by what is known of it`() async throws {
        let said = Mutex<[String]>([])
        let known = OpenIDProvider(settings { $0.report = { text in said.withLock { $0.append(text) } } }), start = Timestamp.now
        func token(_ hours: Int64) -> String {
            provider.token(at: start.secondsSince1970 + Double(hours) * 3600)
        }
        #expect(await refusal(token(0), by: known, now: start) == nil)
        provider.failing("500 Broken")
        #expect(await refusal(token(2), by: known, now: start + .seconds(2 * 3600)) == nil)
        #expect(said.withLock { $0 }.contains { $0.contains("answers 500; what is known of it is used") })
        let late = await refusal(token(25), by: known, now: start + .seconds(25 * 3600))
        #expect(late?.hasPrefix("the provider of log-ins cannot be asked: ") == true, "\(late ?? "")")
        provider.failing(nil)
        #expect(await refusal(token(26), by: known, now: start + .seconds(26 * 3600)) == nil)
    }

    @Test(arguments: [
        ("issuer", "https://evil.example", "of the issuer 'https://evil.example'"),
        ("token_endpoint", "http://evil.example/token", "does not begin with https://"),
        ("jwks_uri", "file:///etc/passwd", "does not begin with https://"),
        ("authorization_endpoint", "javascript:alert(1)", "does not begin with https://"),
        ("jwks_uri", "http://127.0.0.1.evil.example/", "does not begin with https://"),
        ("code_challenge_methods_supported", "plain", "is not a document"),
    ])
    func `is not used when its document says something dangerous`(name: String, value: String, word: String) async throws {
        provider.saying(name, value)
        let refused = await refusal(provider.token(), by: OpenIDProvider(settings()))
        #expect(refused?.contains(word) == true, "\(refused ?? "accepted")")
    }

    @Test func `is not asked at an address that is refused`() async throws {
        let known = OpenIDProvider(settings { $0.refuses = { "its address \($0) is special" } })
        #expect(await refusal(provider.token(), by: known)?.contains("its address 127.0.0.1 is special") == true)
        #expect(provider.requests.isEmpty)
    }

    @Test(arguments: [
        (["groups": ["staff", "boss", "sre"] as any Sendable], "groups", Role.admin as Role?),
        (["groups": "staff"], "groups", .viewer),
        (["realm_access": ["roles": ["sre"]]], "realm_access.roles", .responder),
        (["https://obs.example/roles": ["boss"]], "https://obs.example/roles", .admin),
        (["a.b": ["c": "staff"]], "a.b.c", .viewer), (["groups": ["Boss", "boss "]], "groups", nil), ([:], "groups", nil),
    ])
    func `gives the role that may do most of those in its claim`(
        claims: [String: any Sendable], claim: String, role: Role?
    ) async throws {
        let known = OpenIDProvider(settings { $0.roleClaim = claim })
        let token = provider.token { token in
            token.claims["groups"] = nil
            token.claims.merge(claims) { $1 }
        }
        let person = try? await known.person(ofToken: token, now: .now)
        #expect(person?.role == role)
        let other = OpenIDProvider(settings { ($0.roleClaim, $0.defaultRole) = (claim, .viewer) })
        #expect(try await other.person(ofToken: token, now: .now).role == role ?? .viewer)
    }

    @Test func `is believed about mail addresses that it has verified alone`() async throws {
        let known = OpenIDProvider(settings { $0.userClaim = "email" })
        for (verified, isAccepted) in [(true as (any Sendable)?, true), (false, false), ("true", false), (nil, false)] {
            let token = provider.token { token in
                (token.claims["email"], token.claims["email_verified"]) = ("ann@example.org", verified)
            }
            #expect(await (refusal(token, by: known) == nil) == isAccepted, "\(String(describing: verified))")
        }
    }

    @Test func `takes its own tokens for programs when they are for the audience of obs`() async throws {
        let known = OpenIDProvider(settings { $0.audience = "obs-api" })
        let token = provider.token { token in
            token.header["typ"] = "at+jwt"
            (token.claims["aud"], token.claims["azp"]) = (["obs-api", "other"], "cli")
        }
        #expect(await refusal(token, by: known) == nil)
        #expect(await refusal(provider.token(), by: known)?.contains("somebody else") == true)
    }

    @Test func `seals a log-in so that nobody else can read, change or keep it`() {
        let key = SymmetricKey(size: .bits256), now = Timestamp.now
        let attempt = LogInAttempt(returnAddress: "http://x/login/openid/return", next: "silences", now: now)
        let sealed = attempt.sealed(by: key)
        #expect(LogInAttempt(sealed: sealed, by: key, now: now)?.state == attempt.state)
        #expect(LogInAttempt(sealed: sealed, by: SymmetricKey(size: .bits256), now: now) == nil)
        #expect(LogInAttempt(sealed: sealed, by: key, now: now + .seconds(600)) == nil)
        #expect(LogInAttempt(sealed: String(sealed.dropLast(2)) + "AA", by: key, now: now) == nil)
        #expect(LogInAttempt(sealed: "", by: key, now: now) == nil)
        let longest = LogInAttempt(
            returnAddress: String(repeating: "r", count: 300), next: String(repeating: "n", count: 1000), now: now)
        #expect(longest.sealed(by: key).utf8.count < 3500, "a cookie has room for it")
        #expect(attempt.state != LogInAttempt(returnAddress: "", next: "", now: now).state)
    }
}
