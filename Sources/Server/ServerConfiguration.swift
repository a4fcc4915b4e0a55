import Access
import Columns
import Foundation
import HTTPTypes
import Ingest

/// Where the server listens, and what it accepts: the section `http` of obs.yaml.
public struct ServerConfiguration: Sendable, Hashable, Decodable {
    /// Whether a request needs a token or a log-in.
    enum AccessMode: String, Sendable, CaseIterable {
        /// Whoever reaches the port may do everything.
        case open
        case required
    }

    /// `host:port`. Loopback only by default, so that nothing is shown to a network unless somebody chose it.
    public var listen = "127.0.0.1:9464"
    /// The largest request body in bytes.
    public var maxBodySize = 10 << 20
    /// The maximum number of connections; nil is a quarter of the file descriptors.
    public var maxConnections: Int?
    /// The maximum number of connections of one address; nil is a quarter of all.
    public var maxConnectionsPerAddress: Int?
    /// Further host names of this server, such as the one that a proxy or a compose network gives it; see ``KnownHosts``.
    public var hosts: [String] = []
    /// The address of Grafana, such as `http://127.0.0.1:3000`: pages link to its dashboards. Nil shows no links.
    public var dashboards: String?
    /// The header in which a proxy in front of obs names the user, such as `X-Forwarded-User`: people act under that name only.
    /// Nil lets them type their names themselves.
    public var userHeader: String?
    /// The role of the users that the proxy names.
    var userRole = Role.responder
    /// The proxies whose headers are believed.
    var trustedProxies: [IPNetwork] = []
    /// The provider whom people log in by; nil without one.
    var openID: OpenIDSection?
    /// The certificate of the server; nil for plain HTTP.
    var tls: TLSFiles?
    /// Nil for the default, which depends on ``listen``.
    var access: AccessMode?
    /// Listens off loopback without TLS, or to everybody, because somebody said so in words.
    public var isInsecure = false

    /// The defaults.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case listen, hosts, dashboards, tls, access
        case maxBodySize = "max_body_size"
        case maxConnections = "max_connections"
        case maxConnectionsPerAddress = "max_connections_per_address"
        case userHeader = "user_header"
        case userRole = "user_role"
        case trustedProxies = "trusted_proxies"
        case isInsecure = "insecure"
        case openID = "oidc"
    }

    /// - Throws: a sentence for a value that cannot be used.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        listen = try container.decodeIfPresent(String.self, forKey: .listen) ?? listen
        maxBodySize = try container.decodeIfPresent(Int.self, forKey: .maxBodySize) ?? maxBodySize
        maxConnections = try container.decodeIfPresent(Int.self, forKey: .maxConnections)
        maxConnectionsPerAddress = try container.decodeIfPresent(Int.self, forKey: .maxConnectionsPerAddress)
        hosts = try container.decodeIfPresent([String].self, forKey: .hosts) ?? []
        for name in hosts where !KnownHosts.isName(name) { throw ServerError.badHost(name) }
        dashboards = try container.decodeIfPresent(String.self, forKey: .dashboards)
        if let url = dashboards {
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else { throw ServerError.badDashboards(url) }
            if url.hasSuffix("/") { dashboards = String(url.dropLast()) }
        }
        tls = try container.decodeIfPresent(TLSFiles.self, forKey: .tls)
        access = try container.decodeIfPresent(String.self, forKey: .access).flatMap { AccessMode(rawValue: $0) }
        isInsecure = try container.decodeIfPresent(Bool.self, forKey: .isInsecure) ?? false
        openID = try container.decodeIfPresent(OpenIDSection.self, forKey: .openID)
        try readProxies(container)
        _ = try address()
    }

    private mutating func readProxies(_ container: KeyedDecodingContainer<CodingKeys>) throws {
        trustedProxies = try (container.decodeIfPresent([String].self, forKey: .trustedProxies) ?? []).map { text in
            guard let network = IPNetwork(text) else { throw ServerError.badProxy(text) }
            return network
        }
        userHeader = try container.decodeIfPresent(String.self, forKey: .userHeader)
        if let userHeader {
            guard HTTPField.Name(userHeader) != nil else { throw ServerError.badUserHeader(userHeader) }
            guard !trustedProxies.isEmpty else { throw ServerError.noProxies(userHeader) }
        }
        userRole = try container.decodeIfPresent(String.self, forKey: .userRole).flatMap { Role(rawValue: $0) } ?? userRole
    }

    /// The two parts of ``listen``; an IPv6 host is written in brackets.
    ///
    /// - Throws: a sentence that says what to write instead.
    public func address() throws -> (host: String, port: Int) {
        guard let address = ListenAddress(listen) else { throw ServerError.badAddress(listen) }
        return (address.host, address.port)
    }
}

