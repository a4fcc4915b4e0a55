import Logging
import NIOSSL
import Synchronization

/// The certificate of a listener, read again when its files change: a renewed one is used from the next connection on.
final class SyslogIdentity: Sendable {
    private struct Current {
        var context: NIOSSLContext
        var versions: [FileVersion?]
    }

    private let settings: SyslogSettings.TLS
    private let current: Mutex<Current>
    private let source: String
    private let logger: Logger

    /// - Throws: ``IngestError/cannotListen(_:reason:)`` when a file cannot be read or understood.
    init(_ settings: SyslogSettings.TLS, source: String, logger: Logger) throws(IngestError) {
        self.settings = settings
        self.source = source
        self.logger = logger
        let versions = Self.versions(settings)
        current = Mutex(Current(context: try Self.read(settings), versions: versions))
    }

    /// What a new connection is made with. Looks at the times of the files; those that cannot be read now, as while they are
    /// written, change nothing.
    var context: NIOSSLContext {
        let versions = Self.versions(settings)
        return current.withLock { current in
            guard versions != current.versions else { return current.context }
            current.versions = versions
            do {
                current.context = try Self.read(settings)
                logger.notice("the certificate of a source is read again", metadata: ["source": "\(source)"])
            } catch {
                logger.error(
                    "the certificate of a source has changed and cannot be used; the one before stays in force",
                    metadata: ["source": "\(source)", "error": "\(error)"])
            }
            return current.context
        }
    }

    private static func versions(_ settings: SyslogSettings.TLS) -> [FileVersion?] {
        [settings.certificate, settings.key, settings.clientAuthorities].map { $0.flatMap { FileVersion(path: $0) } }
    }

    private static func read(_ settings: SyslogSettings.TLS) throws(IngestError) -> NIOSSLContext {
        func reading<Value>(_ path: String, _ body: () throws -> Value) throws(IngestError) -> Value {
            do { return try body() } catch {
                throw .cannotListen("\(settings.address)", reason: "\(path) cannot be read as PEM (\(error))")
            }
        }
        let chain = try reading(settings.certificate) { try NIOSSLCertificate.fromPEMFile(settings.certificate) }
        let key = try reading(settings.key) { try NIOSSLPrivateKey(file: settings.key, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        if let path = settings.clientAuthorities {
            configuration.trustRoots = .certificates(try reading(path) { try NIOSSLCertificate.fromPEMFile(path) })
            // A client has no host name to be checked: who its issuer is decides.
            configuration.certificateVerification = .noHostnameVerification
        }
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw .cannotListen(
                "\(settings.address)", reason: "\(settings.certificate) and \(settings.key) do not belong together (\(error))")
        }
    }
}
