import HTTPTypes
import Hummingbird

/// Looks at the head of every request before any route does, so that no route can forget it: the name by which obs is asked, and for what may change something the page that
/// it comes from.
struct Doorkeeper: RouterMiddleware {
    typealias Context = ServerContext

    /// Nil takes any name.
    let hosts: KnownHosts?
    let refusals: Refusals

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response
    {
        let host = request.head.authority
        if let hosts, !hosts.isKnown(host) {
            refusals.count(.host)
            return HTTPFailure(
                .misdirectedRequest, code: "unknown_host",
                "'\(String((host ?? "").unicodeScalars.prefix(100)))' is not a name of this server; ask it by its address, or add the name to http.hosts"
            ).answer.response
        }
        if request.method.mayChange,
            RequestOrigin(request.headers, authority: host, externalAuthority: hosts?.externalAuthority) == .foreign
        {
            refusals.count(.origin)
            return HTTPFailure(
                .forbidden, code: "foreign_origin",
                "the request comes from a page of another site; open the page here and try again (behind a proxy, set alerting.external_url)"
            ).answer.response
        }
        return try await next(request, context)
    }
}
