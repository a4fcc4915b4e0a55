import Columns
import Foundation
import HTTPTypes
import Hummingbird

/// One method and path of the server: its handler, and what the API document says about it.
public struct Route: Sendable {
    /// `GET`, `POST` and so on.
    public let method: HTTPRequest.Method
    /// With parameters in braces: `/api/v1/incidents/{id}`.
    public let path: String
    /// What ``OpenAPI`` says about it; nil on servers that have no document.
    let operation: Operation?
    /// Whether the response comes from memory, so that it need not wait for requests in progress.
    let isInstant: Bool
    let respond: @Sendable (RouteRequest) async throws -> RouteResponse
    /// How a refusal looks in a browser; nil for routes of programs.
    var refusalPage: (@Sendable (HTTPFailure) -> RouteResponse)?

    init(
        _ method: HTTPRequest.Method, _ path: String, _ operation: Operation?, isInstant: Bool = false,
        respond: @escaping @Sendable (RouteRequest) async throws -> RouteResponse
    ) {
        self.method = method
        self.path = path
        self.operation = operation
        self.isInstant = isInstant
        self.respond = respond
    }

    /// A route without a description, for servers that have no API document.
    ///
    /// - Parameter respond: called once per request. An ``HTTPFailure`` becomes the response that it describes; any other error
    ///   is logged and answered with 500.
    public init(
        _ method: HTTPRequest.Method, _ path: String, respond: @escaping @Sendable (RouteRequest) async throws -> RouteResponse
    ) {
        self.init(method, path, nil, respond: respond)
    }

    /// The same route with its handler wrapped in `wrapper`.
    func wrapped(
        _ wrapper:
            @escaping @Sendable (RouteRequest, @Sendable (RouteRequest) async throws -> RouteResponse) async throws
            -> RouteResponse
    ) -> Route {
        Route(method, path, operation, isInstant: isInstant) { [respond] request in try await wrapper(request, respond) }
    }

    /// Whether `path` matches; a parameter in braces matches any text without a slash.
    func matches(_ path: String) -> Bool {
        let pattern = self.path.split(separator: "/"), parts = path.split(separator: "/")
        return pattern.count == parts.count && zip(pattern, parts).allSatisfy { $0.utf8.first == UInt8(ascii: "{") || $0 == $1 }
    }

    func register(on router: Router<ServerContext>, _ terms: RequestTerms) {
        router.on(RouterPath(path), method: method) { incoming, context in
            do {
                let caller = try await admit(incoming, context, terms)
                let lease = HeldBytes.Lease(terms.held)
                let body = try await terms.body(of: incoming, lease)
                let request = self.request(incoming, context, body, caller)
                try await checkForm(request, terms)
                let client = terms.connections.client(of: context.channel)
                let response = try await caller.acting { try await self.response(to: request, client, context, terms) }
                return try terms.encoded(response, to: client)
            } catch let error as HTTPFailure {
                return error.response.encoded
            } catch let error as ShapedRefusal {
                return error.response.encoded
            }
        }
    }

    private func request(_ incoming: Request, _ context: ServerContext, _ body: [UInt8], _ caller: Caller) -> RouteRequest {
        let query = RouteRequest.pairs(Array((incoming.uri.query ?? "").utf8))
        let parameters = context.parameters.map { (String($0.key), $0.value.removingPercentEncoding ?? String($0.value)) }
        return RouteRequest(
            path: incoming.uri.path, query: query, parameters: Dictionary(parameters) { first, _ in first },
            headers: incoming.headers, body: body, host: incoming.head.authority, requester: caller.requester, caller: caller)
    }

    /// Who sends the request, if they may.
    private func admit(_ incoming: Request, _ context: ServerContext, _ terms: RequestTerms) async throws -> Caller {
        do throws(HTTPFailure) {
            return try await terms.access.caller(of: incoming, for: self, on: context.channel)
        } catch {
            terms.refusals.count(.access)
            throw shaped(error, incoming)
        }
    }

    private func checkForm(_ request: RouteRequest, _ terms: RequestTerms) async throws {
        do throws(HTTPFailure) { try await terms.access.checkForm(request, for: self) } catch {
            terms.refusals.count(.access)
            guard request.wantsPage, let refusalPage else { throw error }
            throw ShapedRefusal(response: refusalPage(error))
        }
    }

    /// A refusal as the client can read it: browsers are led to the log-in, and Alertmanager's API has a shape of its own.
    private func shaped(_ failure: HTTPFailure, _ incoming: Request) -> any Error {
        if path.hasPrefix("/api/v2/") { return ShapedRefusal(response: failure.alertmanagerResponse) }
        guard incoming.headers[.accept].map({ OutsideText($0).contains("text/html") }) == true, let refusalPage else {
            return failure
        }
        guard failure.code == "no_token" else { return ShapedRefusal(response: refusalPage(failure)) }
        var response = RouteResponse.empty(.seeOther)
        let root = String(repeating: "../", count: incoming.uri.path.utf8.count { $0 == UInt8(ascii: "/") } - 1)
        let next = method == .get ? "?next=\(String(incoming.uri.string.dropFirst()).percentEncoded)" : ""
        response.headers[.location] = (root.isEmpty ? "./" : root) + "login" + next
        return ShapedRefusal(response: response)
    }

    /// Requests that may change something run to completion even when the client leaves; the others are cancelled with it.
    private func response(
        to request: RouteRequest, _ client: Client?, _ context: ServerContext, _ terms: RequestTerms
    ) async throws -> RouteResponse {
        guard !method.mayChange, !isInstant else { return try await respond(request) }
        return try await terms.threads.run(for: client, on: context.channel.eventLoop) {
            [respond] in try await respond(request)
        }
    }
}
