import CSQLite
import Columns
import Lake

/// What SQLite calls: the C side of ``VirtualTable`` and ``VirtualCursor``. Read only.
///
/// Source: "The Virtual Table Mechanism Of SQLite".
enum LakeModule {
    static let name = "obs_lake"

    /// What all tables of a connection share.
    final class Shared {
        let lake: Lake
        let stop: StopSign
        /// By the name of the layer and of the table within it.
        var references: [String: TableReference] = [:]

        init(_ lake: Lake, _ stop: StopSign) {
            self.lake = lake
            self.stop = stop
        }
    }

    /// As SQLite keeps a table: its own part first.
    private struct CTable {
        var base = sqlite3_vtab()
        var table: Unmanaged<VirtualTable>
        var shared: Unmanaged<Shared>
    }

    private struct CCursor {
        var base = sqlite3_vtab_cursor()
        var cursor: Unmanaged<VirtualCursor>
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
            let cursor = VirtualCursor(LakeModule.table(table!), LakeModule.shared(table!).stop)
            made.initialize(to: CCursor(cursor: .passRetained(cursor)))
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
            guard let text, let plan = ScanPlan(String(cString: text)), plan.conditions.count <= Int(count) else {
                return SQLITE_MISUSE
            }
            return LakeModule.reporting(cursor!) { cursor throws(LakeError) in try cursor.begin(plan, arguments) }
        }
        module.xNext = { cursor in LakeModule.reporting(cursor!) { cursor throws(LakeError) in try cursor.advance() } }
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

    private static func table(_ table: UnsafeMutablePointer<sqlite3_vtab>) -> VirtualTable {
        UnsafeMutableRawPointer(table).assumingMemoryBound(to: CTable.self).pointee.table.takeUnretainedValue()
    }

    private static func shared(_ table: UnsafeMutablePointer<sqlite3_vtab>) -> Shared {
        UnsafeMutableRawPointer(table).assumingMemoryBound(to: CTable.self).pointee.shared.takeUnretainedValue()
    }

    private static func cursor(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>) -> VirtualCursor {
        UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: CCursor.self).pointee.cursor.takeUnretainedValue()
    }

    private static func connect(
        _ connection: OpaquePointer?, _ shared: UnsafeMutableRawPointer?, _ count: Int32,
        _ words: UnsafePointer<UnsafePointer<CChar>?>?, _ place: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
        _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> Int32 {
        let shared = Unmanaged<Shared>.fromOpaque(shared!).takeUnretainedValue()
        // The module, the schema and the table, as SQLite names them.
        guard count >= 3, let layer = words?[1].map({ String(cString: $0) }), let name = words?[2].map({ String(cString: $0) }),
            let reference = shared.references["\(layer).\(name)"]
        else { return SQLITE_ERROR }
        do {
            let table = try VirtualTable(shared.lake.table("\(layer).\(reference.table)", at: reference.tableMoment()))
            let code = sqlite3_declare_vtab(connection, table.declaration)
            guard code == SQLITE_OK else { return code }
            let made = UnsafeMutablePointer<CTable>.allocate(capacity: 1)
            made.initialize(to: CTable(table: .passRetained(table), shared: .passUnretained(shared)))
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
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>, _ body: (VirtualCursor) throws(LakeError) -> Void
    ) -> Int32 {
        do throws(LakeError) {
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
