import Columns
import Configuration
import Detection
import Foundation
import Query

/// Shows the registry of models in an MLflow server: a run, a registered version and the files of each version, and the aliases
/// as they are here.
///
/// obs decides: aliases that it knows are set there as they are here, and others of the server are left alone. What was
/// published is noted as tags of the version, so that it is published once.
public struct MLflowPublisher: Sendable {
    private static let runTag = "mlflow.run_id", versionTag = "mlflow.version"

    private let settings: Configuration.MLflow
    private let models: ModelRegistry

    /// For the models of a data directory.
    public init(_ settings: Configuration.MLflow, _ workspace: Workspace) {
        self.settings = settings
        models = workspace.models
    }

    /// Changes with each new version and alias: there is nothing to publish while it stays the same.
    public func state() throws -> String {
        try models.list().map { "\($0.name) \($0.version) \($0.aliases.joined(separator: " "))" }.joined(separator: "\n")
    }

    /// Publishes what is not there yet, oldest versions first, and brings the aliases up to date. It may be repeated after a
    /// failure.
    ///
    /// - Returns: a row per version, with its number at MLflow.
    /// - Throws: one sentence about the server or a damaged file.
    public func publish() throws -> Answer {
        let server = try MLflowServer(settings.trackingURI, token: try settings.token())
        let experiment = try experiment(server)
        var rows: [[Value]] = []
        for (name, entries) in Dictionary(grouping: try models.list(), by: \.name).sorted(by: { $0.key < $1.key }) {
            try server.make("registered-models/create", [.init("name", .text(OutsideText(name)))])
            var published: [Int: String] = [:]
            for entry in entries.sorted(by: { $0.version < $1.version }) {
                let version = try entry.tags[Self.versionTag] ?? publish(entry, experiment, server)
                published[entry.version] = version
                rows.append([
                    .text(name), .int(Int64(entry.version)), .text(entry.aliases.joined(separator: " ")), .text(version),
                ])
            }
            try setAliases(of: name, entries, published, server)
        }
        return Answer([("name", .text), ("version", .int64), ("aliases", .text), ("mlflow_version", .text)], rows: rows)
    }

    private func experiment(_ server: MLflowServer) throws -> JSON {
        let known = try server.find("experiments/get-by-name", [("experiment_name", settings.experiment)])
        if let id = known?["experiment"]?["experiment_id"] { return id }
        return try server.post("experiments/create", [.init("name", .text(OutsideText(settings.experiment)))])["experiment_id"]
            ?? .null
    }

    /// - Returns: the number of the version at MLflow.
    private func publish(_ entry: ModelRegistry.Entry, _ experiment: JSON, _ server: MLflowServer) throws -> String {
        // Nothing that is damaged is handed on.
        _ = try models.file(of: entry)
        let time = JSON.integer(entry.trainedAt.microseconds / 1000), name = OutsideText(entry.name)
        let run = try server.post(
            "runs/create",
            [
                .init("experiment_id", experiment), .init("start_time", time),
                .init("run_name", .text(OutsideText("\(entry.name) \(entry.version)"))),
            ])["run"]?["info"]
        guard let run, let id = run["run_id"], let root = run["artifact_uri"]?.text else {
            throw MLflowServer.Failure.badAnswer(settings.trackingURI, path: "runs/create")
        }
        try log(entry, run: id, time, server)
        for path in try files(of: entry) {
            let bytes = try Data(contentsOf: URL(filePath: models.folder(of: entry) + "/" + path))
            try server.upload(bytes, to: "model/" + path, under: root)
        }
        try server.post("runs/update", [.init("run_id", id), .init("status", .text("FINISHED")), .init("end_time", time)])
        let made = try server.post(
            "model-versions/create",
            [
                .init("name", .text(name)), .init("source", .text(OutsideText(root + "/model"))), .init("run_id", id),
                .init("tags", .list(Self.pairs(Labels([("obs.version", "\(entry.version)")]).merging(entry.tags)))),
            ])["model_version"]?["version"]
        guard let version = made?.text ?? made?.integer.map({ "\($0)" }) else {
            throw MLflowServer.Failure.badAnswer(settings.trackingURI, path: "model-versions/create")
        }
        try models.setTag(Self.runTag, of: entry, to: id.text ?? "")
        try models.setTag(Self.versionTag, of: entry, to: version)
        return version
    }

    private func log(_ entry: ModelRegistry.Entry, run: JSON, _ time: JSON, _ server: MLflowServer) throws {
        var numbers = entry.metrics
        numbers["threshold"] = entry.threshold
        let metrics = numbers.filter { $0.value.isFinite }.sorted { $0.key < $1.key }.map { name, value in
            JSON.object([
                .init("key", .text(OutsideText(name))), .init("value", .number(value)), .init("timestamp", time),
                .init("step", .integer(0)),
            ])
        }
        var facts = entry.parameters
        facts["features"] = entry.features.joined(separator: ",")
        facts["trained_on"] = "\(entry.trainedOn)"
        if let span = entry.trainedSpan {
            facts["trained_from"] = "\(span.lowerBound)"
            facts["trained_to"] = "\(span.upperBound)"
        }
        // MLflow takes parameters of at most 6,000 characters.
        let parameters = facts.mapValues { String(OutsideText($0).scalars.prefix(5000)) }
        try server.post(
            "runs/log-batch",
            [
                .init("run_id", run), .init("metrics", .list(metrics)), .init("params", .list(Self.pairs(parameters))),
                .init(
                    "tags",
                    .list(
                        Self.pairs([
                            "obs.model": entry.name, "obs.version": "\(entry.version)", "obs.kind": entry.kind,
                            "obs.checksum": entry.checksum, "obs.feature_hash": entry.featureHash,
                        ]))),
            ])
    }

    private func setAliases(
        of name: String, _ entries: [ModelRegistry.Entry], _ published: [Int: String], _ server: MLflowServer
    ) throws {
        let there = try server.find("registered-models/get", [("name", name)])?["registered_model"]?["aliases"]?.list ?? []
        var wanted: [String: String] = [:]
        for entry in entries { for alias in entry.aliases { wanted[alias] = published[entry.version] } }
        let text = JSON.text(OutsideText(name))
        for (alias, version) in wanted.sorted(by: { $0.key < $1.key }) {
            let now = there.first { $0["alias"]?.text == alias }?["version"]
            guard now?.text ?? now?.integer.map({ "\($0)" }) != version else { continue }
            try server.post(
                "registered-models/alias",
                [
                    .init("name", text), .init("alias", .text(OutsideText(alias))),
                    .init("version", .text(OutsideText(version))),
                ])
        }
        // A challenger that is none any more; other aliases there may be somebody else's.
        for alias in [ModelRegistry.champion, ModelRegistry.challenger]
        where wanted[alias] == nil && there.contains(where: { $0["alias"]?.text == alias }) {
            try server.delete("registered-models/alias", [.init("name", text), .init("alias", .text(OutsideText(alias)))])
        }
    }

    /// The paths of a version's files in its folder.
    private func files(of entry: ModelRegistry.Entry) throws -> [String] {
        let folder = models.folder(of: entry)
        return try FileManager.default.subpathsOfDirectory(atPath: folder).sorted().filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: folder + "/" + path, isDirectory: &isFolder) && !isFolder.boolValue
        }
    }

    private static func pairs(_ texts: Labels) -> [JSON] {
        texts.map {
            .object([.init("key", .text(OutsideText($0.key))), .init("value", .text(OutsideText($0.value)))])
        }
    }
}
