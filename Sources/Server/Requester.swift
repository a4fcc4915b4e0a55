import Columns
import HTTPTypes

/// Who sent a request, as far as that is known: actions are recorded under their name.
enum Requester: Sendable, Equatable {
    /// No proxy vouches for anybody: people give their own names.
    case unverified
    /// The user that the proxy in front of obs names (`http.user_header`); nil when the request did not come through it.
    case user(String?)

    /// Longer names are ignored.
    static let maxName = 200

    init(_ headers: HTTPFields, userHeader: HTTPField.Name?) {
        guard let userHeader else {
            self = .unverified
            return
        }
        let name = headers[userHeader].map { OutsideText($0).trimmed } ?? ""
        self = .user(name.isEmpty || name.utf8.count > Self.maxName ? nil : name)
    }

    /// The name under which an action is recorded.
    ///
    /// - Parameter written: the name in the request itself.
    /// - Returns: nil when there is no name.
    /// - Throws: ``HTTPFailure`` 403 for a request that did not come through the proxy, 400 when it names somebody else than the
    ///   proxy.
    func name(_ written: String?) throws(HTTPFailure) -> String? {
        switch self {
        case .unverified: return written
        case .user(nil):
            throw HTTPFailure(
                .forbidden, code: "no_user", "the request names no user; send it through the proxy that sets http.user_header")
        case .user(let name?):
            guard written?.hasSameBytes(as: name) ?? true else {
                throw HTTPFailure(
                    .badRequest, code: "other_user",
                    "the request says '\(written!)', and the proxy says that you are '\(name)'; leave the name out")
            }
            return name
        }
    }
}
