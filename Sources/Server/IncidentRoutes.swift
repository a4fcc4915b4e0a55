import Alerting
import Columns
import Foundation
import HTTPTypes
import Lake
import Query
import Telemetry

/// Incidents over HTTP: the same answers as `obs query`, and the same actions as `obs incident`.
public enum IncidentRoutes {
    /// - Parameters:
    ///   - runbooks: the folder with a page for each alert.
    ///   - lake: where the lines around evidence are.
    public static func all(_ incidents: IncidentStore, runbooks: String, lake: Lake) -> [Route] {
        let questions = IncidentQuestions(incidents)
        return [
            Route(.get, "/api/v1/incidents") { question in
                try await sayingWhatIsWrong {
                    let page = try questions.page(try filter(question))
                    var answer = HTTPAnswer.json(questions.json(page))
                    if let next = page.next {
                        answer.headers[.init("Link")!] = "<\(question.path)?\(following(question, next))>; rel=\"next\""
                    }
                    return answer
                }
            },
            Route(.get, "/api/v1/incidents/{id}") { question in
                try await sayingWhatIsWrong {
                    let view = try questions.one(
                        question.parameters["id"] ?? "", runbooks: runbooks, context: try context(question, lake), now: now)
                    var answer = HTTPAnswer.json(view.json)
                    answer.headers[.eTag] = "\"\(view.incident.version)\""
                    return answer
                }
            },
            Route(.get, "/api/v1/incidents/{id}/timeline") { question in
                try await sayingWhatIsWrong { .json(try questions.timeline(question.parameters["id"] ?? "")) }
            },
            Route(.post, "/api/v1/incidents/{id}/{action}") { question in
                try await sayingWhatIsWrong {
                    let request = try IncidentActionRequest(question)
                    let incident = try incidents.perform(
                        request.action, on: question.parameters["id"] ?? "", by: request.by, note: request.note,
                        ifVersion: request.version,
                        now: now)
                    var answer = HTTPAnswer.json(questions.json(incident))
                    answer.headers[.eTag] = "\"\(incident.version)\""
                    return answer
                }
            },
        ]
    }

    private static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds) }

    /// How many lines around each line of evidence a request asks for; nil for none.
    static func context(_ question: HTTPQuestion, _ lake: Lake) throws -> (lines: Int, lake: Lake)? {
        guard let text = question.given("context") else { return nil }
        guard let lines = Int(text), (1...EvidenceContext.maxLines).contains(lines) else {
            throw HTTPFailure(
                .badRequest, code: "bad_context", "context is '\(text)'; write a number from 1 to \(EvidenceContext.maxLines)")
        }
        return (lines, lake)
    }

    /// What the query of a request asks for.
    static func filter(_ question: HTTPQuestion) throws -> IncidentFilter {
        let limit = question.given("limit").map { Int($0) ?? 0 } ?? 100
        guard (1...1000).contains(limit) else {
            throw HTTPFailure(
                .badRequest, code: "bad_limit", "limit is '\(question.first("limit") ?? "")'; write a number from 1 to 1000")
        }
        func truth(_ name: String) throws -> Bool {
            switch question.given(name) {
            case nil, "false": false
            case "true": true
            case let other?:
                throw HTTPFailure(.badRequest, code: "bad_filter", "\(name) is '\(other)'; write true or false")
            }
        }
        func time(_ name: String) throws -> Timestamp? { try question.given(name).map { try Timestamp(parsing: $0, now: now) } }
        return IncidentFilter(
            state: question.given("state"), severity: question.given("severity"), assignee: question.given("assignee"),
            matchers: question.given("filter") ?? "", text: question.given("search"), since: try time("since"),
            until: try time("until"),
            limit: limit, cursor: question.given("cursor"), isUnseen: try truth("unseen"),
            isFoundInPast: try truth("found_in_past"))
    }

    /// The query of the next page: the same with another cursor.
    private static func following(_ question: HTTPQuestion, _ cursor: String) -> String {
        (question.query.filter { $0.name != "cursor" } + [("cursor", cursor)]).map { name, value in
            "\(name.percentEncoded)=\(value.percentEncoded)"
        }.joined(separator: "&")
    }

    /// Gives each refusal of a room the status and the code that clients rely on.
    static func sayingWhatIsWrong(_ body: () async throws -> HTTPAnswer) async throws -> HTTPAnswer {
        do {
            return try await body()
        } catch let error as AlertingError {
            let (status, code): (HTTPResponse.Status, String) =
                switch error {
                case .noIncident: (.notFound, "no_incident")
                case .wrongState: (.conflict, "wrong_state")
                case .changedMeanwhile: (.preconditionFailed, "changed_meanwhile")
                default: (.badRequest, "bad_action")
                }
            throw HTTPFailure(status, code: code, error.description)
        } catch let error as QueryError {
            throw HTTPFailure(.badRequest, code: "bad_filter", error.description)
        } catch let error as Matcher.Malformed {
            throw HTTPFailure(.badRequest, code: "bad_filter", error.description)
        } catch let error as RegularExpression.Malformed {
            throw HTTPFailure(.badRequest, code: "bad_filter", "\(error)")
        }
    }
}

