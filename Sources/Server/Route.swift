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
                let request = RouteRequest(
                    path: incoming.uri.path, query: incoming.uri.queryParameters.map { (String($0.key), String($0.value)) },
                    parameters: Dictionary(
                        context.parameters.map { (String($0.key), $0.value.removingPercentEncoding ?? String($0.value)) }
                    ) { first, _ in first },
                    headers: incoming.headers, body: body, host: incoming.head.authority,
                    requester: caller.requester, caller: caller)
                let client = terms.connections.client(of: context.channel)
                return try terms.encoded(try await response(to: request, client, context, terms), to: client)
            } catch let error as HTTPFailure {
                return error.response.encoded
            } catch let error as ShapedRefusal {
                return error.response.encoded
            }
        }
    }

    /// Who sends the request, if they may.
    private func admit(_ incoming: Request, _ context: ServerContext, _ terms: RequestTerms) async throws -> Caller {
        do throws(HTTPFailure) {
            return try await terms.access.caller(of: incoming, for: self, on: context.channel)
        } catch {
            terms.refusals.count(.access)
            // Alertmanager's API has its own shape of refusals.
            guard path.hasPrefix("/api/v2/") else { throw error }
            throw ShapedRefusal(response: error.alertmanagerResponse)
        }
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
