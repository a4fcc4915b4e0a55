import Columns
@preconcurrency import GRDB
import Store

/// How the store keeps the matchers of a silence: as a JSON list of objects, so that whatever a name or a value holds is read again as it was.
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

    /// - Throws: ``AlertingError/badSilence(_:)`` for what ``text(_:)`` did not write; a regular expression's error.
    static func read(_ text: String) throws -> [Matcher] {
        guard let list = try? JSON(parsing: Array(text.utf8)).list, !list.isEmpty else { throw unreadable }
        return try list.map { one in
            guard let name = one["name"]?.text, let value = one["value"]?.text,
                let found = one["operator"]?.text.flatMap(Matcher.Operator.init)
            else { throw unreadable }
            return try Matcher(name, found, value)
        }
    }

    private static var unreadable: AlertingError { .badSilence("its matchers in the store cannot be read") }

    /// Until now matchers were kept as they print themselves. That escaped by `Character`, so a quote in a value that a neighbour joined could not be read again, and no silence could.
    ///
    /// What cannot be converted goes to `silence_unreadable` with all its columns, and the audit says so.
    static let migration = Migration(id: "text-silences-1") { database in
        try database.execute(sql: "CREATE TABLE silence_unreadable AS SELECT * FROM silence WHERE 0")
        for row in try Row.fetchAll(database, sql: "SELECT id, matchers, updated_at FROM silence") {
            let id: String = row[0]
            if let matchers = printed(row[1]), !matchers.isEmpty {
                try database.execute(sql: "UPDATE silence SET matchers = ? WHERE id = ?", arguments: [text(matchers), id])
            } else {
                try database.execute(sql: "INSERT INTO silence_unreadable SELECT * FROM silence WHERE id = ?", arguments: [id])
                try database.execute(sql: "DELETE FROM silence WHERE id = ?", arguments: [id])
                try Store.audit(
                    database, at: row[2], actor: "obs", action: "silence.unreadable", subject: id,
                    detail: "its matchers could not be read; the row is in the table silence_unreadable")
            }
        }
    }

    /// The matchers of a JSON list of texts, each of which is one that printed itself; nil when one is none.
    static func printed(_ text: String) -> [Matcher]? {
        guard let list = try? JSON(parsing: Array(text.utf8)).list else { return nil }
        let matchers = list.map { $0.text.flatMap(printedOne) }
        return matchers.contains(nil) ? nil : matchers.compactMap(\.self)
    }

    /// A name, an operator, and what stands between the first quote and the last: quotes between them need not be escaped.
    private static func printedOne(_ text: String) -> Matcher? {
        let scalars = text.unicodeScalars
        if scalars.first == "\"" { return (try? [Matcher](parsing: text)).flatMap { $0.count == 1 ? $0.first : nil } }
        let name = scalars.prefix { $0 != "=" && $0 != "!" }, rest = scalars[name.endIndex...]
        guard !name.isEmpty,
            let found = [Matcher.Operator.notEqual, .matches, .doesNotMatch, .equal].first(where: {
                rest.starts(with: ($0.rawValue + "\"").unicodeScalars)
            })
        else { return nil }
        let quoted = rest.dropFirst(found.rawValue.unicodeScalars.count + 1)
        guard quoted.last == "\"" else { return nil }
        var value = String.UnicodeScalarView()
        var inner = quoted.dropLast()
        while let scalar = inner.popFirst() {
            guard scalar == "\\", let next = inner.first, "\\\"n".unicodeScalars.contains(next) else {
                value.append(scalar)
                continue
            }
            value.append(next == "n" ? "\n" : next)
            inner.removeFirst()
        }
        return try? Matcher(String(name), found, String(value))
    }
}
