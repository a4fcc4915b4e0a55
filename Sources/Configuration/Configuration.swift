import Alerting
import Incidents
import Detection
import Foundation
import Ingest
import Lake
import Logging
import Query
import Server
import Streaming

/// All that `obs.yaml` says, read and checked. Without a file every value is its default.
public struct Configuration: Sendable {
    /// Where tables, incidents, models and checkpoints are; relative to the working directory.
    public var dataDirectory = "obs-data"
    /// Who may read and push by HTTP, and where.
    public var http = ServerConfiguration()
    /// Where lines come from; none without a file.
    public var sources: [SourceEntry] = []
    /// What of the tables is kept.
    public var retention = RetentionPolicy()
    /// What is taken out of lines before they are kept.
    private var redaction: RedactionSection?
    /// How often the lines of sources are counted against bronze; nil for never.
    public var verifyInterval: Duration? = .seconds(86_400)
    /// Routes, receivers, escalations, schedules.
    public var alerting = AlertingConfiguration()
    /// Which sources of incidents are listed for a firewall.
    public var blocklist = BlocklistPolicy()
    /// When tables must have new rows.
    public var deadlines: [Deadline] = []
    /// Those of the file, and the built-in ones that it does not define itself.
    public var pipelines: [PipelineDefinition] {
        get { ownPipelines ?? Builtin.pipelines }
        set { ownPipelines = newValue }
    }
    /// The detectors of all pipelines.
    public var detections: [DetectionEntry] {
        get { ownDetections ?? Builtin.detections }
        set { ownDetections = newValue }
    }
    /// Built-in rules that look at nothing, because a pipeline of one's own stands in the place of theirs, each with the reason.
    public internal(set) var rulesLeftOut: [(rule: String, reason: String)] = []
    // Read when they are asked for: a question to the store needs none of them.
    private var ownPipelines: [PipelineDefinition]?
    private var ownDetections: [DetectionEntry]?
    /// Where the registry of models is shown; nil for nowhere.
    public var mlflow: MLflow?
    /// The folder whose pages `/runbooks/NAME` shows.
    public var runbooks = "runbooks"
    /// What `obs run` logs from; ``askedLogLevel`` goes before it.
    public var logLevel = Logger.Level.info
    /// A log level that the command line wants instead, of every command.
    public var askedLogLevel: Logger.Level?

    /// Whether the command line wants standard input as a source beside those of the file (``addStandardInput()``).
    public private(set) var readsStandardInput = false

    /// Every value is its default.
    public init() {}

    /// Starts although other machines may reach the port and there is no TLS, or no token is needed: `--insecure`.
    public mutating func allowInsecureHTTP() { http.isInsecure = true }

    /// Why `obs run` would not start with this, in a sentence that says what to write; nil when it would.
    public var httpExposure: String? { http.exposure }

    /// Gives each source the rules that are for it.
    mutating func redact(by section: RedactionSection?) {
        redaction = section
        for index in sources.indices {
            sources[index].redactor = section?.redactor(of: sources[index].name, pipeline: sources[index].pipeline)
        }
    }

    /// What is taken out of files that `obs process` reads for a pipeline.
    package func redactor(ofPipeline name: String) -> LineRedactor? { redaction?.redactor(of: nil, pipeline: name) }

    /// Names in rules of redaction that no source and no pipeline has.
    var unknownRedacted: [String] {
        guard let names = redaction?.names else { return [] }
        return names.sources.subtracting(sources.map(\.name)).union(names.pipelines.subtracting(pipelines.map(\.name))).sorted()
    }

    /// Adds standard input as the source `stdin` of the pipeline `ssh`, unless a source of the file reads it.
    ///
    /// - Throws: ``UsageError`` when another source has the name.
    public mutating func addStandardInput() throws(UsageError) {
        let source = SourceEntry(name: "stdin", settings: .pipe("-"))
        readsStandardInput = true
        guard !sources.contains(where: { $0.settings.exclusivePlaces == source.settings.exclusivePlaces }) else { return }
        guard !sources.contains(where: { $0.name == source.name }) else {
            throw UsageError("a source is called 'stdin', as standard input would be; name it otherwise")
        }
        sources.append(source)
    }

