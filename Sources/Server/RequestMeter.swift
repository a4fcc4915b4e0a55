import HTTPTypes
import Hummingbird
import Telemetry

/// Times every request by route, method and status, and gives each answer the headers that all have.
///
/// The route is the pattern (`/api/v1/incidents/{id}`), never the path that was asked for; what no route knows is one series.
struct RequestMeter: RouterMiddleware {
    typealias Context = BasicRequestContext

    private let duration: HistogramFamily

    init(_ metrics: MetricsRegistry) {
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
            response =
                HTTPFailure(
                    .notFound, code: "not_found",
                    "there is nothing at \(request.uri.path); see /api/openapi.json for what there is"
                ).answer.response
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

    /// A method is the client's text: what is not known here must not become a label.
    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .delete, .patch, .options]
}
