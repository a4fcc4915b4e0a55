import Foundation
import HTTPTypes

/// One method and path of the server as its description has it.
struct Operation {
    /// Something that a request may carry in its query or header.
    struct Parameter {
        enum Place: String { case query, header }

        var name: String
        var place = Place.query
        var summary: String
        var schema: [String: Any] = ["type": "string"]

        static func text(_ name: String, _ summary: String, in place: Place = .query) -> Parameter {
            Parameter(name: name, place: place, summary: summary)
        }

        static func word(_ name: String, _ summary: String, of words: [String]) -> Parameter {
            Parameter(name: name, summary: summary, schema: ["type": "string", "enum": words])
        }

        static func number(_ name: String, _ summary: String, _ range: ClosedRange<Int>) -> Parameter {
            Parameter(
                name: name, summary: summary,
                schema: ["type": "integer", "minimum": range.lowerBound, "maximum": range.upperBound])
        }

        static func limit(to most: Int) -> Parameter {
            Parameter(
                name: "limit", summary: "How many at most",
                schema: ["type": "integer", "minimum": 1, "maximum": most, "default": 100])
        }
    }

    /// What comes in or goes out: its media type, and the schema of what is JSON.
    struct Content {
        var type: String
        var schema: [String: Any]

        static func json(_ schema: [String: Any]) -> Content { Content(type: "application/json", schema: schema) }
        static func json(_ name: String) -> Content { .json(reference(name)) }
        static func json(listOf name: String) -> Content { .json(["type": "array", "items": reference(name)]) }
        static func text(_ type: String = "text/plain") -> Content { Content(type: type, schema: ["type": "string"]) }

        static func reference(_ name: String) -> [String: Any] { ["$ref": "#/components/schemas/\(name)"] }

        var document: [String: Any] { [type: ["schema": schema]] }
    }

    var method: HTTPRequest.Method
    var path: String
    /// The name of the function that a generator makes of it.
    var id: String
    var summary: String
    var parameters: [Parameter] = []
    /// What stands in place of a brace, where not just anything may: by its name, the words that may.
    var choices: [String: [String]] = [:]
    var body: Content?
    var status = 200
    var answer: Content?
    /// What comes instead for who accepts that rather.
    var otherAnswer: Content?
    var answerSummary = "Done"
    /// Headers of the answer, with what they say.
    var headers: [String: String] = [:]
    /// The statuses with which it refuses.
    var refusals: [Int] = []
    var tag: String

    init(_ method: HTTPRequest.Method, _ path: String, _ id: String, _ summary: String, tag: String) {
        self.method = method
        self.path = path
        self.id = id
        self.summary = summary
        self.tag = tag
    }

    func with(_ change: (inout Operation) -> Void) -> Operation {
        var changed = self
        change(&changed)
        return changed
    }

    /// What the braces of the path stand for.
    private var names: [String] {
        path.split(separator: "{").dropFirst().map { String($0.prefix { $0 != "}" }) }
    }

    /// As OpenAPI 3.0 has it.
    var document: [String: Any] {
        var answered: [String: Any] = ["description": answerSummary]
        if let answer {
            answered["content"] = answer.document.merging(otherAnswer?.document ?? [:]) { first, _ in first }
        }
        if !headers.isEmpty {
            answered["headers"] = headers.mapValues { ["description": $0, "schema": ["type": "string"]] as [String: Any] }
        }
        var responses: [String: Any] = ["\(status)": answered]
        for refusal in refusals { responses["\(refusal)"] = ["$ref": "#/components/responses/Error"] }
        var document: [String: Any] = ["operationId": id, "summary": summary, "tags": [tag], "responses": responses]
        var described: [[String: Any]] = names.map { name in
            var schema: [String: Any] = ["type": "string"]
            if let words = choices[name] { schema["enum"] = words }
            return ["name": name, "in": "path", "required": true, "schema": schema]
        }
        described += parameters.map {
            ["name": $0.name, "in": $0.place.rawValue, "description": $0.summary, "schema": $0.schema]
        }
        if !described.isEmpty { document["parameters"] = described }
        if let body { document["requestBody"] = ["required": true, "content": body.document] as [String: Any] }
        return document
    }
}
