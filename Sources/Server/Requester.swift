import Columns
import HTTPTypes

/// Who sent a request, as far as that is known: actions are recorded under their name.
enum Requester: Sendable, Equatable {
    /// Nobody is known by name: people give their own names.
    case unverified
    /// The name of the token or of the person who is logged in, or the user that a trusted proxy names (`http.user_header`); nil
    /// when the request did not come through that proxy.
    case user(String?)

    /// Longer names are ignored.
    static let maxName = 200

    /// - Parameter header: what the trusted proxy says; nil when the request did not come through it.
    init(_ header: String?) {
        let name = header.map { OutsideText($0).trimmed } ?? ""
        self = .user(name.isEmpty || name.utf8.count > Self.maxName ? nil : name)
    }

    /// The name under which an action is recorded.
    ///
    /// - Parameter written: the name in the request itself.
    /// - Returns: nil when there is no name.
    /// - Throws: ``HTTPFailure`` 403 for a request that did not come through the proxy, 400 when it names somebody
    ///   else.
    func name(_ written: String?) throws(HTTPFailure) -> String? {
        switch self {
        case .unverified: return written
        case .user(nil):
            throw HTTPFailure(
                .forbidden, code: "no_user",
                "the request names no user; send it through a trusted proxy, which sets http.user_header")
        case .user(let name?):
            guard written?.hasSameBytes(as: name) ?? true else {
                throw HTTPFailure(
                    .badRequest, code: "other_user",
                    "the request says '\(written!)', and obs knows you as '\(name)'; leave the name out")
            }
            return name
        }
    }
}
