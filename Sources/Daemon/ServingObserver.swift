import Columns
import Foundation
import Parsing
import Query
import Streaming

/// Puts what goes to gold where single keys are looked up: tables of windows, and streams that are made of them. Their keys are what the window groups by.
actor ServingObserver: PipelineObserver {
    private let store: ServingStore
    /// By gold table.
    private let keys: [String: (columns: [String], time: String)]
    /// By gold table, the rows of the epoch at hand. They are written once, at its end: a run over months of logs would else write each key at each window.
    private var pending: [String: [Batch]] = [:]
    /// Rows of a table beyond which only the newest of each key are kept on.
    private static let maxPending = 65_536

    /// - Throws: `DefinitionError` when the pipeline cannot be.
    init(_ store: ServingStore, _ definition: PipelineDefinition) throws {
        self.store = store
        keys = try Self.keys(of: definition)
    }

    /// The key columns of each table that is served. A stream of single events has none: nobody asks for the newest of them by a key, and it would grow without end.
    static func keys(of definition: PipelineDefinition) throws -> [String: (columns: [String], time: String)] {
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

    func observe(_ parsed: ParsedBatch, lines: Batch, input: String) {}

    func observe(gold rows: Batch, table: String) {
        guard let (columns, time) = keys[table], !rows.isEmpty else { return }
        pending[table, default: []].append(Self.newest(rows, columns, time))
        guard pending[table]!.reduce(0, { $0 + $1.count }) > Self.maxPending else { return }
        pending[table] = [Self.newest(Batch.concatenating(pending[table]!, schema: rows.schema), columns, time)]
    }

    /// Of each key its newest row, the last of those that are equally new.
    static func newest(_ rows: Batch, _ columns: [String], _ time: String) -> Batch {
        guard let times = rows[time] else { return rows }
        let groups = RowGroups(columns.compactMap { rows[$0] }, count: rows.count)
        var newest = groups.representatives.map(Int.init)
        for row in 0..<rows.count where groups.numbers[row] >= 0 {
            let group = Int(groups.numbers[row])
            if times.integer(at: row) ?? .min >= times.integer(at: newest[group]) ?? .min { newest[group] = row }
        }
        return newest.count == rows.count ? rows : rows.gather(newest)
    }

    /// Writes what the epoch has brought. The store is durable by itself and takes what comes twice for what it is, so the checkpoint need not hold it.
    func snapshot() throws -> Data {
        for (table, batches) in pending {
            guard let (columns, time) = keys[table], let schema = batches.first?.schema else { continue }
            try store.put(
                Self.newest(Batch.concatenating(batches, schema: schema), columns, time), table: table, keyColumns: columns,
                timeColumn: time)
        }
        pending = [:]
        return Data()
    }

    func restore(_ snapshot: Data) {}
}
