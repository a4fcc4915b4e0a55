import Foundation
import Lake
import Logging
import Store
import Streaming
import Telemetry

extension Workspace {
    /// Opens `serve.db`, the newest gold rows. Where the file is damaged it is put aside, and where there is none the rows are
    /// made anew from the gold tables, which hold all of them.
    ///
    /// - Throws: what opening it or reading the gold tables throws.
    public func serving(
        _ definitions: [PipelineDefinition], health: HealthNotes, logger: Logger
    ) throws -> ServingStore {
        let (store, isNew, kept) = try ServingStore.opened(path: servingPath, now: Date())
        guard isNew else { return store }
        if let kept {
            health.note(
                .damagedFile, "serve.db",
                "\(servingPath): it was damaged and is kept as \(kept); the newest gold rows were made anew from the gold tables"
            )
            logger.error(
                "the newest gold rows were damaged; they are made anew from the gold tables",
                metadata: ["path": "\(servingPath)", "kept": "\(kept)"])
        }
        for definition in definitions {
            for (name, key) in try ServingObserver.keys(of: definition) {
                do {
                    try Self.fill(store, from: lake.table("gold.\(name)"), named: name, key)
                } catch LakeError.noTable {
                    continue  // nothing has come to gold yet
                } catch let error as LakeError {
                    // The rows of the other tables are served all the same.
                    health.note(.damagedFile, "table gold.\(name)", error.description)
                    logger.error("gold rows cannot be served", metadata: ["table": "gold.\(name)", "error": "\(error)"])
                }
            }
        }
        return store
    }

    private static func fill(
        _ store: ServingStore, from table: DeltaTable, named name: String, _ key: (columns: [String], time: String)
    ) throws {
        try table.scan { batch in
            try store.put(
                ServingObserver.newest(batch, key.columns, key.time), table: name, keyColumns: key.columns, timeColumn: key.time)
            return true
        }
    }
}
