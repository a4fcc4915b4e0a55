import CSQLite

/// A table whose rows SQLite asks for: of the lake (``VirtualTable``), of its groups (``GroupTable``), or a list
/// (``ListTable``).
protocol ModuleTable {
    /// For `sqlite3_declare_vtab`.
    var declaration: String { get }
    /// Chooses how the table is read, and writes it as a text into `idxStr`.
    func plan(_ info: UnsafeMutablePointer<sqlite3_index_info>)
    func cursor() -> any ModuleCursor
}

/// Goes through the rows of a ``ModuleTable``. What it throws is the statement's error.
protocol ModuleCursor: AnyObject {
    var isAtEnd: Bool { get }
    var rowID: Int64 { get }
    /// Goes to the first row, read as the plan says.
    ///
    /// - Parameter arguments: the values that the conditions of the plan compare with, in its order.
    func begin(_ plan: String, _ arguments: UnsafeBufferPointer<OpaquePointer?>) throws
    func advance() throws
    /// Gives a value of the row at hand as the result.
    func give(_ column: Int, to context: OpaquePointer?)
}

extension ModuleTable {
    /// Leaves a plan with SQLite, which frees it.
    func keep(_ plan: String, in info: UnsafeMutablePointer<sqlite3_index_info>) {
        let text = Array(plan.utf8) + [0]
        guard let copy = sqlite3_malloc64(UInt64(text.count)) else { return }
        copy.copyMemory(from: text, byteCount: text.count)
        info.pointee.idxStr = copy.assumingMemoryBound(to: CChar.self)
        info.pointee.needToFreeIdxStr = 1
    }
}

/// What SQLite calls: the C side of ``ModuleTable`` and ``ModuleCursor``. Read only.
///
/// Source: "The Virtual Table Mechanism Of SQLite".
enum LakeModule {
    static let name = "obs_lake"

    /// What all tables of a connection share.
    final class Shared {
        let stop: StopSign
        /// Opens a table, by the name of its database and its own.
        var tables: [String: () throws -> any ModuleTable] = [:]

        init(_ stop: StopSign) { self.stop = stop }
    }

    private final class Held<Content> {
        let content: Content
        init(_ content: Content) { self.content = content }
    }

    /// As SQLite keeps a table: its own part first.
    private struct CTable {
        var base = sqlite3_vtab()
        var table: Unmanaged<Held<any ModuleTable>>
        var shared: Unmanaged<Shared>
    }

    private struct CCursor {
        var base = sqlite3_vtab_cursor()
        var cursor: Unmanaged<Held<any ModuleCursor>>
    }

    /// - Parameter shared: the connection holds it until it is closed.
    static func register(_ shared: Shared, on connection: OpaquePointer?) -> Int32 {
        sqlite3_create_module_v2(
            connection, name, module, Unmanaged.passRetained(shared).toOpaque(),
            { Unmanaged<Shared>.fromOpaque($0!).release() })
    }

    nonisolated(unsafe) private static let module: UnsafePointer<sqlite3_module> = {
        // Safe because it is written here once, before anybody reads it.
        let made = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
        var module = sqlite3_module()
        module.iVersion = 1
        module.xCreate = { LakeModule.connect($0, $1, $2, $3, $4, $5) }
        module.xConnect = { LakeModule.connect($0, $1, $2, $3, $4, $5) }
        module.xDisconnect = { LakeModule.disconnect($0) }
        module.xDestroy = { LakeModule.disconnect($0) }
        module.xBestIndex = { table, info in
            LakeModule.table(table!).plan(info!)
            return info!.pointee.idxStr == nil ? SQLITE_NOMEM : SQLITE_OK
        }
        module.xOpen = { table, place in
            let made = UnsafeMutablePointer<CCursor>.allocate(capacity: 1)
            made.initialize(to: CCursor(cursor: .passRetained(Held(LakeModule.table(table!).cursor()))))
            place!.pointee = UnsafeMutableRawPointer(made).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
            return SQLITE_OK
        }
        module.xClose = { cursor in
            let made = UnsafeMutableRawPointer(cursor!).assumingMemoryBound(to: CCursor.self)
            made.pointee.cursor.release()
            made.deinitialize(count: 1)
            made.deallocate()
            return SQLITE_OK
        }
        module.xFilter = { cursor, _, text, count, arguments in
            guard let text else { return SQLITE_MISUSE }
            return LakeModule.reporting(cursor!) {
                try $0.begin(String(cString: text), UnsafeBufferPointer(start: arguments, count: Int(count)))
            }
        }
        module.xNext = { cursor in LakeModule.reporting(cursor!) { try $0.advance() } }
        module.xEof = { LakeModule.cursor($0!).isAtEnd ? 1 : 0 }
        module.xColumn = { cursor, context, column in
            LakeModule.cursor(cursor!).give(Int(column), to: context)
            return SQLITE_OK
        }
        module.xRowid = { cursor, place in
            place!.pointee = LakeModule.cursor(cursor!).rowID
            return SQLITE_OK
        }
        made.initialize(to: module)
        return UnsafePointer(made)
    }()

