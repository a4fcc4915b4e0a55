import Columns
import HTTPTypes

/// Who asks, as far as that is known: what is done is written down under their name.
public enum Requester: Sendable, Equatable {
    /// Nobody vouches for anybody: who does something says who they are.
    case unverified
    /// The user that the proxy before obs has let in (`http.user_header`); nil when a request did not come by it.
    case user(String?)

    /// Longer names are nobody's.
    static let maxName = 200

    init(_ headers: HTTPFields, userHeader: HTTPField.Name?) {
        guard let userHeader else {
            self = .unverified
            return
        }
        let name = headers[userHeader].map { OutsideText($0).trimmed } ?? ""
        self = .user(name.isEmpty || name.utf8.count > Self.maxName ? nil : name)
    }

    /// Under which name something is done.
    ///
    /// - Parameter written: what the request itself says.
    /// - Returns: nil when nobody has said who they are.
    /// - Throws: `HTTPFailure` 403 for a request that did not come by the proxy, 400 when it names somebody else than the proxy does.
    func name(_ written: String?) throws(HTTPFailure) -> String? {
        switch self {
        case .unverified: return written
        case .user(nil):
            throw HTTPFailure(
                .forbidden, code: "no_user", "the request names no user; come by the proxy that http.user_header is about")
        case .user(let name?):
            guard written?.hasSameBytes(as: name) ?? true else {
                throw HTTPFailure(
                    .badRequest, code: "other_user",
                    "it is to be done by '\(written!)', and the proxy says that you are '\(name)'; leave it out")
            }
            return name
        }
    }
}
