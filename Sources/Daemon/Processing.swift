import Alerting
import Columns
import Foundation
import Ingest
import Logging
import Parsing
import ServiceLifecycle
import Streaming
import Telemetry

/// `obs process`: one batch run over files, to the tables that the stream writes too.
public enum Processing {
    public struct Options: Sendable {
        public var files: [String]
        public var pipeline = "ssh"
        public var context = ParsingContext()
        public var startsAnew = false

        public init(files: [String]) {
            self.files = files
        }
    }

    /// Runs to the end of the files, or until SIGINT or SIGTERM, which commit what was read.
    ///
    /// Findings become incidents; nobody is notified of what may be years old.
    public static func run(
        _ options: Options, _ configuration: Configuration,
        progress: @escaping @Sendable (_ bytes: Int64, _ total: Int64?) -> Void
    ) async throws -> PipelineRunner.Summary {
        let workspace = try Workspace(configuration.dataDirectory)
        let metrics = MetricsRegistry()
        let logger = Logger.obs("obs", level: .warning, runID: Identifiers.runID())
        let alerts = AlertManager(AlertingConfiguration(), incidents: workspace.incidents, metrics: metrics, logger: logger)
        let observer = try await DetectionObserver(
            rules: configuration.rules, registry: workspace.models, alerts: alerts, metrics: metrics, logger: logger)
        let runner = try await PipelineRunner(
            try configuration.pipeline(options.pipeline), lake: workspace.lake, checkpoints: workspace.checkpoints,
            variant: "batch", context: options.context,
            exportFolder: workspace.exports, observers: [observer], metrics: metrics, logger: logger,
            startsAnew: options.startsAnew)
        let source = FileSource(name: "files", paths: options.files, metrics: metrics, logger: logger, progress: progress)
        let result = BatchService(runner: runner, source: source)
        var quiet = logger
        quiet.logLevel = .critical
        try await ServiceGroup(
            configuration: .init(
                services: [.init(service: result, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigint, .sigterm], logger: quiet)
        ).run()
        return await result.summary.value
    }

    private struct BatchService: Service {
        actor Box {
            private(set) var value = PipelineRunner.Summary()
            func set(_ summary: PipelineRunner.Summary) { value = summary }
        }

        let runner: PipelineRunner
        let source: FileSource
        let summary = Box()

        func run() async throws {
            await summary.set(try await runner.run([source], mode: .batch))
        }
    }
}

/// `obs parse`: how single lines are understood, in the order in which they come.
public struct LineExplainer: Sendable {
    private var explainer: FormatExplainer
    private var offset: Int64 = 0

    /// - Parameters:
    ///   - columns: `NAME:TYPE@PATH` with commas between, for formats that need them; nil guesses them from `firstLines`.
    ///   - delimiter: of CSV.
    /// - Throws: `FormatError`, or ``UsageError`` when `columns` cannot be read.
    public init(
        format: String, columns: String?, delimiter: String?, _ context: ParsingContext, firstLines: [[UInt8]]
    ) throws {
        var options = FormatOptions()
        if let columns {
            options.columns = try columns.split(separator: ",").map(Self.column)
        } else if let inferred = FormatOptions.inferred(
            from: firstLines, format: format, delimiter: delimiter == "tab" ? 9 : delimiter?.utf8.first ?? UInt8(ascii: ","))
        {
            options = inferred
        }
        if let delimiter { options.settings = [.init("delimiter", delimiter)] }
        explainer = FormatExplainer(try LogFormats.make(format, context: context, options: options))
    }

    private static func column(_ text: Substring) throws -> FormatOptions.DeclaredColumn {
        let parts = text.split(separator: "@", maxSplits: 1)
        let names = (parts.first ?? "").split(separator: ":")
        guard names.count == 2, let type = ColumnType(rawValue: String(names[1])) else {
            throw UsageError(
                "--columns names '\(text)'; write NAME:TYPE or NAME:TYPE@PATH with a type of \(ColumnType.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return .init(String(names[0]), type, path: parts.count == 2 ? String(parts[1]) : nil)
    }

    /// For each event one JSON object: what it tells; for each line that is none why.
    public mutating func explain(_ lines: [[UInt8]]) -> [String] {
        defer { offset += Int64(lines.reduce(0) { $0 + $1.count + 1 }) }
        return explainer.explain(lines, arrival: Timestamp(microseconds: WallClock.microseconds), from: offset)
    }

    /// What was kept for lines that could have come.
    public mutating func finish() -> [String] { explainer.finish() }
}
