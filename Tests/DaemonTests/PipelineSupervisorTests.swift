import Configuration
import Foundation
import Jobs
import Server
import Streaming
import Telemetry
import TestSupport
import Testing

@testable import Daemon

struct `The supervisor of pipelines` {
    private let fixture: PipelineFixture

    init() throws { fixture = try PipelineFixture() }

    @Test func `commits all that its pipelines have read when it stops`() async throws {
        var slow = fixture.plan("slow").definition
        // Nothing is committed by the clock.
        slow.commitInterval = .seconds(3600)
        let plan = PipelinePlan(definition: slow, sources: fixture.plan("slow").sources, detections: [])
        try fixture.write(0..<100, to: "slow")
        let expected = #"obs_stage_records_total{pipeline="slow",stage="source",outcome="ok"} 100"#
        try await fixture.whileRunning(PipelineSupervisor([plan], in: fixture.surroundings)) {
            #expect(await eventually { fixture.metrics.exposition().contains(expected) })
        }
        #expect(fixture.rows("slow") == 100)
    }

    @Test func `stops a pipeline that is no longer wanted, begins a new one, and leaves alone the one that stays`() async throws {
        let supervisor = PipelineSupervisor([fixture.plan("stays"), fixture.plan("goes")], in: fixture.surroundings)
        for name in ["stays", "goes", "comes"] { try fixture.write(0..<10, to: name) }
        try await fixture.whileRunning(supervisor) {
            #expect(await eventually { fixture.rows("stays") == 10 && fixture.rows("goes") == 10 })
            await supervisor.apply([fixture.plan("stays"), fixture.plan("comes")])
            #expect(fixture.log.all.filter { $0 == "info: a pipeline stopped for the new configuration" }.count == 1)
            for name in ["stays", "goes", "comes"] { try fixture.write(10..<20, to: name) }
            #expect(await eventually { fixture.rows("stays") == 20 && fixture.rows("comes") == 20 })
            #expect(fixture.rows("goes") == 10)
        }
    }

    @Test func `goes on from the checkpoint with what a changed plan says`() async throws {
        let supervisor = PipelineSupervisor([fixture.plan("p")], in: fixture.surroundings)
        try fixture.write(0..<10, to: "p")
        try await fixture.whileRunning(supervisor) {
            #expect(await eventually { fixture.rows("p") == 10 })
            var changed = fixture.plan("p")
            changed = PipelinePlan(definition: changed.definition, sources: changed.sources + moreSources, detections: [])
            try fixture.write(100..<105, to: "more")
            await supervisor.apply([changed])
            #expect(await eventually { fixture.rows("p") == 15 })
        }
        #expect(fixture.rows("p") == 15)
    }

    private var moreSources: [Configuration.SourceEntry] {
        var source = fixture.plan("more").sources[0]
        source.pipeline = "p"
        return [source]
    }

    @Test func `refuses a definition that does not fit its checkpoint, and says which`() async throws {
        let supervisor = PipelineSupervisor([fixture.plan("p")], in: fixture.surroundings)
        try supervisor.check([fixture.plan("p", allowedLateness: .seconds(5))])
        try fixture.write(0..<10, to: "p")
        try await fixture.whileRunning(supervisor) { #expect(await eventually { fixture.rows("p") == 10 }) }
        try supervisor.check([fixture.plan("p")])
        let error = #expect(throws: PipelineError.self) {
            try supervisor.check([fixture.plan("p", allowedLateness: .seconds(5))])
        }
        #expect(error?.description.hasPrefix("the definition of pipeline 'p' is not the one that wrote its checkpoint") == true)
    }

    @Test func `tries a pipeline that fails again and again, says so, and runs the others`() async throws {
        let checkpoints = fixture.workspace.checkpoints
        try FileManager.default.createDirectory(atPath: checkpoints + "/bad", withIntermediateDirectories: true)
        try Data("damaged".utf8).write(to: URL(filePath: checkpoints + "/bad/checkpoint"))
        for name in ["bad", "good"] { try fixture.write(0..<10, to: name) }
        let supervisor = PipelineSupervisor([fixture.plan("bad"), fixture.plan("good")], in: fixture.surroundings)
        try await fixture.whileRunning(supervisor) {
            #expect(await eventually { fixture.readiness.missing == ["pipeline bad"] && fixture.rows("good") == 10 })
            #expect(fixture.readiness.notes.all.contains { $0.contains("pipeline 'bad' fails and is tried again") })
            // What was wrong is put right: the next try succeeds by itself.
            try FileManager.default.removeItem(atPath: checkpoints + "/bad/checkpoint")
            #expect(await eventually { fixture.rows("bad") == 10 })
        }
        let exposition = fixture.metrics.exposition()
        #expect(!exposition.contains("obs_pipeline_failures_total{pipeline=\"bad\"} 0\n"))
        #expect(exposition.contains("obs_pipeline_failures_total{pipeline=\"good\"} 0\n"))
        #expect(fixture.readiness.missing.isEmpty && fixture.readiness.notes.all.isEmpty)
    }
}
