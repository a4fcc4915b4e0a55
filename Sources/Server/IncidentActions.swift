import Alerting
import Incidents
import Columns
import Foundation
import HTTPTypes

/// The actions on incidents that the API offers and the buttons on an incident's page. A new one is a case of
/// `IncidentStore.Action`, an entry in this file, and a command in `obs/Commands/IncidentCommand.swift`.
enum IncidentActions {
    /// The last part of the path `/api/v1/incidents/{id}/{action}`, and the action that a body asks for.
    static let named: [(name: String, action: @Sendable (IncidentActionRequest.Body) throws -> IncidentStore.Action)] = [
        ("acknowledge", { _ in .acknowledge }),
        ("hand-back", { _ in .handBack }),
        ("resolve", { .end(as: try resolution($0.as)) }),
        ("reopen", { _ in .reopen }),
        ("assign", { .assign(to: $0.to) }),
        ("note", { _ in .note }),
        ("merge", { .merge($0.incidents ?? []) }),
        ("split", { _ in .split }),
    ]

    /// The resolutions that a person can give; that an incident ended by itself is not theirs to say.
    static let resolutions = [Incident.Resolution.fixed, .falsePositive, .expected]

    private static func resolution(_ word: String?) throws(HTTPFailure) -> Incident.Resolution {
        guard let word else { return .fixed }
        guard let resolution = resolutions.first(where: { $0.rawValue == word }) else {
            throw HTTPFailure(
                .badRequest, code: "bad_action",
                "'as' is '\(word)'; write one of \(resolutions.map(\.rawValue).joined(separator: ", "))")
        }
        return resolution
    }

    /// A button on an incident's page.
    struct Button: Sendable {
        /// The value that the form posts.
        let word: String
        /// Nil for an action that is only offered as the way back from another.
        let label: String?
        /// The states of an incident in which it is shown.
        let states: [Incident.State]
        let action: @Sendable (_ name: String, _ to: String?) -> IncidentStore.Action
        /// What the page says afterwards, and the word of the button that takes it back. Nil when it is not, or no longer, true
        /// of the incident, whatever the address of the page says.
        let outcome: @Sendable (Incident, _ before: String?) -> (sentence: String, undo: String?)?

        /// What taking it back needs to know of the incident before: how it had been resolved, or to whom it was assigned.
        func memory(of incident: Incident) -> String? {
            switch word {
            case "reopen": incident.resolution?.rawValue
            case "mine": incident.assignee
            default: nil
            }
        }
    }

    /// In the order in which the page shows them.
    static let buttons: [Button] =
        [
            Button(word: "acknowledge", label: "Acknowledge", states: [.open], action: { _, _ in .acknowledge }) { incident, _ in
                guard incident.state == .acknowledged else { return nil }
                return ("Acknowledged by \(incident.acknowledgedBy ?? "somebody").", "hand-back")
            },
            Button(word: "hand-back", label: "Hand back", states: [.acknowledged], action: { _, _ in .handBack }) { incident, _ in
                guard incident.state == .open else { return nil }
                return ("Handed back: nobody has it, and escalation continues where it stopped.", "acknowledge")
            },
            Button(
                word: "mine", label: "Assign to me", states: [.acknowledged], action: { name, _ in .assign(to: name) }
            ) { incident, _ in
                guard incident.state != .resolved else { return nil }
                return incident.assignee.map { ("Assigned to \($0).", "assign") }
            },
            Button(word: "assign", label: nil, states: [], action: { _, to in .assign(to: to) }) { _, _ in nil },
            Button(word: "reopen", label: "Reopen", states: [.resolved], action: { _, _ in .reopen }) { incident, before in
                guard incident.state == .open else { return nil }
                // A person cannot restore an end that had come by itself.
                return ("Reopened.", resolutions.first { $0.rawValue == before }?.rawValue)
            },
            Button(
                word: "note", label: "Add note", states: Incident.State.allCases, action: { _, _ in .note }
            ) { _, _ in ("Noted.", nil) },
        ]
        + resolutions.map { resolution in
            let word = resolution.rawValue
            return Button(
                word: word, label: "Resolve: \(OutsideText(word).replacing("_", with: " "))", states: [.open, .acknowledged],
                action: { _, _ in .end(as: resolution) }
            ) { incident, _ in
                guard incident.state == .resolved else { return nil }
                return ("Resolved.", incident.resolution == .quiet || incident.resolution == .past ? nil : "reopen")
            }
        }
}

