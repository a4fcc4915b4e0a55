import Columns
import Foundation
import Jobs
import Lake
import Server
import Telemetry
import TestSupport
import Testing

@testable import Daemon

struct `The upkeep of tables` {
    private let fixture: PipelineFixture

    init() throws { fixture = try PipelineFixture() }

    private func fill(_ name: String, commits: Int) throws -> DeltaTable {
        let schema = Schema([Field("n", .int64)])
        let table = try fixture.workspace.lake.table(name, creating: schema)
        for index in 0..<commits {
            let writer = table.writer()
            try writer.append(try Batch(schema: schema, rows: [[.int(Int64(index))]]))
            try table.commit(adding: writer.finish())
        }
        return table
    }

    private func has(_ sample: String) -> Bool { fixture.metrics.exposition().contains(sample + "\n") }

    @Test func `merges small files in the background, shows what is there, and reports a table that is damaged`() async throws {
        _ = try fill("silver.a", commits: 17)
        let damaged = try fill("silver.b", commits: 17)
        let file = try #require(
            try FileManager.default.contentsOfDirectory(atPath: "\(fixture.workspace.path)/lake/silver/b")
                .first { $0.hasSuffix(".parquet") })
        try Data("PAR1".utf8).write(to: URL(filePath: "\(fixture.workspace.path)/lake/silver/b/\(file)"))
        let health = fixture.readiness.notes
        let upkeep = LakeUpkeep(
            lake: fixture.workspace.lake, metrics: fixture.metrics, logger: fixture.log.logger, health: health)
        try await fixture.whileRunning(upkeep) {
            #expect(await eventually { has("obs_lake_upkeep_total 2") })
        }
        #expect(has(#"obs_lake_files{table="silver.a"} 1"#) && has("obs_lake_merged_files_total 17"))
        #expect(has("obs_lake_upkeep_failures_total 1"))
        #expect(health.all.count == 1 && health.all[0].contains(file))
        #expect(try fixture.workspace.lake.table("silver.a").rowCount() == 17)
        #expect(damaged.fileCount == 17)
    }
}
