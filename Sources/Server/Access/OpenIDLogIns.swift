import Access
import Columns
import Crypto
import HTTPTypes
import Synchronization

/// Log-ins by a provider of OpenID Connect: the browser goes there, and comes back with a code that obs redeems.
///
/// The return is the one GET that changes something: it makes a session. That it belongs to a log-in which this browser has begun
/// is shown by the state, which is in the address and, sealed, in the cookie.
final class OpenIDLogIns: Sendable {
    let provider: OpenIDProvider
    /// What the page calls it.
    let name: String
    /// Of a log-in that has begun.
    let cookie: SessionCookie
    private let key = SymmetricKey(size: .bits256)
    /// Where browsers find the pages; nil for the name that they ask for.
    private let externalURL: String?
    /// The states of log-ins that have come back, until they would be refused anyway.
    private let used = Mutex<[String: Timestamp]>([:])
    private let running = Atomic<Int>(0)

    /// Each waits for the provider on a thread of its own.
    private static let maxRunning = 8
    /// Each has cost the client a request to the provider, so that nobody fills it by the way.
    private static let maxUsed = 10_000

    init(_ section: OpenIDSection, isSecure: Bool, externalURL: String?, report: @escaping @Sendable (String) -> Void) {
        provider = OpenIDProvider(section.settings(report: report))
        name = section.shownName
        cookie = SessionCookie(isSecure: isSecure, base: "obs_login", lifetime: LogInAttempt.lifetime)
        self.externalURL = externalURL
    }

    static let path = "login/openid", returnPath = "login/openid/return"

    /// Where the provider sends browsers back to. The host of a request is one of the names of obs: others are refused before.
    private func returnAddress(_ request: RouteRequest) -> String {
        var base = externalURL ?? "\(cookie.isSecure ? "https" : "http")://\(request.host ?? "localhost")"
        if base.utf8.last == UInt8(ascii: "/") { base.removeLast() }
        return base + "/" + Self.returnPath
    }

    /// Where to send a browser, and the cookie that it must come back with.
    func begin(_ request: RouteRequest, next: String, now: Timestamp) async throws(HTTPFailure) -> (
        address: String, cookie: String
    ) {
        let attempt = LogInAttempt(returnAddress: returnAddress(request), next: next, now: now)
        do throws(OpenIDError) {
            return (try await provider.address(for: attempt, now: now), cookie.header(attempt.sealed(by: key)))
        } catch { throw Self.failure(error) }
    }

    /// Who has logged in, and the page to show.
    ///
    /// - Throws: ``HTTPFailure`` 401 for what is not the end of a log-in of this browser, 403 for somebody without a role.
    func end(_ request: RouteRequest, now: Timestamp) async throws(HTTPFailure) -> (person: OpenIDPerson, next: String) {
        guard let sealed = cookie.secret(request.headers), let attempt = LogInAttempt(sealed: sealed, by: key, now: now) else {
            throw Self.refused("no_login", "No log-in has begun here, or it took too long.")
        }
        guard let state = request.first("state"), AccessStore.isSame(state, attempt.state) else {
            throw Self.refused("bad_state", "This is the end of another log-in.")
        }
        guard isFirst(attempt.state, now) else { throw Self.refused("used_login", "This log-in is over.") }
        if let error = request.first("error") {
            throw Self.refused("provider_refused", "\(name) says \(OutsideText(OutsideText(error).inOneLine).prefix(60)).")
        }
        guard let code = request.first("code"), (1...4096).contains(code.utf8.count) else {
            throw Self.refused("no_code", "\(name) has sent no code.")
        }
        defer { running.subtract(1, ordering: .relaxed) }
        guard running.add(1, ordering: .relaxed).newValue <= Self.maxRunning else {
            throw HTTPFailure.busy("too many people log in at once")
        }
        do throws(OpenIDError) {
            return (try await provider.person(code: code, from: request.first("iss"), attempt, now: now), attempt.next)
        } catch { throw Self.failure(error) }
    }

    private static func refused(_ code: String, _ message: String) -> HTTPFailure {
        HTTPFailure(.unauthorized, code: code, message + " Log in again.")
    }

    /// Each log-in ends once: its address is in the history of the browser.
    private func isFirst(_ state: String, _ now: Timestamp) -> Bool {
        used.withLock { used in
            guard used[state] == nil else { return false }
            if used.count >= Self.maxUsed { used = used.filter { now - $0.value < LogInAttempt.lifetime } }
            if used.count >= Self.maxUsed { used.removeAll() }
            used[state] = now
            return true
        }
    }

    /// The refusal that a client reads for what is wrong with a token or a log-in.
    static func failure(_ error: OpenIDError) -> HTTPFailure {
        switch error {
        case .unavailable: HTTPFailure(.serviceUnavailable, code: "provider_unavailable", "\(error)", retryAfter: 10)
        case .badToken: HTTPFailure(.unauthorized, code: "bad_token", "\(error)")
        case .refusedCode: HTTPFailure(.unauthorized, code: "bad_code", "\(error)")
        case .noRole, .badName: HTTPFailure(.forbidden, code: "not_allowed", "\(error)")
        }
    }
}
