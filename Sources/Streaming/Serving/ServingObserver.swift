import Columns
import Foundation
import Parsing
import Store

/// Copies new gold rows to the ``ServingStore``: those of window tables, and of streams that are made of them. The key of a row
/// is what its window groups by.
public actor ServingObserver: PipelineObserver {
    /// Its name in checkpoints.
    public static let name = "serving"

    private let store: ServingStore
    /// By gold table.
    private let keys: [String: (columns: [String], time: String)]
    /// Per gold table, the rows of the current epoch. They are written once, at its end: otherwise a run over months of logs
    /// would write each key at each window.
    private var pending: [String: [Batch]] = [:]
    /// With more rows of a table than this, only the newest row per key is kept.
    private static let maxPending = 65_536

    /// - Throws: ``DefinitionError`` when the pipeline's definition is not valid.
    public init(_ store: ServingStore, _ definition: PipelineDefinition) throws {
        self.store = store
        keys = try Self.keys(of: definition)
    }

    /// The key columns and the time column of each gold table that is served.
    ///
    /// A stream of single events is not served: it has no key by which it would be looked up, and it would grow without bound.
    ///
    /// - Throws: ``DefinitionError`` when the pipeline's definition is not valid.
    public static func keys(of definition: PipelineDefinition) throws -> [String: (columns: [String], time: String)] {
        let schemas = try PipelineSchemas(definition)
        var keys: [String: (columns: [String], time: String)] = [:]
        for window in definition.windows { keys[window.table] = (window.by, "window_start") }
        for stream in definition.streams {
            guard let table = stream.table, let window = definition.windows.first(where: { $0.table == stream.from }),
                let schema = schemas.nodes[stream.name]?.schema, window.by.allSatisfy({ schema[$0] != nil }),
                schema["window_start"] != nil
            else { continue }
            keys[table] = (window.by, "window_start")
        }
        return keys
    }

    /// Events are not served.
    public func observe(_ parsed: ParsedBatch, lines: Batch, input: String) {}

    /// Keeps the rows until the end of the epoch.
    public func observe(gold rows: Batch, table: String) {
        guard let (columns, time) = keys[table], !rows.isEmpty else { return }
        pending[table, default: []].append(Self.newest(rows, columns, time))
        guard pending[table]!.reduce(0, { $0 + $1.count }) > Self.maxPending else { return }
        pending[table] = [Self.newest(Batch.concatenating(pending[table]!, schema: rows.schema), columns, time)]
    }

    /// The newest row per key; of several with the same time, the last.
    public static func newest(_ rows: Batch, _ columns: [String], _ time: String) -> Batch {
        guard let times = rows[time] else { return rows }
        let groups = RowGroups(columns.compactMap { rows[$0] }, count: rows.count)
        var newest = groups.representatives.map(Int.init)
        for row in 0..<rows.count where groups.numbers[row] >= 0 {
            let group = Int(groups.numbers[row])
            if times.integer(at: row) ?? .min >= times.integer(at: newest[group]) ?? .min { newest[group] = row }
        }
        return newest.count == rows.count ? rows : rows.gather(newest)
    }

    /// Writes the rows of the epoch. The store is durable and ignores rows that it already has, so the checkpoint holds nothing.
    public func snapshot() throws -> Data {
        for (table, batches) in pending {
            guard let (columns, time) = keys[table], let schema = batches.first?.schema else { continue }
            try store.put(
                Self.newest(Batch.concatenating(batches, schema: schema), columns, time), table: table, keyColumns: columns,
                timeColumn: time)
        }
        pending = [:]
        return Data()
    }

}
