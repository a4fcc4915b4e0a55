/// What the API looks like to a client generator: `GET /api/openapi.json`. A test holds it against the routes.
enum OpenAPI {
    static let route = Route(.get, "/api/openapi.json") { _ in .json(document) }

    /// OpenAPI 3.0, because generators know it best. Alertmanager's API v2 has its own document, which obs follows.
    static let document = #"""
        {
          "openapi": "3.0.3",
          "info": {"title": "obs", "version": "1", "description": "Incidents: lists, one with everything, actions. Errors are {\"error\": sentence, \"code\": word}."},
          "paths": {
            "/api/v1/incidents": {
              "get": {
                "operationId": "listIncidents", "summary": "Incidents, newest beginning first",
                "parameters": [
                  {"name": "filter", "in": "query", "description": "Matchers on labels, as routes have them", "schema": {"type": "string"}},
                  {"name": "state", "in": "query", "schema": {"type": "string", "enum": ["open", "acknowledged", "resolved"]}},
                  {"name": "severity", "in": "query", "schema": {"type": "string", "enum": ["critical", "warning", "info"]}},
                  {"name": "assignee", "in": "query", "schema": {"type": "string"}},
                  {"name": "search", "in": "query", "description": "Words of title, name, labels and timeline", "schema": {"type": "string", "maxLength": 1000}},
                  {"name": "since", "in": "query", "description": "Active at or after: 2h, today, or RFC 3339", "schema": {"type": "string"}},
                  {"name": "until", "in": "query", "description": "Began at or before", "schema": {"type": "string"}},
                  {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}},
                  {"name": "cursor", "in": "query", "description": "From the Link header of an earlier answer", "schema": {"type": "string"}}
                ],
                "responses": {
                  "200": {
                    "description": "Some incidents; Link with rel=next leads to the next ones",
                    "headers": {"Link": {"schema": {"type": "string"}}},
                    "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Incident"}}}}
                  },
                  "400": {"$ref": "#/components/responses/Error"}
                }
              }
            },
            "/api/v1/incidents/{id}": {
              "get": {
                "operationId": "getIncident", "summary": "One incident with parts, evidence, timeline, notifications, related and similar ones",
                "parameters": [{"$ref": "#/components/parameters/id"}],
                "responses": {
                  "200": {
                    "description": "The incident", "headers": {"ETag": {"description": "Its version, for If-Match", "schema": {"type": "string"}}},
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Incident"}}}
                  },
                  "404": {"$ref": "#/components/responses/Error"}
                }
              }
            },
            "/api/v1/incidents/{id}/timeline": {
              "get": {
                "operationId": "getTimeline", "summary": "What happened to an incident and its parts, oldest first",
                "parameters": [{"$ref": "#/components/parameters/id"}],
                "responses": {
                  "200": {
                    "description": "The entries",
                    "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}}}}
                  },
                  "404": {"$ref": "#/components/responses/Error"}
                }
              }
            },
            "/api/v1/incidents/{id}/{action}": {
              "post": {
                "operationId": "act", "summary": "Acknowledge, resolve, reopen, assign, note, merge or split",
                "parameters": [
                  {"$ref": "#/components/parameters/id"},
                  {"name": "action", "in": "path", "required": true, "schema": {"type": "string", "enum": ["acknowledge", "resolve", "reopen", "assign", "note", "merge", "split"]}},
                  {"name": "If-Match", "in": "header", "description": "Only at this version: the ETag of an earlier answer", "schema": {"type": "string"}}
                ],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {
                  "type": "object", "required": ["by"],
                  "properties": {
                    "by": {"type": "string", "maxLength": 200}, "note": {"type": "string", "maxLength": 16384},
                    "as": {"type": "string", "enum": ["fixed", "false_positive", "expected"]}, "to": {"type": "string"},
                    "incidents": {"type": "array", "items": {"type": "string"}, "maxItems": 1000}
                  }}}}},
                "responses": {
                  "200": {
                    "description": "The incident as it is now", "headers": {"ETag": {"schema": {"type": "string"}}},
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Incident"}}}
                  },
                  "400": {"$ref": "#/components/responses/Error"}, "404": {"$ref": "#/components/responses/Error"},
                  "409": {"$ref": "#/components/responses/Error"}, "412": {"$ref": "#/components/responses/Error"}, "415": {"$ref": "#/components/responses/Error"}
                }
              }
            },
            "/api/openapi.json": {
              "get": {"operationId": "getDocument", "summary": "This document", "responses": {"200": {"description": "OpenAPI 3.0 as JSON"}}}
            }
          },
          "components": {
            "parameters": {"id": {"name": "id", "in": "path", "required": true, "description": "INC-1001 or 1001", "schema": {"type": "string"}}},
            "responses": {"Error": {"description": "What is wrong", "content": {"application/json": {"schema": {
              "type": "object", "required": ["error", "code"], "properties": {"error": {"type": "string"}, "code": {"type": "string"}}}}}}},
            "schemas": {
              "Incident": {
                "type": "object",
                "required": ["id", "name", "detector", "severity", "state", "title", "description", "labels", "starts_at", "last_seen", "opened_at", "count", "reopened", "version", "is_flapping"],
                "properties": {
                  "id": {"type": "string"}, "name": {"type": "string"}, "detector": {"type": "string"},
                  "severity": {"type": "string", "enum": ["critical", "warning", "info"]}, "state": {"type": "string", "enum": ["open", "acknowledged", "resolved"]},
                  "title": {"type": "string"}, "description": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                  "starts_at": {"type": "string", "format": "date-time"}, "last_seen": {"type": "string", "format": "date-time"},
                  "opened_at": {"type": "string", "format": "date-time"}, "resolved_at": {"type": "string", "format": "date-time"},
                  "acknowledged_by": {"type": "string"}, "acknowledged_at": {"type": "string", "format": "date-time"}, "assignee": {"type": "string"},
                  "resolution": {"type": "string", "enum": ["fixed", "false_positive", "expected", "quiet"]}, "changed_by": {"type": "string"},
                  "merged_into": {"type": "string"}, "merged_because": {"type": "string"}, "reopened": {"type": "integer"}, "count": {"type": "integer"},
                  "version": {"type": "integer"}, "is_flapping": {"type": "boolean"}
                }
              },
              "Entry": {
                "type": "object", "required": ["incident", "at", "actor", "kind", "text"],
                "properties": {
                  "incident": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "actor": {"type": "string"}, "kind": {"type": "string"}, "text": {"type": "string"}
                }
              }
            }
          }
        }

        """#
}
