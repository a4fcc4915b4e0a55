import Access
import HTTPTypes

/// The cookie of a person who is logged in, or of a log-in that has begun.
struct SessionCookie: Sendable {
    /// Whether browsers come by HTTPS: then they send it by no other way, and no other host can set it (`__Host-`).
    let isSecure: Bool

    /// Without the prefix.
    var base = "obs_session"
    /// How long browsers keep it.
    var lifetime = AccessStore.sessionLength

    private var name: String { (isSecure ? "__Host-" : "") + base }

    /// The secret that a request brings.
    func secret(_ headers: HTTPFields) -> String? { Credentials.cookie(name, headers) }

    /// The header that sets it; nil removes it.
    ///
    /// `Lax`, so that a link in a mail or chat finds the person logged in; a form of another site does not.
    ///
    /// Source: RFC 6265bis, §4.1.3.2.
    func header(_ secret: String?) -> String {
        let age = secret == nil ? 0 : Int(lifetime.components.seconds)
        return "\(name)=\(secret ?? ""); Path=/; Max-Age=\(age); HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")"
    }
}
