import Alerting
import Detection
import Foundation
import Lake
import Store
import Streaming

/// A data directory, opened: `lake` (tables), `obs.db` (incidents, models), `serve.db` (newest gold rows by key), `spool` (pushed lines), `checkpoints`, `models`, `export`.
public struct Workspace: Sendable {
    public let path: String
    public let lake: Lake
    public let store: Store
    public let incidents: IncidentStore
    public let models: ModelRegistry

    /// Makes the directory if it is not there.
    public init(_ path: String) throws {
        self.path = path
        lake = Lake(root: path + "/lake")
        store = try Store(
            path: path + "/obs.db", migrations: IncidentStore.migrations + ModelRegistry.migrations + RunStore.migrations)
        incidents = IncidentStore(store)
        models = ModelRegistry(store: store, folder: path + "/models")
    }

    var checkpoints: String { path + "/checkpoints" }
    var exports: String { path + "/export" }
    var servingPath: String { path + "/serve.db" }
}
