import CSQLite
import Columns
import Lake
import Synchronization

/// Tells a scan from another thread to end.
public final class StopSign: Sendable {
    private let flag = Atomic(false)

    public init() {}

    /// Whether it was given.
    public var isSet: Bool { flag.load(ordering: .relaxed) }

    /// Ends the scans that look at it, at the next row group.
    public func set() { flag.store(true, ordering: .relaxed) }
}

/// A statement in SQL over the tables of a lake: each layer is a database, each table of the lake a read-only virtual table in
/// it.
///
///     SELECT source, count(*) FROM silver.ssh WHERE event_time >= '2026-11-27' GROUP BY source
///
/// Columns and conditions of the statement are given to the scan (projection and predicate pushdown): files and row groups that
/// cannot have a row are not read. See ``SQLType`` for what columns are.
public struct LakeStatement: Sendable {
    /// The statement as SQLite takes it, with the moments (`silver.ssh@v12`) in quotes.
    public let text: String
    private let lake: Lake
    private let references: Set<TableReference>
    private let stop: StopSign

    /// - Parameter stop: ends the scans of the statement before their time.
    /// - Throws: the error of the lake's folder. A table that is not there is left to SQLite, which names it.
    public init(_ statement: String, over lake: Lake, stop: StopSign) throws(LakeError) {
        let (found, text) = TableReference.found(in: statement)
        let known = found.isEmpty ? [] : Set(try lake.tables())
        references = found.filter { reference in known.contains(reference.nameInLake) }
        self.text = text
        self.lake = lake
        self.stop = stop
    }

    /// Makes the tables that the statement names known to a connection, which holds them until it is closed.
    ///
    /// - Throws: ``LakeSQLError``, also with the reason why a table cannot be opened.
    public func attach(to connection: OpaquePointer?) throws(LakeSQLError) {
        guard !references.isEmpty else { return }
        let shared = LakeModule.Shared(lake, stop)
        for reference in references { shared.references["\(reference.layer).\(reference.nameInLayer)"] = reference }
        try check(SQLTime.register(connection), connection)
        try check(LakeModule.register(shared, on: connection), connection)
        for layer in Set(references.map(\.layer)) {
            try run("ATTACH ':memory:' AS \"\(layer)\"", connection)
            // Attached to a connection that only reads, a database in memory is read only too, but for one that is given whole.
            try check(
                sqlite3_deserialize(
                    connection, layer, nil, 0, 0, UInt32(SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE)),
                connection)
        }
        for reference in references {
            try run(
                "CREATE VIRTUAL TABLE \"\(reference.layer)\".\"\(reference.nameInLayer)\" USING \(LakeModule.name)", connection)
        }
    }

    private func run(_ statement: String, _ connection: OpaquePointer?) throws(LakeSQLError) {
        try check(sqlite3_exec(connection, statement, nil, nil, nil), connection)
    }

    private func check(_ code: Int32, _ connection: OpaquePointer?) throws(LakeSQLError) {
        guard code == SQLITE_OK else { throw .refused(String(cString: sqlite3_errmsg(connection))) }
    }
}
