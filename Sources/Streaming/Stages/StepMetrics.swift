import Telemetry

/// What the steps of a pipeline count: how often each expectation held, and which look-ups use an old file.
struct StepMetrics: Sendable {
    private let rows: CounterFamily
    /// Of this pipeline.
    let staleReferences: Gauge
    private let pipeline: String

    init(_ registry: MetricsRegistry, _ definition: PipelineDefinition) {
        rows = registry.counter(
            "obs_expectation_rows_total",
            help: "Rows that an expectation was asked about, by whether it held; epochs for row counts.",
            labels: ["pipeline", "expectation", "result"])
        pipeline = definition.name
        staleReferences =
            registry.gauge(
                "obs_reference_files_stale",
                help: "Look-up files that cannot be read as they are now: what was read before stays in use.",
                labels: ["pipeline"])[pipeline]
        staleReferences.set(0)
        for step in definition.inputs.flatMap(\.steps) + definition.streams.flatMap(\.steps) {
            if case .expect(let expectation) = step { record(expectation.name, succeeded: 0, failed: 0) }
        }
    }

    func record(_ expectation: String, succeeded: Int, failed: Int) {
        rows[pipeline, expectation, "success"].increment(by: succeeded)
        rows[pipeline, expectation, "failure"].increment(by: failed)
    }
}
