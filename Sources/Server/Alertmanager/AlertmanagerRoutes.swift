import Alerting
import Incidents
import Columns
import Foundation
import HTTPTypes
import Telemetry

/// Alertmanager's API, version 2: Prometheus sends alerts to it and `amtool` works with it. Shapes, filters, status codes and
/// errors are Alertmanager's own: a refusal is a JSON string, or an object with `code` and `message` if the whole body is
/// refused.
///
/// Source: Alertmanager, api/v2/openapi.yaml.
enum AlertmanagerRoutes {
    /// - Parameter version: of this program, for `/api/v2/status`.
    static func all(_ inbox: AlertInbox, version: String) -> [Route] {
        let startedAt = Timestamp.now
        let general = [
            Route(
                .get, "/api/v2/status",
                operation("getStatus", "Version, uptime and configuration") { $0.response = .json(["type": "object"]) }
            ) { _ in
                .json(
                    """
                    {"cluster":{"peers":[],"status":"disabled"},\
                    "config":{"original":\(JSONText.quote(inbox.inForce.alertmanagerYAML))},\
                    "uptime":"\(AlertmanagerJSON.time(startedAt))",\
                    "versionInfo":{"branch":"obs","buildDate":"","buildUser":"","goVersion":"",\
                    "revision":\(JSONText.quote("obs " + version)),"version":"\(supportedVersion)"}}

                    """)
            },
            Route(
                .get, "/api/v2/receivers", operation("getReceivers", "The names of the receivers") { $0.response = list }
            ) { _ in
                let names = inbox.inForce.receivers.map { "{\"name\":\(JSONText.quote($0.name))}" }
                return .json("[\(names.joined(separator: ","))]\n")
            },
        ]
        return general + alertRoutes(inbox) + silenceRoutes(inbox)
    }

    /// The version of Alertmanager whose API this is: `amtool` warns of any other than its own.
    private static let supportedVersion = "0.25.0"

    private static func alertRoutes(_ inbox: AlertInbox) -> [Route] {
        [
            Route(
                .post, "/api/v2/alerts",
                operation("postAlerts", "Accepts alerts; they are on disk when it responds") { $0.body = list }
            ) { request in
                try requireJSON(request)
                guard !request.body.isEmpty else {
                    throw refusal(.unprocessableContent, code: 602, "alerts in body is required")
                }
                return try await response { try await inbox.post(body: request.body) }
            },
            Route(
                .post, "/api/v1/ingest/alertmanager",
                Operation("takeWebhook", .alertmanager, "Accepts what an Alertmanager's webhook sends") {
                    $0.body = .json(["type": "object"])
                }
            ) { request in
                try await response { try await inbox.relay(webhook: request.body) }
            },
            Route(.get, "/api/v2/alerts", listing("getAlerts", "The active alerts")) { request in
                let alerts = try await inbox.alerts.alerts(try filter(request), now: .now)
                return RouteResponse(contentType: "application/json", body: AlertmanagerJSON.alerts(alerts))
            },
            Route(.get, "/api/v2/alerts/groups", listing("getAlertGroups", "The active alerts in their groups")) { request in
                let groups = try await inbox.alerts.groups(try filter(request), now: .now)
                return RouteResponse(contentType: "application/json", body: AlertmanagerJSON.groups(groups))
            },
        ]
    }

    /// An empty response when everything was accepted; otherwise a refusal that names what was not, and why.
    private static func response(_ receive: () async throws -> [AlertFault]) async throws -> RouteResponse {
        do {
            let faults = try await receive()
            guard !faults.isEmpty else { return .empty(.ok) }
            let shown = faults.prefix(maxFaultsShown).map(\.description)
            let rest = faults.count > shown.count ? ["and \(faults.count - shown.count) more"] : []
            throw refusal(.badRequest, (shown + rest).joined(separator: "; "))
        } catch let error as AlertBodyError {
            throw refusal(.badRequest, code: error.code, error.description)
        }
    }

    private static let maxFaultsShown = 100

    private static func silenceRoutes(_ inbox: AlertInbox) -> [Route] {
        [
            Route(
                .get, "/api/v2/silences",
                operation("getSilences", "The silences") {
                    $0.parameters = [matcherParameter]
                    $0.response = list
                }
            ) { request in
                let matchers = try matchers(request), now = Timestamp.now
                let found = try inbox.silences.silences().filter { silence in
                    matchers.match(Labels(silence.matchers.map { ($0.name, $0.value) }))
                }
                return .json(
                    "[" + inOrder(found, now).map { AlertmanagerJSON.silence($0, now: now) }.joined(separator: ",") + "]\n")
            },
            Route(
                .post, "/api/v2/silences",
                operation("postSilences", "Makes or changes a silence") {
                    $0.body = .json(["type": "object"])
                    $0.response = .json(["type": "object", "properties": ["silenceID": ["type": "string"]]])
                }
            ) { request in
                try requireJSON(request)
                let posted = try PostedSilence(request.body)
                let author = try author(posted.createdBy, request)
                do {
                    let id = try inbox.silences.set(
                        id: posted.id, matchers: posted.matchers, startsAt: posted.startsAt, endsAt: posted.endsAt,
                        createdBy: author,
                        comment: posted.comment, now: .now)
                    return .json("{\"silenceID\":\(JSONText.quote(id))}\n")
                } catch IncidentError.noSilence {
                    throw refusal(.notFound, "silence not found")
                } catch let error as IncidentError {
                    throw refusal(.badRequest, error.description)
                }
            },
            Route(
                .get, "/api/v2/silence/{id}", operation("getSilence", "One silence") { $0.response = .json(["type": "object"]) }
            ) { request in
                let id = try id(request)
                do {
                    return .json(AlertmanagerJSON.silence(try inbox.silences.silence(id), now: .now) + "\n")
                } catch IncidentError.noSilence {
                    return .empty(.notFound)
                }
            },
            Route(.delete, "/api/v2/silence/{id}", operation("deleteSilence", "Ends a silence now")) { request in
                let id = try id(request), author = try author("API", request)
                do {
                    try inbox.silences.expire(id, by: author, now: .now)
                    return .empty(.ok)
                } catch IncidentError.noSilence {
                    throw refusal(.notFound, "silence not found")
                }
            },
        ]
    }

