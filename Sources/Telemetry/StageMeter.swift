/// What became of the records that one call of a stage took in.
public struct StageCounts: Sendable {
    /// Rows that went on.
    public var ok = 0
    /// Rows that came after their window was closed.
    public var late = 0
    /// Rows that went to quarantine.
    public var quarantined = 0
    /// Rows that a step took out.
    public var dropped = 0
    /// Rows with a key that was seen before.
    public var duplicate = 0
    /// Bytes that the stage read.
    public var bytesIn = 0
    /// Bytes that the stage wrote.
    public var bytesOut = 0

    /// The counts of one batch; 0 by default.
    public init(
        ok: Int = 0, late: Int = 0, quarantined: Int = 0, dropped: Int = 0, duplicate: Int = 0, bytesIn: Int = 0,
        bytesOut: Int = 0
    ) {
        self.ok = ok
        self.late = late
        self.quarantined = quarantined
        self.dropped = dropped
        self.duplicate = duplicate
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
    }
}

/// The metrics that every stage of every pipeline has, alike, from this one place.
public struct StageMetrics: Sendable {
    /// `obs_stage_records_total`, by pipeline, stage and outcome.
    public let records: CounterFamily
    private let duration: HistogramFamily
    private let bytes: CounterFamily

    /// Declares the metrics in `registry`; declaring them again is allowed.
    public init(_ registry: MetricsRegistry) {
        records = registry.counter(
            "obs_stage_records_total", help: "Records that a stage has taken in, by what became of them.",
            labels: ["pipeline", "stage", "outcome"])
        duration = registry.histogram(
            "obs_stage_duration_seconds", help: "Time that a stage took for one batch.", labels: ["pipeline", "stage"],
            buckets: [0.0001, 0.00025, 0.0005] + Histogram.latencyBuckets)
        bytes = registry.counter(
            "obs_stage_bytes_total", help: "Bytes that a stage has read (in) and written (out).",
            labels: ["pipeline", "stage", "direction"])
    }

    /// The meter of one stage. All its series exist from now on, at zero.
    public func meter(pipeline: String, stage: String) -> StageMeter {
        StageMeter(
            ok: records[pipeline, stage, "ok"], late: records[pipeline, stage, "late"],
            quarantined: records[pipeline, stage, "quarantined"], dropped: records[pipeline, stage, "dropped"],
            duplicate: records[pipeline, stage, "duplicate"], duration: duration[pipeline, stage],
            bytesIn: bytes[pipeline, stage, "in"], bytesOut: bytes[pipeline, stage, "out"])
    }
}

/// Counts and times the calls of one stage.
public struct StageMeter: Sendable {
    let ok: Counter, late: Counter, quarantined: Counter, dropped: Counter, duplicate: Counter
    let duration: Histogram
    let bytesIn: Counter, bytesOut: Counter

    /// Runs one call of the stage and records its time and what it says became of the records. A throw is timed too.
    public func measure<Result, Failure: Error>(_ body: () throws(Failure) -> (Result, StageCounts)) throws(Failure) -> Result {
        let start = ContinuousClock.now
        defer { duration.observe(ContinuousClock.now - start) }
        let (result, counts) = try body()
        record(counts)
        return result
    }

    /// Records what became of the records of one call, and how long it took if that was measured outside.
    public func record(_ counts: StageCounts, took time: Duration? = nil) {
        if let time { duration.observe(time) }
        for (counter, count) in [
            (ok, counts.ok), (late, counts.late), (quarantined, counts.quarantined), (dropped, counts.dropped),
            (duplicate, counts.duplicate), (bytesIn, counts.bytesIn), (bytesOut, counts.bytesOut),
        ] where count > 0 {
            counter.increment(by: count)
        }
    }
}
