import Alerting
import Columns
import Foundation
import HTTPTypes
import Telemetry

/// Alertmanager's API, version 2: Prometheus sends to it and `amtool` works on it. Its shapes, filters, status codes and errors are Alertmanager's own:
/// a refusal is a JSON text, one of the body as a whole an object with `code` and `message`.
public enum AlertmanagerRoutes {
    /// - Parameter version: of this program, for `/api/v2/status`.
    public static func all(_ manager: AlertManager, version: String) -> [Route] {
        let startedAt = now
        let general = [
            Route(.get, "/api/v2/status") { _ in
                .json(
                    """
                    {"cluster":{"peers":[],"status":"disabled"},"config":{"original":\(JSONText.quote(manager.inForce.alertmanagerYAML))},\
                    "uptime":"\(AlertmanagerJSON.time(startedAt))","versionInfo":{"branch":"obs","buildDate":"","buildUser":"","goVersion":"",\
                    "revision":\(JSONText.quote("obs " + version)),"version":"\(spokenVersion)"}}

                    """)
            },
            Route(.get, "/api/v2/receivers") { _ in
                .json(
                    "[" + manager.inForce.receivers.map { "{\"name\":\(JSONText.quote($0.name))}" }.joined(separator: ",") + "]\n"
                )
            },
        ]
        return general + alertRoutes(manager) + silenceRoutes(manager)
    }

    /// The Alertmanager whose API this is: `amtool` warns of any other than its own.
    private static let spokenVersion = "0.25.0"

    private static func alertRoutes(_ manager: AlertManager) -> [Route] {
        [
            Route(.post, "/api/v2/alerts") { question in
                try requireJSON(question)
                guard !question.body.isEmpty else {
                    throw refusal(.unprocessableContent, code: 602, "alerts in body is required")
                }
                return try await answer { try await manager.receive(body: question.body) }
            },
            Route(.post, "/api/v1/ingest/alertmanager") { question in
                try await answer { try await manager.receive(webhook: question.body) }
            },
            Route(.get, "/api/v2/alerts") { question in
                let alerts = try await manager.alerts.alerts(try filter(question), now: now)
                return HTTPAnswer(contentType: "application/json", body: AlertmanagerJSON.alerts(alerts))
            },
            Route(.get, "/api/v2/alerts/groups") { question in
                let groups = try await manager.alerts.groups(try filter(question), now: now)
                return HTTPAnswer(contentType: "application/json", body: AlertmanagerJSON.groups(groups))
            },
        ]
    }

