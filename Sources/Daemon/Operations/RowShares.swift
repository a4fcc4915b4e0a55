import Columns
import Incidents
import Telemetry

/// Finds pipelines of whose rows too many are bad: late, not understood, or not as an expectation claims. It reads the counters
/// that the pipelines keep for Prometheus, and judges as the alerts of the same names in `alerts/obs.yml` do.
struct RowShares {
    /// What is counted, and from when on it is too much.
    private struct Kind {
        let alertName: String
        let severity: String
        /// The rows that are bad in a series with these labels, 0 where it is of something else; nil where it is not counted.
        let bad: @Sendable (_ labels: [String], _ value: Int) -> Int?
        /// How many of the labels name what is watched: the pipeline, and the expectation.
        let keys: [String]
        /// A share of few rows says little.
        let leastRows: Int
        /// Whether a share that has always been so is fine.
        let isComparedWithBefore: Bool
        let sentences: @Sendable (_ labels: Labels, _ share: String) -> (summary: String, description: String)
    }

    /// How long the rows are looked at together.
    static let span = Duration.seconds(15 * 60)
    static let alertNames = kinds.map(\.alertName)

    /// Over so long before ``span`` it is known how it usually is.
    private static let past = Duration.seconds(6 * 3600)
    /// It must have been so for as long as `for` of the alerts of Prometheus.
    private static let patience = Duration.seconds(600)
    private static let limit = 0.05
    private static let interval = Duration.seconds(60)
    /// What is watched at the most; there are a few for each pipeline.
    private static let maxSeries = 4096

    private static let kinds = [
        Kind(
            alertName: "ObsLateRowsHigh", severity: "info",
            bad: { $0[1] == "windows" ? ($0[2] == "late" ? $1 : 0) : nil }, keys: ["pipeline"], leastRows: 20,
            isComparedWithBefore: false
        ) { labels, share in
            (
                "Pipeline \(labels["pipeline"] ?? "") gets events late",
                "\(share) of the events of the last 15 minutes came after their window had closed (threshold 5 %); they are in "
                    + "silver, and missing in gold."
            )
        },
        Kind(
            alertName: "ObsQuarantineHigh", severity: "warning",
            bad: { $0[1] == "silver" ? ($0[2] == "quarantined" ? $1 : 0) : nil }, keys: ["pipeline"], leastRows: 20,
            isComparedWithBefore: false
        ) { labels, share in
            (
                "Pipeline \(labels["pipeline"] ?? "") does not understand its lines",
                "\(share) of the lines of the last 15 minutes are in quarantine (threshold 5 %): the format of the log has "
                    + "changed, or the wrong file is read."
            )
        },
        Kind(
            alertName: "ObsExpectationFailing", severity: "warning", bad: { $0[2] == "failure" ? $1 : 0 },
            keys: ["pipeline", "expectation"], leastRows: 0, isComparedWithBefore: true
        ) { labels, share in
            (
                "Expectation \(labels["expectation"] ?? "") of pipeline \(labels["pipeline"] ?? "") holds less often than it did",
                "\(share) of the rows of the last 15 minutes do not meet it (threshold 5 %, and twice the share of the six hours "
                    + "before): what comes in has changed."
            )
        },
    ]

    /// What was counted until then, since the start of this process.
    private struct Sample {
        var time: Timestamp
        var bad = 0
        var all = 0

        /// The share of bad rows after `other`; nil without rows.
        func share(since other: Sample) -> Double? {
            all > other.all ? Double(bad - other.bad) / Double(all - other.all) : nil
        }
    }

    private let stages: CounterFamily
    private let expectations: CounterFamily
    /// By labels of the alert one sample per ``interval``, oldest first.
    private var history: [Labels: [Sample]] = [:]

    init(_ metrics: MetricsRegistry) {
        stages = StageMetrics(metrics).records
        expectations = metrics.counter(
            "obs_expectation_rows_total",
            help: "Rows that an expectation was asked about, by whether it held; epochs for row counts.",
            labels: ["pipeline", "expectation", "result"])
    }

    /// Looks at the counters, and says which shares are too large now.
    mutating func problems(now: Timestamp) -> [StandingProblem] {
        Self.kinds.flatMap { kind in
            counts(kind, now: now).compactMap { problem(kind, $0, $1) }
        }
    }

    private func counts(_ kind: Kind, now: Timestamp) -> [Labels: Sample] {
        var counts: [Labels: Sample] = [:]
        for (values, counter) in (kind.isComparedWithBefore ? expectations : stages).all {
            guard let bad = kind.bad(values, counter.value) else { continue }
            var labels: Labels = ["alertname": kind.alertName, "severity": kind.severity]
            for (key, value) in zip(kind.keys, values) { labels[key] = value }
            counts[labels, default: Sample(time: now)].bad += bad
            counts[labels]!.all += counter.value
        }
        return counts
    }

    private mutating func problem(_ kind: Kind, _ labels: Labels, _ now: Sample) -> StandingProblem? {
        guard history[labels] != nil || history.count < Self.maxSeries else { return nil }
        var samples = history[labels] ?? []
        defer { history[labels] = samples }
        if samples.last.map({ now.time - $0.time >= Self.interval }) ?? true { samples.append(now) }
        samples.removeAll { now.time - $0.time > Self.span + Self.past }
        let before = samples.last { now.time - $0.time >= Self.span } ?? samples[0]
        guard let share = now.share(since: before), share > Self.limit, now.bad - before.bad > kind.leastRows else { return nil }
        if kind.isComparedWithBefore, let usual = before.share(since: samples[0]), share <= 2 * usual { return nil }
        let percent = "\((share * 1000).rounded() / 10) %"
        let (summary, description) = kind.sentences(labels, percent)
        return StandingProblem(labels: labels, summary: summary, description: description, patience: Self.patience)
    }
}
