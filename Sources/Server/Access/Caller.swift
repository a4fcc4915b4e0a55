import Access
import HTTPTypes
import Store

/// Who sends a request, and what they may do. Known before the body of a request is read.
struct Caller: Sendable {
    /// Nil for a client that has not said who it is.
    var role: Role?
    /// Under whose name an action is recorded.
    var requester = Requester.unverified
    /// Where the request comes from: the address behind a trusted proxy, if there is one.
    var address = ""
    /// What the forms of a person who is logged in must bring; nil for programs and without a log-in.
    var formToken: String?

    /// Where access is open: everybody may do everything.
    static let anybody = Caller(role: .admin)

    func may(_ permission: Permission) -> Bool { role?.may(permission) == true }

    /// Runs what a request asks for: the audit has its address with everything that is changed.
    func acting<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        try await Store.$auditOrigin.withValue(address, operation: body)
    }

    /// The name of a token or a person; nil for a client that has not said who it is.
    var knownName: String? { if case .user(let name) = requester { name } else { nil } }

    /// The same, or where the client is.
    var name: String { knownName ?? (address.isEmpty ? "somebody" : address) }
}
