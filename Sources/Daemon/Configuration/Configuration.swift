import Alerting
import Columns
import Detection
import Foundation
import Logging
import Parsing
import Server
import Streaming

/// All that `obs.yaml` says, read and checked. Without a file every value is its default.
public struct Configuration: Sendable {
    public var dataDirectory = "obs-data"
    public var http = ServerConfiguration()
    public var sources: [SourceEntry] = []
    public var alerting = AlertingConfiguration()
    public var pipelines: [PipelineDefinition] {
        get { ownPipelines ?? Builtin.pipelines }
        set { ownPipelines = newValue }
    }
    public var rules: [DetectionRule] {
        get { ownRules ?? Builtin.rules }
        set { ownRules = newValue }
    }
    // Read when they are asked for: a question to the store needs none of them.
    private var ownPipelines: [PipelineDefinition]?
    private var ownRules: [DetectionRule]?
    /// The folder whose pages `/runbooks/NAME` shows.
    public var runbooks = "runbooks"
    /// A log level of swift-log: trace, debug, info, notice, warning, error, critical.
    public var logLevel = "info"
    /// A log level that the command line wants instead, of every command.
    public var askedLogLevel: Logger.Level?

    public init() {}

    /// Reads `file`, or `obs.yaml` if that is there, and the files that it names.
    ///
    /// - Parameter dataDirectory: takes the place of `data_dir`.
    /// - Throws: ``ConfigurationError`` with all mistakes, or ``UsageError`` when `file` is not there.
    public static func load(file: String?, dataDirectory: String?) throws -> Configuration {
        var configuration = Configuration()
        let path = file ?? "obs.yaml"
        if let bytes = FileManager.default.contents(atPath: path) {
            configuration = try read(String(decoding: bytes, as: UTF8.self), path: path)
        } else if let file {
            throw UsageError("\(file): there is no such file, or it cannot be read")
        }
        if let dataDirectory { configuration.dataDirectory = dataDirectory }
        return configuration
    }

    /// The configuration file as it is read, with `<secret>` for each secret.
    ///
    /// - Throws: ``ConfigurationError`` with its mistakes, or ``UsageError`` when there is no file.
    public static func shown(file: String?) throws -> String {
        let path = file ?? "obs.yaml"
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw UsageError("\(path): there is no such file, or it cannot be read; without one all is as 'obs --help' says")
        }
        return try YAMLDocument(String(decoding: bytes, as: UTF8.self), file: path).shown(as: File.self)
    }

    private struct File: Decodable {
        struct Log: Decodable { var level: String? }
        var data_dir: String?
        var http: ServerConfiguration?
        var pipelines: [String]?
        var sources: [SourceEntry]?
        var alerting: AlertingSection?
        var detections: [String]?
        var runbooks: String?
        var log: Log?
    }

    private static func read(_ text: String, path: String) throws -> Configuration {
        let file = try YAMLDocument(text, file: path).decode(File.self)
        var configuration = Configuration()
        configuration.dataDirectory = file.data_dir ?? configuration.dataDirectory
        configuration.http = file.http ?? configuration.http
        configuration.sources = file.sources ?? []
        configuration.runbooks = file.runbooks ?? configuration.runbooks
        configuration.logLevel = file.log?.level ?? configuration.logLevel
        var mistakes: [ConfigurationError.Mistake] = []
        let folder = (path as NSString).deletingLastPathComponent
        func documents(_ patterns: [String], _ key: String) -> [YAMLDocument] {
            patterns.flatMap { pattern -> [YAMLDocument] in
                let paths = Self.glob(pattern.hasPrefix("/") || folder.isEmpty ? pattern : folder + "/" + pattern)
                if paths.isEmpty {
                    mistakes.append(.init(file: path, line: nil, message: "\(key) names '\(pattern)', and there is no such file"))
                }
                return paths.compactMap { path in
                    collect { () throws(ConfigurationError) in
                        try YAMLDocument(
                            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self), file: path)
                    }
                }
            }
        }
        /// What `body` gives, or nil and its mistakes among the others: all files are read before any is complained of.
        func collect<Value>(_ body: () throws(ConfigurationError) -> Value) -> Value? {
            do {
                return try body()
            } catch {
                mistakes += error.mistakes
                return nil
            }
        }
        if let section = file.alerting {
            configuration.alerting =
                collect { () throws(ConfigurationError) in try section.resolved(in: folder) } ?? configuration.alerting
        }
        if let patterns = file.pipelines {
            configuration.pipelines = documents(patterns, "pipelines").compactMap { document in
                collect { () throws(ConfigurationError) in
                    try document.decode(PipelineFile.self).definition.resolvingFiles(beside: document.file)
                }
            }
        }
        if let patterns = file.detections {
            configuration.rules = documents(patterns, "detections").flatMap { document in
                collect { () throws(ConfigurationError) in try document.decode([DetectionFile].self) } ?? []
            }.map(\.rule)
        }
        for source in configuration.sources where mistakes.isEmpty {
            let names = configuration.pipelines.map(\.name)
            guard !names.contains(source.pipeline) else { continue }
            mistakes.append(
                .init(
                    file: path, line: nil,
                    message:
                        "source '\(source.name)' names the pipeline '\(source.pipeline)', which there is not; known are \(names.joined(separator: ", "))"
                ))
        }
        for source in configuration.sources {
            guard let pipeline = configuration.pipelines.first(where: { $0.name == source.pipeline }) else { continue }
            do { _ = try pipeline.input(source.input) } catch {
                mistakes.append(.init(file: path, line: nil, message: "source '\(source.name)': \(error)"))
            }
        }
        for source in configuration.sources
        where source.name == PipelineReplay.batchSource || source.name.hasPrefix(PipelineReplay.batchSource + "-") {
            mistakes.append(
                .init(
                    file: path, line: nil,
                    message: "a source is called '\(source.name)', as what 'obs process' reads is; name it otherwise"))
        }
        if Set(configuration.sources.map(\.name)).count < configuration.sources.count {
            mistakes.append(.init(file: path, line: nil, message: "two sources have the same name"))
        }
        guard mistakes.isEmpty else { throw ConfigurationError(mistakes) }
        return configuration
    }

    /// The paths that a path or pattern stands for now.
    static func glob(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard Foundation.glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }

    public func pipeline(_ name: String) throws -> PipelineDefinition {
        guard let pipeline = pipelines.first(where: { $0.name == name }) else {
            throw UsageError("there is no pipeline '\(name)'; known are \(pipelines.map(\.name).joined(separator: ", "))")
        }
        return pipeline
    }
}