/// Who may reach the server.
extension ServerConfiguration {
    /// How many connections there may be. Whatever is configured, half of the descriptors are left for pipelines and the store.
    /// Where only this machine reaches the server, all clients have one address, and it has no limit of its own.
    var connectionLimits: Connections.Limits {
        let all = min(maxConnections ?? Connections.shareOfDescriptors(), max(8, Connections.descriptors / 2))
        return Connections.Limits(
            all: all, perAddress: isLoopback ? nil : min(maxConnectionsPerAddress ?? max(8, all / 4), all),
            proxies: TrustedProxies(networks: trustedProxies))
    }

    /// Whether only this machine reaches the server.
    var isLoopback: Bool {
        guard let host = ListenAddress(listen)?.host else { return false }
        if host.lowercased() == "localhost" { return true }
        guard let address = IPAddress(host) else { return false }
        return ["127.0.0.0/8", "::1/128"].contains { IPNetwork($0)?.contains(address) == true }
    }

    /// Whether a request needs a token or a log-in: by default where other machines reach the server.
    var isAccessRequired: Bool { (access ?? (isLoopback ? .open : .required)) == .required }

    /// Why the server must not start as it is configured, in a sentence that says what to write; nil when it may.
    public var exposure: String? { isInsecure ? nil : weaknesses.first.map { "\($0.what); \($0.remedy)" } }

    /// What makes it insecure although somebody wanted it so; for the log.
    public var acceptedWeaknesses: [String] { isInsecure ? weaknesses.map(\.what) : [] }

    private var weaknesses: [(what: String, remedy: String)] {
        guard !isLoopback else { return [] }
        let insecurely = "or, where nobody else reaches it, start with --insecure (http: { insecure: true })"
        var found: [(String, String)] = []
        if tls == nil {
            found.append(
                (
                    "http.listen is \(listen), which other machines may reach, and there is no TLS",
                    "write http: { tls: { cert_file: obs.pem, key_file: obs.key } }, listen on 127.0.0.1, \(insecurely)"
                ))
        }
        if !isAccessRequired {
            found.append(
                (
                    "http.listen is \(listen), which other machines may reach, and http.access is open",
                    "write access: required, listen on 127.0.0.1, \(insecurely)"
                ))
        }
        return found
    }
}

/// What is wrong with the configuration of the server, or with its address.
enum ServerError: Error, CustomStringConvertible {
    /// `http.listen` is not `host:port`.
    case badAddress(String)
    /// `http.dashboards` is not the address of a web server.
    case badDashboards(String)
    /// `http.user_header` is not the name of a header.
    case badUserHeader(String)
    /// There is an `http.user_header`, and nobody who may send it.
    case noProxies(String)
    /// An entry of `http.trusted_proxies` is neither an address nor a network.
    case badProxy(String)
    /// An entry of `http.hosts` is not a host name.
    case badHost(String)
    /// The address cannot be listened on: in use, not allowed, or not of this machine.
    case cannotListen(String, reason: String)
    /// The files of `http.tls` cannot be used.
    case badTLS(String)
    /// Nobody has said what a route needs.
    case undeclaredRoute(String)

    static let inUse = "the port is in use"

    /// One sentence: what is wrong, and what to write instead.
    var description: String {
        switch self {
        case .badAddress(let listen):
            "http.listen is '\(listen)'; write host:port such as 127.0.0.1:9464"
        case .badDashboards(let url):
            "http.dashboards is '\(url)'; write the address of Grafana, such as http://127.0.0.1:3000"
        case .badUserHeader(let name):
            "http.user_header is '\(name)', which is not the name of a header; write one such as X-Forwarded-User"
        case .noProxies(let name):
            "http.user_header is \(name), and nobody may send it; write the addresses of the proxies, such as "
                + "trusted_proxies: [127.0.0.1]"
        case .badProxy(let text):
            "http.trusted_proxies has '\(text)'; write an address or a network, such as 10.0.0.0/8"
        case .badHost(let name):
            "http.hosts has '\(name)'; write a name without scheme and port, such as obs.example.org"
        case .cannotListen(let listen, let reason):
            """
            cannot listen on \(listen): \(reason); \
            \(reason == Self.inUse ? "set http.listen or stop the other process" : "choose another address")
            """
        case .badTLS(let reason): "http.tls: \(reason); name a certificate and its key as PEM"
        case .undeclaredRoute(let route):
            "the route '\(route)' does not say what it needs; add it to the table in Server/Access/RouteAccess.swift"
        }
    }
}
