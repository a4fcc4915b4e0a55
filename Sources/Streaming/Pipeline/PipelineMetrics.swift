import Columns
import Telemetry

/// The metrics of one pipeline: each stage alike, and where the pipeline as a whole stands.
struct PipelineMetrics: Sendable {
    let source, bronze, silver, quarantine, late, steps, windows, gold, observers, commit: StageMeter
    let watermark, lag, lastCommit, stateRows, queueDepth: Gauge
    let events: CounterFamily
    /// Of all pipelines: by pipeline and input.
    let ahead: CounterFamily

    init(_ registry: MetricsRegistry, pipeline: String) {
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
        queueDepth = registry.gauge("obs_queue_depth", help: "Batches that wait to be worked on.", labels: ["queue"])[pipeline]
        ahead = registry.counter(
            "obs_rows_ahead_total",
            help: "Events whose time is further ahead of their arrival than max_clock_skew; they do not move the watermark.",
            labels: ["pipeline", "input"])
        events = registry.counter(
            "obs_ssh_events_total", help: "Events of sshd by kind and method.", labels: ["event", "method"])
        for event in ["failed_password", "accepted_password", "accepted_publickey", "invalid_user"] {
            _ = events[event, event == "invalid_user" ? "none" : event.hasSuffix("publickey") ? "publickey" : "password"]
        }
    }

    /// Counts the events of a batch by kind and method: two closed sets, so the series are few whatever an attacker writes.
    func count(_ events: Batch) {
        guard let kinds = events["event"], let methods = events["method"] else { return }
        let known: Set = [
            "password", "publickey", "keyboard-interactive", "keyboard-interactive/pam", "hostbased", "gssapi-with-mic", "none",
        ]
        var counts: [UInt64: (kind: String, method: String, count: Int)] = [:]
        guard case .dictionary(let kindValues) = kinds.values, case .dictionary(let methodValues) = methods.values else { return }
        for row in 0..<events.count {
            let kind = kindValues.codes[kinds.range.lowerBound + row]
            let method = methods.isNull(at: row) ? UInt32.max : methodValues.codes[methods.range.lowerBound + row]
            let key = UInt64(kind) << 32 | UInt64(method)
            if counts[key] == nil {
                let name = method == .max ? "none" : methodValues.dictionary.string(at: Int(method))
                counts[key] = (kindValues.dictionary.string(at: Int(kind)), known.contains(name) ? name : "other", 0)
            }
            counts[key]!.count += 1
        }
        for entry in counts.values { self.events[entry.kind, entry.method].increment(by: entry.count) }
    }
}
