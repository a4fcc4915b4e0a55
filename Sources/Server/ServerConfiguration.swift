import Columns
import Foundation
import HTTPTypes

/// Where the server listens, and what it accepts: the section `http` of obs.yaml.
public struct ServerConfiguration: Sendable, Hashable, Decodable {
    /// `host:port`. Loopback only by default, so that nothing is shown to a network unless somebody chose it.
    public var listen = "127.0.0.1:9464"
    /// The largest request body in bytes.
    public var maxBodySize = 10 << 20
    /// Further host names of this server, such as the one that a proxy or a compose network gives it; see ``KnownHosts``.
    public var hosts: [String] = []
    /// The address of Grafana, such as `http://127.0.0.1:3000`: pages link to its dashboards. Nil shows no links.
    public var dashboards: String?
    /// The header in which a proxy in front of obs names the user, such as `X-Forwarded-User`: people act under that name only.
    /// Nil lets them type their names themselves.
    public var userHeader: String?

    /// The defaults.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case listen, hosts, dashboards
        case maxBodySize = "max_body_size"
        case userHeader = "user_header"
    }

    /// - Throws: a sentence for a value that cannot be used.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        listen = try container.decodeIfPresent(String.self, forKey: .listen) ?? listen
        maxBodySize = try container.decodeIfPresent(Int.self, forKey: .maxBodySize) ?? maxBodySize
        hosts = try container.decodeIfPresent([String].self, forKey: .hosts) ?? []
        for name in hosts where !KnownHosts.isName(name) { throw ServerError.badHost(name) }
        dashboards = try container.decodeIfPresent(String.self, forKey: .dashboards)
        if let url = dashboards {
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else { throw ServerError.badDashboards(url) }
            if url.hasSuffix("/") { dashboards = String(url.dropLast()) }
        }
        userHeader = try container.decodeIfPresent(String.self, forKey: .userHeader)
        if let userHeader, HTTPField.Name(userHeader) == nil { throw ServerError.badUserHeader(userHeader) }
        _ = try address()
    }

    /// The two parts of ``listen``; an IPv6 host is written in brackets.
    ///
    /// - Throws: a sentence that says what to write instead.
    public func address() throws -> (host: String, port: Int) {
        guard let address = ListenAddress(listen) else { throw ServerError.badAddress(listen) }
        return (address.host, address.port)
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
    /// An entry of `http.hosts` is not a host name.
    case badHost(String)
    /// The address cannot be listened on: in use, not allowed, or not of this machine.
    case cannotListen(String, reason: String)

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
        case .badHost(let name):
            "http.hosts has '\(name)'; write a name without scheme and port, such as obs.example.org"
        case .cannotListen(let listen, let reason):
            """
            cannot listen on \(listen): \(reason); \
            \(reason == Self.inUse ? "set http.listen or stop the other process" : "choose another address")
            """
        }
    }
}
