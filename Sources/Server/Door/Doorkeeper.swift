import Columns
import HTTPTypes
import Hummingbird
import NIOCore

/// Checks the head of every request before any route runs, so that no route can forget it: the host name, and, for requests that
/// may change something, the site that the request comes from.
struct Doorkeeper: RouterMiddleware {
    typealias Context = ServerContext

    /// Nil allows any name.
    let hosts: KnownHosts?
    let refusals: Refusals
    let access: AccessControl

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response
    {
        let host = request.head.authority
        if let hosts, !hosts.isKnown(host) {
            await refuse(.host, request, context)
            return HTTPFailure(
                .misdirectedRequest, code: "unknown_host",
                """
                '\(String((host ?? "").unicodeScalars.prefix(100)))' is not a name of this server; use its address, or add the \
                name \
                to http.hosts
                """
            ).response.encoded
        }
        if request.method.mayChange,
            RequestOrigin(request.headers, authority: host, externalAuthority: hosts?.externalAuthority) == .foreign
        {
            await refuse(.origin, request, context)
            return HTTPFailure(
                .forbidden, code: "foreign_origin",
                """
                the request comes from a page of another site; open the page here and try again (behind a proxy, set \
                alerting.external_url)
                """
            ).response.encoded
        }
        return try await next(request, context)
    }

    private func refuse(_ reason: Refusals.Reason, _ request: Request, _ context: Context) async {
        refusals.count(reason)
        let caller = Caller(address: context.channel.remoteAddress?.ipAddress ?? "")
        // The path is the client's text; the routes of obs are shorter.
        await access.note(caller, "\(request.method.rawValue) \(OutsideText(request.uri.path).prefix(60))", "\(reason.rawValue)")
    }
}
