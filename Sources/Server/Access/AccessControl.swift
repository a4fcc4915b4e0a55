import Access
import Columns
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Ingest
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// Decides of every request who sends it and whether they may, before its body is read.
final class AccessControl: Sendable {
    private let store: AccessStore?
    private let userHeader: HTTPField.Name?
    private let userRole: Role
    private let proxies: TrustedProxies
    /// Whether a certificate of a client, which the listener has verified, is a credential.
    private let knowsCertificates: Bool
    private let logger: Logger
    /// When the use of a token was last noted.
    private let uses = Mutex<[String: Timestamp]>([:])
    /// Nil where there is no store to write to.
    let refusals: RefusalLog?
    /// Whether a request needs a credential.
    let isRequired: Bool

    /// - Parameter store: nil for a server without tokens, where everybody may do everything.
    init(_ configuration: ServerConfiguration, store: AccessStore?, logger: Logger) {
        self.store = store
        self.logger = logger
        isRequired = store != nil && configuration.isAccessRequired
        userHeader = configuration.userHeader.flatMap { HTTPField.Name($0) }
        userRole = configuration.userRole
        proxies = TrustedProxies(networks: configuration.trustedProxies)
        knowsCertificates = configuration.tls?.clientAuthorities != nil
        refusals = store.map { RefusalLog($0, logger: logger) }
    }

    /// Who sends a request that may reach `route`.
    ///
    /// - Throws: ``HTTPFailure`` 401 for a client that is not known, 403 for one that may not.
    func caller(of request: Request, for route: Route, on channel: any Channel) async throws(HTTPFailure) -> Caller {
        let peer = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
        var caller = Caller(address: proxies.origin(request.headers, peer: peer)?.description ?? "")
        if let userHeader {
            let name = proxies.contains(peer) ? request.headers[userHeader] : nil
            caller.requester = Requester(name)
        }
        guard isRequired, let store else {
            caller.role = .admin
            return caller
        }
        let need = RouteAccess.need(of: route)
        do throws(HTTPFailure) {
            try await identify(&caller, request, channel, store)
            if case .permission(let permission) = need { try Self.check(caller, permission) }
        } catch {
            // What needs nothing is not refused for a credential that is no longer good.
            if need == .nothing { return caller }
            refusals?.note(caller, "\(route.method.rawValue) \(route.path)", error.code)
            throw error
        }
        return caller
    }

    private func identify(
        _ caller: inout Caller, _ request: Request, _ channel: any Channel, _ store: AccessStore
    ) async throws(HTTPFailure) {
        if let secret = Credentials.token(request.headers) {
            let token = try await token(secret, store)
            (caller.role, caller.requester) = (token.role, .user(token.name))
        } else if case .user(.some) = caller.requester {
            caller.role = userRole
        } else if knowsCertificates, let name = await Self.certificate(of: channel) {
            (caller.role, caller.requester) = (.ingest, .user(name))
        }
    }

    // MARK: Tokens

    private func token(_ secret: String, _ store: AccessStore) async throws(HTTPFailure) -> AccessStore.Token {
        let now = Timestamp.now, found: AccessStore.Token?
        do { found = try store.token(ofSecret: secret) } catch {
            logger.error("tokens cannot be read", metadata: ["error": "\(error)"])
            throw HTTPFailure.busy("tokens cannot be read")
        }
        guard let token = found else {
            throw Self.unknown("bad_token", "the token is not one of this obs; 'obs token create' makes one")
        }
        switch token.state(at: now) {
        case .valid: await noteUse(of: token, store, now)
        case .expired:
            throw Self.unknown("expired_token", "the token \(token.prefix)… has expired; 'obs token create' makes a new one")
        case .revoked: throw Self.unknown("revoked_token", "the token \(token.prefix)… is revoked")
        }
        return token
    }

    /// A failure changes nothing for the request: it is only the list of tokens that is less exact.
    private func noteUse(of token: AccessStore.Token, _ store: AccessStore, _ now: Timestamp) async {
        guard store.isUseNews(token, now: now) else { return }
        let isFirst = uses.withLock { uses in
            guard uses[token.prefix].map({ now - $0 > .seconds(60) }) ?? true else { return false }
            uses[token.prefix] = now
            return true
        }
        guard isFirst else { return }
        do { try await store.noteUse(of: token, now: now) } catch {
            logger.warning("the use of a token cannot be noted", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Refusals

    private static func check(_ caller: Caller, _ permission: Permission) throws(HTTPFailure) {
        guard let role = caller.role else {
            throw unknown("no_token", "this needs a token: send Authorization: Bearer and one that 'obs token create' has made")
        }
        guard role.may(permission) else {
            let others = Role.allCases.filter { $0.may(permission) }.map(\.rawValue).joined(separator: " or ")
            throw HTTPFailure(
                .forbidden, code: "not_allowed", "\(caller.name) has the role \(role.rawValue), and this needs \(others)")
        }
    }

    private static func unknown(_ code: String, _ message: String) -> HTTPFailure {
        HTTPFailure(.unauthorized, code: code, message)
    }

    // MARK: Certificates

    /// The certificate that the listener has verified, by the SHA-256 of it as `openssl x509 -fingerprint` shows it, shortened.
    private static func certificate(of channel: any Channel) async -> String? {
        guard let certificate = try? await channel.nioSSL_peerCertificate().get(), let bytes = try? certificate.toDERBytes()
        else { return nil }
        let digits = SHA256.hash(data: bytes).prefix(8).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        return "certificate-" + digits.joined()
    }
}
