import Columns
import Foundation
import JWTKit

/// What a token says, once its signature is checked.
struct TokenClaims: JWTPayload {
    /// Any JSON: which claim has the roles is a matter of the configuration.
    indirect enum Value: Codable, Sendable {
        case text(String)
        case number(Double)
        case flag(Bool)
        case list([Value])
        case object([String: Value])
        case null

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let flag = try? container.decode(Bool.self) {
                self = .flag(flag)
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let list = try? container.decode([Value].self) {
                self = .list(list)
            } else {
                self = .object(try container.decode([String: Value].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            case .flag(let flag): try container.encode(flag)
            case .list(let list): try container.encode(list)
            case .object(let object): try container.encode(object)
            case .null: try container.encodeNil()
            }
        }

        var text: String? { if case .text(let text) = self { text } else { nil } }

        /// A text, or the texts of a list.
        var texts: [String] {
            switch self {
            case .text(let text): [text]
            case .list(let list): list.compactMap(\.text)
            default: []
            }
        }
    }

    private let values: [String: Value]

    init(from decoder: any Decoder) throws { values = try decoder.singleValueContainer().decode([String: Value].self) }
    func encode(to encoder: any Encoder) throws { try Value.object(values).encode(to: encoder) }

    /// Nothing by itself: what must hold depends on what a token is for and on the time, and ``check(_:now:)`` holds it.
    func verify(using _: some JWTAlgorithm) async throws {}

    /// What a token is shown for.
    enum Purpose: Sendable {
        /// It says who has just logged in, in answer to a request with this nonce.
        case logIn(nonce: String)
        /// A program shows it with a request.
        case request
    }

    /// How far the clocks of provider and obs may differ.
    static let skew = Duration.seconds(60)

    /// - Throws: ``OpenIDError/badToken(_:)`` for one of another issuer, for another client, or not of now.
    func check(_ purpose: Purpose, _ settings: OpenIDSettings, now: Timestamp) throws(OpenIDError) {
        guard values["iss"]?.text == settings.issuer else { throw .badToken("it is of another issuer") }
        try checkTime(now)
        let audience = values["aud"]?.texts ?? []
        switch purpose {
        case .request:
            guard audience.contains(settings.audience ?? settings.clientID) else { throw .badToken("it is for somebody else") }
        case .logIn(let nonce):
            guard audience.contains(settings.clientID) else { throw .badToken("it is for somebody else") }
            // OpenID Connect Core, §3.1.3.7, 4 and 5.
            let party = values["azp"]?.text
            guard party == settings.clientID || party == nil && audience.count == 1 else {
                throw .badToken("it was given to another client")
            }
            guard let given = values["nonce"]?.text, AccessStore.isSame(given, nonce) else {
                throw .badToken("it answers another log-in")
            }
        }
    }

    private func checkTime(_ now: Timestamp) throws(OpenIDError) {
        guard let end = time("exp") else { throw .badToken("it says no time at which it ends") }
        guard now < end + Self.skew else { throw .badToken("it has expired") }
        for claim in ["nbf", "iat"] where values[claim] != nil {
            guard let start = time(claim), start <= now + Self.skew else { throw .badToken("it is not valid yet") }
        }
    }

    /// Seconds since 1970, within what a time can be.
    private func time(_ claim: String) -> Timestamp? {
        guard case .number(let seconds)? = values[claim], (0..<1e11).contains(seconds) else { return nil }
        return Timestamp(seconds: Int64(seconds))
    }

    /// Who it is about.
    ///
    /// - Throws: ``OpenIDError`` for somebody without a usable name, or without a role.
    func person(_ settings: OpenIDSettings) throws(OpenIDError) -> OpenIDPerson {
        guard let subject = values["sub"]?.text, !subject.isEmpty else { throw .badToken("it says nothing of a subject") }
        guard let name = value(at: settings.userClaim)?.text else {
            throw .badName("the claim '\(settings.userClaim)' is absent")
        }
        // Whoever may write any address into their account could be anybody else.
        if settings.userClaim == "email" {
            guard case .flag(true)? = values["email_verified"] else { throw .badName("the mail address is not verified") }
        }
        do { try AccessStore.check(name: name) } catch { throw .badName("\(error)") }
        guard let role = settings.role(of: value(at: settings.roleClaim)?.texts ?? []) else { throw .noRole(name) }
        return OpenIDPerson(name: name, role: role, subject: subject)
    }

    /// The claim of a name; with dots also one within others, such as `realm_access.roles`. Names of claims may have dots
    /// themselves, as those that are addresses do, so that the whole name goes first.
    private func value(at path: String) -> Value? {
        func find(_ object: [String: Value], _ words: ArraySlice<String>) -> Value? {
            if let value = object[words.joined(separator: ".")] { return value }
            for count in 1..<max(1, words.count) {
                guard case .object(let inner)? = object[words.prefix(count).joined(separator: ".")] else { continue }
                if let value = find(inner, words.dropFirst(count)) { return value }
            }
            return nil
        }
        return find(values, OutsideText(path).split { $0 == "." }[...])
    }
}
