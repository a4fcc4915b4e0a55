import Access
import Columns
import Foundation
import Notify

/// The section `http.oidc` of obs.yaml: a provider of OpenID Connect whom people log in by.
struct OpenIDSection: Sendable, Hashable {
    /// The address of the provider, as its tokens have it.
    var issuer: String
    var clientID: String
    /// Nil for a client without one.
    var clientSecret: Secret?
    /// The issuers of the provider's certificate; nil for those that the machine trusts.
    var authorities: String?
    /// What the page calls the provider; nil for its host.
    var name: String?
    var scopes: [String]?
    var userClaim: String?
    var roleClaim: String?
    /// The roles by values of the claim.
    var roles: [String: Role]
    var defaultRole: Role?
    var audience: String?
    /// For each exchange with the provider.
    var timeout = Duration.seconds(10)
}

extension OpenIDSection: Decodable {
    private enum CodingKeys: String, CodingKey {
        case issuer, name, scopes, roles, audience
        case clientID = "client_id"
        case clientSecret = "client_secret"
        case authorities = "ca_file"
        case userClaim = "user_claim"
        case roleClaim = "role_claim"
        case defaultRole = "default_role"
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        issuer = try keys.decode(String.self, forKey: .issuer)
        if let objection = OpenIDSettings.objection(to: issuer) {
            throw keys.refused(.issuer, "issuer \(objection); write the address that the provider's tokens have in 'iss'")
        }
        clientID = try keys.decode(String.self, forKey: .clientID)
        clientSecret = try keys.decodeIfPresent(Secret.self, forKey: .clientSecret)
        authorities = try keys.decodeIfPresent(String.self, forKey: .authorities)
        name = try keys.decodeIfPresent(String.self, forKey: .name)
        scopes = try keys.decodeIfPresent([String].self, forKey: .scopes)
        userClaim = try keys.decodeIfPresent(String.self, forKey: .userClaim)
        roleClaim = try keys.decodeIfPresent(String.self, forKey: .roleClaim)
        audience = try keys.decodeIfPresent(String.self, forKey: .audience)
        defaultRole = try keys.decodeIfPresent(String.self, forKey: .defaultRole).flatMap { Role(rawValue: $0) }
        roles = try (keys.decodeIfPresent([String: String].self, forKey: .roles) ?? [:]).mapValues { text in
            guard let role = Role(rawValue: text), Role.ofPeople.contains(role) else {
                throw keys.refused(.roles, "roles has '\(text)'; the roles of people are viewer, responder and admin")
            }
            return role
        }
        guard !roles.isEmpty || defaultRole != nil else {
            throw keys.refused(
                .issuer,
                "oidc has neither roles nor a default_role, so that nobody could log in; write such as "
                    + "roles: { obs-admins: admin, staff: viewer }")
        }
    }

}

extension OpenIDSection {
    /// What the page calls the provider.
    var shownName: String { name ?? URLComponents(string: issuer)?.host ?? issuer }

    /// The same for the room that speaks to the provider.
    func settings(report: @escaping @Sendable (String) -> Void) -> OpenIDSettings {
        var settings = OpenIDSettings(issuer: issuer, clientID: clientID)
        if let clientSecret { settings.clientSecret = { try clientSecret.read() } }
        settings.authorities = authorities
        if let scopes { settings.scopes = ["openid"] + scopes.filter { $0 != "openid" } }
        settings.userClaim = userClaim ?? settings.userClaim
        settings.roleClaim = roleClaim ?? settings.roleClaim
        (settings.roles, settings.defaultRole, settings.audience) = (roles, defaultRole, audience)
        settings.refuses = { Destinations.objection(toSpecial: $0) }
        (settings.timeout, settings.report) = (timeout, report)
        return settings
    }
}
