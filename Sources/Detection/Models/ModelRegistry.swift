import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// The models that were trained, version by version, and which of them is in production. Files lie in a folder, their facts in the store.
public struct ModelRegistry: Sendable {
    public static let migrations = [
        Migration(
            id: "detection-1",
            sql: """
                CREATE TABLE model (
                    name TEXT NOT NULL, version INTEGER NOT NULL, stage TEXT NOT NULL, trained_at INTEGER NOT NULL, trained_on INTEGER NOT NULL,
                    threshold REAL NOT NULL, features TEXT NOT NULL, file TEXT NOT NULL, PRIMARY KEY (name, version));
                """)
    ]

    /// One line of the registry.
    public struct Entry: Sendable {
        public let name: String
        public let version: Int
        /// `production` or `archived`.
        public let stage: String
        public let trainedAt: Timestamp
        public let trainedOn: Int
        public let threshold: Double
        public let features: String
        public let file: String
    }

    private let store: Store
    private let folder: String

    public init(store: Store, folder: String) {
        self.store = store
        self.folder = folder
    }

    /// Saves a model as the next version under `name` and puts it in production; the one before is archived.
    public func save(_ model: WindowModel, name: String) throws -> Entry {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let bytes = try JSONEncoder().encode(model)
        return try store.database.write { database in
            let version =
                (try Int.fetchOne(database, sql: "SELECT max(version) FROM model WHERE name = ?", arguments: [name]) ?? 0) + 1
            let file = "\(name)-\(version).json"
            // The file is whole before the registry names it.
            try bytes.write(to: URL(filePath: folder + "/" + file), options: .atomic)
            try database.execute(sql: "UPDATE model SET stage = 'archived' WHERE name = ?", arguments: [name])
            try database.execute(
                sql: "INSERT INTO model VALUES (?, ?, 'production', ?, ?, ?, ?, ?)",
                arguments: [
                    name, version, model.trainedAt.microseconds, model.trainedOn, model.threshold,
                    model.features.joined(separator: ","), file,
                ])
            return Entry(
                name: name, version: version, stage: "production", trainedAt: model.trainedAt, trainedOn: model.trainedOn,
                threshold: model.threshold,
                features: model.features.joined(separator: ","), file: file)
        }
    }

    public func list() throws -> [Entry] {
        try store.database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM model ORDER BY name, version DESC").map(Self.entry)
        }
    }

    /// Which model is in production under `name`, or nil when there is none.
    public func productionEntry(_ name: String) throws -> Entry? {
        try store.database.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM model WHERE name = ? AND stage = 'production'", arguments: [name]).map(
                Self.entry)
        }
    }

    /// The model in production under `name`, or nil when there is none.
    ///
    /// - Throws: ``ModelError/damaged(file:)``.
    public func production(_ name: String) throws -> (entry: Entry, model: WindowModel)? {
        guard let entry = try productionEntry(name) else { return nil }
        guard let bytes = FileManager.default.contents(atPath: folder + "/" + entry.file),
            let model = try? JSONDecoder().decode(WindowModel.self, from: bytes)
        else { throw ModelError.damaged(file: folder + "/" + entry.file) }
        return (entry, model)
    }

    private static func entry(_ row: Row) -> Entry {
        Entry(
            name: row["name"], version: row["version"], stage: row["stage"],
            trainedAt: Timestamp(microseconds: row["trained_at"]),
            trainedOn: row["trained_on"], threshold: row["threshold"], features: row["features"], file: row["file"])
    }
}

public enum ModelError: Error, CustomStringConvertible {
    case damaged(file: String)
    case tooFewWindows(table: String, count: Int)

    public var description: String {
        switch self {
        case .damaged(let file): "\(file): the model file is missing or damaged; train it again with 'obs model train'"
        case .tooFewWindows(let table, let count):
            "\(table) has \(count) windows, and a model needs \(WindowModel.minimumRows); process more logs, then train again"
        }
    }
}
