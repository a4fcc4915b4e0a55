import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// The models that were trained, version by version, and which of them is in production. Files lie in a folder, their facts in
/// the store.
public struct ModelRegistry: Sendable {
    /// The registry's table.
    public static let migrations = [
        Migration(
            id: "0.1 detection",
            sql: """
                -- Trained models by version. Their files are in the folder models of the data directory.
                CREATE TABLE model (
                    name TEXT NOT NULL,
                    -- Counts from 1 per name.
                    version INTEGER NOT NULL,
                    -- production or archived; at most one version of a name is in production.
                    stage TEXT NOT NULL,
                    -- Microseconds since 1970.
                    trained_at INTEGER NOT NULL,
                    -- How many rows it was trained on.
                    trained_on INTEGER NOT NULL,
                    -- The score from which a row is a finding.
                    threshold REAL NOT NULL,
                    -- Names of its features in their order, separated by commas.
                    features TEXT NOT NULL,
                    -- Name of its file.
                    file TEXT NOT NULL,
                    -- The type of model in the file, such as windows.
                    kind TEXT NOT NULL,
                    -- Of the bytes of the file, in hexadecimal digits.
                    checksum TEXT NOT NULL,
                    PRIMARY KEY (name, version));
                """)
    ]

    /// A larger model file is refused: reading it would take the memory that the pipelines need.
    static let maxFileSize = 512 << 20

    /// One line of the registry.
    public struct Entry: Sendable {
        /// Under which it was saved; versions of a name count from 1.
        public let name: String
        /// From 1.
        public let version: Int
        /// `production` or `archived`.
        public let stage: String
        /// By the clock of the machine that trained it.
        public let trainedAt: Timestamp
        /// How many rows.
        public let trainedOn: Int
        /// From this score on a row is an anomaly, or at risk.
        public let threshold: Double
        /// The columns that it looks at, as text.
        public let features: String
        /// Its name in the folder of models.
        public let file: String
        /// Which type of model the file holds: ``RegisteredModel/kind``.
        public let kind: String
        /// Of the file's bytes.
        let checksum: String
    }

    private let store: Store
    private let folder: String

    /// The models that `store` lists and `folder` keeps; the folder is made when the first is saved.
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

    /// Every version, by name and then the newest first.
    public func list() throws -> [Entry] {
        try store.database.read { database in
            try Row.fetchAll(database, sql: "SELECT \(Self.columns) FROM model ORDER BY name, version DESC").compactMap {
                try? Self.entry($0)
            }
        }
    }

    /// Which model is in production under `name`, or nil when there is none.
    public func productionEntry(_ name: String) throws -> Entry? {
        try store.database.read { database in
            try Row.fetchOne(
                database, sql: "SELECT \(Self.columns) FROM model WHERE name = ? AND stage = 'production'", arguments: [name]
            )
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
    /// - Throws: ``ModelError/damaged(file:)`` when the file is missing or does not hold together,
    ///   ``ModelError/otherKind(name:kind:wanted:)``.
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

    /// What ``entry(_:)`` reads, in its order.
    private static let columns = "name, version, stage, trained_at, trained_on, threshold, features, file, kind, checksum"

    /// - Throws: for a row that cannot be read; callers treat it as absent.
    private static func entry(_ row: Row) throws -> Entry {
        Entry(
            name: try row.decode(atIndex: 0), version: try row.decode(atIndex: 1), stage: try row.decode(atIndex: 2),
            trainedAt: Timestamp(microseconds: try row.decode(atIndex: 3)), trainedOn: try row.decode(atIndex: 4),
            threshold: try row.decode(atIndex: 5), features: try row.decode(atIndex: 6), file: try row.decode(atIndex: 7),
            kind: try row.decode(atIndex: 8), checksum: try row.decode(atIndex: 9))
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
            entry.checksum == Self.checksum(bytes)
        else { throw ModelError.damaged(file: path) }
        return bytes
    }

    /// What is wrong with the files of the models, archived ones too, one sentence each.
    public func problems() throws -> [String] {
        try list().compactMap { entry in
            do {
                _ = try bytes(of: entry)
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
    /// `windows`.
    public static let kind = "windows"
}

/// Why a model cannot be trained, read or used.
public enum ModelError: Error, CustomStringConvertible {
    case damaged(file: String)
    case tooFewWindows(table: String, count: Int)
    case tooFewRows(table: String, label: String, positives: Int, negatives: Int)
    case missingFeature(String)
    case noFeatures(table: String)
    case otherKind(name: String, kind: String, wanted: String)
    case unknownVersion(name: String, version: Int)

    /// One sentence with the way out.
    public var description: String {
        switch self {
        case .damaged(let file):
            "\(file): the model file is missing or damaged; train it again with 'obs model train', or put an earlier version "
                + "in production with 'obs model promote'"
        case .tooFewWindows(let table, let count):
            "\(table) has \(count) windows, and a model needs \(WindowModel.minimumRows); process more logs, then train again"
        case .tooFewRows(let table, let label, let positives, let negatives):
            "\(table): '\(label)' is true in \(positives) rows and false in \(negatives), and a model needs "
                + "\(RiskModel.minimumRows) of each; train on a longer history"
        case .missingFeature(let name): "there is no column '\(name)', which the model needs"
        case .noFeatures(let table): "\(table): no column can be a feature; numbers, booleans and texts of few kinds can"
        case .otherKind(let name, let kind, let wanted):
            "the model '\(name)' is of the kind '\(kind)', and '\(wanted)' is needed; 'obs model list' shows the kinds"
        case .unknownVersion(let name, let version):
            "there is no version \(version) of the model '\(name)'; 'obs model list' shows what there is"
        }
    }
}
