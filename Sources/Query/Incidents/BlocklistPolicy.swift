import Columns
import Foundation

/// What is put on the list of addresses to block. `blocklist` in `obs.yaml`.
public struct BlocklistPolicy: Sendable, Decodable {
    /// Names of rules. By default those that come with obs and find an attack by one address or network.
    public var rules: Set<String> = [
        "SSHBruteForce", "SSHBruteForceManyHosts", "SSHBruteForceSlow", "SSHUserEnumeration", "SSHPasswordSpray",
        "SSHPasswordSpraySlow",
        "SSHRotatingNetwork", "SSHScanner", "SSHScannerSlow", "SSHAttemptsExhausted", "SSHConnectionsHeldOpen",
        "SSHConnectionsHeldOpenSlow", "SSHConnectionFlood", "SSHUsersNotAllowed", "SSHSuccessAfterFailures",
        "SSHSuccessAfterGuessing", "SSHSuccessAfterSpray",
    ]
    /// Never listed, nor is a network that has one of them in it.
    public var allow: [IPNetwork] = []
    /// How long after an attack was last seen its address stays on the list.
    public var expiry = Duration.seconds(86_400)
    /// Whether addresses may be listed that are not of the internet: of a house, of a provider's customers, of the machine.
    public var includesPrivate = false

    /// Not of the internet, or not of one machine.
    ///
    /// Source: RFC 6890, "Special-Purpose IP Address Registries"; multicast by RFC 5771 and RFC 4291 §2.7. Networks for
    /// documentation are not among them: nobody is there, and examples use them.
    public static let privateNetworks = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/3",
        "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
    ].compactMap { IPNetwork($0) }

    /// The defaults: every key of `blocklist` left out.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case rules, allow
        case expiry = "expire"
        case includesPrivate = "private"
    }

    /// Of the section `blocklist`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        rules = try container.decodeIfPresent(Set<String>.self, forKey: .rules) ?? rules
        expiry = try container.duration(.expiry) ?? expiry
        includesPrivate = try container.decodeIfPresent(Bool.self, forKey: .includesPrivate) ?? false
        allow = try (container.decodeIfPresent([String].self, forKey: .allow) ?? []).map { text in
            guard let network = IPNetwork(text) else {
                throw container.refused(
                    .allow, "'allow' names '\(text)', which is not an address; write such as 192.0.2.7 or 192.0.2.0/24")
            }
            return network
        }
        guard expiry > .zero else { throw container.refused(.expiry, "'expire' is 0; write a duration such as 24h") }
    }
}
