import Columns
import Detection
@preconcurrency import GRDB

/// Incidents by words of their titles, names, labels and timelines.
enum TextSearch {
    /// How many of the newest titles and of the newest entries that hold the words are looked at.
    static let depth = 5000

    /// The incidents that hold all words of `text`, newest first; for a child its parent.
    ///
    /// - Throws: ``FilterError/badText(_:)`` for a text without a word, or one that is too long.
    static func incidents(containing text: String, _ filter: IncidentFilter, _ database: Database) throws -> [Int64] {
        let pattern = try pattern(text)
        let titles = try Int64.fetchAll(
            database, sql: "SELECT rowid FROM incident_search WHERE incident_search MATCH ? ORDER BY rowid DESC LIMIT \(depth)",
            arguments: [pattern])
        let notes = try Int64.fetchAll(
            database,
            sql: """
                SELECT t.incident FROM (SELECT rowid AS id FROM timeline_search WHERE timeline_search MATCH ?
                    ORDER BY rowid DESC LIMIT \(depth)) s
                CROSS JOIN timeline t ON t.id = s.id
                """, arguments: [pattern])
        let found = Set(titles).union(notes).map(String.init).joined(separator: ",")
        return try Int64.fetchAll(
            database,
            sql: """
                SELECT DISTINCT w.number FROM json_each(?1) n CROSS JOIN incident m ON m.number = n.value
                CROSS JOIN incident w ON w.number = coalesce(m.merged_into, m.number)
                WHERE (?2 IS NULL OR w.state = ?2) AND (?3 IS NULL OR w.severity = ?3) ORDER BY w.listed_at DESC, w.number DESC
                """, arguments: ["[\(found)]", filter.state?.rawValue, filter.severity?.rawValue])
    }

    /// Quoted, so that nothing in it is read as the search's own language; a star at the end of a word is kept.
    private static func pattern(_ text: String) throws(FilterError) -> String {
        let words = OutsideText(OutsideText(text).storable).split(where: \.properties.isWhitespace).filter {
            $0.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
        }
        guard !words.isEmpty, text.utf8.count <= 1000 else { throw .badText(OutsideText(text).prefix(100)) }
        return words.map { word -> String in
            let isPrefix = word.utf8.last == UInt8(ascii: "*")
            let letters = isPrefix ? String(word.unicodeScalars.dropLast()) : word
            return "\"\(OutsideText(letters).replacing("\"", with: "\"\""))\"\(isPrefix ? "*" : "")"
        }.joined(separator: " ")
    }
}