    /// Reads `file`, or `obs.yaml` if that is there, and the files that it names.
    ///
    /// - Parameter dataDirectory: takes the place of `data_dir`.
    /// - Throws: ``ConfigurationError`` with all mistakes, or ``UsageError`` when `file` is not there.
    public static func load(file: String?, dataDirectory: String?) throws -> Configuration {
        var configuration = Configuration()
        let path = file ?? "obs.yaml"
        // Without a name the file may be missing; one that is there and cannot be read must not pass for that.
        if hasFile(file) {
            configuration = try ConfigurationReader.read(String(decoding: try contents(path), as: UTF8.self), path: path)
        }
        if let dataDirectory { configuration.dataDirectory = dataDirectory }
        return configuration
    }

    /// Whether there is a file to read: one that is named, or `obs.yaml`.
    public static func hasFile(_ file: String?) -> Bool { file != nil || FileManager.default.fileExists(atPath: "obs.yaml") }

    /// The configuration file as it is read, with `<secret>` for each secret.
    ///
    /// - Throws: ``ConfigurationError`` with its mistakes, or ``UsageError`` when there is no file.
    public static func shown(file: String?) throws -> String {
        let path = file ?? "obs.yaml"
        return try YAMLDocument(String(decoding: try contents(path), as: UTF8.self), file: path)
            .shown(as: ConfigurationReader.File.self)
    }

    private static func contents(_ path: String) throws -> Data {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw UsageError("\(path): there is no such file")
        }
        guard !isFolder.boolValue else { throw UsageError("\(path): is a folder; name a configuration file") }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw UsageError("\(path): cannot be read; look at its permissions")
        }
        return bytes
    }

    /// The pipeline of a name.
    ///
    /// - Throws: ``UsageError`` with the names that there are.
    public func pipeline(_ name: String) throws -> PipelineDefinition {
        guard let pipeline = pipelines.first(where: { $0.name == name }) else {
            throw UsageError("there is no pipeline '\(name)'; known are \(pipelines.map(\.name).joined(separator: ", "))")
        }
        return pipeline
    }

    /// The detectors that look at the rows of a pipeline.
    ///
    /// - Throws: ``DefinitionError`` when a pipeline cannot run.
    public func detections(of pipeline: String) throws -> [DetectionEntry] {
        let binding = try RuleBinding(pipelines)
        return detections.filter { binding.pipelines(of: $0.settings).contains(pipeline) }
    }

    /// The first model of windows in the configuration: what `obs model train` and `obs model score` are about.
    ///
    /// - Throws: ``UsageError`` when there is none.
    public func windowModel() throws -> WindowSettings {
        guard let settings = detections.lazy.compactMap({ $0.settings as? WindowSettings }).first else {
            throw UsageError(
                "no detection is of the kind 'ensemble' or 'forest'; add one to a file under 'detections', "
                    + "or name a table with --csv")
        }
        return settings
    }

    /// The detection whose model has that name.
    ///
    /// - Throws: ``UsageError`` when there is none.
    public func windowModel(named name: String) throws -> WindowSettings {
        guard let settings = windowModels.first(where: { $0.model == name }) else {
            throw UsageError("no detection uses a model of windows that is called '\(name)'; compare others with --csv")
        }
        return settings
    }

    /// All detections by a model of windows.
    public var windowModels: [WindowSettings] { detections.compactMap { $0.settings as? WindowSettings } }

    /// Of each pipeline that a source is for, the names of the rules that look at it.
    public func boundRules() throws -> [(pipeline: String, rules: [String])] {
        let used = Set(sources.map(\.pipeline))
        return try pipelines.map(\.name).filter(used.contains).map { name in (name, try detections(of: name).map(\.name)) }
    }
}
