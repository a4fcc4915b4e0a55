import HTTPTypes

/// Where a request comes from, by what browsers write into it by themselves: a page cannot leave that out or change it.
///
/// A page of another site can post a form here, or a body of `text/plain`, with anybody's browser and without asking. What is no browser says nothing of all this.
///
/// Source: Fetch Metadata Request Headers; Fetch, "Origin" header; OWASP, Cross-Site Request Forgery Prevention.
enum RequestOrigin {
    /// Of obs's own pages, or not of a browser.
    case own
    case foreign

    /// - Parameter authority: the host that was asked, as the browser knows it.
    init(_ headers: HTTPFields, authority: String?, externalAuthority: String?) {
        func isOwn(_ address: String) -> Bool {
            // `http://host:port`, with a path behind it in `Referer`. Pages that hide where they are say `null`.
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
    /// Whether a request of this kind may change something. What is not known to only read may.
    var mayChange: Bool { self != .get && self != .head && self != .options }
}
