import Alerting
import Columns
import Foundation
import Ingest
import Lake
import Logging
import Parsing
import Server
import ServiceLifecycle
import Store
import Streaming
import Synchronization
import Telemetry
import TestSupport

@testable import Configuration
@testable import Daemon
@testable import Jobs

/// What the pipelines of a running obs share, in a data directory of its own.
struct PipelineFixture: Sendable {
    let folder = TemporaryFolder()
    let workspace: Workspace
    let metrics = MetricsRegistry()
    let readiness = Readiness([])
    let log = LoggedLines()
    let alerts: AlertInbox
    let surroundings: PipelineSurroundings

    init() throws {
        workspace = try Workspace(folder.path + "/data")
        alerts = AlertInbox(AlertingConfiguration(), incidents: workspace.incidents, metrics: metrics, logger: log.logger)
        surroundings = PipelineSurroundings(
            workspace: workspace, spools: Spools(workspace), serving: try ServingStore(path: workspace.servingPath),
            alerts: alerts,
            watch: SourceWatch(
                [], store: SourceActivities(store: workspace.store), readiness: readiness, metrics: metrics,
                logger: log.logger),
            readiness: readiness, metrics: metrics, logger: log.logger)
    }

    /// A pipeline that reads numbers from the file ``path(_:)``, and commits often.
    func plan(_ name: String, allowedLateness: Duration = .seconds(60)) -> PipelinePlan {
        let input = InputDefinition(
            name: name, table: name, format: "json",
            options: FormatOptions(columns: [.init("event_time", .timestamp, isNullable: false), .init("n", .int64)]),
            allowedLateness: allowedLateness)
        var definition = PipelineDefinition(name: name, inputs: [input])
        definition.commitInterval = .milliseconds(20)
        var source = Configuration.SourceEntry(name: name, file: path(name))
        source.pipeline = name
        return PipelinePlan(definition: definition, sources: [source], detections: [])
    }

    func path(_ name: String) -> String { "\(folder.path)/\(name).log" }

    /// Appends `numbers` to the file of a pipeline.
    func write(_ numbers: Range<Int>, to name: String) throws {
        let lines = numbers.map { "{\"event_time\":\(1_700_000_000 + $0),\"n\":\($0)}\n" }.joined()
        if !FileManager.default.fileExists(atPath: path(name)) {
            _ = FileManager.default.createFile(atPath: path(name), contents: nil)
        }
        let file = try FileHandle(forWritingTo: URL(filePath: path(name)))
        try file.seekToEnd()
        try file.write(contentsOf: Data(lines.utf8))
        try file.close()
    }

    /// How many events of a pipeline are committed.
    func rows(_ name: String) -> Int { (try? workspace.lake.table("silver.\(name)").rowCount()) ?? 0 }

    /// Runs a service while `body` runs, then lets it stop as at the end of the process.
    func whileRunning(_ service: any Service, _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: [service], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await group.run() }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        await group.triggerGracefulShutdown()
        try await running.value
        try outcome.get()
    }
}

/// What was logged: level and message, and the keys of a configuration that it is about.
final class LoggedLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LoggedLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let keys = event.metadata?["keys"].map { ": \($0)" } ?? ""
            lines.lines.withLock { $0.append("\(event.level): \(event.message)\(keys)") }
        }
    }
}
