import Telemetry

/// What the steps of a pipeline count: how often each expectation held, and how its look-up files are.
struct StepMetrics: Sendable {
    private let rows: CounterFamily
    private let other: CounterFamily
    private let early: CounterFamily
    let references: ReferenceGauges
    /// Of learned expectations: by pipeline, stream, expectation, measure and column whether it is unusual, and what was
    /// expected.
    let unusual, usualValues: GaugeFamily
    let pipeline: String

    init(_ registry: MetricsRegistry, _ definition: PipelineDefinition) {
        rows = registry.counter(
            "obs_expectation_rows_total",
            help: "Rows that an expectation was asked about, by whether it held; epochs for row counts.",
            labels: ["pipeline", "expectation", "result"])
        other = registry.counter(
            "obs_window_rows_other_total",
            help: "Rows that a window counted in its group of all others, because it had more groups than max_groups.",
            labels: ["pipeline", "table"])
        early = registry.counter(
            "obs_window_rows_early_total",
            help: """
                Rows of windows that were given before the watermark had closed them, because the open windows of the pipeline \
                had more groups than max_open_groups.
                """, labels: ["pipeline", "table"])
        (unusual, usualValues) = (Self.unusual(registry), Self.usualValues(registry))
        pipeline = definition.name
        references = ReferenceGauges(registry, pipeline: pipeline)
    }

    private static let usualLabels = ["pipeline", "stream", "expectation", "measure", "column"]

    private static func unusual(_ registry: MetricsRegistry) -> GaugeFamily {
        registry.gauge(
            "obs_expectation_unusual",
            help: "Whether a measure of the rows is unlike the same hour of other days and weeks (1), by learned expectation.",
            labels: usualLabels)
    }

    private static func usualValues(_ registry: MetricsRegistry) -> GaugeFamily {
        registry.gauge(
            "obs_expectation_usual",
            help: "The newest value of a measure of the rows, and what was expected of it (expected, low, high).",
            labels: usualLabels + ["statistic"])
    }

    func record(window table: String, otherRows: Int) { other[pipeline, table].increment(by: otherRows) }

    func record(window table: String, earlyRows: Int) { early[pipeline, table].increment(by: earlyRows) }

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
