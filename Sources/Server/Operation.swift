/// What the API document says about a ``Route``: an "operation object" of OpenAPI 3.0, without the method and path.
struct Operation: Sendable {
    /// A part of the document: strings, numbers, booleans, and lists and dictionaries of them.
    typealias Object = [String: any Sendable]

    /// The chapter of the document.
    enum Tag: String, Sendable { case pages, incidents, alertmanager, data, program }

    /// Something that a request may carry in its query or header.
    struct Parameter: Sendable {
        enum Place: String, Sendable { case query, header }

        var name: String
        var place = Place.query
        var summary: String
        var schema: Object = ["type": "string"]

        static func text(_ name: String, _ summary: String, in place: Place = .query) -> Parameter {
            Parameter(name: name, place: place, summary: summary)
        }

        static func word(_ name: String, _ summary: String, of words: [String]) -> Parameter {
            Parameter(name: name, summary: summary, schema: ["type": "string", "enum": words])
        }

        /// `true` or `false`.
        static func flag(_ name: String, _ summary: String) -> Parameter { .word(name, summary, of: ["true", "false"]) }

        static func number(_ name: String, _ summary: String, _ range: ClosedRange<Int>) -> Parameter {
            Parameter(
                name: name, summary: summary,
                schema: ["type": "integer", "minimum": range.lowerBound, "maximum": range.upperBound])
        }

        static func limit(to most: Int) -> Parameter {
            Parameter(
                name: "limit", summary: "The maximum number of items",
                schema: ["type": "integer", "minimum": 1, "maximum": most, "default": 100])
        }
    }

    /// A shape that several routes refer to by its name.
    struct Schema: Sendable {
        let name: String
        let definition: Object

        /// - Parameter required: the properties that are never absent; nil for all.
        init(_ name: String, required: [String]? = nil, properties: Object) {
            self.name = name
            definition = ["type": "object", "required": required ?? properties.keys.sorted(), "properties": properties]
        }

        static let text: Object = ["type": "string"]
        static let time: Object = ["type": "string", "format": "date-time"]
        static let number: Object = ["type": "integer"]
        static let flag: Object = ["type": "boolean"]
        static func word(of words: [String]) -> Object { ["type": "string", "enum": words] }
    }

    /// A body: its media type, and its schema.
    struct Content: Sendable {
        var type: String
        var schema: Object
        /// The schema that it refers to by name, if any.
        var named: Schema?

        static func json(_ schema: Object) -> Content { Content(type: "application/json", schema: schema) }
        static func json(_ schema: Schema) -> Content {
            Content(type: "application/json", schema: reference(schema), named: schema)
        }
        static func json(listOf schema: Schema) -> Content {
            Content(type: "application/json", schema: ["type": "array", "items": reference(schema)], named: schema)
        }
        static func text(_ type: String = "text/plain") -> Content { Content(type: type, schema: ["type": "string"]) }

        /// A form that a page posts.
        static func form(_ fields: [String: Object], required: [String] = []) -> Content {
            var schema: Object = ["type": "object", "properties": fields]
            if !required.isEmpty { schema["required"] = required }
            return Content(type: "application/x-www-form-urlencoded", schema: schema)
        }

        private static func reference(_ schema: Schema) -> Object { ["$ref": "#/components/schemas/\(schema.name)"] }

        var document: Object { [type: ["schema": schema]] }
    }

    /// The name of the function that a client generator makes of it.
    let id: String
    let tag: Tag
    let summary: String
    var parameters: [Parameter] = []
    /// The allowed values of a parameter in the path, by its name; without an entry any text is allowed.
    var choices: [String: [String]] = [:]
    var body: Content?
    var status = 200
    var response: Content?
    /// An alternative representation, chosen by `Accept`.
    var alternative: Content?
    var responseSummary = "Done"
    /// The headers of the response and their meaning.
    var headers: [String: String] = [:]
    /// The statuses of its refusals.
    var refusals: [Int] = []

    init(_ id: String, _ tag: Tag, _ summary: String, _ details: (inout Operation) -> Void = { _ in }) {
        self.id = id
        self.tag = tag
        self.summary = summary
        details(&self)
    }

    /// The operation as OpenAPI 3.0 has it.
    ///
    /// - Parameter path: with parameters in braces.
    func document(at path: String) -> Object {
        var document: Object = ["operationId": id, "summary": summary, "tags": [tag.rawValue], "responses": responses]
        let inPath = path.split(separator: "{").dropFirst().map { part -> Object in
            let name = String(part.prefix { $0 != "}" })
            var schema: Object = ["type": "string"]
            if let words = choices[name] { schema["enum"] = words }
            return ["name": name, "in": "path", "required": true, "schema": schema]
        }
        let others = parameters.map {
            ["name": $0.name, "in": $0.place.rawValue, "description": $0.summary, "schema": $0.schema] as Object
        }
        if !(inPath + others).isEmpty { document["parameters"] = inPath + others }
        if let body { document["requestBody"] = ["required": true, "content": body.document] as Object }
        return document
    }

    /// The schemas that it refers to by name.
    var schemas: [Schema] { [body, response, alternative].compactMap { $0?.named } }

    private var responses: Object {
        var success: Object = ["description": responseSummary]
        if let response {
            success["content"] = response.document.merging(alternative?.document ?? [:]) { first, _ in first }
        }
        if !headers.isEmpty {
            success["headers"] = headers.mapValues { ["description": $0, "schema": ["type": "string"]] as Object }
        }
        var responses: Object = ["\(status)": success]
        for refusal in refusals { responses["\(refusal)"] = ["$ref": "#/components/responses/Error"] }
        return responses
    }
}
