import Alerting
import Incidents
import Columns
import Configuration
import Foundation
import Ingest
import Logging
import Parsing
import Store
import Streaming
import Synchronization
import Telemetry

/// `obs process`: one batch run over files, to the tables that the stream writes too.
public enum Processing {
    /// What is read, and how.
    public struct Options: Sendable {
        /// Files, folders, and tables of databases as `FILE#TABLE`; with `INPUT=` before where the pipeline has several inputs.
        public var files: [String]
        /// Its name.
        public var pipeline = "ssh"
        /// What lines do not say of themselves, such as a year and a zone.
        public var context = ParsingContext()
        /// Whether files that earlier runs have read are read again.
        public var startsAnew = false
        /// Last lines without an end are whole, also of files that may still grow.
        public var takesUnfinishedLines = false

        /// The files for the pipeline `ssh`.
        public init(files: [String]) {
            self.files = files
        }
    }

    /// Runs to the end of the files, or until SIGINT or SIGTERM, which commit what was read.
    ///
    /// Findings become incidents; nobody is notified of what may be years old.
    ///
    /// - Parameter unfinished: called with each file whose last line has no end yet and is left for a later run.
    public static func run(
        _ options: Options, _ configuration: Configuration, unfinished: @escaping @Sendable (_ path: String) -> Void = { _ in },
        progress: @escaping @Sendable (_ bytes: Int64, _ total: Int64?) -> Void
    ) async throws -> PipelineRunner.Summary {
        let workspace = try Workspace(configuration.dataDirectory)
        let metrics = MetricsRegistry()
        let logger = configuration.logger()
        // No route: nobody is notified of what a person looks for in old logs, by this run or by the next.
        var alerting = AlertingConfiguration()
        alerting.incidents = configuration.alerting.incidents
        let alerts = AlertInbox(alerting, incidents: workspace.incidents, metrics: metrics, logger: logger)
        let definition = try configuration.pipeline(options.pipeline)
        let observer = DetectionObserver(
            definition, try configuration.detections(of: definition.name), models: workspace.models, alerts: alerts,
            metrics: metrics, logger: logger)
        let serving = try workspace.serving(configuration.pipelines, health: HealthNotes(), logger: logger)
        var context = options.context
        context.ordersLines = true
        let files = try places(options.files, definition)
        let runs = RunStore(workspace.store)
        let runner = try await PipelineRunner(
            definition, lake: workspace.lake, checkpoints: workspace.checkpoints, variant: PipelineRunner.batchVariant,
            context: context,
            exportFolder: workspace.exports, observers: [observer, try ServingObserver(serving, definition)],
            scorers: workspace.scorers(metrics: metrics), metrics: metrics, logger: logger, startsAnew: options.startsAnew)
        let counter = ProgressCounter(files.count, progress), redactor = configuration.redactor(ofPipeline: definition.name)
        var sources: [PipelineSource] = []
        for (index, entry) in files.enumerated() {
            let source = try await source(entry.place, named: entry.name, options, metrics, logger, unfinished) {
                counter.update(index, bytes: $0, of: $1)
            }
            let redacted: any Source = redactor.map { RedactedSource(source, $0) } ?? source
            sources.append(PipelineSource(redacted, input: entry.input))
        }
        let run = try runs.begin(definition.name, .process, now: .now)
        let summary: PipelineRunner.Summary
        do {
            summary = try await runner.run(sources, mode: .batch)
        } catch {
            try runs.end(run, error: "\(error)", now: .now)
            throw error
        }
        try runs.end(
            run, stages: summary.stages, error: summary.isInterrupted ? "stopped before the end of its files" : nil,
            now: .now)
        do { try workspace.store.seal() } catch {
            logger.warning("the checksums of the database could not be written", metadata: ["error": "\(error)"])
        }
        return summary
    }

    /// What one source of a run reads.
    private enum Place {
        case files([String])
        /// `shop.db#orders`: the rows of a table, by its primary key.
        case table(String, in: String)
        /// A JSON file a record.
        case folder(String)

        init(_ path: String) {
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            let parts = path.split(separator: "#").map(String.init)
            if exists, isFolder.boolValue {
                self = .folder(path)
            } else if !exists, parts.count == 2, FileManager.default.fileExists(atPath: parts[0]) {
                self = .table(parts[1], in: parts[0])
            } else {
                self = .files([path])
            }
        }
    }

    private static func source(
        _ place: Place, named name: String, _ options: Options, _ metrics: MetricsRegistry, _ logger: Logger,
        _ unfinished: @escaping @Sendable (String) -> Void, progress: @escaping @Sendable (Int64, Int64?) -> Void
    ) async throws -> any Source {
        let setup = SourceSetup(name: name, metrics: metrics, logger: logger)
        let settings: SourceSettings
        switch place {
        case .files(let paths):
            return FileSource(
                setup, paths: paths, parallelFiles: min(4, ProcessInfo.processInfo.activeProcessorCount),
                takesUnfinishedLines: options.takesUnfinishedLines, unfinished: unfinished, progress: progress)
        case .table(let table, let path): settings = .table(table, in: path, key: nil)
        case .folder(let path): settings = .folder(path)
        }
        guard let source = try await settings.endingSource(setup) else { throw UsageError("\(settings.place(of: name)) is gone") }
        return source
    }

    /// What each input reads: `views=a.jsonl` names it, and a plain path is of the only one. The files of an input are one
    /// source. A source has the same name whatever else is processed with it: by that a later run finds where it stopped.
    private static func places(_ arguments: [String], _ definition: PipelineDefinition) throws -> [(
        name: String, input: String, place: Place
    )] {
        var places: [(name: String, input: String, place: Place)] = []
        let base = PipelineReplay.batchSource
        for argument in arguments {
            let parts = argument.split(separator: "=", maxSplits: 1)
            let isNamed = parts.count == 2 && definition.inputs.contains { $0.name == parts[0] }
            let input = try definition.input(isNamed ? String(parts[0]) : nil).name
            let place = Place(isNamed ? String(parts[1]) : argument)
            switch place {
            case .files(let new):
                let name = definition.inputs.count == 1 ? base : "\(base)-\(input)"
                if let index = places.firstIndex(where: { $0.name == name }), case .files(let known) = places[index].place {
                    places[index].place = .files(known + new)
                } else {
                    places.append((name, input, place))
                }
            case .table(let name, let path): places.append(("\(base)-\(input)-\(path)#\(name)", input, place))
            case .folder(let path): places.append(("\(base)-\(input)-\(path)", input, place))
            }
        }
        return places
    }

    /// Adds up how far several sources have come.
    private final class ProgressCounter: Sendable {
        private let parts: Mutex<[(bytes: Int64, total: Int64?)]>
        private let progress: @Sendable (Int64, Int64?) -> Void

        init(_ count: Int, _ progress: @escaping @Sendable (Int64, Int64?) -> Void) {
            parts = Mutex(Array(repeating: (0, 0), count: count))
            self.progress = progress
        }

        func update(_ index: Int, bytes: Int64, of total: Int64?) {
            let all = parts.withLock { parts in
                parts[index] = (bytes, total)
                return parts
            }
            let known = all.compactMap(\.total)
            progress(all.reduce(0) { $0 + $1.bytes }, known.count == all.count ? known.reduce(0, +) : nil)
        }
    }
}
