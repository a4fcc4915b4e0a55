import Alerting
import Columns
import Detection
import Foundation
import Incidents
import Ingest
import Lake
import Logging
import Query
import Server
import Streaming

/// Reads `obs.yaml` and the files that it names; what is wrong with any of them is gathered, and said at once.
struct ConfigurationReader {
    /// The keys of `obs.yaml`.
    struct File: Decodable, DeclaredFile {
        static let declared = KeySection.File.obs

        struct Log: Decodable { var level: Logger.Level? }
        var data_dir: String?
        var builtin: Bool?
        var http: ServerConfiguration?
        var pipelines: [String]?
        var sources: [Configuration.SourceEntry]?
        var alerting: AlertingSection?
        var blocklist: BlocklistPolicy?
        var detections: [String]?
        var deadlines: [Configuration.Deadline]?
        var retention: RetentionPolicy?
        var redaction: RedactionSection?
        var verify_every: VerifyInterval?
        var mlflow: Configuration.MLflow?
        var runbooks: String?
        var log: Log?
    }

    /// A duration, or `never`.
    struct VerifyInterval: Decodable {
        let interval: Duration?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard text != "never" else {
                interval = nil
                return
            }
            guard let duration = Duration(parsing: text), duration >= .seconds(60) else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "verify_every is '\(text)'; write a duration of a minute or more, or never")
            }
            interval = duration
        }
    }

    private let document: YAMLDocument
    /// Where relative paths begin.
    private let folder: String
    private var mistakes: [ConfigurationError.Mistake] = []

    /// - Throws: ``ConfigurationError`` with all mistakes.
    static func read(_ text: String, path: String) throws(ConfigurationError) -> Configuration {
        var reader = ConfigurationReader(
            document: try YAMLDocument(text, file: path), folder: (path as NSString).deletingLastPathComponent)
        let configuration = reader.configuration(try reader.document.decode(File.self))
        guard reader.mistakes.isEmpty else { throw ConfigurationError(reader.mistakes) }
        return configuration
    }

    private init(document: YAMLDocument, folder: String) {
        self.document = document
        self.folder = folder
    }

    private mutating func configuration(_ file: File) -> Configuration {
        var configuration = Configuration()
        configuration.dataDirectory = file.data_dir ?? configuration.dataDirectory
        configuration.http = file.http ?? configuration.http
        configuration.sources = file.sources ?? []
        configuration.blocklist = file.blocklist ?? configuration.blocklist
        configuration.deadlines = file.deadlines ?? []
        if let every = file.verify_every { configuration.verifyInterval = every.interval }
        configuration.retention = file.retention ?? configuration.retention
        configuration.mlflow = file.mlflow.flatMap { $0.trackingURI.isEmpty ? nil : $0 }
        configuration.runbooks = file.runbooks ?? configuration.runbooks
        configuration.logLevel = file.log?.level ?? configuration.logLevel
        configuration.redact(by: file.redaction)
        let folder = folder
        if let section = file.alerting,
            let alerting = collect({ () throws(ConfigurationError) in try section.resolved(in: folder) })
        {
            configuration.alerting = alerting
        }
        readPipelines(file, &configuration)
        // A pipeline that could not be read is not a mistake of the sources and rules that name it.
        guard mistakes.isEmpty else { return configuration }
        readRules(file, &configuration)
        check(configuration.sources, configuration)
        return configuration
    }

    /// The pipelines that are built in, and in the place of those of the same name, or beside them, the files that are named.
    private mutating func readPipelines(_ file: File, _ configuration: inout Configuration) {
        guard file.pipelines != nil || file.builtin == false else { return }
        let own = each(of: file.pipelines ?? [], "pipelines") { document throws(ConfigurationError) in
            (document, try document.decode(PipelineFile.self).definition.resolvingFiles(beside: document.file))
        }
        var names: [String: String] = [:]
        for (document, pipeline) in own {
            if let other = names.updateValue(document.file, forKey: pipeline.name) {
                mistakes.append(
                    document.mistake(
                        "the pipeline '\(pipeline.name)' is defined in \(other) too; rename one", at: ConfigurationKey("name")))
            }
        }
        let builtin = file.builtin == false ? [] : Builtin.pipelines.filter { names[$0.name] == nil }
        configuration.pipelines = builtin + own.map(\.1)
    }

    /// The same with rules, each held against the pipelines that it may look at.
    private mutating func readRules(_ file: File, _ configuration: inout Configuration) {
        guard file.detections != nil || file.pipelines != nil || file.builtin == false else { return }
        let own = each(of: file.detections ?? [], "detections") { document throws(ConfigurationError) in
            try RuleFile(document)
        }
        let binding: RuleBinding
        do { binding = try RuleBinding(configuration.pipelines) } catch {
            mistakes.append(document.mistake("\(error)", at: ConfigurationKey("pipelines")))
            return
        }
        var names: Set<String> = []
        for file in own { mistakes += file.mistakes(binding, &names) }
        let builtin = file.builtin == false ? [] : Builtin.detections.filter { !names.contains($0.name) }
        configuration.rulesLeftOut = builtin.compactMap { rule in
            binding.problem(of: rule.settings).map { (rule.name, $0.message) }
        }
        let leftOut = Set(configuration.rulesLeftOut.map(\.rule))
        configuration.detections = builtin.filter { !leftOut.contains($0.name) } + own.flatMap(\.rules)
    }

    /// What `body` makes of each file that `patterns` name.
    private mutating func each<Value>(
        of patterns: [String], _ key: String, _ body: (YAMLDocument) throws(ConfigurationError) -> Value
    ) -> [Value] {
        var values: [Value] = []
        for (index, pattern) in patterns.enumerated() {
            let paths = FileNames.paths(pattern.hasPrefix("/") || folder.isEmpty ? pattern : folder + "/" + pattern).filter {
                FileManager.default.fileExists(atPath: $0)
            }
            if paths.isEmpty {
                mistakes.append(
                    document.mistake(
                        "\(key) names '\(pattern)', and there is no such file", at: ConfigurationKey(key), ConfigurationKey(index)
                    ))
            }
            for path in paths {
                guard let bytes = FileManager.default.contents(atPath: path) else {
                    mistakes.append(.init(file: path, line: nil, message: "cannot be read; look who may read it"))
                    continue
                }
                let text = String(decoding: bytes, as: UTF8.self)
                let value = collect { () throws(ConfigurationError) in try body(try YAMLDocument(text, file: path)) }
                if let value { values.append(value) }
            }
        }
        return values
    }

    /// What `body` gives, or nil and its mistakes among the others.
    private mutating func collect<Value>(_ body: () throws(ConfigurationError) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            mistakes += error.mistakes
            return nil
        }
    }

    private mutating func check(_ sources: [Configuration.SourceEntry], _ configuration: Configuration) {
        var names: Set<String> = [], places: [String: String] = [:]
        for name in configuration.unknownRedacted {
            mistakes.append(
                document.mistake("redaction has a rule for '\(name)', which there is not", at: ConfigurationKey("redaction")))
        }
        for (index, source) in sources.enumerated() {
            func refuse(_ key: String, _ message: String) {
                mistakes.append(
                    document.mistake(message, at: ConfigurationKey("sources"), ConfigurationKey(index), ConfigurationKey(key)))
            }
            if !names.insert(source.name).inserted {
                refuse("name", "two sources are called '\(source.name)'; name one otherwise")
            }
            if source.name == PipelineReplay.batchSource || source.name.hasPrefix(PipelineReplay.batchSource + "-") {
                refuse("name", "a source is called '\(source.name)', as what 'obs process' reads is; name it otherwise")
            }
            for place in source.settings.exclusivePlaces {
                if let other = places.updateValue(source.name, forKey: place) {
                    refuse("name", "the sources '\(other)' and '\(source.name)' are both to read \(place); take it out of one")
                }
            }
            guard let pipeline = configuration.pipelines.first(where: { $0.name == source.pipeline }) else {
                let known = configuration.pipelines.map(\.name).joined(separator: ", ")
                refuse(
                    "pipeline",
                    "source '\(source.name)' names the pipeline '\(source.pipeline)', which there is not; "
                        + (known.isEmpty
                            ? "none is defined: 'builtin' is false and 'pipelines' names none" : "known are \(known)"))
                continue
            }
            if pipeline.schedule != nil, let place = source.settings.exclusivePlaces.first {
                refuse(
                    "pipeline",
                    "source '\(source.name)' reads \(place), and nobody would between two runs of the pipeline "
                        + "'\(pipeline.name)'; take 'every' or 'cron' out of the pipeline, or name another one")
            }
            do { _ = try pipeline.input(source.input) } catch { refuse("input", "source '\(source.name)': \(error)") }
        }
    }
}
