import Parsing
import Telemetry

/// The metrics of one pipeline: the same of each stage, and how far the pipeline is.
struct PipelineMetrics: Sendable {
    let source, bronze, silver, quarantine, late, steps, windows, gold, observers, commit: StageMeter
    let watermark, lag, lastCommit, stateRows, openGroups, queueDepth: Gauge
    /// By format.
    let counters: [String: EventCounting]
    /// By pipeline and input.
    let ahead: CounterFamily

    init(_ registry: MetricsRegistry, _ definition: PipelineDefinition) {
        let pipeline = definition.name
        let stages = StageMetrics(registry)
        source = stages.meter(pipeline: pipeline, stage: "source")
        bronze = stages.meter(pipeline: pipeline, stage: "bronze")
        silver = stages.meter(pipeline: pipeline, stage: "silver")
        quarantine = stages.meter(pipeline: pipeline, stage: "quarantine")
        late = stages.meter(pipeline: pipeline, stage: "late")
        steps = stages.meter(pipeline: pipeline, stage: "steps")
        windows = stages.meter(pipeline: pipeline, stage: "windows")
        gold = stages.meter(pipeline: pipeline, stage: "gold")
        observers = stages.meter(pipeline: pipeline, stage: "detect")
        commit = stages.meter(pipeline: pipeline, stage: "commit")
        watermark =
            registry.gauge(
                "obs_pipeline_watermark_seconds", help: "Event time up to which windows are closed, since 1970.",
                labels: ["pipeline"], startsEmpty: true)[pipeline]
        lag =
            registry.gauge(
                "obs_pipeline_lag_seconds", help: "Age of the oldest line of the last batch when it was taken up.",
                labels: ["pipeline"], startsEmpty: true)[pipeline]
        lastCommit =
            registry.gauge(
                "obs_pipeline_last_commit_timestamp_seconds", help: "When the last epoch was committed, since 1970.",
                labels: ["pipeline"], startsEmpty: true)[pipeline]
        stateRows =
            registry.gauge(
                "obs_pipeline_state_rows", help: "Groups in open windows, rows that wait for a join, keys that are remembered.",
                labels: ["pipeline"])[pipeline]
        openGroups =
            registry.gauge("obs_window_groups", help: "Groups in open windows.", labels: ["pipeline"])[pipeline]
        registry.gauge(
            "obs_window_groups_limit",
            help: "How many groups the open windows of a pipeline may have together: its max_open_groups.", labels: ["pipeline"])[
                pipeline
            ].set(Double(definition.maxOpenGroups))
        queueDepth = registry.gauge("obs_queue_depth", help: "Batches that wait to be worked on.", labels: ["queue"])[pipeline]
        ahead = registry.counter(
            "obs_rows_ahead_total",
            help: "Events whose time is further ahead of their arrival than max_clock_skew; they do not move the watermark.",
            labels: ["pipeline", "input"])
        // Of all formats, whatever this pipeline reads: a dashboard shows 0 instead of nothing.
        counters = LogFormats.all.reduce(into: [:]) { counters, format in
            counters[format.name] = format.counter.map { EventCounting($0, registry) }
        }
    }
}
