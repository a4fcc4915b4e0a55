import Telemetry

/// How often each expectation of a pipeline held and did not.
struct ExpectationMetrics: Sendable {
    private let rows: CounterFamily
    private let pipeline: String

    init(_ registry: MetricsRegistry, _ definition: PipelineDefinition) {
        rows = registry.counter(
            "obs_expectation_rows_total",
            help: "Rows that an expectation was asked about, by whether it held; epochs for row counts.",
            labels: ["pipeline", "expectation", "result"])
        pipeline = definition.name
        for step in definition.inputs.flatMap(\.steps) + definition.streams.flatMap(\.steps) {
            if case .expect(let expectation) = step { record(expectation.name, succeeded: 0, failed: 0) }
        }
    }

    func record(_ expectation: String, succeeded: Int, failed: Int) {
        rows[pipeline, expectation, "success"].increment(by: succeeded)
        rows[pipeline, expectation, "failure"].increment(by: failed)
    }
}
