import Columns
import Foundation
import Jobs
import Lake
import Query
import Server
import Telemetry
import TestSupport
import Testing

@testable import Configuration
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

    @Test func `removes what the disk has no room for, says so, and warns before`() async throws {
        let table = try fill("bronze.a", commits: 20)
        let workspace = fixture.workspace
        // Full by what is in the table now; then by half of it.
        let full = table.sizeInBytes
        let disk: @Sendable () -> DiskSpace? = {
            let left = (try? workspace.lake.table("bronze.a").sizeInBytes) ?? 0
            return DiskSpace(used: left, available: full - left)
        }
        let configuration = try JSONDecoder().decode(
            RetentionPolicy.self, from: Data(#"{"disk_limit":0.5,"keep_at_least":"0s"}"#.utf8))
        let operations = OperationsWatch(
            alerts: fixture.alerts, sources: fixture.surroundings.watch, workspace: workspace, metrics: fixture.metrics,
            logger: fixture.log.logger, disk: disk
        ) {
            var all = Configuration()
            all.retention = configuration
            return all
        }
        #expect(operations.problems(now: .now).map { $0.labels["alertname"] } == ["ObsDiskFilling"])
        let retention = LakeRetention(
            workspace, policy: { configuration }, disk: disk, metrics: fixture.metrics, logger: fixture.log.logger)
        await retention.round(now: .now + .seconds(60))
        let left = try workspace.lake.table("bronze.a")
        #expect((8...10).contains(left.fileCount) && left.wholeSince != nil)
        #expect(has(#"obs_retention_removed_rows_total{table="bronze.a",reason="disk"} \#(20 - left.fileCount)"#))
        #expect(has("obs_disk_used_ratio 1") && has("obs_disk_limit_ratio 0.5") && has("obs_retention_failures_total 0"))
        let audit = try RecordQuestions(workspace.store).audit(subject: "bronze.a").rows
        #expect(audit.count == 1 && audit[0][2].description == "retention")
        #expect(audit.first?[6].description.contains("the disk was 100 % full") == true)
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(workspace.path)/lake/bronze/a")
        #expect(files.count { $0.hasSuffix(".parquet") } == left.fileCount, "removed files are deleted at once")
    }
}
