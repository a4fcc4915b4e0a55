import Columns
import Foundation
import Parsing
import Streaming
import Telemetry

/// Shows what gold tables say as metrics, so that dashboards and alert rules can use it: for each number column the greatest and
/// the mean value of the newest rows.
///
/// No key becomes a label: the series are as many as there are tables and number columns, whatever stands in the data.
actor GoldGauges: PipelineObserver {
    static let name = "gold-gauges"

    private let pipeline: String
    private let rows: CounterFamily
    private let values: GaugeFamily
    private let times: GaugeFamily
    /// By table the newest window, or event, that was shown.
    private var newest: [String: Newest] = [:]

    /// What is known of the rows of the newest time of a table: a window's rows may come in several batches.
    private struct Newest {
        var time: Int64
        var sums: [String: (sum: Double, count: Int, greatest: Double)] = [:]
    }

    init(_ metrics: MetricsRegistry, _ definition: PipelineDefinition) {
        pipeline = definition.name
        rows = metrics.counter(
            "obs_gold_rows_total", help: "Rows that were added to gold tables.", labels: ["pipeline", "table"])
        values = metrics.gauge(
            "obs_gold_value", help: "The greatest (max) and the mean value of a column among the newest rows of a gold table.",
            labels: ["pipeline", "table", "column", "statistic"])
        times = metrics.gauge(
            "obs_gold_newest_timestamp_seconds", help: "Event time of the newest rows of a gold table, since 1970.",
            labels: ["pipeline", "table"])
        for table in definition.goldTables { _ = rows[pipeline, table] }
    }

    func observe(_ parsed: ParsedBatch, lines: Batch, input: String) {}

    func observe(gold batch: Batch, table: String) {
        guard !batch.isEmpty else { return }
        rows[pipeline, table].increment(by: batch.count)
        // Rows of a stream come one by one: those of a batch are the newest. Rows of windows are those of one window.
        guard let time = batch["window_start"] ?? batch["event_time"] else { return }
        let isWindow = batch["window_start"] != nil
        let last = (0..<batch.count).compactMap { time.integer(at: $0) }.max() ?? 0
        var shown = newest[table] ?? Newest(time: last)
        guard last >= shown.time else { return }
        if last > shown.time || !isWindow { shown = Newest(time: last) }
        for (field, column) in zip(batch.schema.fields, batch.columns)
        where [.int32, .int64, .float, .double].contains(field.type) {
            guard !["offset", "window_start", "window_end"].contains(field.name) else { continue }
            var entry = shown.sums[field.name] ?? (0, 0, -.infinity)
            for row in 0..<batch.count where !isWindow || time.integer(at: row) == last {
                guard let number = column.number(at: row) else { continue }
                entry = (entry.sum + number, entry.count + 1, max(entry.greatest, number))
            }
            shown.sums[field.name] = entry
            guard entry.count > 0 else { continue }
            values[pipeline, table, field.name, "max"].set(entry.greatest)
            values[pipeline, table, field.name, "mean"].set(entry.sum / Double(entry.count))
        }
        newest[table] = shown
        times[pipeline, table].set(Double(last) / 1e6)
    }

    // What is shown is of the newest rows only: after a start the next ones tell it anew.
}
