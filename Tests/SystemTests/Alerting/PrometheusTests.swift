import Foundation
import Synchronization
import TestSupport
import Testing

/// A real Prometheus with a rule that fires and ends, obs as its Alertmanager, and a receiver of webhooks.
@Suite(.enabled(if: Peers.has("prometheus"), "there is no prometheus on the PATH"), .timeLimit(.minutes(10)))
struct `An alert of a real Prometheus` {
    private let folder = TemporaryFolder()

    @Test func `is told while its rule holds, and its end when it does no longer`() async throws {
        let level = Mutex(0)
        let recorder = try await WebhookRecorder(metrics: {
            "# TYPE water_level gauge\nwater_level{tank=\"north\"} \(level.withLock { $0 })\n"
        })
        let obs = try await RunningObs(
            alerting: """
                  route: { receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 500ms }
                  receivers: [{ name: hook, webhook_configs: [{ url: "\(recorder.url)/hook" }] }]
                """)
        try """
        groups:
        - name: water
          interval: 250ms
          rules:
          - alert: WaterHigh
            expr: water_level > 10
            labels: { severity: critical }
            annotations: { summary: "{{ $labels.tank }} stands at {{ $value }}" }
        """.write(toFile: folder.path + "/rules.yml", atomically: true, encoding: .utf8)
        try """
        global: { scrape_interval: 250ms, external_labels: { site: here } }
        rule_files: [rules.yml]
        scrape_configs: [{ job_name: tanks, static_configs: [{ targets: ["\(recorder.url.dropFirst(7))"] }] }]
        alerting: { alertmanagers: [{ static_configs: [{ targets: ["\(obs.url.dropFirst(7))"] }] }] }
        """.write(toFile: folder.path + "/prometheus.yml", atomically: true, encoding: .utf8)
        let prometheus = try Peers.start([
            "prometheus", "--config.file=\(folder.path)/prometheus.yml", "--storage.tsdb.path=\(folder.path)/tsdb",
            "--web.listen-address=127.0.0.1:\(freePort())", "--rules.alert.resend-delay=1s",
        ])
        defer { Program.kill(prometheus, SIGKILL) }

        level.withLock { $0 = 42 }
        #expect(await eventually { recorder.posts.contains { $0.payload["status"] as? String == "firing" } })
        let firing = try #require(recorder.posts.first?.alerts.first)
        #expect(
            (firing["labels"] as? [String: String])?.filter { $0.key != "instance" }
                == ["alertname": "WaterHigh", "job": "tanks", "severity": "critical", "site": "here", "tank": "north"])
        #expect((firing["annotations"] as? [String: String])?["summary"] == "north stands at 42")
        #expect((firing["generatorURL"] as? String)?.contains("/graph?g0.expr=water_level+%3E+10") == true)
        level.withLock { $0 = 1 }
        #expect(await eventually { recorder.posts.contains { $0.payload["status"] as? String == "resolved" } })
        // Prometheus repeats its alerts and their ends for minutes; nobody is told twice.
        let received = await obs.ask("/metrics").text
        #expect(await eventually { await obs.ask("/metrics").text != received })
        #expect(recorder.posts.map { $0.payload["status"] as? String } == ["firing", "resolved"])
        #expect((await obs.ask("/api/v2/alerts").json as? [Any])?.isEmpty == true)
        await recorder.stop()
    }
}
