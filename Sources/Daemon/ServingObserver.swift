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

    func observe(gold rows: Batch, table: String) throws {
        guard let (columns, time) = keys[table] else { return }
        try store.put(rows, table: table, keyColumns: columns, timeColumn: time)
    }

    // The store is durable by itself, and takes what comes twice for what it is.
    func snapshot() -> Data { Data() }
    func restore(_ snapshot: Data) {}
}
