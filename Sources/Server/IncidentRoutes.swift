import Alerting
import Incidents
import Columns
import Detection
import Foundation
import HTTPTypes
import Lake
import Query
import Telemetry

/// Incidents over HTTP: the same results as `obs query`, and the same actions as `obs incident`.
enum IncidentRoutes {
    /// - Parameters:
    ///   - runbooks: the folder with a page per alert.
    ///   - lake: the tables with the lines around evidence.
    static func all(_ incidents: IncidentStore, runbooks: String, lake: Lake) -> [Route] {
        let questions = IncidentQuestions(incidents)
        let routes = [
            Route(.get, "/api/v1/incidents", listing) { request in
                let page = try questions.page(try filter(request))
                var response = RouteResponse.json(questions.json(page))
                if let next = page.next {
                    response.headers[.init("Link")!] = "<\(request.path)?\(query(of: request, cursor: next))>; rel=\"next\""
                }
                return response
            },
            Route(.get, "/api/v1/incidents/{id}", one) { request in
                let view = try questions.one(
                    request.parameter("id"), runbooks: runbooks, context: try context(request, lake), now: .now)
                return response(view.json, view.incident)
            },
            Route(.get, "/api/v1/incidents/{id}/timeline", timeline) { request in
                .json(try questions.timeline(request.parameter("id")))
            },
            Route(.post, "/api/v1/incidents/{id}/{action}", IncidentActionRequest.operation) { request in
                let action = try IncidentActionRequest(request)
                let incident = try incidents.perform(
                    action.action, on: request.parameter("id"), by: action.by, note: action.note, ifVersion: action.version,
                    now: .now)
                return response(questions.json(incident), incident)
            },
        ]
        return routes.map {
            $0.wrapped { request, respond in try await HTTPFailure.translatingErrors { try await respond(request) } }
        }
    }

    private static func response(_ json: String, _ incident: Incident) -> RouteResponse {
        var response = RouteResponse.json(json)
        response.headers[.eTag] = "\"\(incident.version)\""
        return response
    }

    /// How many lines around each line of evidence a request asks for; nil for none.
    static func context(_ request: RouteRequest, _ lake: Lake) throws(HTTPFailure) -> (lines: Int, lake: Lake)? {
        guard let text = request.given("context") else { return nil }
        guard let lines = Int(text), (1...EvidenceContext.maxLines).contains(lines) else {
            throw HTTPFailure(
                .badRequest, code: "bad_context", "context is '\(text)'; write a number from 1 to \(EvidenceContext.maxLines)")
        }
        return (lines, lake)
    }

    /// The filter that the query of a request describes.
    static func filter(_ request: RouteRequest) throws -> IncidentFilter {
        try filter(request, state: IncidentFilter.state(request.given("state")))
    }

    /// The same for another state than the query names.
    static func filter(_ request: RouteRequest, state: Incident.State?) throws -> IncidentFilter {
        func flag(_ name: String) throws -> Bool {
            switch request.given(name) {
            case nil, "false": false
            case "true": true
            case let other?:
                throw HTTPFailure(.badRequest, code: "bad_filter", "\(name) is '\(other)'; write true or false")
            }
        }
        func time(_ name: String) throws -> Timestamp? {
            try request.given(name).map { try Timestamp(parsing: $0, now: .now) }
        }
        return IncidentFilter(
            state: state, severity: try IncidentFilter.severity(request.given("severity")), assignee: request.given("assignee"),
            matchers: request.given("filter") ?? "", text: request.given("search"), since: try time("since"),
            until: try time("until"),
            limit: try request.limit(to: 1000), cursor: request.given("cursor"), isUnseen: try flag("unseen"),
            isFoundInPast: try flag("found_in_past"))
    }

