import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// The models that were trained, version by version, and the aliases by which versions are used. Each version has a folder with
/// its file; the facts about it are in the store.
///
/// A version never changes. What is in use is said by two aliases: the `champion` judges, and a `challenger` is run beside it on
/// the same rows, where its scores are recorded and open nothing.
public struct ModelRegistry: Sendable {
    /// The registry's tables.
    public static let migrations = [Migration(id: "0.1 detection", sql: schema)]

    /// The alias of the version that judges.
    public static let champion = "champion"
    /// The alias of a version that runs beside the champion.
    public static let challenger = "challenger"

    /// One version of a model.
    public struct Entry: Sendable {
        /// Under which it was saved; versions of a name count from 1.
        public let name: String
        /// From 1.
        public let version: Int
        /// In alphabetical order.
        public let aliases: [String]
        /// Which type of model the file holds: ``RegisteredModel/kind``.
        public let kind: String
        /// By the clock of the machine that trained it.
        public let trainedAt: Timestamp
        /// How many rows.
        public let trainedOn: Int
        /// The times of its first and last row; nil where rows have no time.
        public let trainedSpan: ClosedRange<Timestamp>?
        /// From this score on a row is an anomaly, or at risk.
        public let threshold: Double
        /// The columns that it looks at, in their order.
        public let features: [String]
        /// Versions with the same hash take the same rows: SHA-256 of the names and types of the features.
        public let featureHash: String
        /// What it was trained with, by name.
        public let parameters: Labels
        /// How good it was found in training, by name.
        public let metrics: [String: Double]
        /// What people and programs have noted of it, by name.
        public let tags: Labels
        /// Its path in the folder of models.
        let file: String
        /// SHA-256 of the file's bytes.
        public let checksum: String
    }

    let store: Store
    private let folder: String

    /// The models that `store` lists and `folder` keeps; the folder is made when the first is saved.
    public init(store: Store, folder: String) {
        self.store = store
        self.folder = folder
    }

    /// Saves a model as the next version under `name`. The file is on disk before the registry names it.
    ///
    /// - Parameters:
    ///   - alias: what the version is from now on, in the place of the one that was; nil for nothing.
    ///   - tags: notes by name.
    public func save(
        _ model: some RegisteredModel, name: String, alias: String? = champion, tags: Labels = [:]
    ) throws -> Entry {
        let bytes = try ModelFile.bytes(of: model)
        return try store.database.write { database in
            let newest = try Int.fetchOne(database, sql: "SELECT max(version) FROM model WHERE name = ?", arguments: [name])
            let version = (newest ?? 0) + 1
            let folder = "\(name)/\(version)", path = self.folder + "/" + folder
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try bytes.write(to: URL(filePath: path + "/" + ModelFile.name), options: .atomic)
            var written = [path + "/" + ModelFile.name]
            for (file, text) in MLflowFlavor(model, checksum: ModelFile.checksum(bytes)).files {
                let place = URL(filePath: path + "/" + file)
                try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: place, options: .atomic)
                written.append(place.path)
            }
            // The folders too: without them a power cut can forget names that the registry has.
            for place in written + [path, self.folder + "/" + name, self.folder] { try Self.sync(place) }
            let entry = Entry(
                name: name, version: version, aliases: [], kind: type(of: model).kind, trainedAt: model.trainedAt,
                trainedOn: model.trainedOn, trainedSpan: model.trainedSpan, threshold: model.threshold, features: model.features,
                featureHash: ModelFile.checksum(Data(model.featureSchema.joined(separator: "\n").utf8)),
                parameters: model.parameters, metrics: model.metrics, tags: tags, file: "\(folder)/\(ModelFile.name)",
                checksum: ModelFile.checksum(bytes))
            try Self.insert(entry, database)
            if let alias { try Self.set(alias, of: name, to: version, at: model.trainedAt, database) }
            return try Self.entries(database, "WHERE name = ? AND version = ?", [name, version]).first ?? entry
        }
    }

    /// Makes a file, or the names in a folder, durable.
    private static func sync(_ path: String) throws(ModelError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw .cannotWrite(file: path, reason: String(cString: strerror(errno)))
        }
    }

    /// Every version, by name and then the newest first.
    public func list() throws -> [Entry] { try store.database.read { try Self.entries($0, "", []) } }

    /// The version that `reference` means: a number, or an alias; nil when there is none.
    public func entry(_ name: String, at reference: String = champion) throws -> Entry? {
        try store.database.read { database in
            let condition =
                Int(reference) == nil
                ? "WHERE name = ? AND version = (SELECT version FROM model_alias a WHERE a.name = model.name AND alias = ?)"
                : "WHERE name = ? AND version = ?"
            return try Self.entries(database, condition, [name, Int(reference) ?? reference]).first
        }
    }

    /// The version that `reference` means, and its model; nil when there is none.
    ///
    /// - Throws: ``ModelError/damaged(file:)`` when the file is missing or is not what was saved,
    ///   ``ModelError/otherKind(name:kind:wanted:)``.
    public func model<Model: RegisteredModel>(
        _ name: String, at reference: String = champion, as type: Model.Type = WindowModel.self
    ) throws -> (entry: Entry, model: Model)? {
        guard let entry = try entry(name, at: reference) else { return nil }
        guard entry.kind == Model.kind else { throw ModelError.otherKind(name: name, kind: entry.kind, wanted: Model.kind) }
        return (entry, try file(of: entry).model(as: type))
    }

    /// The file of a version, when it is what was saved.
    ///
    /// - Throws: ``ModelError/damaged(file:)``.
    public func file(of entry: Entry) throws(ModelError) -> ModelFile {
        try ModelFile(reading: folder + "/" + entry.file, expecting: entry.checksum)
    }

    /// The folder of a version, with the files by which MLflow loads it.
    public func folder(of entry: Entry) -> String { "\(folder)/\(entry.name)/\(entry.version)" }

    /// What is wrong with the files of the models, of all versions, one sentence each.
    public func problems() throws -> [String] {
        try list().compactMap { entry in
            do {
                _ = try file(of: entry)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    /// Parts `name@reference`, as people write it; without `@` it is the champion.
    public static func parts(of text: String) -> (name: String, reference: String) {
        let parts = OutsideText(text).split { $0 == "@" }.map { String($0) }
        return (parts.first ?? "", parts.count > 1 ? parts[1] : champion)
    }
}
