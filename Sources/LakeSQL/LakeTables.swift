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
    /// The same statement with what it counts by column (``GroupedSelect``), where that is possible; nil where it is not. When it
    /// ends with an error, ``text`` gives the answer or the reason.
    public let groupedText: String?
    private let lake: Lake
    private let selects: [GroupedSelect]
    /// How many groups are kept at a time.
    var groupLimit = GroupLimit()
    private let opened: [TableReference: DeltaTable]
    private let references: Set<TableReference>
    /// What it names of the ``LakeCatalog``.
    private let catalog: Set<String>
    private let stop: StopSign

    /// - Parameter stop: ends the scans of the statement before their time.
    /// - Throws: the error of the lake's folder. A table that is not there is left to SQLite, which names it.
    public init(_ statement: String, over lake: Lake, stop: StopSign) throws(LakeError) {
        let (named, text) = TableReference.found(in: statement)
        var found = named
        catalog = Set(SQLTokens.names(in: statement).map { $0.lowercased() }.filter(LakeCatalog.isName))
        let known = named.isEmpty && catalog.isEmpty ? [] : Set(try lake.tables())
        if catalog.contains(LakeCatalog.expectationsName) {
            for name in known {
                let parts = name.utf8.split(separator: UInt8(ascii: ".")).map { String(decoding: $0, as: UTF8.self) }
                guard parts.count == 2, parts[0] == LakeCatalog.quarantine else { continue }
                found.insert(TableReference(layer: parts[0], table: parts[1], moment: nil))
            }
        }
        references = found.filter { reference in known.contains(reference.nameInLake) }
        self.text = text
        self.lake = lake
        var opened: [TableReference: DeltaTable] = [:]
        // Why one cannot be opened is said when it is attached.
        for reference in references { opened[reference] = try? reference.open(in: lake) }
        self.opened = opened
        selects = GroupedSelect.found(in: text) { layer, name in
            opened.first { $0.key.layer == layer && $0.key.nameInLayer == name }?.value.schema
        }
        groupedText = selects.isEmpty ? nil : GroupedSelect.statement(text, with: selects)
        self.stop = stop
    }

    /// All words and names of the statement, in its order.
    public var words: [String] { SQLTokens.names(in: text) }

    /// Makes the tables that the statement names known to a connection, which holds them until it is closed.
    ///
    /// - Precondition: the connection has the functions of ``SQLFunction``.
    /// - Throws: ``LakeSQLError``, also with the reason why a table cannot be opened.
    public func attach(to connection: OpaquePointer?) throws(LakeSQLError) {
        guard !references.isEmpty || !catalog.isEmpty else { return }
        let shared = LakeModule.Shared(stop)
        for reference in references {
            shared.tables["\(reference.layer).\(reference.nameInLayer)"] = { [lake, stop, opened] in
                try VirtualTable(opened[reference] ?? reference.open(in: lake), stop)
            }
            let limit = groupLimit
            for select in selects where select.layer == reference.layer && select.nameInLayer == reference.nameInLayer {
                shared.tables["\(select.layer).\(select.groupsName)"] = { [lake, stop, opened] in
                    try GroupTable(opened[reference] ?? reference.open(in: lake), select.shape, limit, stop)
                }
            }
        }
        if !selects.isEmpty { try check(GroupFunctions.register(on: connection), connection) }
        for name in catalog { shared.tables["temp.\(name)"] = LakeCatalog.table(name, of: lake) }
        try check(LakeModule.register(shared, on: connection), connection)
        for layer in Set(references.map(\.layer)) {
            try run("ATTACH ':memory:' AS \"\(layer)\"", connection)
            // Attached to a connection that only reads, a database in memory is read only too, but for one that is given whole.
            try check(
                sqlite3_deserialize(
                    connection, layer, nil, 0, 0, UInt32(SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE)),
                connection)
        }
        let tables = references.map { ($0.layer, $0.nameInLayer) } + selects.map { ($0.layer, $0.groupsName) }
        for (layer, name) in tables {
            try run(
                "CREATE VIRTUAL TABLE \(VirtualTable.quoted(layer)).\(VirtualTable.quoted(name)) USING \(LakeModule.name)",
                connection)
        }
        for name in catalog {
            guard name == LakeCatalog.expectationsName else {
                try run("CREATE VIRTUAL TABLE temp.\(name) USING \(LakeModule.name)", connection)
                continue
            }
            let tables = references.filter { $0.layer == LakeCatalog.quarantine && $0.moment == nil }.map(\.table).sorted()
            try run(LakeCatalog.expectationsStatement(tables), connection)
        }
    }

    private func run(_ statement: String, _ connection: OpaquePointer?) throws(LakeSQLError) {
        try check(sqlite3_exec(connection, statement, nil, nil, nil), connection)
    }

    private func check(_ code: Int32, _ connection: OpaquePointer?) throws(LakeSQLError) {
        guard code == SQLITE_OK else { throw .refused(String(cString: sqlite3_errmsg(connection))) }
    }
}