/// An action that a client of the API asks for: `POST /api/v1/incidents/INC-1001/acknowledge` with `{"by": "ann"}`.
struct IncidentActionRequest {
    let action: IncidentStore.Action
    let by: String
    let note: String?
    /// From `If-Match`; nil acts on any version.
    let version: Int?

    struct Body: Decodable {
        var by, note, `as`, to: String?
        var incidents: [String]?
    }

    /// - Throws: ``HTTPFailure`` with the status and code that say what is wrong.
    init(_ request: RouteRequest) throws {
        guard request.mediaType == "application/json" else {
            throw HTTPFailure(.unsupportedMediaType, code: "bad_body", "an action is JSON; send Content-Type: application/json")
        }
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: Data(request.body))
        } catch {
            throw HTTPFailure(
                .badRequest, code: "bad_body",
                "the body is not an action; write JSON such as {\"by\": \"ann\", \"note\": \"looking\"}")
        }
        guard let name = try request.requester.name(body.by) else {
            throw HTTPFailure(.badRequest, code: "bad_body", "'by' is missing; say who acts, such as {\"by\": \"ann\"}")
        }
        let word = request.parameter("action")
        guard let make = IncidentActions.named.first(where: { $0.name == word })?.action else {
            let known = IncidentActions.named.map(\.name).joined(separator: ", ")
            throw HTTPFailure(.notFound, code: "no_action", "there is no action '\(word)'; known are \(known)")
        }
        action = try make(body)
        by = name
        note = body.note
        version = try Self.version(request)
    }

    private static func version(_ request: RouteRequest) throws(HTTPFailure) -> Int? {
        guard let condition = request.headers[.ifMatch].map({ OutsideText($0).trimmed }), condition != "*" else { return nil }
        let tag = OutsideText(condition).split { $0 == "\"" }
        guard tag.count == 3, tag[0].isEmpty, tag[2].isEmpty, let number = Int(tag[1]) else {
            throw HTTPFailure(
                .badRequest, code: "bad_version",
                "If-Match is '\(condition)'; send the ETag of an earlier response, such as \"3\"")
        }
        return number
    }

    static let operation = Operation(
        "act", .incidents, "Acknowledge, hand back, resolve, reopen, assign, note, merge or split"
    ) {
        $0.choices = ["action": IncidentActions.named.map(\.name)]
        $0.parameters = [.text("If-Match", "Only at this version: the ETag of an earlier response", in: .header)]
        let text: Operation.Object = ["type": "string"]
        let by: Operation.Object = [
            "type": "string", "maxLength": 200,
            "description": "Who acts; required unless the proxy in front of obs says it (http.user_header)",
        ]
        let note: Operation.Object = ["type": "string", "maxLength": 16_384]
        let resolution: Operation.Object = ["type": "string", "enum": IncidentActions.resolutions.map(\.rawValue)]
        let incidents: Operation.Object = ["type": "array", "items": text, "maxItems": 1000]
        let fields: Operation.Object = ["by": by, "note": note, "as": resolution, "to": text, "incidents": incidents]
        $0.body = .json(["type": "object", "properties": fields])
        $0.response = .json(IncidentRoutes.incident)
        $0.responseSummary = "The incident after the action"
        $0.headers = ["ETag": IncidentRoutes.version]
        $0.refusals = [400, 403, 404, 409, 412, 415]
    }
}