    /// Nothing when all was taken in; else what was not, and why.
    private static func answer(_ receive: () async throws -> [AlertFault]) async throws -> HTTPAnswer {
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

    private static func silenceRoutes(_ manager: AlertManager) -> [Route] {
        [
            Route(.get, "/api/v2/silences") { question in
                let matchers = try matchers(question), now = now
                let found = try manager.silences.silences().filter { silence in
                    matchers.match(Labels(silence.matchers.map { ($0.name, $0.value) }))
                }
                return .json(
                    "[" + inOrder(found, now).map { AlertmanagerJSON.silence($0, now: now) }.joined(separator: ",") + "]\n")
            },
            Route(.post, "/api/v2/silences") { question in
                try requireJSON(question)
                let posted = try PostedSilence(question.body)
                let author = try author(posted.createdBy, question)
                do {
                    let id = try manager.silences.set(
                        id: posted.id, matchers: posted.matchers, startsAt: posted.startsAt, endsAt: posted.endsAt,
                        createdBy: author,
                        comment: posted.comment, now: now)
                    return .json("{\"silenceID\":\(JSONText.quote(id))}\n")
                } catch AlertingError.noSilence {
                    throw refusal(.notFound, "silence not found")
                } catch let error as AlertingError {
                    throw refusal(.badRequest, error.description)
                }
            },
            Route(.get, "/api/v2/silence/{id}") { question in
                let id = try id(question)
                do {
                    return .json(AlertmanagerJSON.silence(try manager.silences.silence(id), now: now) + "\n")
                } catch AlertingError.noSilence {
                    return .empty(.notFound)
                }
            },
            Route(.delete, "/api/v2/silence/{id}") { question in
                let id = try id(question), author = try author("API", question)
                do {
                    try manager.silences.expire(id, by: author, now: now)
                    return .empty(.ok)
                } catch AlertingError.noSilence {
                    throw refusal(.notFound, "silence not found")
                }
            },
        ]
    }

    /// Those that hold first, what ends soonest before the rest; then those to come; then those that have ended, newest first.
    private static func inOrder(_ silences: [Silence], _ now: Timestamp) -> [Silence] {
        func all(_ state: Silence.State) -> [Silence] { silences.filter { $0.state(at: now) == state } }
        return all(.active).sorted { $0.endsAt < $1.endsAt } + all(.pending).sorted { $0.startsAt < $1.startsAt }
            + all(.expired).sorted { $0.endsAt > $1.endsAt }
    }

    /// Who makes or ends a silence: the user whom the proxy names, whatever a tool has written.
    private static func author(_ written: String, _ question: HTTPQuestion) throws -> String {
        do throws(HTTPFailure) {
            return try question.requester.name(nil) ?? written
        } catch {
            throw refusal(error.status, error.message)
        }
    }

    // MARK: Questions

    static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds) }

    private static func id(_ question: HTTPQuestion) throws -> String {
        let id = question.parameters["id"] ?? ""
        guard UUID(uuidString: id) != nil else {
            throw refusal(.unprocessableContent, code: 601, "silenceID in path must be of type uuid: \(JSONText.quote(id))")
        }
        return id.lowercased()
    }

    private static func matchers(_ question: HTTPQuestion) throws -> [Matcher] {
        do {
            return try question.query.filter { $0.name == "filter" }.flatMap { try [Matcher](parsing: $0.value) }
                .bounded()
        } catch {
            throw refusal(.badRequest, "bad matcher format: \(error)")
        }
    }

    private static func filter(_ question: HTTPQuestion) throws -> AlertQuestions.Filter {
        var filter = AlertQuestions.Filter()
        filter.matchers = try matchers(question)
        if let pattern = question.first("receiver") {
            do { filter.receiver = try RegularExpression(pattern) } catch {
                throw refusal(.badRequest, "failed to parse receiver param: \(error)")
            }
        }
        // As Alertmanager reads them: what is no word for yes is no.
        func isAsked(_ name: String) -> Bool {
            question.first(name).map {
                ["true", "t", "1", "yes", "ok", "y", "on", "selected", "checked", "enabled"].contains($0.lowercased())
            } ?? true
        }
        filter.active = isAsked("active")
        filter.silenced = isAsked("silenced")
        filter.inhibited = isAsked("inhibited")
        return filter
    }

    private static func requireJSON(_ question: HTTPQuestion) throws {
        let type = question.headers[.contentType] ?? "application/octet-stream"
        let name = OutsideText(OutsideText(type).split { $0 == ";" }[0]).trimmed.lowercased()
        guard name == "application/json" else {
            throw refusal(
                .unsupportedMediaType, code: 415,
                "unsupported media type \(JSONText.quote(OutsideText(type).prefix(100))), only [application/json] are allowed")
        }
    }

    /// As the generated part of Alertmanager's server refuses.
    static func refusal(_ status: HTTPResponse.Status, code: Int, _ message: String) -> ShapedRefusal {
        ShapedRefusal(answer: .json("{\"code\":\(code),\"message\":\(JSONText.quote(message))}\n", status: status))
    }

    /// As its handlers refuse: a JSON text.
    static func refusal(_ status: HTTPResponse.Status, _ message: String) -> ShapedRefusal {
        ShapedRefusal(answer: .json(JSONText.quote(message) + "\n", status: status))
    }
}

/// A refusal in the shape that an API of others prescribes.
struct ShapedRefusal: Error {
    let answer: HTTPAnswer
}
