import Columns

/// How the store keeps the matchers of a silence: as a JSON list of objects, so that whatever a name or a value holds is read
/// again as it was.
enum SilenceMatchers {
    static func text(_ matchers: [Matcher]) -> String {
        let list = matchers.map { matcher in
            JSON.object([
                .init("name", .text(OutsideText(matcher.name))), .init("operator", .text(OutsideText(matcher.operator.rawValue))),
                .init("value", .text(OutsideText(matcher.value))),
            ])
        }
        return String(decoding: JSON.list(list).bytes(), as: UTF8.self)
    }

    /// - Throws: ``IncidentError/badSilence(_:)`` for what ``text(_:)`` did not write; a regular expression's error.
    static func read(_ text: String) throws -> [Matcher] {
        guard let list = try? JSON(parsing: Array(text.utf8)).list, !list.isEmpty else { throw unreadable }
        return try list.map { one in
            guard let name = one["name"]?.text, let value = one["value"]?.text,
                let found = one["operator"]?.text.flatMap(Matcher.Operator.init)
            else { throw unreadable }
            return try Matcher(name, found, value)
        }
    }

    private static var unreadable: IncidentError { .badSilence("its matchers in the store cannot be read") }
}