/// What somebody wants done to an incident: `POST /api/v1/incidents/INC-1001/acknowledge` with `{"by": "ann"}`.
struct IncidentActionRequest {
    let action: IncidentStore.Action
    let by: String
    let note: String?
    let version: Int?

    /// What there is to be done, as the path names it.
    static let names = ["acknowledge", "hand-back", "resolve", "reopen", "assign", "note", "merge", "split"]

    private struct Body: Decodable {
        var by, note, `as`, to: String?
        var incidents: [String]?
    }

    init(_ question: HTTPQuestion) throws {
        guard question.headers[.contentType].map({ OutsideText($0.lowercased()).starts(with: "application/json") }) == true else {
            throw HTTPFailure(.unsupportedMediaType, code: "bad_body", "an action is JSON; send Content-Type: application/json")
        }
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: Data(question.body))
        } catch {
            throw HTTPFailure(
                .badRequest, code: "bad_body",
                "the body is no action; write JSON such as {\"by\": \"ann\", \"note\": \"looking\"}")
        }
        guard let name = try question.requester.name(body.by) else {
            throw HTTPFailure(.badRequest, code: "bad_body", "'by' is missing; say who acts, such as {\"by\": \"ann\"}")
        }
        by = name
        note = body.note
        switch question.parameters["action"] {
        case "acknowledge": action = .acknowledge
        case "hand-back": action = .handBack
        case "resolve":
            let words = [Incident.Resolution.fixed, .falsePositive, .expected]
            guard let resolution = body.as.map({ word in words.first { $0.rawValue == word } }) ?? .fixed else {
                throw HTTPFailure(
                    .badRequest, code: "bad_action",
                    "'as' is '\(body.as ?? "")'; write one of \(words.map(\.rawValue).joined(separator: ", "))")
            }
            action = .end(as: resolution)
        case "reopen": action = .reopen
        case "assign": action = .assign(to: body.to)
        case "note": action = .note
        case "merge": action = .merge(body.incidents ?? [])
        case "split": action = .split
        default:
            throw HTTPFailure(
                .notFound, code: "no_action",
                "there is no action '\(question.parameters["action"] ?? "")'; there are \(Self.names.joined(separator: ", "))"
            )
        }
        let condition = question.headers[.ifMatch].map { OutsideText($0).trimmed }
        guard let condition, condition != "*" else {
            version = nil
            return
        }
        let tag = OutsideText(condition).split { $0 == "\"" }
        guard tag.count == 3, tag[0].isEmpty, tag[2].isEmpty, let number = Int(tag[1]) else {
            throw HTTPFailure(
                .badRequest, code: "bad_version", "If-Match is '\(condition)'; send the ETag of an earlier answer, such as \"3\"")
        }
        version = number
    }
}
