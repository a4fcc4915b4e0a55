import Columns
import Lake
import LakeSQL

/// What statements in SQL can name: the tables of the lake and the views, with their columns.
public struct TableNames: Sendable {
    private let lake: Lake

    /// The names in a lake, and those of ``SQLViews``.
    public init(_ lake: Lake) {
        self.lake = lake
    }

    /// All tables and views, each with the number of its columns.
    public func all() throws -> Answer {
        let tables = try lake.tables().map { name -> [Value] in
            let columns = try? lake.table(name).schema.count
            return [.text(name), .text("lake"), columns.map { .int(Int64($0)) } ?? .null, .null]
        }
        let views = SQLViews.all.map { view -> [Value] in
            [.text(view.name), .text("view"), .int(Int64(view.columns.count)), .text(view.meaning)]
        }
        var answer = Answer([("name", .text), ("kind", .text), ("columns", .int64), ("meaning", .text)], rows: tables + views)
        answer.main = "name"
        answer.dispensable = ["meaning"]
        return answer
    }

    /// The columns of a table or a view.
    ///
    /// - Throws: ``QueryError/unknown(_:_:known:)``.
    public func columns(of name: String) throws -> Answer {
        let columns: [(String, ColumnType)] = [("column", .text), ("type", .text), ("null", .text), ("meaning", .text)]
        if let view = SQLViews.all.first(where: { $0.name.hasSameBytes(as: name) }) {
            return Answer(
                columns,
                rows: view.columns.map {
                    [.text($0.name), .text($0.kind.rawValue), .text($0.isNullable ? "yes" : "no"), .text($0.meaning)]
                })
        }
        let tables = try lake.tables()
        guard tables.contains(where: { $0.hasSameBytes(as: name) }) else {
            throw QueryError.unknown("table", name, known: tables + SQLViews.all.map(\.name))
        }
        let schema = try lake.table(name).schema
        return Answer(
            columns,
            rows: schema.fields.map { [.text($0.name), .text($0.type.rawValue), .text($0.isNullable ? "yes" : "no"), .null] })
    }
}
