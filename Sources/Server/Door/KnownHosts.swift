import Foundation

/// The host names of this server. A page of another site can point its own name at our address (DNS rebinding) and then read our
/// responses as its own. The browser sends that name in `Host`, so requests for an unknown name are refused.
///
/// Known are numeric addresses (they need no name server), `localhost`, the name of the machine, the hosts of `http.listen` and
/// `alerting.external_url`, and `http.hosts`.
public struct KnownHosts: Sendable {
    /// In lower case, without ports.
    private let names: Set<String>
    /// The `host:port` of the external address: what browsers see when a proxy in front of the server changes `Host`.
    let externalAuthority: String?

    /// - Parameter externalURL: the setting `alerting.external_url`.
    public init(_ configuration: ServerConfiguration, externalURL: String?) {
        var names: Set<String> = ["localhost", ProcessInfo.processInfo.hostName.lowercased()]
        if let listen = try? configuration.address().host { names.insert(listen.lowercased()) }
        let external = externalURL.flatMap { URLComponents(string: $0) }
        if let host = external?.host { names.insert(host.lowercased()) }
        names.formUnion(configuration.hosts.map { $0.lowercased() })
        self.names = names
        externalAuthority = external.flatMap { url in
            url.host.map { Self.withoutUsualPort("\($0)\(url.port.map { ":\($0)" } ?? "")") }
        }
    }

    /// Whether `authority`, the value of `Host`, is a name of this server. A request without a host does not come from a browser.
    func isKnown(_ authority: String?) -> Bool {
        guard let authority, !authority.isEmpty else { return true }
        guard let host = Self.host(of: authority.lowercased()) else { return false }
        return names.contains(host) || host.hasSuffix(".localhost") || Self.isAddress(host)
    }

    /// The host of `host:port`, without brackets and the dot that ends a full name; nil when it is neither.
    private static func host(of authority: String) -> String? {
        var host = Substring(authority)
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]"), ["", ":"].contains(host[host.index(after: end)...].prefix(1)) else {
                return nil
            }
            return String(host[host.index(after: host.startIndex)..<end])
        }
        if let colon = host.lastIndex(of: ":") {
            guard UInt16(host[host.index(after: colon)...]) != nil else { return nil }
            host = host[..<colon]
        }
        return String(host.hasSuffix(".") ? host.dropLast() : host)
    }

    static func isAddress(_ host: String) -> Bool {
        var four = in_addr(), six = in6_addr()
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }

    /// Browsers omit the default port of a scheme, some proxies write it.
    static func withoutUsualPort(_ authority: String) -> String {
        let lower = authority.lowercased()
        for port in [":80", ":443"] where lower.hasSuffix(port) { return String(lower.dropLast(port.count)) }
        return lower
    }

    /// Whether a name is allowed in `http.hosts`.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            }
    }
}
