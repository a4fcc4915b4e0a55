import Alerting
import Foundation
import Server
import Streaming

/// Reads `obs.yaml` and the files that it names; what is wrong with any of them is gathered, and said at once.
struct ConfigurationReader {
    /// The keys of `obs.yaml`.
    struct File: Decodable {
        struct Log: Decodable { var level: String? }
        var data_dir: String?
        var http: ServerConfiguration?
        var pipelines: [String]?
        var sources: [Configuration.SourceEntry]?
        var alerting: AlertingSection?
        var detections: [String]?
        var runbooks: String?
        var log: Log?
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
        configuration.runbooks = file.runbooks ?? configuration.runbooks
        configuration.logLevel = file.log?.level ?? configuration.logLevel
        let folder = folder
        if let section = file.alerting,
            let alerting = collect({ () throws(ConfigurationError) in try section.resolved(in: folder) })
        {
            configuration.alerting = alerting
        }
        if let patterns = file.pipelines {
            configuration.pipelines = each(of: patterns, "pipelines") { document throws(ConfigurationError) in
                try document.decode(PipelineFile.self).definition.resolvingFiles(beside: document.file)
            }
        }
        if let patterns = file.detections {
            configuration.rules = each(of: patterns, "detections") { document throws(ConfigurationError) in
                try document.decode([DetectionFile].self).map(\.rule)
            }.flatMap { $0 }
        }
        // A pipeline that could not be read is no mistake of the sources that name it.
        if mistakes.isEmpty { check(configuration.sources, configuration) }
        return configuration
    }

    /// What `body` makes of each file that `patterns` name.
    private mutating func each<Value>(
        of patterns: [String], _ key: String, _ body: (YAMLDocument) throws(ConfigurationError) -> Value
    ) -> [Value] {
        var values: [Value] = []
        for (index, pattern) in patterns.enumerated() {
            let paths = Self.glob(pattern.hasPrefix("/") || folder.isEmpty ? pattern : folder + "/" + pattern)
            if paths.isEmpty {
                mistakes.append(
                    document.mistake(
                        "\(key) names '\(pattern)', and there is no such file", at: NodeKey(key), NodeKey(index)))
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
        var names: Set<String> = []
        for (index, source) in sources.enumerated() {
            func refuse(_ key: String, _ message: String) {
                mistakes.append(document.mistake(message, at: NodeKey("sources"), NodeKey(index), NodeKey(key)))
            }
            if !names.insert(source.name).inserted {
                refuse("name", "two sources are called '\(source.name)'; name one otherwise")
            }
            if source.name == PipelineReplay.batchSource || source.name.hasPrefix(PipelineReplay.batchSource + "-") {
                refuse("name", "a source is called '\(source.name)', as what 'obs process' reads is; name it otherwise")
            }
            guard let pipeline = configuration.pipelines.first(where: { $0.name == source.pipeline }) else {
                let known = configuration.pipelines.map(\.name).joined(separator: ", ")
                refuse(
                    "pipeline",
                    "source '\(source.name)' names the pipeline '\(source.pipeline)', which there is not; known are \(known)")
                continue
            }
            do { _ = try pipeline.input(source.input) } catch { refuse("input", "source '\(source.name)': \(error)") }
        }
    }

    /// The paths that a path or pattern stands for now.
    static func glob(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard Foundation.glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}
