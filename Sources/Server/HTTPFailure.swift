import Alerting
import Incidents
import Columns
import HTTPTypes
import Query

/// A refusal that the client can read: `{"error": "…", "code": "…"}`. The code stays the same from release to release.
public struct HTTPFailure: Error, Sendable {
    let status: HTTPResponse.Status
    let code: String
    let message: String
    /// After how many seconds the client may try again; nil sends no `Retry-After`.
    let retryAfter: Int?

    /// - Parameters:
    ///   - code: a word that programs can rely on, such as `no_incident`.
    ///   - message: one sentence: what is wrong, and what to do.
    public init(_ status: HTTPResponse.Status, code: String, _ message: String, retryAfter: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// The server is overloaded: the client is to try again in a moment.
    static func busy(_ message: String) -> HTTPFailure {
        HTTPFailure(.serviceUnavailable, code: "busy", "\(message); try again in \(retryAfter) s", retryAfter: retryAfter)
    }

    /// One address has as many connections as it may.
    static func tooManyConnections(of network: IPNetwork, limit: Int) -> HTTPFailure {
        HTTPFailure(
            .tooManyRequests, code: "too_many_connections",
            """
            \(network.isOneAddress ? "\(network.address)" : "\(network)") has \(limit) connections, which is as many as it may \
            (http.max_connections_per_address); use those again, or try again in \(retryAfter) s
            """, retryAfter: retryAfter)
    }

    private static let retryAfter = 5

    var response: RouteResponse {
        withHeaders(.json("{\"error\":\(JSONText.quote(message)),\"code\":\(JSONText.quote(code))}\n", status: status))
    }

    /// The same refusal in the shape of Alertmanager's API.
    var alertmanagerResponse: RouteResponse {
        withHeaders(AlertmanagerRoutes.refusal(status, code: status.code, message).response)
    }

    private func withHeaders(_ response: RouteResponse) -> RouteResponse {
        var response = response
        if let retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer realm=\"obs\"" }
        return response
    }

    /// Runs `body`, and turns an error of another room into the status and code that clients rely on.
    static func translatingErrors(_ body: () async throws -> RouteResponse) async throws -> RouteResponse {
        do {
            return try await body()
        } catch let error as IncidentError {
            let (status, code): (HTTPResponse.Status, String) =
                switch error {
                case .noIncident: (.notFound, "no_incident")
                case .wrongState: (.conflict, "wrong_state")
                case .changedMeanwhile: (.preconditionFailed, "changed_meanwhile")
                default: (.badRequest, "bad_action")
                }
            throw HTTPFailure(status, code: code, error.description)
        } catch let error as FilterError {
            throw HTTPFailure(.badRequest, code: "bad_filter", error.description)
        } catch let error as QueryError {
            throw HTTPFailure(.badRequest, code: "bad_filter", error.description)
        } catch let error as Matcher.Malformed {
            throw HTTPFailure(.badRequest, code: "bad_filter", error.description)
        } catch let error as RegularExpression.Malformed {
            throw HTTPFailure(.badRequest, code: "bad_filter", "\(error)")
        }
    }
}

/// A refusal in the shape that the API of another program prescribes.
struct ShapedRefusal: Error {
    let response: RouteResponse
}