    /// The query of the next page: the same with another cursor.
    private static func query(of request: RouteRequest, cursor: String) -> String {
        (request.query.filter { $0.name != "cursor" } + [("cursor", cursor)]).map { name, value in
            "\(name.percentEncoded)=\(value.percentEncoded)"
        }.joined(separator: "&")
    }
}

/// What the API document says about them.
extension IncidentRoutes {
    static let states = Incident.State.allCases.map(\.rawValue)
    static let severities = Severity.allCases.map(\.rawValue)
    static let version = "The incident's version, for If-Match"

    private static let listing = Operation(
        "listIncidents", .incidents,
        "Incidents, newest first by opened_at; those detected more than an hour after they started are ordered by starts_at"
    ) {
        $0.parameters = [
            .text("filter", "Matchers on labels, as in routes"), .word("state", "The state", of: states),
            .word("severity", "The severity", of: severities),
            .text("assignee", "The assignee, or who acknowledged it if nobody is assigned"),
            .text("search", "Words of title, name, labels and timeline"), unseen, foundInPast,
            .text("since", "Opened at or after: 2h, today, or RFC 3339"), .text("until", "Opened at or before"),
            .limit(to: 1000), .text("cursor", "From the Link header of an earlier response"),
        ]
        $0.response = .json(listOf: incident)
        $0.responseSummary = "A page of incidents"
        $0.headers = ["Link": "With rel=next, the address of the next page"]
        $0.refusals = [400]
    }

    static let unseen = Operation.Parameter.flag(
        "unseen", "Only incidents that ended by themselves and that nobody has acted on")
    static let foundInPast = Operation.Parameter.flag(
        "found_in_past", "Only incidents that were over long before they were found")

    private static let one = Operation(
        "getIncident", .incidents,
        "One incident with children, evidence, timeline, notifications, related and similar incidents"
    ) {
        $0.parameters = [
            .number(
                "context", "Lines from bronze before and after each line of evidence", 1...EvidenceContext.maxLines)
        ]
        $0.response = .json(incident)
        $0.responseSummary = "The incident"
        $0.headers = ["ETag": version]
        $0.refusals = [400, 404]
    }

    private static let timeline = Operation(
        "getTimeline", .incidents, "What happened to an incident and its children, oldest first"
    ) {
        $0.response = .json(listOf: entry)
        $0.responseSummary = "The entries"
        $0.refusals = [404]
    }

    static let incident: Operation.Schema = {
        typealias Schema = Operation.Schema
        return Schema(
            "Incident",
            required: [
                "id", "name", "detector", "severity", "state", "title", "description", "labels", "starts_at", "last_seen",
                "opened_at", "count", "peak", "reopened", "version", "is_flapping", "found_in_past", "ends",
            ],
            properties: [
                "id": Schema.text, "name": Schema.text, "detector": Schema.text, "severity": Schema.word(of: severities),
                "state": Schema.word(of: states), "title": Schema.text, "description": Schema.text,
                "labels": ["type": "object", "additionalProperties": Schema.text] as Operation.Object, "starts_at": Schema.time,
                "last_seen": Schema.time, "opened_at": Schema.time, "resolved_at": Schema.time, "acknowledged_by": Schema.text,
                "acknowledged_at": Schema.time, "assignee": Schema.text,
                "resolution": Schema.word(of: Incident.Resolution.allCases.map(\.rawValue)), "changed_by": Schema.text,
                "merged_into": Schema.text, "merged_because": Schema.text, "reopened": Schema.number, "count": Schema.number,
                "peak": Schema.number, "version": Schema.number, "is_flapping": Schema.flag, "found_in_past": Schema.flag,
                "ends": Schema.text, "seen_by": Schema.text,
            ])
    }()

    private static let entry: Operation.Schema = {
        typealias Schema = Operation.Schema
        return Schema(
            "Entry",
            properties: [
                "incident": Schema.text, "at": Schema.time, "actor": Schema.text, "kind": Schema.text, "text": Schema.text,
            ])
    }()
}
