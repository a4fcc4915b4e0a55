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
import Store
import Synchronization

/// Decides of every request who sends it and whether they may, before its body is read.
public final class AccessControl: Sendable {
    let store: AccessStore?
    private let userHeader: HTTPField.Name?
    private let userRole: Role
    private let proxies: TrustedProxies
    /// Whether a certificate of a client, which the listener has verified, is a credential.
    private let knowsCertificates: Bool
    let logger: Logger
    /// When the use of a token was last noted.
    private let uses = Mutex<[String: Timestamp]>([:])
    private let refused: RefusedRequests?
    let limits = LoginLimits()
    private let passwords: Passwords?
    /// The cookie of people who are logged in.
    let cookie: SessionCookie
    /// Log-ins by a provider; nil without one.
    let openID: OpenIDLogIns?
    /// Whether a request needs a credential.
    let isRequired: Bool

    /// - Parameters:
    ///   - store: nil for a server without tokens, where everybody may do everything.
    ///   - externalURL: where browsers find the pages; by HTTPS the cookie of a session is sent by no other way.
    public init(_ configuration: ServerConfiguration, store: AccessStore?, externalURL: String? = nil, logger: Logger) {
        self.store = store
        self.logger = logger
        isRequired = store != nil && configuration.isAccessRequired
        userHeader = configuration.userHeader.flatMap { HTTPField.Name($0) }
        userRole = configuration.userRole
        proxies = TrustedProxies(networks: configuration.trustedProxies)
        knowsCertificates = configuration.tls?.clientAuthorities != nil
        refused = store.map { RefusedRequests($0.store) }
        passwords = store.map { Passwords($0) }
        let isPublishedByTLS = externalURL.map { $0.utf8.starts(with: "https://".utf8) } ?? false
        let isSecure = configuration.tls != nil || isPublishedByTLS
        cookie = SessionCookie(isSecure: isSecure)
        openID = configuration.openID.map { section in
            OpenIDLogIns(section, isSecure: isSecure, externalURL: externalURL) { problem in
                logger.warning("the provider of log-ins cannot be asked", metadata: ["error": "\(problem)"])
            }
        }
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
            await note(caller, "\(route.method.rawValue) \(route.path)", error.code)
            throw error
        }
        return caller
    }

    /// Says in the log that nobody could pass yet.
    func warnWhereNobodyMayPass() {
        guard isRequired, userHeader == nil, openID == nil, !knowsCertificates, (try? store?.hasCredentials(now: .now)) == false
        else { return }
        logger.warning("every request needs a token, and there is none: 'obs token create' makes one, 'obs user add' a log-in")
    }

    private func identify(
        _ caller: inout Caller, _ request: Request, _ channel: any Channel, _ store: AccessStore
    ) async throws(HTTPFailure) {
        if let secret = Credentials.token(request.headers) {
            if let person = try await person(ofToken: secret, store) {
                (caller.role, caller.requester) = (person.role, .user(person.name))
                return
            }
            let token = try await token(secret, store)
            (caller.role, caller.requester) = (token.role, .user(token.name))
        } else if case .user(.some) = caller.requester {
            caller.role = userRole
        } else if let secret = cookie.secret(request.headers), let session = try self.session(secret, store) {
            (caller.role, caller.requester) = (session.role, .user(session.person))
            caller.formToken = AccessStore.formToken(ofSecret: secret)
        } else if knowsCertificates, let name = await Self.certificate(of: channel) {
            (caller.role, caller.requester) = (.ingest, .user(name))
        }
    }

    /// Checks that a form comes from a page that obs has shown to the person who is logged in. The browser sends the cookie with
    /// every request; a page of another site does not know the token.
    ///
    /// - Throws: ``HTTPFailure`` 403.
    func checkForm(_ request: RouteRequest, for route: Route) async throws(HTTPFailure) {
        guard route.method.mayChange, let token = request.caller.formToken else { return }
        let given = request.headers[.formToken] ?? request.form.first { $0.name == "form_token" }?.value ?? ""
        guard !AccessStore.isSame(given, token) else { return }
        await note(request.caller, "\(route.method.rawValue) \(route.path)", "bad_form_token")
        throw HTTPFailure(
            .forbidden, code: "bad_form_token",
            "the form is not of this log-in; open the page again (programs use a token: Authorization: Bearer)")
    }

    // MARK: People

    private func session(_ secret: String, _ store: AccessStore) throws(HTTPFailure) -> AccessStore.Session? {
        do { return try store.session(ofSecret: secret, now: .now) } catch {
            logger.error("sessions cannot be read", metadata: ["error": "\(error)"])
            throw HTTPFailure.busy("sessions cannot be read")
        }
    }

    /// Logs a person in.
    ///
    /// - Returns: the secret of the new session. One that the request has ends: nobody else can have set the cookie that counts.
    /// - Throws: ``HTTPFailure`` 401 when the name or the password is wrong, 429 after too many such attempts.
    func logIn(_ name: String, password: String, _ request: RouteRequest) async throws -> String {
        guard let store, let passwords else { throw HTTPFailure(.notFound, code: "no_accounts", "nobody can log in here") }
        // What can be no name or password is neither remembered nor hashed: both come from outside, as long as a body may be.
        let isPossible = name.utf8.count <= 256 && password.utf8.count <= 1000
        let (name, password) = isPossible ? (name, password) : ("", "-")
        let address = request.caller.address
        try await refuseTooMany(from: address, account: name, "POST /login")
        guard let account = try await passwords.account(named: name, password: password) else {
            await note(Caller(address: address), "POST /login", "bad_password of \(OutsideText(name).prefix(64))")
            throw HTTPFailure(.unauthorized, code: "bad_password", "The name or the password is wrong.")
        }
        limits.succeeded(from: address, account: name)
        if let old = cookie.secret(request.headers) { try store.endSession(ofSecret: old, by: account.name, now: .now) }
        return try store.openSession(of: account.name, from: address, now: .now)
    }

    /// Counts a log-in.
    ///
    /// - Throws: ``HTTPFailure`` 429 after too many that failed.
    func refuseTooMany(from address: String, account: String?, _ request: String) async throws(HTTPFailure) {
        guard let wait = limits.attempt(from: address, account: account, now: .now) else { return }
        let seconds = Int(wait.components.seconds) + 1
        await note(Caller(address: address), request, "too_many_logins")
        throw HTTPFailure(
            .tooManyRequests, code: "too_many_logins", "Too many log-ins have failed; try again in \(seconds) s.",
            retryAfter: seconds)
    }

    /// Whether anybody has a password here; true where that cannot be read.
    var hasAccounts: Bool { (try? store?.hasAccounts()) ?? true }

    /// Ends the session of a request, if it has one.
    func logOut(_ request: RouteRequest) throws {
        guard let store, request.caller.formToken != nil, let secret = cookie.secret(request.headers) else { return }
        try store.endSession(ofSecret: secret, by: request.caller.name, now: .now)
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

    /// Notes a refused request in the audit.
    func note(_ caller: Caller, _ request: String, _ reason: String) async {
        do {
            try await refused?.record(actor: caller.knownName ?? "-", from: caller.address, request: request, reason: reason)
        } catch {
            logger.error("a refused request cannot be written to the audit", metadata: ["error": "\(error)"])
        }
    }

    /// Writes what the audit has not yet of refused requests, at the end.
    func flush() async {
        do { try await refused?.flush() } catch {
            logger.error("refused requests cannot be written to the audit", metadata: ["error": "\(error)"])
        }
    }

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
