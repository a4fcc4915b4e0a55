import Columns
import Configuration
import Foundation
import Logging
import Parsing
import Streaming
import Telemetry

/// `obs replay`: silver and gold anew from bronze.
public enum Replaying {
    /// Runs to its end; the run is recorded.
    public static func run(
        _ pipeline: String, _ options: PipelineReplay.Options, context: ParsingContext, _ configuration: Configuration,
        progress: (Int) -> Void
    ) throws -> PipelineReplay.Summary {
        let workspace = try Workspace(configuration.dataDirectory)
        let definition = try configuration.pipeline(pipeline)
        let logger = configuration.logger()
        let runs = RunStore(workspace.store)
        let run = try runs.begin(pipeline, .replay, now: .now)
        do {
            let summary = try PipelineReplay.run(
                definition, lake: workspace.lake, checkpoints: workspace.checkpoints, context: context,
                scorers: workspace.scorers(), options: options, logger: logger, progress: progress)
            let stages =
                [PipelineRunner.StageRows(stage: "bronze", rowsIn: summary.lines, rowsOut: summary.lines)]
                + summary.tables.map { .init(stage: $0.name, rowsIn: $0.rows, rowsOut: $0.rows) }
            try runs.end(run, stages: stages, now: .now)
            return summary
        } catch {
            try runs.end(run, error: "\(error)", now: .now)
            throw error
        }
    }

    /// Puts the checkpoint of a pipeline aside, so that its next start reads its sources from the beginning.
    ///
    /// - Throws: ``PipelineError/locked(pipeline:)`` while the pipeline runs.
    public static func startAnew(_ pipeline: String, _ configuration: Configuration) throws {
        let workspace = try Workspace(configuration.dataDirectory)
        let definition = try configuration.pipeline(pipeline)
        try CheckpointFolder(path: "\(workspace.checkpoints)/\(definition.name)", pipeline: definition.name).setAside()
    }
}
