import Columns

/// What Filebeat, Logstash, Vector and Fluent Bit send to Elasticsearch: a line that says what to do, then one with a document.
///
/// Source: Elasticsearch 8, "Bulk API".
enum BulkPush {
    /// Takes the documents of a body, and gives the results that the response has, in their order.
    ///
    /// - Parameter index: of actions that name none.
    /// - Throws: ``PushError/damaged(_:)`` where an action cannot be read, because what follows it could be anything.
    static func read(_ body: [UInt8], index: String?, into lines: inout PushedLines) throws(PushError) -> [UInt8] {
        var items: [UInt8] = [], start = 0, number = 0
        func next() -> ArraySlice<UInt8>? {
            while start < body.count {
                let end = body.span.firstIndex(of: 10, from: start) ?? body.count
                defer { start = end + 1; number += 1 }
                let line = end > start && body[end - 1] == 13 ? body[start..<(end - 1)] : body[start..<end]
                if !line.isEmpty { return line }
            }
            return nil
        }
        while let line = next() {
            guard case .object(let actions)? = try? JSON(parsing: Array(line)), actions.count == 1, let action = actions.first
            else {
                throw .damaged("line \(number) of the body is not an action such as {\"create\":{}}")
            }
            let name = action.name.string
            let named = action.value["_index"]?.text ?? index ?? ""
            guard name == "create" || name == "index" else {
                guard name == "delete" || name == "update" else {
                    throw .damaged(
                        "line \(number) of the body has the action '\(OutsideText(name).visibleInOneLine)'; known are create "
                            + "and index"
                    )
                }
                if name == "update" { _ = next() }
                let problem = "obs keeps logs: only 'create' and 'index' are taken"
                lines.refuse(1, problem)
                append(&items, name, named, problem)
                continue
            }
            guard let document = next() else { throw .damaged("the document behind line \(number) of the body is missing") }
            append(&items, name, named, take(document, index: named, &lines))
        }
        return items
    }

    /// - Returns: why it is refused; nil when it is taken.
    private static func take(_ bytes: ArraySlice<UInt8>, index: String, _ lines: inout PushedLines) -> String? {
        guard let document = try? JSON(parsing: Array(bytes)), case .object = document else {
            lines.refuse(1, "the document is not a JSON object")
            return "the document is not a JSON object"
        }
        let labels = Labels([("_index", index)]), before = lines.refused
        guard let target = lines.target(for: labels) else {
            lines.refuse(1, labels: labels)
            return lines.refusal
        }
        let takesJSON = lines.takesJSON(target)
        lines.add(to: target) { line in
            guard !takesJSON, let message = document.messageOfRecord else { return line += bytes }
            let bytes = Array(message.utf8)
            PushedOrigin { document.word($0) }.append(bytes.span, time: document.timeOfRecord, to: &line)
        }
        return lines.refused > before ? lines.refusal : nil
    }

    private static func append(_ items: inout [UInt8], _ action: String, _ index: String, _ problem: String?) {
        if !items.isEmpty { items.append(UInt8(ascii: ",")) }
        items += "{\"\(action)\":{\"_index\":\(JSONText.quote(index)),".utf8
        if let problem {
            items +=
                "\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\",\"reason\":\(JSONText.quote(problem))}}}".utf8
        } else {
            items += "\"status\":201,\"result\":\"created\"}}".utf8
        }
    }
}
