import CSQLite
import Columns
import Lake

/// What statements may ask of the lake as a whole: its tables, their files, and the rows that expectations kept out. Each is
/// there in a statement that names it.
public enum LakeCatalog {
    /// As documented.
    public static let views = [tables, files, expectations]

    private static let tables = SQLView(
        "tables", of: "tables", "The tables of the lake.",
        [
            .init("table_name", .text, "Its name with the layer, such as silver.ssh."),
            .init("version", .integer, "Its newest version."), .init("rows", .integer, "How many rows it has."),
            .init("files", .integer, "How many data files it has."), .init("bytes", .integer, "What its data files take."),
            .init("partitioned_by", .text, "The columns whose values have files of their own, with commas."),
            .init("since", .time, isNullable: true, "The oldest time in its first column of times."),
        ])

    private static let files = SQLView(
        "files", of: "files", "The data files of the newest versions of all tables of the lake.",
        [
            .init("table_name", .text, "The table, such as silver.ssh."), .init("path", .text, "From the folder of the table."),
            .init("bytes", .integer, "Its size."), .init("rows", .integer, isNullable: true, "How many rows it has."),
            .init("written_at", .time, "When it was written."),
            .init("partition", .json, "The values that it is the partition of."),
            .init("oldest", .time, isNullable: true, "The oldest time in the table's first column of times."),
            .init("newest", .time, isNullable: true, "The newest."),
        ])

    private static let expectations = SQLView(
        "expectations", of: "",
        "Rows that did not meet an expectation and lines that could not be read: the tables of quarantine.",
        [
            .init("pipeline", .text, "The pipeline that put it there."),
            .init(
                "expectation", .text, isNullable: true, from: "detail",
                "The expectation; of a line that could not be read, more about the reason."),
            .init("reason", .text, "Why it is there."), .init("arrival_time", .time, "When obs read it."),
            .init("source", .text, "The source that it came from."), .init("file", .text, "The file that it came from."),
            .init("offset", .integer, "Where in the file it begins."), .init("line", .text, "The line."),
        ])

    /// A table that is made for a connection, in its temporary database.
    static func table(_ name: String, of lake: Lake) -> (() throws -> any ModuleTable)? {
        switch name {
        case tables.name: { ListTable(schema(tables)) { try lake.tables().map { try tableRow(lake.table($0)) } } }
        case files.name: { ListTable(schema(files)) { try lake.tables().flatMap { try fileRows(lake.table($0)) } } }
        default: nil
        }
    }

    private static func schema(_ view: SQLView) -> Schema {
        Schema(
            view.columns.map {
                let type: ColumnType =
                    switch $0.kind {
                    case .integer: .int64
                    case .time: .timestamp
                    default: .text
                    }
                return Field($0.name, type, isNullable: $0.isNullable)
            })
    }

    private static func tableRow(_ table: DeltaTable) throws -> [Value] {
        [
            .text(table.name), .int(table.version), .int(Int64(try table.rowCount())), .int(Int64(table.fileCount)),
            .int(Int64(table.sizeInBytes)), .text(table.partitionColumns.joined(separator: ",")),
            table.age(now: .now).since.map(Value.timestamp) ?? .null,
        ]
    }

    private static func fileRows(_ table: DeltaTable) -> [[Value]] {
        table.listedFiles.map { file in
            [
                .text(table.name), .text(file.path), .int(Int64(file.sizeInBytes)),
                file.rowCount.map { .int(Int64($0)) } ?? .null,
                .timestamp(file.writtenAt),
                .text("{" + file.partition.map { JSONText.quote($0) + ":" + JSONText.render($1) }.joined(separator: ",") + "}"),
                file.times.map { .timestamp($0.lowerBound) } ?? .null, file.times.map { .timestamp($0.upperBound) } ?? .null,
            ]
        }
    }

    /// The statement that makes the view of ``expectations``.
    ///
    /// - Parameter tables: those of quarantine.
    static func expectationsStatement(_ tables: [String]) -> String {
        let name = expectations.name, columns = expectations.columns.dropFirst()
        let chosen = columns.map { "\($0.source) AS \($0.name)" }.joined(separator: ", ")
        guard !tables.isEmpty else {
            let nothing = expectations.columns.map { "NULL AS \($0.name)" }.joined(separator: ", ")
            return "CREATE TEMP VIEW \(name) AS SELECT \(nothing) WHERE 0"
        }
        let parts = tables.map { table in
            "SELECT '\(table)' AS pipeline, \(chosen) FROM quarantine.\(VirtualTable.quoted(table))"
        }
        return "CREATE TEMP VIEW \(name) AS \(parts.joined(separator: " UNION ALL "))"
    }

    /// The layer with the tables behind ``expectations``.
    static let quarantine = "quarantine"
    /// Whether a statement that has this word needs a table or view of the catalog.
    static func isName(_ word: String) -> Bool { views.contains { $0.name == word } }
    static var expectationsName: String { expectations.name }
}
