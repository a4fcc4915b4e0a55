import CoreMetrics
import Testing

@testable import Telemetry

struct `The metrics registry` {
    let registry = MetricsRegistry()

    @Test func `writes help, type and the samples of a counter`() {
        let rows = registry.counter("obs_rows_total", help: "Rows seen.", labels: ["pipeline", "outcome"])
        rows["ssh", "ok"].increment(by: 3)
        _ = rows["ssh", "late"]
        #expect(
            registry.exposition() == """
                # HELP obs_rows_total Rows seen.
                # TYPE obs_rows_total counter
                obs_rows_total{pipeline="ssh",outcome="late"} 0
                obs_rows_total{pipeline="ssh",outcome="ok"} 3

                """)
    }

    @Test func `claims no value of a gauge that starts empty until there is one`() {
        let lag = registry.gauge("obs_lag_seconds", help: "Lag.", labels: ["pipeline"], startsEmpty: true)
        _ = lag["ssh"]
        _ = registry.gauge("obs_depth", help: "Depth.")[]
        #expect(!registry.exposition().contains("obs_lag_seconds{") && registry.exposition().contains("obs_depth 0\n"))
        lag["ssh"].set(0)
        #expect(registry.exposition().contains("obs_lag_seconds{pipeline=\"ssh\"} 0\n"))
    }

    @Test func `escapes label values and help as the text format says`() {
        registry.gauge("obs_x", help: "a \\ and\nb", labels: ["path"])["C:\\\"x\"\n"].set(1.5)
        #expect(
            registry.exposition() == """
                # HELP obs_x a \\\\ and\\nb
                # TYPE obs_x gauge
                obs_x{path="C:\\\\\\"x\\"\\n"} 1.5

                """)
    }

    @Test func `counts a value into every bucket whose bound it does not exceed`() {
        let latency = registry.histogram("obs_t_seconds", help: "T.", buckets: [0.1, 1])[]
        for value in [0.1, 0.5, 7, .nan] { latency.observe(value) }
        let text = registry.exposition()
        #expect(text.contains("obs_t_seconds_bucket{le=\"0.1\"} 1\n"))
        #expect(text.contains("obs_t_seconds_bucket{le=\"1.0\"} 2\n"))
        #expect(text.contains("obs_t_seconds_bucket{le=\"+Inf\"} 3\n"))
        #expect(text.contains("obs_t_seconds_sum 7.6\n"))
        #expect(text.contains("obs_t_seconds_count 3\n"))
    }

    @Test func `gives the same series when a name is declared twice`() {
        registry.counter("obs_a_total", help: "A.")[].increment()
        registry.counter("obs_a_total", help: "A.")[].increment()
        #expect(registry.exposition().contains("obs_a_total 2\n"))
    }

    @Test func `reads observed values at the moment of the scrape`() {
        let depth = registry.gauge("obs_seen", help: "S.")[]
        registry.gauge("obs_depth", help: "D.", labels: ["queue"]) { [(["b"], depth.value), (["a"], .infinity)] }
        depth.set(4)
        #expect(registry.exposition().contains("obs_depth{queue=\"a\"} +Inf\nobs_depth{queue=\"b\"} 4\n"))
    }

    @Test func `speaks OpenMetrics with units and an end`() {
        registry.counter("obs_a_total", help: "A.")[].increment()
        registry.histogram("obs_t_seconds", help: "T.", buckets: [1])[].observe(0.5)
        let text = registry.exposition(.openMetrics)
        #expect(text.contains("# TYPE obs_a counter\nobs_a_total 1\n"))
        #expect(text.contains("# UNIT obs_t_seconds seconds\n"))
        #expect(text.contains("obs_t_seconds_bucket{le=\"1.0\"} 1\n"))
        #expect(text.hasSuffix("# EOF\n"))
    }

    @Test(
        arguments: [
            (nil, false), ("text/plain", false), ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", true),
            ("application/vnd.google.protobuf;proto=x,application/openmetrics-text;version=1.0.0;q=0.5", true),
        ] as [(String?, Bool)])
    func `chooses OpenMetrics only for those who accept it`(accept: String?, isOpenMetrics: Bool) {
        #expect((ExpositionFormat(accept: accept) == .openMetrics) == isOpenMetrics)
    }

    @Test func `takes in what libraries report through swift-metrics`() {
        let backend = SwiftMetricsBackend(registry: registry)
        Counter(label: "hb.requests", dimensions: [("path", "/x")], factory: backend).increment(by: 2)
        Timer(label: "hb.request.duration", dimensions: [], factory: backend).recordNanoseconds(5_000_000)
        let text = registry.exposition()
        #expect(text.contains("hb_requests_total{path=\"/x\"} 2\n"))
        #expect(text.contains("hb_request_duration_seconds_sum 0.005\n"))
    }

    @Test func `counts right from many threads`() async {
        let counter = registry.counter("obs_a_total", help: "A.")[]
        let gauge = registry.gauge("obs_g", help: "G.")[]
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.increment()
                        gauge.increment()
                    }
                }
            }
        }
        #expect(counter.value == 8000)
        #expect(gauge.value == 8000)
    }

    @Test func `shows the process as every Prometheus client does`() throws {
        ProcessMetrics.register(in: registry)
        let text = registry.exposition()
        for name in [
            "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
            "process_start_time_seconds",
        ] {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + " ") })
            #expect(Double(line.dropFirst(name.count + 1))! > 0 || name == "process_cpu_seconds_total")
        }
    }
}

struct `A stage meter` {
    @Test func `has all its series from the start and counts what became of the records`() throws {
        let registry = MetricsRegistry()
        let meter = StageMetrics(registry).meter(pipeline: "ssh", stage: "silver")
        #expect(registry.exposition().contains("obs_stage_records_total{pipeline=\"ssh\",stage=\"silver\",outcome=\"late\"} 0\n"))
        let result = meter.measure { (42, StageCounts(ok: 5, quarantined: 1, bytesIn: 100)) }
        #expect(result == 42)
        let text = registry.exposition()
        #expect(text.contains("obs_stage_records_total{pipeline=\"ssh\",stage=\"silver\",outcome=\"ok\"} 5\n"))
        #expect(text.contains("obs_stage_records_total{pipeline=\"ssh\",stage=\"silver\",outcome=\"quarantined\"} 1\n"))
        #expect(text.contains("obs_stage_bytes_total{pipeline=\"ssh\",stage=\"silver\",direction=\"in\"} 100\n"))
        #expect(text.contains("obs_stage_duration_seconds_count{pipeline=\"ssh\",stage=\"silver\"} 1\n"))
    }

    @Test func `times a call that throws`() {
        struct Broken: Error {}
        let registry = MetricsRegistry()
        let meter = StageMetrics(registry).meter(pipeline: "p", stage: "s")
        #expect(throws: Broken.self) { try meter.measure { () throws(Broken) -> ((), StageCounts) in throw Broken() } }
        #expect(registry.exposition().contains("obs_stage_duration_seconds_count{pipeline=\"p\",stage=\"s\"} 1\n"))
    }
}
