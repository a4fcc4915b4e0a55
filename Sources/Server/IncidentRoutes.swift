import Alerting
import Columns
import Foundation
import HTTPTypes
import Query

/// Incidents over HTTP: the same answers as `obs query`.
public enum IncidentRoutes {
    /// - Parameter runbooks: the folder with a page for each alert.
    public static func all(_ incidents: IncidentStore, runbooks: String) -> [Route] {
        let questions = IncidentQuestions(incidents)
        return [
            Route(.get, "/api/v1/incidents") { question in
                let limit = question.first("limit").flatMap(Int.init) ?? 100
                guard (1...1000).contains(limit) else {
                    throw HTTPFailure(.badRequest, code: "bad_limit", "limit is '\(limit)'; write a number from 1 to 1000")
                }
                do {
                    let answer = try questions.list(
                        .init(
                            state: question.first("state"), severity: question.first("severity"),
                            matchers: question.first("filter") ?? "", limit: limit))
                    return .json(Renderer(format: .json).render(answer))
                } catch let error as QueryError {
                    throw HTTPFailure(.badRequest, code: "bad_filter", error.description)
                } catch let error as Matcher.Malformed {
                    throw HTTPFailure(.badRequest, code: "bad_filter", error.description)
                }
            },
            Route(.get, "/api/v1/incidents/{id}") { question in
                do {
                    return .json(try questions.one(question.parameters["id"] ?? "").json)
                } catch let error as AlertingError {
                    throw HTTPFailure(.notFound, code: "no_incident", error.description)
                }
            },
            // What a link in a notification leads to: plain text, which every phone shows.
            Route(.get, "/incidents/{id}") { question in
                do {
                    return .text(try questions.one(question.parameters["id"] ?? "").text)
                } catch let error as AlertingError {
                    throw HTTPFailure(.notFound, code: "no_incident", error.description)
                }
            },
            Route(.get, "/") { _ in
                .text(Renderer(format: .table).render(try questions.list(.init())))
            },
            Route(.get, "/runbooks/{name}") { question in
                let name = question.parameters["name"] ?? ""
                // The name comes from outside: letters and digits only, so that it cannot lead out of the folder.
                guard !name.isEmpty,
                    name.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 }),
                    let page = FileManager.default.contents(atPath: "\(runbooks)/\(name).md")
                else {
                    throw HTTPFailure(
                        .notFound, code: "no_runbook", "there is no runbook '\(name)' in the folder that 'runbooks' names")
                }
                return HTTPAnswer(contentType: "text/markdown; charset=utf-8", body: Array(page))
            },
        ]
    }
}
