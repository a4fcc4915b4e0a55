import Columns

/// A provider of OpenID Connect, and what obs believes of what it says about people.
package struct OpenIDSettings: Sendable {
    /// The address of the provider, exactly as its tokens have it in `iss`.
    package var issuer: String
    /// Under which name the provider knows obs.
    package var clientID: String
    /// The secret that obs shows when it redeems a code; nil for a client without one. May block.
    package var clientSecret: (@Sendable () throws -> String)?
    /// The file with the issuers of the provider's certificate, as PEM; nil for those that the machine trusts.
    package var authorities: String?
    /// The scopes that obs requests.
    package var scopes = ["openid", "profile", "email"]
    /// The claim with the name that actions are recorded under.
    package var userClaim = "preferred_username"
    /// The claim with the groups or roles of a person: a text or a list of texts.
    package var roleClaim = "groups"
    /// The roles of obs by values of ``roleClaim``. Of several that fit the one that may do most holds.
    package var roles: [String: Role] = [:]
    /// The role of a person of whom no value fits; nil refuses them.
    package var defaultRole: Role?
    /// Whom a token that a program brings must be meant for; nil for ``clientID``.
    package var audience: String?
    /// For each exchange with the provider.
    package var timeout = Duration.seconds(10)
    /// Why no connection may be made to an address; nil where it may.
    package var refuses: @Sendable (IPAddress) -> String? = { _ in nil }
    /// Called with a sentence when the provider cannot be asked and what is known of it is still used.
    package var report: @Sendable (String) -> Void = { _ in }

    package init(issuer: String, clientID: String) {
        self.issuer = issuer
        self.clientID = clientID
    }

    /// The role of somebody with these values of ``roleClaim``.
    func role(of values: [String]) -> Role? {
        let found = values.compactMap { roles[$0] }
        return [Role.admin, .responder, .viewer].first(where: found.contains) ?? defaultRole
    }

    /// Why an address of a provider cannot be used, or nil. Without TLS anybody on the way could hand out log-ins, so that plain
    /// HTTP is for a provider on the same machine alone.
    package static func objection(to url: String) -> String? {
        if url.utf8.starts(with: "https://".utf8), url.utf8.count > 8 { return nil }
        let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        let isLocal = local.contains { start in
            let next = url.utf8.dropFirst(start.utf8.count).first
            return url.utf8.starts(with: start.utf8) && [nil, UInt8(ascii: ":"), UInt8(ascii: "/")].contains(next)
        }
        return isLocal ? nil : "'\(OpenIDError.shown(url, 200))' does not begin with https://"
    }
}

/// Who a provider says that somebody is.
package struct OpenIDPerson: Sendable, Equatable {
    /// Actions are recorded under this name.
    package let name: String
    /// By the map of roles.
    package let role: Role
    /// The provider's own name for the person, which it gives nobody else.
    package let subject: String
}

/// Why a log-in by a provider, or a token of it, is not accepted.
package enum OpenIDError: Error, Equatable, CustomStringConvertible {
    /// The provider does not answer, or not as the specification says. Nobody is at fault but it: try again.
    case unavailable(String)
    /// A token that is none, or not of the provider, or not for obs, or not of now.
    case badToken(String)
    /// The provider does not give a token for the code.
    case refusedCode(String)
    /// The provider knows the person, and none of the roles of obs is theirs.
    case noRole(String)
    /// The name of the person cannot be one here.
    case badName(String)

    /// A text from outside as it may be shown, in one line.
    static func shown(_ text: String, _ limit: Int) -> String { OutsideText(OutsideText(text).inOneLine).prefix(limit) }

    /// One sentence, without anything that is secret.
    package var description: String {
        switch self {
        case .unavailable(let reason): "the provider of log-ins cannot be asked: \(reason)"
        case .badToken(let reason): "the token of the provider of log-ins is not accepted: \(reason)"
        case .refusedCode(let reason): "the provider of log-ins does not take the code: \(reason)"
        case .noRole(let name): "\(name) has no role in this obs; ask whoever runs it for a group that has one"
        case .badName(let reason): "the provider's name for you cannot be used: \(reason)"
        }
    }
}
