import Columns
import HTTPTypes

/// The proxies before obs whose headers are believed (`http.trusted_proxies`): who the user is, and where a request comes from.
struct TrustedProxies: Sendable {
    let networks: [IPNetwork]

    func contains(_ address: IPAddress?) -> Bool { address.map { address in networks.contains { $0.contains(address) } } == true }

    /// The address that a request comes from: that of the connection, or, behind trusted proxies, the last in
    /// `X-Forwarded-For` that is not one of them. What is before that the client may have written itself.
    func origin(_ headers: HTTPFields, peer: IPAddress?) -> IPAddress? {
        guard contains(peer) else { return peer }
        let path = headers[values: .xForwardedFor].flatMap { OutsideText($0).split { $0 == "," } }
        for text in path.reversed() {
            // Not an address: nothing before it can be believed either.
            guard let address = IPAddress(OutsideText(text).trimmed) else { return peer }
            if !contains(address) { return address }
        }
        return peer
    }
}

extension HTTPField.Name {
    static let xForwardedFor = Self("X-Forwarded-For")!
    /// ``AccessControl/checkForm(_:for:)``, for scripts that act as a person who is logged in.
    static let formToken = Self("X-Form-Token")!
}
