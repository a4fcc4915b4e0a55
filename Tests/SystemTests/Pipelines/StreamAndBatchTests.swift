import Configuration
import Foundation
import Ingest
import Lake
import Logging
import ServiceLifecycle
import Streaming
import Telemetry
import TestSupport
import Testing

/// The seeds, and rows of each: `OBS_SEEDS=10` is what the documentation states; otherwise it is one that is another in each run.
private let seeds: ClosedRange<UInt64> =
    ProcessInfo.processInfo.environment["OBS_SEEDS"].flatMap(UInt64.init).map { 1...max(1, $0) }
    ?? { $0...$0 }(UInt64.random(in: 1...1_000_000))
private let rows = Int(ProcessInfo.processInfo.environment["OBS_SEED_ROWS"] ?? "") ?? 3000

/// `obs process` over several files at once against `obs run` that follows the same files as they grow.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct `Stream and batch` {
    private let folder = TemporaryFolder()

    private static var cases: [(String, UInt64)] { PipelineTraffic.kinds.flatMap { kind in seeds.map { (kind, $0) } } }

    @Test(arguments: cases) func `give the same tables`(kind: String, seed: UInt64) async throws {
        let place = folder.path + "/\(kind)-\(seed)"
        let traffic = try PipelineTraffic.make(kind, rows: rows, seed: seed, folder: place + "/in")
        // A second host, plant or shop: the files of one input are partitions of their own.
        let other = try PipelineTraffic.make(kind, rows: rows / 4, seed: seed + 1000, folder: place + "/other")
        try PipelineTraffic(kind: kind, folder: place).configure(port: freePort())
        let configuration = try Configuration.load(file: place + "/obs.yaml", dataDirectory: place + "/data")
        let definition = try #require(configuration.pipelines.first { $0.name == kind })
        var inputs: [(input: String, paths: [String])] = []
        for (input, name) in traffic.files {
            let second = place + "/in/2-" + name
            // Of two rows of one key in two partitions the one that comes first is kept, whichever that is: trips have ids of their own.
            let text = String(decoding: try other.bytes(name), as: UTF8.self)
            try (kind == "events" ? text.replacing("Z,t", with: "Z,u") : text).write(
                toFile: second, atomically: true, encoding: .utf8)
            inputs.append((input, [place + "/in/" + name, second]))
        }

        var files = inputs.flatMap { input, paths in paths.map { "\(input)=\($0)" } }
        if kind == "ssh" { files = inputs[0].paths }
        let batch = try Program.run(
            ["process", "--pipeline", kind, "-c", place + "/obs.yaml", "--data-dir", place + "/batch", "--quiet"] + files)
        #expect(batch.status == 0, "\(batch.errors)")

        let lake = Lake(root: place + "/stream/lake")
        func makeRunner() async throws -> PipelineRunner {
            try await PipelineRunner(
                definition, lake: lake, checkpoints: place + "/stream/checkpoints", exportFolder: place + "/stream/export",
                metrics: MetricsRegistry(), logger: Self.quiet)
        }
        var lines: [String: Int] = [:]
        var sources: [PipelineSource] = []
        for (input, paths) in inputs {
            let source = try await SourceSettings.file(paths[0].replacing("/in/", with: "/live/*")).source(
                SourceSetup(name: input, metrics: MetricsRegistry(), logger: Self.quiet))
            sources.append(PipelineSource(source, input: input))
        }
        try FileManager.default.createDirectory(atPath: place + "/live", withIntermediateDirectories: true)
        var growing: [GrowingFile] = []
        for (input, paths) in inputs {
            for path in paths {
                let bytes = try Data(contentsOf: URL(filePath: path))
                lines[traffic.bronze(input), default: 0] += bytes.count { $0 == UInt8(ascii: "\n") }
                growing.append(try GrowingFile(path.replacing("/in/", with: "/live/"), bytes, pieces: 6))
            }
        }
        try await Self.stream(makeRunner(), sources) {
            for _ in 0..<6 {
                for index in growing.indices.shuffled() { try growing[index].grow() }
                try await Task.sleep(for: .milliseconds(30))
            }
            for index in growing.indices { try growing[index].finish() }
            var counts = RowCounts(lake, lines)
            #expect(await eventually(within: 300) { counts.areReached() }, "\(counts.description)")
        }
        // What the stream holds open is closed, as a batch closes it at its end.
        _ = try await makeRunner().run(
            inputs.map { input, paths in
                PipelineSource(
                    FileSource(
                        SourceSetup(name: input, metrics: MetricsRegistry(), logger: Self.quiet),
                        paths: paths.map { $0.replacing("/in/", with: "/live/") }), input: input)
            }, mode: .batch)

        // A batch calls its source otherwise. Which template a message has, and how it reads, depends on the messages before it
        // of all partitions, which a stream and a batch read in different orders.
        let streamed = try LakeRows(place + "/stream/lake", without: [place + "/live/"], columns: ["source"], hasTemplates: false)
        let processed = try LakeRows(place + "/batch/lake", without: [place + "/in/"], columns: ["source"], hasTemplates: false)
        let differences = streamed.differences(from: processed)
        #expect(differences.isEmpty, "\(kind), seed \(seed): \(differences.joined(separator: "\n"))")
        #expect(streamed.tables.keys.contains { $0.hasPrefix("late.") } && streamed.tables.values.contains { $0.count > 100 })
    }

    /// Runs a stream for the length of `body`; the runner, and the lock that it has, are gone when it returns.
    private static func stream(_ runner: PipelineRunner, _ sources: [PipelineSource], _ body: () async throws -> Void)
        async throws
    {
        let service = ServiceGroup(services: [StreamService(runner: runner, sources: sources)], logger: quiet)
        let running = Task { try await service.run() }
        try await body()
        await service.triggerGracefulShutdown()
        try await running.value
    }

    private struct StreamService: Service {
        let runner: PipelineRunner
        let sources: [PipelineSource]
        func run() async throws { _ = try await runner.run(sources, mode: .stream) }
    }

    private static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }
}
