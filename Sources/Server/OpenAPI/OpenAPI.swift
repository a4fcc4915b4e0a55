import Alerting
import Detection
import Foundation
import Ingest

/// What the server looks like to a client generator: `GET /api/openapi.json`. A test holds it against the routes, both ways.
enum OpenAPI {
    static let path = "/api/openapi.json"

    static let route = Route(.get, path) { _ in .json(document) }

    /// What is described, in the order of the rooms that answer.
    static var operations: [Operation] {
        pages + incidents + alerts + data + program
    }

    /// OpenAPI 3.0, because generators know it best. Alertmanager's API v2 has its own document, which obs follows.
    static let document: String = {
        var paths: [String: [String: Any]] = [:]
        for operation in operations {
            paths[operation.path, default: [:]][operation.method.rawValue.lowercased()] = operation.document
        }
        let document: [String: Any] = [
            "openapi": "3.0.3",
            "info": [
                "title": "obs", "version": "1",
                "description":
                    "Incidents, alerts, pushed lines, newest gold rows. What is refused is {\"error\": sentence, \"code\": word}; the codes stay.",
            ],
            "paths": paths,
            "components": ["schemas": schemas, "responses": ["Error": error]],
        ]
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Values of plain types only: it cannot fail.
        return String(decoding: try! JSONSerialization.data(withJSONObject: document, options: options), as: UTF8.self) + "\n"
    }()

    private static var error: [String: Any] {
        let fields: [String: Any] = ["error": ["type": "string"], "code": ["type": "string"]]
        let schema: [String: Any] = ["type": "object", "required": ["error", "code"], "properties": fields]
        return ["description": "What is wrong", "content": ["application/json": ["schema": schema]]]
    }

    /// The shapes that more than one answer has.
    private static var schemas: [String: Any] {
        let time: [String: Any] = ["type": "string", "format": "date-time"], text: [String: Any] = ["type": "string"]
        let number: [String: Any] = ["type": "integer"], truth: [String: Any] = ["type": "boolean"]
        func words(_ words: [String]) -> [String: Any] { ["type": "string", "enum": words] }
        let incident: [String: Any] = [
            "id": text, "name": text, "detector": text, "severity": words(severities), "state": words(states), "title": text,
            "description": text, "labels": ["type": "object", "additionalProperties": text], "starts_at": time, "last_seen": time,
            "opened_at": time, "resolved_at": time, "acknowledged_by": text, "acknowledged_at": time, "assignee": text,
            "resolution": words(Incident.Resolution.allCases.map(\.rawValue)), "changed_by": text, "merged_into": text,
            "merged_because": text, "reopened": number, "count": number, "peak": number, "version": number, "is_flapping": truth,
            "found_in_past": truth, "ends": text, "seen_by": text,
        ]
        let always = [
            "id", "name", "detector", "severity", "state", "title", "description", "labels", "starts_at", "last_seen",
            "opened_at",
            "count", "peak", "reopened", "version", "is_flapping", "found_in_past", "ends",
        ]
        let entry: [String: Any] = ["incident": text, "at": time, "actor": text, "kind": text, "text": text]
        let row: [String: Any] = ["key": text, "event_time": time, "row": ["type": "object"]]
        let source: [String: Any] = [
            "source": text, "pipeline": text, "place": text, "up": truth,
            "reason": words(SourceState.Reason.allCases.map(\.rawValue)), "last_line": time, "problem": text,
        ]
        return [
            "Source": ["type": "object", "required": ["source", "pipeline", "place", "up", "reason"], "properties": source],
            "Incident": ["type": "object", "required": always, "properties": incident],
            "Entry": ["type": "object", "required": entry.keys.sorted(), "properties": entry],
            "ServedRow": ["type": "object", "required": row.keys.sorted(), "properties": row],
        ]
    }

    static let states = Incident.State.allCases.map(\.rawValue)
    static let severities = Severity.allCases.map(\.rawValue)
}
