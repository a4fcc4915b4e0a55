import Foundation
import GRDB
import LakeSQL
import Query
import TestSupport
import Testing

@testable import Jobs
@testable import Store

/// `docs/schema.md` is made from the views, the functions and the schema texts of the rooms; `make references` writes it.
struct `The reference of tables` {
    private let page = SchemaPage(([Store.schema] + Workspace.migrations).map(\.sql))
    private let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/schema.md")

    @Test func `is what the schema texts say`() throws {
        if ProcessInfo.processInfo.environment["OBS_WRITE_REFERENCES"] != nil { try Data(page.markdown.utf8).write(to: file) }
        #expect(try String(contentsOf: file, encoding: .utf8) == page.markdown)
    }

    @Test func `has every table and column of a database, and says of each table what it holds`() throws {
        let folder = TemporaryFolder()
        let tables = try Workspace(folder.path).store.database.read { database in
            let names = try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'grdb_*'
                        AND name NOT GLOB '*_search_*' ORDER BY name
                    """)
            return try names.map { ($0, try database.columns(in: $0).map(\.name)) }
        }
        #expect(page.tables.map(\.name).sorted() == tables.map(\.0))
        for (name, columns) in tables {
            let table = try #require(page.tables.first { $0.name == name })
            #expect(table.meaning.hasSuffix("."), "\(name)")
            // A computed column is not among those that SQLite lists.
            #expect(table.columns.map(\.name).filter { $0 != "listed_at" || columns.contains($0) } == columns, "\(name)")
        }
    }
}

/// The tables as a page, read from the text that makes them: a comment above a table or a column says what it is.
struct SchemaPage {
    struct Column {
        var name: String
        var type: String
        var meaning: String
    }

    struct Table {
        var name: String
        var meaning: String
        var columns: [Column] = []
    }

    private(set) var tables: [Table] = []

    init(_ scripts: [String]) {
        for script in scripts {
            var comment: [String] = []
            var open: Table?
            for line in script.components(separatedBy: "\n").map({ $0.trimmingCharacters(in: .whitespaces) }) {
                if line.hasPrefix("-- ") {
                    comment.append(String(line.dropFirst(3)))
                    continue
                }
                defer { comment = [] }
                let meaning = comment.joined(separator: " ")
                if let found = line.firstMatch(of: /^CREATE VIRTUAL TABLE (\w+) USING fts5 \(([\w, ]+), content=/) {
                    let columns = found.2.split(separator: ",").map {
                        Column(name: $0.trimmingCharacters(in: .whitespaces), type: "text", meaning: "")
                    }
                    tables.append(Table(name: String(found.1), meaning: meaning, columns: columns))
                } else if let found = line.firstMatch(of: /^CREATE TABLE (\w+) \($/) {
                    open = Table(name: String(found.1), meaning: meaning)
                } else if open != nil {
                    if let found = line.firstMatch(of: /^"?(\w+)"? (INTEGER|TEXT|REAL|BLOB)/) {
                        open!.columns.append(
                            Column(name: String(found.1), type: Self.type(line, String(found.2)), meaning: meaning))
                    }
                    if line.hasSuffix(";") {
                        tables.append(open!)
                        open = nil
                    }
                }
            }
        }
    }

    private static func type(_ line: String, _ name: String) -> String {
        let isNeeded = line.contains("NOT NULL") || line.contains("PRIMARY KEY") || line.contains("GENERATED ALWAYS")
        let reference = line.firstMatch(of: /REFERENCES (\w+) \((\w+)\)/).map { ", \($0.1).\($0.2)" } ?? ""
        return name.lowercased() + reference + (isNeeded ? "" : ", may be null")
    }

    var markdown: String {
        """
        # What SQL reads beside the lake

        `obs query sql` ([sql.md](sql.md)) has the [views](#views) that are described first, and [functions](#functions). They stay as they are: a later release may add to them, and takes nothing away
        without saying so in the changelog. Below them are the [tables of obs.db](#tables), as obs itself works with them, which change with it.

            obs query sql "SELECT name, count(*) AS n FROM incidents WHERE opened_at > ago('1d') GROUP BY name ORDER BY n DESC"
            obs query sql "SELECT bucket(time, '1h') AS hour, kind, count(*) FROM timeline GROUP BY 1, 2"
            obs query sql "SELECT id, title, label(labels, 'source') AS source FROM incidents WHERE cidr('192.0.2.0/24', label(labels, 'source'))"

        This page is made from the sources by `make references`.

        # Views

        A time is a text such as `2026-11-27T15:00:00.000000Z`, is compared as a time with whatever is written as one, and so with the times of the lake. Where a view has the name of a table, the
        table is `main.audit`.


        """
            + SQLViews.all.map(section).joined(separator: "\n") + """

                # Functions

                | function | what it gives |
                |---|---|

                """
            + SQLFunction.all.map { "| `\($0.call)` | \($0.meaning) |\n" }.joined() + """

                # Tables

                Times are in microseconds since 1970, UTC; durations are in microseconds; labels and annotations are JSON objects with sorted names. `utc(opened_at)` is a time as a text.


                """
            + tables.map(section).joined(separator: "\n")
    }

    private func section(_ view: SQLView) -> String {
        let rows = view.columns.map { column in
            "| `\(column.name)` | \(column.kind.rawValue)\(column.isNullable ? ", may be null" : "") | \(column.meaning) |\n"
        }
        return "## \(view.name)\n\n\(view.meaning)\n\n| column | type | meaning |\n|---|---|---|\n\(rows.joined())"
    }

    private func section(_ table: Table) -> String {
        let rows = table.columns.map { "| `\($0.name)` | \($0.type) | \($0.meaning.replacing("|", with: "\\|")) |\n" }.joined()
        return "## \(table.name)\n\n\(table.meaning)\n\n| column | type | meaning |\n|---|---|---|\n\(rows)"
    }
}
