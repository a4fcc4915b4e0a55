import Logging
import NIOSSL
import Synchronization

/// The certificate of a listener, read again when its files change: a renewed one is used from the next connection on.
public final class ListenerIdentity: Sendable {
    /// What is asked of a client where ``TLSFiles/clientAuthorities`` are named.
    public enum Clients: Sendable {
        /// A connection without a certificate of theirs is refused.
        case mustHaveCertificate
        /// It is accepted; a certificate of others is refused.
        case mayHaveCertificate
    }

    private struct Current {
        var context: NIOSSLContext
        var versions: [FileVersion?]
    }

    private let files: TLSFiles
    private let clients: Clients
    private let current: Mutex<Current>
    private let owner: String
    private let logger: Logger

    /// - Parameter owner: what listens, for the log, such as `source net`.
    /// - Throws: an error whose text says which file cannot be read or understood.
    public init(_ files: TLSFiles, clients: Clients, owner: String, logger: Logger) throws {
        (self.files, self.clients, self.owner, self.logger) = (files, clients, owner, logger)
        let versions = Self.versions(files)
        current = Mutex(Current(context: try Self.read(files, clients), versions: versions))
    }

    /// What a new connection is made with. Looks at the times of the files; those that cannot be read now, as while they are
    /// written, change nothing.
    public var context: NIOSSLContext {
        let versions = Self.versions(files)
        return current.withLock { current in
            guard versions != current.versions else { return current.context }
            current.versions = versions
            do {
                current.context = try Self.read(files, clients)
                logger.notice("the certificate of a listener is read again", metadata: ["listener": "\(owner)"])
            } catch {
                logger.error(
                    "the certificate of a listener has changed and cannot be used; the one before stays in force",
                    metadata: ["listener": "\(owner)", "error": "\(error)"])
            }
            return current.context
        }
    }

    private static func versions(_ files: TLSFiles) -> [FileVersion?] { files.paths.map { FileVersion(path: $0) } }

    /// TLS 1.2 only with forward secrecy and authenticated encryption; version 1.3 has nothing else.
    ///
    /// Source: RFC 9325 (BCP 195), §4.2.
    private static let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"

    private static func read(_ files: TLSFiles, _ clients: Clients) throws(UnusableTLSFiles) -> NIOSSLContext {
        func reading<Value>(_ path: String, _ body: () throws -> Value) throws(UnusableTLSFiles) -> Value {
            do { return try body() } catch {
                throw UnusableTLSFiles(description: "\(path) cannot be read as PEM (\(error))")
            }
        }
        let chain = try reading(files.certificate) { try NIOSSLCertificate.fromPEMFile(files.certificate) }
        let key = try reading(files.key) { try NIOSSLPrivateKey(file: files.key, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuites = ciphers
        if let path = files.clientAuthorities {
            configuration.trustRoots = .certificates(try reading(path) { try NIOSSLCertificate.fromPEMFile(path) })
            // A client has no host name to be checked: its issuer decides.
            configuration.certificateVerification =
                clients == .mustHaveCertificate ? .noHostnameVerification : .optionalVerification
        }
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw UnusableTLSFiles(description: "\(files.certificate) and \(files.key) do not belong together (\(error))")
        }
    }
}

/// Why a listener has no certificate.
struct UnusableTLSFiles: Error, CustomStringConvertible {
    let description: String
}
