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
                """),
        Migration(id: "detection-2", sql: "ALTER TABLE model ADD COLUMN kind TEXT NOT NULL DEFAULT 'windows';"),
        // Of the file's bytes, as text; null for models that were saved before.
        Migration(id: "detection-damage-1", sql: "ALTER TABLE model ADD COLUMN checksum TEXT;"),
    ]

    /// A larger model file is refused: reading it would take the memory that the pipelines need.
    static let maxFileSize = 512 << 20

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
        /// Which type of model the file holds: ``RegisteredModel/kind``.
        public let kind: String
        /// Of the file's bytes; nil for one that an older obs saved.
        let checksum: String?
    }

    private let store: Store
    private let folder: String

    public init(store: Store, folder: String) {
        self.store = store
        self.folder = folder
    }

    /// Saves a model as the next version under `name` and puts it in production; the one before is archived.
    public func save(_ model: some RegisteredModel, name: String) throws -> Entry {
        let kind = type(of: model).kind
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let bytes = try JSONEncoder().encode(model)
        let checksum = Self.checksum(bytes)
        return try store.database.write { database in
            let version =
                (try Int.fetchOne(database, sql: "SELECT max(version) FROM model WHERE name = ?", arguments: [name]) ?? 0) + 1
            let file = "\(name)-\(version).json"
            // The file is whole before the registry names it.
            try bytes.write(to: URL(filePath: folder + "/" + file), options: .atomic)
            try database.execute(sql: "UPDATE model SET stage = 'archived' WHERE name = ?", arguments: [name])
            try database.execute(
                sql: """
                    INSERT INTO model (name, version, stage, trained_at, trained_on, threshold, features, file, kind, checksum)
                    VALUES (?, ?, 'production', ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    name, version, model.trainedAt.microseconds, model.trainedOn, model.threshold,
                    model.features.joined(separator: ","), file, kind, checksum,
                ])
            return Entry(
                name: name, version: version, stage: "production", trainedAt: model.trainedAt, trainedOn: model.trainedOn,
                threshold: model.threshold,
                features: model.features.joined(separator: ","), file: file, kind: kind, checksum: checksum)
        }
    }

    public func list() throws -> [Entry] {
        try store.database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM model ORDER BY name, version DESC").compactMap { try? Self.entry($0) }
        }
    }

    /// Which model is in production under `name`, or nil when there is none.
    public func productionEntry(_ name: String) throws -> Entry? {
        try store.database.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM model WHERE name = ? AND stage = 'production'", arguments: [name])
                .flatMap {
                    try? Self.entry($0)
                }
        }
    }

    /// The model of windows in production under `name`, or nil when there is none.
    ///
    /// - Throws: ``ModelError/damaged(file:)``.
    public func production(_ name: String) throws -> (entry: Entry, model: WindowModel)? {
        try production(name, as: WindowModel.self)
    }

    /// The model in production under `name`, or nil when there is none.
    ///
    /// - Throws: ``ModelError/damaged(file:)`` when the file is missing or does not hold together, ``ModelError/otherKind(name:kind:wanted:)``.
    public func production<Model: RegisteredModel>(_ name: String, as type: Model.Type) throws -> (entry: Entry, model: Model)? {
        guard let entry = try productionEntry(name) else { return nil }
        guard entry.kind == Model.kind else { throw ModelError.otherKind(name: name, kind: entry.kind, wanted: Model.kind) }
        let bytes = try bytes(of: entry)
        guard let model = try? JSONDecoder().decode(Model.self, from: bytes) else {
            throw ModelError.damaged(file: folder + "/" + entry.file)
        }
        return (entry, model)
    }

    /// Puts an earlier version in production.
    ///
    /// - Throws: ``ModelError/unknownVersion(name:version:)``.
    public func promote(_ name: String, version: Int) throws {
        try store.database.write { database in
            let count = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM model WHERE name = ? AND version = ?", arguments: [name, version])
            guard count == 1 else { throw ModelError.unknownVersion(name: name, version: version) }
            try database.execute(
                sql: "UPDATE model SET stage = CASE version WHEN ? THEN 'production' ELSE 'archived' END WHERE name = ?",
                arguments: [version, name])
        }
    }

    /// - Throws: for a row that cannot be read, which is as none.
    private static func entry(_ row: Row) throws -> Entry {
        Entry(
            name: try row.decode(forColumn: "name"), version: try row.decode(forColumn: "version"),
            stage: try row.decode(forColumn: "stage"),
            trainedAt: Timestamp(microseconds: try row.decode(forColumn: "trained_at")),
            trainedOn: try row.decode(forColumn: "trained_on"), threshold: try row.decode(forColumn: "threshold"),
            features: try row.decode(forColumn: "features"), file: try row.decode(forColumn: "file"),
            kind: try row.decode(forColumn: "kind"), checksum: try row.decode(forColumn: "checksum"))
    }

    private static func checksum(_ bytes: Data) -> String {
        var hash = StableHash()
        // At once: through the iterator of Data each byte is a call.
        bytes.withUnsafeBytes { for byte in $0 { hash.add(byte) } }
        return String(hash.value, radix: 16)
    }

    /// The bytes of a model's file.
    ///
    /// - Throws: ``ModelError/damaged(file:)`` when they are not those that were saved.
    private func bytes(of entry: Entry) throws -> Data {
        let path = folder + "/" + entry.file
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        guard let size, size <= Self.maxFileSize, let bytes = FileManager.default.contents(atPath: path),
            entry.checksum.map({ $0 == Self.checksum(bytes) }) ?? true
        else { throw ModelError.damaged(file: path) }
        return bytes
    }

    /// What is wrong with the files of the models, archived ones too, one sentence each.
    public func problems() throws -> [String] {
        try list().compactMap { entry in
            do {
                let bytes = try bytes(of: entry)
                // An older obs kept no checksum: then it is at least to be JSON.
                if entry.checksum == nil { _ = try JSONSerialization.jsonObject(with: bytes) }
                return nil
            } catch {
                return "\(ModelError.damaged(file: folder + "/" + entry.file))"
            }
        }
    }
}

