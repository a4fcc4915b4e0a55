import Telemetry

/// The metrics of one source.
struct SourceMetrics: Sendable {
    let bytes: Counter
    let lines: Counter
    let nuls: Counter
    let rotations: Counter
    let truncations: Counter
    let lost: Counter
    let restarts: Counter
    let cut: Counter
    let dropped: Counter
    let files: Gauge
    let lag: Gauge

    init(_ registry: MetricsRegistry, source: String) {
        bytes = registry.counter("obs_source_bytes_total", help: "Bytes of log text read.", labels: ["source"])[source]
        lines = registry.counter("obs_source_lines_total", help: "Lines read.", labels: ["source"])[source]
        nuls =
            registry.counter(
                "obs_source_nul_bytes_total",
                help: "NUL bytes before lines that were passed over, as in the hole that a truncated log begins with.",
                labels: ["source"])[source]
        rotations =
            registry.counter(
                "obs_source_rotations_total", help: "Rotations of followed files that were seen.", labels: ["source"])[source]
        truncations =
            registry.counter(
                "obs_source_truncations_total", help: "Followed files that were truncated or written anew.", labels: ["source"])[
                source]
        lost =
            registry.counter(
                "obs_source_lost_files_total", help: "Rotated files whose rest was not found, so that lines may be lost.",
                labels: ["source"])[source]
        restarts =
            registry.counter(
                "obs_source_restarts_total", help: "Times that the program which a source reads from was started again.",
                labels: ["source"])[source]
        cut =
            registry.counter(
                "obs_source_cut_messages_total",
                help: "Messages of syslog longer than 64 KiB, and lines of pipes longer than 1 MiB, which are cut there.",
                labels: ["source"])[source]
        dropped =
            registry.counter(
                "obs_source_dropped_messages_total",
                help: "Messages that were sent by UDP faster than they could be stored, and are lost.",
                labels: ["source"])[source]
        files = registry.gauge("obs_source_open_files", help: "Files that a source follows.", labels: ["source"])[source]
        lag =
            registry.gauge(
                "obs_source_lag_bytes", help: "Bytes that are in the followed files and not read yet.", labels: ["source"])[
                source]
    }
}
