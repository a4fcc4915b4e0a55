import Access
import Foundation
import HTTPTypes

/// The description of the API for people and client generators: `GET /api/openapi.json`, made from the routes themselves.
enum OpenAPI {
    /// The route that serves the description of `routes` and of itself.
    static func route(describing routes: [Route]) -> Route {
        func route(_ text: String) -> Route {
            Route(
                .get, "/api/openapi.json",
                Operation("getDocument", .program, "This document") {
                    $0.response = .json(["type": "object"])
                }
            ) { _ in .json(text) }
        }
        return route(document(of: routes + [route("")]))
    }

    /// OpenAPI 3.0, because most generators know it. For Alertmanager's API v2 its own document has the details.
    static func document(of routes: [Route]) -> String {
        var paths: [String: Operation.Object] = [:]
        var schemas: Operation.Object = [:]
        for route in routes {
            guard let operation = route.operation else { continue }
            for schema in operation.schemas { schemas[schema.name] = schema.definition }
            var document = operation.document(at: route.path)
            if case .permission(let permission) = RouteAccess.need(of: route) {
                document["x-roles"] = Role.allCases.filter { $0.may(permission) }.map(\.rawValue)
            } else {
                document["security"] = [Operation.Object]()
            }
            paths[route.path, default: [:]][route.method.rawValue.lowercased()] = document
        }
        let document: Operation.Object = [
            "openapi": "3.0.3",
            "info": [
                "title": "obs", "version": "1",
                "description": """
                Incidents, alerts, pushed lines, newest gold rows. A refusal is {\"error\": sentence, \"code\": word}; \
                the codes do not change.
                """,
            ],
            "paths": paths,
            // Where access is required (http.access); `x-roles` of an operation says which roles have it.
            "security": [["token": [String]()]],
            "components": [
                "schemas": schemas, "responses": ["Error": error], "securitySchemes": ["token": token],
            ] as Operation.Object,
        ]
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Values of plain types only: it cannot fail.
        return String(decoding: try! JSONSerialization.data(withJSONObject: document, options: options), as: UTF8.self) + "\n"
    }

    private static let token: Operation.Object = [
        "type": "http", "scheme": "bearer", "description": "A token of obs token create",
    ]

    private static var error: Operation.Object {
        let fields: Operation.Object = ["error": ["type": "string"], "code": ["type": "string"]]
        let schema: Operation.Object = ["type": "object", "required": ["error", "code"], "properties": fields]
        return ["description": "What is wrong", "content": ["application/json": ["schema": schema]]]
    }
}
