import Alerting
import Columns
import HTTPTypes
import Query

/// Incidents over HTTP: the same answers as `obs query`.
public enum IncidentRoutes {
    public static func all(_ incidents: IncidentStore) -> [Route] {
        let questions = IncidentQuestions(incidents)
        return [
            Route(.get, "/api/v1/incidents") { question in
                let limit = question.first("limit").flatMap(Int.init) ?? 100
                guard (1...1000).contains(limit) else { throw HTTPFailure(.badRequest, code: "bad_limit", "limit is '\(limit)'; write a number from 1 to 1000") }
                do {
                    let answer = try questions.list(.init(state: question.first("state"), severity: question.first("severity"), matchers: question.first("filter") ?? "", limit: limit))
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
        ]
    }
}