    /// Active silences first, ordered by their end; then pending ones by their start; then expired ones, newest first.
    private static func inOrder(_ silences: [Silence], _ now: Timestamp) -> [Silence] {
        func all(_ state: Silence.State) -> [Silence] { silences.filter { $0.state(at: now) == state } }
        return all(.active).sorted { $0.endsAt < $1.endsAt } + all(.pending).sorted { $0.startsAt < $1.startsAt }
            + all(.expired).sorted { $0.endsAt > $1.endsAt }
    }

    /// Who makes or ends a silence: the user that the proxy names, if there is one, whatever the tool wrote.
    private static func author(_ written: String, _ request: RouteRequest) throws -> String {
        do throws(HTTPFailure) {
            return try request.requester.name(nil) ?? written
        } catch {
            throw refusal(error.status, error.message)
        }
    }

    private static func id(_ request: RouteRequest) throws -> String {
        let id = request.parameters["id"] ?? ""
        guard UUID(uuidString: id) != nil else {
            throw refusal(.unprocessableContent, code: 601, "silenceID in path must be of type uuid: \(JSONText.quote(id))")
        }
        return id.lowercased()
    }

    private static func matchers(_ request: RouteRequest) throws -> [Matcher] {
        do {
            return try request.query.filter { $0.name == "filter" }.flatMap { try [Matcher](parsing: $0.value) }
                .bounded()
        } catch {
            throw refusal(.badRequest, "bad matcher format: \(error)")
        }
    }

    private static func filter(_ request: RouteRequest) throws -> AlertQuestions.Filter {
        var filter = AlertQuestions.Filter()
        filter.matchers = try matchers(request)
        if let pattern = request.first("receiver") {
            do { filter.receiver = try RegularExpression(pattern) } catch {
                throw refusal(.badRequest, "failed to parse receiver param: \(error)")
            }
        }
        // As Alertmanager reads them: any word that does not mean yes means no.
        func flag(_ name: String) -> Bool {
            request.first(name).map {
                ["true", "t", "1", "yes", "ok", "y", "on", "selected", "checked", "enabled"].contains($0.lowercased())
            } ?? true
        }
        filter.active = flag("active")
        filter.silenced = flag("silenced")
        filter.inhibited = flag("inhibited")
        return filter
    }

    private static func requireJSON(_ request: RouteRequest) throws {
        guard request.mediaType == "application/json" else {
            let type = request.headers[.contentType] ?? "application/octet-stream"
            throw refusal(
                .unsupportedMediaType, code: 415,
                "unsupported media type \(JSONText.quote(OutsideText(type).prefix(100))), only [application/json] are allowed")
        }
    }

    /// A refusal as the generated part of Alertmanager's server makes it.
    static func refusal(_ status: HTTPResponse.Status, code: Int, _ message: String) -> ShapedRefusal {
        ShapedRefusal(response: .json("{\"code\":\(code),\"message\":\(JSONText.quote(message))}\n", status: status))
    }

    /// A refusal as its handlers make it: a JSON string.
    static func refusal(_ status: HTTPResponse.Status, _ message: String) -> ShapedRefusal {
        ShapedRefusal(response: .json(JSONText.quote(message) + "\n", status: status))
    }
}

/// What the API document says about them. Alertmanager's own document has the details.
extension AlertmanagerRoutes {
    private static func operation(
        _ id: String, _ summary: String, _ details: (inout Operation) -> Void = { _ in }
    ) -> Operation {
        Operation(id, .alertmanager, summary + " (as in Alertmanager's API v2)", details)
    }

    private static func listing(_ id: String, _ summary: String) -> Operation {
        operation(id, summary) {
            $0.parameters =
                [matcherParameter, .text("receiver", "A regular expression on the names of receivers")]
                + ["active", "silenced", "inhibited"].map {
                    .init(name: $0, summary: "Whether to include such alerts", schema: ["type": "boolean", "default": true])
                }
            $0.response = list
        }
    }

    private static let list = Operation.Content.json(["type": "array", "items": ["type": "object"]])
    private static let matcherParameter = Operation.Parameter.text("filter", "A matcher; may be given several times")
}
