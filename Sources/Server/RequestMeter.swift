import HTTPTypes
import Hummingbird
import Logging
import Telemetry

/// Times every request by route, method and status, and adds the headers that all responses have.
///
/// The label `route` is the pattern (`/api/v1/incidents/{id}`), never the path of the request; unknown paths share one series.
struct RequestMeter: RouterMiddleware {
    typealias Context = ServerContext

    private let duration: HistogramFamily
    private let routes: [Route]
    private let isSecure: Bool

    /// - Parameters:
    ///   - routes: all of them, to distinguish an unknown path from a method that its path does not have.
    ///   - isSecure: whether the server has TLS; then browsers never ask it without.
    init(_ metrics: MetricsRegistry, routes: [Route], isSecure: Bool = false) {
        self.routes = routes
        self.isSecure = isSecure
        duration = metrics.histogram(
            "obs_http_request_duration_seconds", help: "Time from the end of a request's head to its response.",
            labels: ["route", "method", "code"])
    }

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response
    {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as any HTTPResponseError where error.status == .notFound {
            response = notFound(request)
        } catch let error as any HTTPResponseError {
            response = HTTPFailure(error.status, code: "bad_request", error.status.reasonPhrase).response.encoded
        } catch {
            context.logger.error("a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            response =
                HTTPFailure(.internalServerError, code: "internal", "the request failed inside obs; its log says why").response
                .encoded
        }
        secure(&response)
        let method = Self.methods.contains(request.method) ? request.method.rawValue : "OTHER"
        duration[context.endpointPath ?? "none", method, String(response.status.code)].observe(ContinuousClock.now - start)
        return response
    }

    /// What every response says to browsers: pages set a policy of their own.
    ///
    /// Source: OWASP Secure Headers Project.
    private func secure(_ response: inout Response) {
        response.headers[.xContentTypeOptions] = "nosniff"
        for (name, value) in Self.securityHeaders where response.headers[name] == nil { response.headers[name] = value }
        if isSecure { response.headers[.strictTransportSecurity] = "max-age=31536000" }
    }

    private static let securityHeaders: [(HTTPField.Name, String)] = [
        (.contentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (.init("X-Frame-Options")!, "DENY"), (.init("Referrer-Policy")!, "same-origin"),
        (.init("Cross-Origin-Resource-Policy")!, "same-origin"), (.init("Cross-Origin-Opener-Policy")!, "same-origin"),
        (.init("Permissions-Policy")!, "camera=(), geolocation=(), microphone=()"), (.cacheControl, "no-store"),
    ]

    private func notFound(_ request: Request) -> Response {
        let path = request.uri.path
        let methods = Set(routes.filter { $0.matches(path) }.map(\.method.rawValue)).sorted()
        guard !methods.isEmpty else {
            return HTTPFailure(
                .notFound, code: "not_found", "there is nothing at \(path); /api/openapi.json lists all paths"
            ).response.encoded
        }
        let message = "method \(request.method.rawValue) is not allowed, but [\(methods.joined(separator: ","))] are"
        // Alertmanager's API has its own shape of refusals.
        var response =
            path.hasPrefix("/api/v2/")
            ? AlertmanagerRoutes.refusal(.methodNotAllowed, code: 405, message).response.encoded
            : HTTPFailure(.methodNotAllowed, code: "method_not_allowed", message).response.encoded
        response.headers[.allow] = methods.joined(separator: ", ")
        return response
    }

    /// The method is the client's text: an unknown one must not become a label.
    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .delete, .patch, .options]
}
