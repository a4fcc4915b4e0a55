import HTTPTypes

/// Where a request comes from, according to the headers that browsers add themselves: a page cannot omit or change them.
///
/// A page of another site can post a form or a `text/plain` body here from a visitor's browser without consent. Clients other
/// than browsers send none of these headers.
///
/// Source: Fetch Metadata Request Headers; Fetch, "Origin" header; OWASP, Cross-Site Request Forgery Prevention.
enum RequestOrigin {
    /// From obs's own pages, or not from a browser.
    case own
    case foreign

    /// - Parameter authority: the host of the request, as the browser knows it.
    init(_ headers: HTTPFields, authority: String?, externalAuthority: String?) {
        func isOwn(_ address: String) -> Bool {
            // `http://host:port`, followed by a path in `Referer`. Pages that hide their origin send `null`.
            guard let scheme = address.firstRange(of: "://") else { return false }
            let named = KnownHosts.withoutUsualPort(String(address[scheme.upperBound...].prefix { $0 != "/" }))
            return !named.isEmpty
                && (named == authority.map(KnownHosts.withoutUsualPort) || named == externalAuthority)
        }
        let isOwn =
            switch headers[.secFetchSite] {
            // `none`: a person typed the address or opened a bookmark.
            case "same-origin", "none": true
            case .some: false
            case nil: (headers[.origin] ?? headers[.referer]).map(isOwn) ?? true
            }
        self = isOwn ? .own : .foreign
    }
}

extension HTTPField.Name {
    static let secFetchSite = Self("Sec-Fetch-Site")!
}

extension HTTPRequest.Method {
    /// Whether a request of this kind may change something; an unknown method may.
    var mayChange: Bool { self != .get && self != .head && self != .options }
}
