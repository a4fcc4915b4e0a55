import Columns
import Foundation
import Ingest
import Lake
import Parsing
import Telemetry
import TestSupport
import Testing

@testable import Configuration
@testable import Daemon
@testable import Jobs

struct `The proof that nothing was lost` {
    private let fixture: PipelineFixture

    init() throws { fixture = try PipelineFixture() }

    @Test func `is a metric and an alert of each source, and ends when the lines are there`() async throws {
        var configuration = Configuration()
        configuration.pipelines = [fixture.plan("a").definition]
        configuration.sources = fixture.plan("a").sources + [.init(name: "pages", settings: .folder(fixture.folder.path))]
        try fixture.write(0..<20, to: "a")
        let sources = configuration
        let proof = SourceProof(lake: fixture.workspace.lake, metrics: fixture.metrics, logger: fixture.log.logger) { sources }
        let operations = OperationsWatch(
            alerts: fixture.alerts, sources: fixture.surroundings.watch, workspace: fixture.workspace, metrics: fixture.metrics,
            logger: fixture.log.logger, proof: proof
        ) { sources }
        #expect(proof.problems.isEmpty && !proof.hasLooked(at: "a"))
        await proof.round()
        #expect(fixture.metrics.exposition().contains("obs_source_missing_lines{source=\"a\"} 20\n"))
        let found = operations.problems(now: .now)
        #expect(found.map { $0.labels["alertname"] } == ["ObsLinesMissing"] && found[0].labels["source"] == "a")
        #expect(found[0].description.contains("lines 1–20, bytes 0–"))
        var lines = try TextLines(path: fixture.path("a"))
        let table = try fixture.workspace.lake.table("bronze.a", creating: RawLines.schema)
        let writer = table.writer()
        while let batch = try lines.next() { try writer.append(batch) }
        try table.commit(adding: writer.finish())
        await proof.round()
        #expect(proof.problems.isEmpty && proof.hasLooked(at: "a") && operations.problems(now: .now).isEmpty)
        #expect(fixture.metrics.exposition().contains("obs_source_missing_lines{source=\"a\"} 0\n"))
        #expect(fixture.metrics.exposition().contains("obs_source_verify_failures_total 0\n"))
    }
}
