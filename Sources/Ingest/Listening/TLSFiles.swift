/// The files that a listener's TLS is made with, in the form PEM.
public struct TLSFiles: Sendable, Hashable, Decodable {
    /// The certificate and those of its issuers.
    public var certificate: String
    /// The key of the certificate.
    public var key: String
    /// The issuers of the certificates that clients have; nil where a client needs none.
    public var clientAuthorities: String?

    /// Files that are read when a listener starts, and again when they change.
    public init(certificate: String, key: String, clientAuthorities: String? = nil) {
        (self.certificate, self.key, self.clientAuthorities) = (certificate, key, clientAuthorities)
    }

    private enum CodingKeys: String, CodingKey {
        case certificate = "cert_file"
        case key = "key_file"
        case clientAuthorities = "client_ca_file"
    }

    /// All of them.
    var paths: [String] { [certificate, key] + (clientAuthorities.map { [$0] } ?? []) }
}
