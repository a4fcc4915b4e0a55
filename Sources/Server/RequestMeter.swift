import HTTPTypes
import Hummingbird
import Telemetry

/// Times every request by route, method and status, and gives each answer the headers that all have.
///
/// The route is the pattern (`/api/v1/incidents/{id}`), never the path that was asked for; what no route knows is one series.
struct RequestMeter: RouterMiddleware {
    typealias Context = ServerContext

    private let duration: HistogramFamily
    private let routes: [Route]

    /// - Parameter routes: all that there are, to tell a path that is not there from a method that its path has not.
    init(_ metrics: MetricsRegistry, routes: [Route]) {
        self.routes = routes
        duration = metrics.histogram(
            "obs_http_request_duration_seconds", help: "Time from the end of a request's head to its answer.",
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
            response = HTTPFailure(error.status, code: "bad_request", error.status.reasonPhrase).answer.response
        } catch {
            context.logger.error("a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            response =
                HTTPFailure(.internalServerError, code: "internal", "the request failed inside obs; its log says why").answer
                .response
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        let method = Self.methods.contains(request.method) ? request.method.rawValue : "OTHER"
        duration[context.endpointPath ?? "none", method, String(response.status.code)].observe(ContinuousClock.now - start)
        return response
    }

    private func notFound(_ request: Request) -> Response {
        let path = request.uri.path
        let methods = Set(routes.filter { $0.isAt(path) }.map(\.method.rawValue)).sorted()
        guard !methods.isEmpty else {
            return HTTPFailure(
                .notFound, code: "not_found", "there is nothing at \(path); see /api/openapi.json for what there is"
            ).answer.response
        }
        let message = "method \(request.method.rawValue) is not allowed, but [\(methods.joined(separator: ","))] are"
        // Alertmanager's API has refusals of its own shape.
        var response =
            path.hasPrefix("/api/v2/")
            ? AlertmanagerRoutes.refusal(.methodNotAllowed, code: 405, message).answer.response
            : HTTPFailure(.methodNotAllowed, code: "method_not_allowed", message).answer.response
        response.headers[.allow] = methods.joined(separator: ", ")
        return response
    }

    /// A method is the client's text: what is not known here must not become a label.
    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .delete, .patch, .options]
}
