import Access
import HTTPTypes

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

    /// For the audit: the name, or the address of a client without one.
    var name: String {
        if case .user(let name?) = requester { return name }
        return address.isEmpty ? "somebody" : address
    }
}
