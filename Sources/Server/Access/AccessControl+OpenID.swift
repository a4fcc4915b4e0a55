import Access
import Columns
import HTTPTypes
import Logging

/// People whom a provider of OpenID Connect vouches for.
extension AccessControl {
    /// Begins a log-in by the provider.
    ///
    /// - Throws: ``HTTPFailure`` 404 without a provider, 503 when it cannot be asked.
    func beginLogIn(_ request: RouteRequest, next: String) async throws -> (address: String, cookie: String) {
        guard isRequired, let openID else { throw Self.noProvider }
        return try await openID.begin(request, next: next, now: .now)
    }

    /// Ends a log-in by the provider.
    ///
    /// - Returns: the secret of the new session, and the page to show. A session that the request has ends.
    /// - Throws: ``HTTPFailure`` 401, 403 or 503, after a note in the audit; 429 after too many that failed.
    func endLogIn(_ request: RouteRequest) async throws -> (secret: String, next: String) {
        guard isRequired, let openID, let store else { throw Self.noProvider }
        let address = request.caller.address
        try await refuseTooMany(from: address, account: nil, "GET /\(OpenIDLogIns.returnPath)")
        do {
            let (person, next) = try await openID.end(request, now: .now)
            let secret = try open(person, request, store)
            limits.succeeded(from: address, account: nil)
            return (secret, next)
        } catch let error as HTTPFailure {
            if error.status == .serviceUnavailable { limits.succeeded(from: address, account: nil) }
            await note(Caller(address: address), "GET /\(OpenIDLogIns.returnPath)", error.code)
            throw error
        }
    }

    private static let noProvider = HTTPFailure(
        .notFound, code: "no_provider", "there is no provider of log-ins here; http.oidc names one")

    private func open(_ person: OpenIDPerson, _ request: RouteRequest, _ store: AccessStore) throws -> String {
        if let old = cookie.secret(request.headers) { try store.endSession(ofSecret: old, by: person.name, now: .now) }
        do {
            return try store.openSession(of: person.name, role: person.role, from: request.caller.address, now: .now)
        } catch AccessError.nameTaken(let name) {
            throw Self.taken(name)
        }
    }

    private static func taken(_ name: String) -> HTTPFailure {
        HTTPFailure(
            .forbidden, code: "not_allowed",
            "obs has a token or a user '\(name)' of its own, so that nobody else may act under that name; ask whoever runs it")
    }

    /// Who a program acts for that brings a token of the provider; nil for a text that is not one.
    func person(ofToken token: String, _ store: AccessStore) async throws(HTTPFailure) -> OpenIDPerson? {
        // Base64 of `{"`, with which every JSON Web Token begins.
        guard let openID, token.utf8.starts(with: "eyJ".utf8) else { return nil }
        let person: OpenIDPerson
        do throws(OpenIDError) { person = try await openID.provider.person(ofToken: token, now: .now) } catch {
            throw OpenIDLogIns.failure(error)
        }
        let isTaken: Bool
        do { isTaken = try store.isTaken(person.name) } catch {
            logger.error("tokens cannot be read", metadata: ["error": "\(error)"])
            throw HTTPFailure.busy("tokens cannot be read")
        }
        if isTaken { throw Self.taken(person.name) }
        return person
    }
}
