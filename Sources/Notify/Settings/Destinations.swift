import Columns
import Foundation

/// Where notifications may be sent: the section `alerting.destinations`.
///
/// A receiver's address may be written by somebody who is not to reach everything that this machine reaches. Link-local addresses
/// and those of the metadata services of clouds, which hand out credentials to whoever asks, are refused unless they are named.
/// What is checked is the address that a connection is made to, after the name was looked up, so that a name that is looked up
/// once more cannot lead elsewhere; each redirect is checked again.
package struct Destinations: Sendable, Hashable {
    /// Names of hosts, in lower case; `*.example.org` is every name below it. Empty together with ``networks``: every host.
    private var hosts: [String] = []
    private var networks: [IPNetwork] = []

    /// Nobody but the machine itself, or its cloud, is there.
    ///
    /// Source: RFC 3927, RFC 4291 §2.5.6; the metadata services of AWS (also by IPv6), Azure, Google and others are at
    /// 169.254.169.254, those of Azure's agent and of Alibaba at addresses of their own.
    static let special = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "168.63.129.16/32", "100.100.100.200/32"].compactMap
    {
        IPNetwork($0)
    }

    /// Why nothing is asked of an address that nobody has named, or nil: the rule of ``special`` for other rooms.
    package static func objection(toSpecial address: IPAddress) -> String? {
        let address = address.embeddedIPv4 ?? address
        guard special.contains(where: { $0.contains(address) }) else { return nil }
        return "its address \(address) is link-local or of a cloud's metadata service"
    }

    /// Every host, but for special addresses.
    package init() {}

    /// - Returns: why nothing may be sent to the host of an address, or nil. A host that is allowed by its network alone is found
    ///   out by ``objection(to:host:)``.
    func objection(toHost host: String) -> String? {
        guard !hosts.isEmpty || !networks.isEmpty, !isNamed(host) else { return nil }
        if let address = IPAddress(Self.bare(host)) { return objection(to: address, host: host) }
        return networks.isEmpty ? Self.notAllowed(host) : nil
    }

    /// - Parameter host: the name that `address` was found by.
    /// - Returns: why no connection may be made to an address, or nil.
    func objection(to address: IPAddress, host: String) -> String? {
        let address = address.embeddedIPv4 ?? address
        if let special = Self.special.first(where: { $0.contains(address) }) {
            // A network that is larger than the special one does not name it.
            let isMeant = networks.contains { $0.contains(address) && $0.length >= special.length }
            return isMeant
                ? nil
                : "its address \(address) is link-local or of a cloud's metadata service; name it in "
                    + "alerting.destinations.allow if it is meant"
        }
        if hosts.isEmpty, networks.isEmpty { return nil }
        return isNamed(host) || networks.contains { $0.contains(address) } ? nil : Self.notAllowed("\(host) (\(address))")
    }

    private static func notAllowed(_ what: String) -> String {
        "alerting.destinations.allow does not name \(OutsideText(what).inOneLine); add it there if it is meant"
    }

    /// Without the brackets of an IPv6 address, and the dot that ends a name that is complete.
    private static func bare(_ host: String) -> String {
        var bytes = host.lowercased().utf8[...]
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") { bytes = bytes.dropFirst().dropLast() }
        if bytes.last == UInt8(ascii: ".") { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func isNamed(_ host: String) -> Bool {
        let host = OutsideText(Self.bare(host))
        return hosts.contains { pattern in
            pattern.hasPrefix("*.")
                ? host.ends(with: String(pattern.dropFirst())) && host.string.utf8.count >= pattern.utf8.count
                : host == OutsideText(pattern)
        }
    }
}

extension Destinations: Decodable {
    private enum CodingKeys: String, CodingKey { case allow }

    /// Of the section `destinations`.
    package init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        for entry in try keys.decodeIfPresent([String].self, forKey: .allow) ?? [] {
            if let network = IPNetwork(Self.bare(entry)) {
                networks.append(network)
                continue
            }
            let name = Self.bare(entry), labels = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
            guard !labels.isEmpty, labels.utf8.allSatisfy({ $0.isNameByte }) else {
                throw keys.refused(
                    .allow,
                    "'allow' names '\(entry)'; write a host such as hooks.slack.com, *.example.org, 192.0.2.7 or 10.0.0.0/8")
            }
            hosts.append(name)
        }
    }
}

extension UInt8 {
    /// Whether it may be in the name of a host.
    fileprivate var isNameByte: Bool {
        self >= 0x80 || UInt8(ascii: "a")...UInt8(ascii: "z") ~= self || UInt8(ascii: "0")...UInt8(ascii: "9") ~= self
            || self == UInt8(ascii: "-") || self == UInt8(ascii: ".") || self == UInt8(ascii: "_")
    }
}