/// A model that the registry keeps: its file is its JSON, and decoding it checks that it holds together.
public protocol RegisteredModel: Sendable, Codable {
    /// Tells the types of models apart in the registry.
    static var kind: String { get }
    var features: [String] { get }
    var threshold: Double { get }
    var trainedOn: Int { get }
    var trainedAt: Timestamp { get }
}

extension WindowModel: RegisteredModel {
    public static let kind = "windows"
}

public enum ModelError: Error, CustomStringConvertible {
    case damaged(file: String)
    case tooFewWindows(table: String, count: Int)
    case tooFewRows(table: String, label: String, positives: Int, negatives: Int)
    case missingFeature(String)
    case noFeatures(table: String)
    case otherKind(name: String, kind: String, wanted: String)
    case unknownVersion(name: String, version: Int)

    public var description: String {
        switch self {
        case .damaged(let file):
            "\(file): the model file is missing or damaged; train it again with 'obs model train', or put an earlier version in production with 'obs model promote'"
        case .tooFewWindows(let table, let count):
            "\(table) has \(count) windows, and a model needs \(WindowModel.minimumRows); process more logs, then train again"
        case .tooFewRows(let table, let label, let positives, let negatives):
            "\(table): '\(label)' is true in \(positives) rows and false in \(negatives), and a model needs \(RiskModel.minimumRows) of each; train on a longer history"
        case .missingFeature(let name): "there is no column '\(name)', which the model needs"
        case .noFeatures(let table): "\(table): no column can be a feature; numbers, booleans and texts of few kinds can"
        case .otherKind(let name, let kind, let wanted):
            "the model '\(name)' is of the kind '\(kind)', and '\(wanted)' is needed; 'obs model list' shows the kinds"
        case .unknownVersion(let name, let version):
            "there is no version \(version) of the model '\(name)'; 'obs model list' shows what there is"
        }
    }
}
