import Columns

/// The logs of pipelines that watch and work: obs's own JSON log, and that of a Spark job with stages, tasks and the occasional
/// stack trace.
struct SelfSimulator: Simulator {
    static let name = "self"
    static let streams = [SimulatedStream("obs", "jsonl"), SimulatedStream("spark", "log")]
    /// Many errors within minutes; stages that take much longer; a job that falls silent.
    static let faults = ["error-burst", "slow-stages", "stall"]

    static let pipelines = ["ssh", "rail", "shop"]

    private let rate: Double
    private let options: SimulationOptions
    private var random: SplitMix64
    private var faults: FaultSchedule
    private var second = 0
    private var epoch = 0
    private var stage = 0
    private var task = 0

    init(_ options: SimulationOptions) {
        self.options = options
        rate = options.rate ?? 1
        random = SplitMix64(seed: options.seed)
        faults = FaultSchedule(options, all: Self.faults)
    }

    var time: Timestamp { options.start + .seconds(second) }
    var truth: [SimulatedFault] { faults.truth }

    mutating func next() -> [SimulatedLine] {
        let now = time
        second += 1
        _ = faults.begin(at: now, &random, length: { _ in .seconds(600) }) { kind, _ in kind == "error-burst" ? "obs" : "spark" }
        let running = Set(faults.running(at: now).map(\.kind))
        var lines = obs(now, hasErrors: running.contains("error-burst"))
        if !running.contains("stall") {
            for _ in 0..<random.poisson(rate) { lines.append(spark(now, isSlow: running.contains("slow-stages"))) }
        }
        return lines
    }

    private mutating func obs(_ now: Timestamp, hasErrors: Bool) -> [SimulatedLine] {
        var lines: [SimulatedLine] = []
        func add(_ level: String, _ message: String, _ facts: KeyValuePairs<String, Value>) {
            var object = JSONObject(["ts": .timestamp(now), "level": .text(level), "msg": .text(message), "logger": "obs"])
            for (key, value) in facts { object.add(key, value) }
            lines.append(SimulatedLine("obs", now, object.rendered))
        }
        if second % 5 == 0 {
            epoch += 1
            for pipeline in Self.pipelines {
                add(
                    "info", "epoch committed",
                    [
                        "pipeline": .text(pipeline), "stage": "commit", "epoch": .int(Int64(epoch)),
                        "rows": .int(Int64(random.poisson(400))),
                        "duration_ms": .double(max(1, random.normal(14, 4)).rounded(to: 2)),
                    ])
            }
        }
        let errors = hasErrors ? random.poisson(0.6) : random.chance(0.001) ? 1 : 0
        for _ in 0..<errors {
            add(
                "error", "a pipeline failed; it goes on from its last checkpoint",
                [
                    "pipeline": .text(Self.pipelines[Int.random(in: Self.pipelines.indices, using: &random)]), "stage": "commit",
                    "error": "obs-data/lake/silver/ssh: cannot be written: No space left on device",
                ])
        }
        return lines
    }

    private mutating func spark(_ now: Timestamp, isSlow: Bool) -> SimulatedLine {
        task += 1
        if task % 8 == 0 { stage += 1 }
        let milliseconds = Int(max(20, random.normal(isSlow ? 9000 : 700, isSlow ? 2500 : 200)))
        let stamp = Self.stamp(now)
        if random.chance(0.004) {
            let text = """
                \(stamp) ERROR executor.Executor: Exception in task \(task % 8).0 in stage \(stage).0 (TID \(task))
                java.lang.OutOfMemoryError: Java heap space
                \tat java.util.Arrays.copyOf(Arrays.java:3332)
                \tat org.apache.spark.util.collection.ExternalSorter.insertAll(ExternalSorter.scala:194)
                """
            return SimulatedLine("spark", now, text)
        }
        if task % 8 == 0 {
            let seconds = (Double(milliseconds) / 400).rounded(to: 3)
            return SimulatedLine(
                "spark", now,
                "\(stamp) INFO scheduler.DAGScheduler: ResultStage \(stage) (count at Job.scala:31) finished in \(seconds) s")
        }
        return SimulatedLine(
            "spark", now,
            "\(stamp) INFO executor.Executor: Finished task \(task % 8).0 in stage \(stage).0 (TID \(task)) in \(milliseconds) "
                + "ms on worker-\(task % 4)"
        )
    }

    /// `17/06/09 20:10:40`, as Spark's own layout has it.
    private static func stamp(_ time: Timestamp) -> String {
        let c = time.components
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(c.year % 100))/\(two(c.month))/\(two(c.day)) \(two(c.hour)):\(two(c.minute)):\(two(c.second))"
    }
}
