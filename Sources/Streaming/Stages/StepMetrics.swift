import Telemetry

/// What the steps of a pipeline count: how often each expectation held, and how its look-up files are.
struct StepMetrics: Sendable {
    private let rows: CounterFamily
    private let other: CounterFamily
    let references: ReferenceGauges
    private let pipeline: String

    init(_ registry: MetricsRegistry, _ definition: PipelineDefinition) {
        rows = registry.counter(
            "obs_expectation_rows_total",
            help: "Rows that an expectation was asked about, by whether it held; epochs for row counts.",
            labels: ["pipeline", "expectation", "result"])
        other = registry.counter(
            "obs_window_rows_other_total",
            help: "Rows that a window counted in its group of all others, because it had more groups than max_groups.",
            labels: ["pipeline", "table"])
        pipeline = definition.name
        references = ReferenceGauges(registry, pipeline: pipeline)
    }

    func record(window table: String, otherRows: Int) { other[pipeline, table].increment(by: otherRows) }

    func record(_ expectation: String, succeeded: Int, failed: Int) {
        rows[pipeline, expectation, "success"].increment(by: succeeded)
        rows[pipeline, expectation, "failure"].increment(by: failed)
    }
}

/// The look-up files of a pipeline.
struct ReferenceGauges: Sendable {
    let stale: Gauge
    let damagedLines: Gauge

    init(_ registry: MetricsRegistry, pipeline: String) {
        stale =
            registry.gauge(
                "obs_reference_files_stale",
                help: "Look-up files that cannot be read as they are now: what was read before stays in use.",
                labels: ["pipeline"])[pipeline]
        damagedLines =
            registry.gauge(
                "obs_reference_lines_damaged", help: "Lines of look-up files that were left out because they are damaged.",
                labels: ["pipeline"])[pipeline]
        // The tables of a run before are gone.
        stale.set(0)
        damagedLines.set(0)
    }
}