    private static func table(_ table: UnsafeMutablePointer<sqlite3_vtab>) -> any ModuleTable {
        UnsafeMutableRawPointer(table).assumingMemoryBound(to: CTable.self).pointee.table.takeUnretainedValue().content
    }

    private static func shared(_ table: UnsafeMutablePointer<sqlite3_vtab>) -> Shared {
        UnsafeMutableRawPointer(table).assumingMemoryBound(to: CTable.self).pointee.shared.takeUnretainedValue()
    }

    private static func cursor(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>) -> any ModuleCursor {
        UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: CCursor.self).pointee.cursor.takeUnretainedValue().content
    }

    private static func connect(
        _ connection: OpaquePointer?, _ shared: UnsafeMutableRawPointer?, _ count: Int32,
        _ words: UnsafePointer<UnsafePointer<CChar>?>?, _ place: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
        _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> Int32 {
        let shared = Unmanaged<Shared>.fromOpaque(shared!).takeUnretainedValue()
        // The module, the schema and the table, as SQLite names them.
        guard count >= 3, let layer = words?[1].map({ String(cString: $0) }), let name = words?[2].map({ String(cString: $0) }),
            let open = shared.tables["\(layer).\(name)"]
        else { return SQLITE_ERROR }
        do {
            let table = try open()
            let code = sqlite3_declare_vtab(connection, table.declaration)
            guard code == SQLITE_OK else { return code }
            let made = UnsafeMutablePointer<CTable>.allocate(capacity: 1)
            made.initialize(to: CTable(table: .passRetained(Held(table)), shared: .passUnretained(shared)))
            place!.pointee = UnsafeMutableRawPointer(made).assumingMemoryBound(to: sqlite3_vtab.self)
            return SQLITE_OK
        } catch {
            message?.pointee = copy("\(error)")
            return SQLITE_ERROR
        }
    }

    private static func disconnect(_ table: UnsafeMutablePointer<sqlite3_vtab>?) -> Int32 {
        let made = UnsafeMutableRawPointer(table!).assumingMemoryBound(to: CTable.self)
        made.pointee.table.release()
        made.deinitialize(count: 1)
        made.deallocate()
        return SQLITE_OK
    }

    /// Does something with a cursor; an error becomes the message of its table.
    private static func reporting(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>, _ body: (any ModuleCursor) throws -> Void
    ) -> Int32 {
        do {
            try body(self.cursor(cursor))
            return shared(cursor.pointee.pVtab).stop.isSet ? SQLITE_INTERRUPT : SQLITE_OK
        } catch {
            sqlite3_free(cursor.pointee.pVtab.pointee.zErrMsg)
            cursor.pointee.pVtab.pointee.zErrMsg = copy("\(error)")
            return SQLITE_ERROR
        }
    }

    /// A text that SQLite frees.
    private static func copy(_ text: String) -> UnsafeMutablePointer<CChar>? {
        let bytes = Array(text.utf8) + [0]
        guard let copy = sqlite3_malloc64(UInt64(bytes.count)) else { return nil }
        copy.copyMemory(from: bytes, byteCount: bytes.count)
        return copy.assumingMemoryBound(to: CChar.self)
    }
}
