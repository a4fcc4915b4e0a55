import Columns

/// Syslog messages that devices and other machines send. They are in a ``Spool`` before a TCP connection is read on. While the
/// pipeline does not run, nobody listens.
///
///     - { name: net, syslog: { udp: "0.0.0.0:514", tcp: "0.0.0.0:601" }, pipeline: ssh }
struct SyslogSettings: Sendable, Hashable {
    /// A port for TLS, and the files of its certificate.
    struct TLS: Sendable, Hashable {
        var address: ListenAddress
        /// Clients must have a certificate where issuers are named.
        var files: TLSFiles
    }

    var udp: ListenAddress?
    var tcp: ListenAddress?
    var tls: TLS?
}

extension SyslogSettings: SourceKind {
    /// `syslog`.
    static let entryKey = "syslog"

    private enum CodingKeys: CodingKey { case name, syslog }
    private enum AddressKeys: CodingKey { case udp, tcp, tls }
    private enum TLSKeys: CodingKey { case listen }

    /// Reads an entry.
    ///
    /// - Throws: when an address is not one, or there is none.
    init(from decoder: any Decoder) throws {
        let entry = try decoder.container(keyedBy: CodingKeys.self)
        let name = try entry.decode(String.self, forKey: .name)
        guard PushedSource.isName(name) else {
            throw entry.refused(.name, "source '\(name)' has a spool; write letters, digits, '-' and '_' in its name, at most 64")
        }
        let addresses = try entry.nestedContainer(keyedBy: AddressKeys.self, forKey: .syslog)
        udp = try Self.address(.udp, in: addresses)
        tcp = try Self.address(.tcp, in: addresses)
        if addresses.contains(.tls) {
            let keys = try addresses.nestedContainer(keyedBy: TLSKeys.self, forKey: .tls)
            guard let address = try Self.address(.listen, in: keys) else {
                throw addresses.refused(.tls, "source '\(name)': write 'listen' in 'tls', with an address such as 0.0.0.0:6514")
            }
            tls = TLS(address: address, files: try addresses.decode(TLSFiles.self, forKey: .tls))
        }
        if udp == nil, tcp == nil, tls == nil {
            throw entry.refused(
                .syslog, "source '\(name)' listens nowhere; write 'udp' or 'tcp' with an address such as 0.0.0.0:514")
        }
    }

    private static func address<Key: CodingKey>(_ key: Key, in keys: KeyedDecodingContainer<Key>) throws -> ListenAddress? {
        guard let text = try keys.decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let address = ListenAddress(text) else {
            throw keys.refused(key, "\(key.stringValue) is '\(text)'; write host and port such as 0.0.0.0:514")
        }
        return address
    }

    /// `udp 0.0.0.0:514`, `tcp 0.0.0.0:601`.
    var exclusivePlaces: [String] {
        [udp.map { "udp \($0)" }, tcp.map { "tcp \($0)" }, tls.map { "tcp \($0.address)" }].compactMap { $0 }
    }

    /// `syslog on udp 0.0.0.0:514, tcp 0.0.0.0:601`.
    func place(of name: String) -> String {
        let places = [udp.map { "udp \($0)" }, tcp.map { "tcp \($0)" }, tls.map { "tls \($0.address)" }].compactMap { $0 }
        return "syslog on \(places.joined(separator: ", "))"
    }

    /// The files of the certificate; messages come when they are sent.
    func look() -> SourceLook {
        guard let tls else { return SourceLook() }
        return SourceLook(problem: tls.files.paths.lazy.compactMap { SourceLook.file($0).problem }.first)
    }

    /// Listens, and follows the spool.
    func source(_ setup: SourceSetup) async throws -> any Source {
        let spool = try await setup.spool()
        let listener = SyslogListener(name: setup.name, spool: spool, metrics: setup.metrics, logger: setup.logger)
        return SpooledSource(setup, of: spool) { try await listener.run(self) }
    }

    /// Reads what is in the spool.
    func endingSource(_ setup: SourceSetup) async throws -> (any Source)? {
        FileSource(setup, of: try await setup.spool())
    }
}
