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

    /// - Parameter routes: all of them, to distinguish an unknown path from a method that its path does not have.
    init(_ metrics: MetricsRegistry, routes: [Route]) {
        self.routes = routes
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
        response.headers[.xContentTypeOptions] = "nosniff"
        let method = Self.methods.contains(request.method) ? request.method.rawValue : "OTHER"
        duration[context.endpointPath ?? "none", method, String(response.status.code)].observe(ContinuousClock.now - start)
        return response
    }

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
