import Columns
import Foundation
import Telemetry
import TestSupport
import Testing

@testable import Alerting
@testable import Notify
@testable import Incidents

struct `A dead man's switch` {
    private let prometheus: DeadMansSwitch
    private var state = DeadMansSwitches()

    init() throws {
        prometheus = DeadMansSwitch(
            name: "prometheus", matchers: try [Matcher](parsing: "alertname=Watchdog"), within: .seconds(600),
            labels: ["team": "infra"])
    }

    private func alert(_ labels: Labels, endsAfter seconds: Int = 300, at now: Timestamp) -> Alert {
        Alert(labels: labels, startsAt: now, endsAt: now + .seconds(seconds), updatedAt: now)
    }

    private mutating func due(_ seconds: Int) -> [Alert] {
        state.due([prometheus], resolveTimeout: .seconds(300), now: .start + .seconds(seconds))
    }

    private mutating func hear(_ labels: Labels, endsAfter: Int = 300, at seconds: Int) {
        let now = Timestamp.start + .seconds(seconds)
        state.hear([alert(labels, endsAfter: endsAfter, at: now)], [prometheus], now: now)
    }

    @Test
    mutating func
        `is raised when nothing that it matches fires for its time, goes on to fire, and ends with the next sign of life`()
    {
        #expect(due(0).isEmpty)
        hear(["alertname": "Watchdog"], at: 300)
        hear(["alertname": "Other"], at: 800)
        hear(["alertname": "Watchdog"], endsAfter: 0, at: 800)
        #expect(due(900).isEmpty)
        let raised = due(901)
        #expect(
            raised.map(\.labels) == [
                ["alertname": "DeadMansSwitch", "switch": "prometheus", "severity": "critical", "team": "infra"]
            ])
        #expect(raised.first?.isResolved(at: .start + .seconds(901)) == false)
        // It would end by its time-out, so it is posted again before.
        #expect(due(1000).isEmpty)
        #expect(due(1002).map(\.startsAt) == raised.map(\.startsAt))
        hear(["alertname": "Watchdog"], at: 1100)
        let ended = due(1101)
        #expect(ended.count == 1 && ended[0].isResolved(at: .start + .seconds(1101)) && ended[0].startsAt == raised[0].startsAt)
        #expect(due(1102).isEmpty)
        #expect(due(1701).count == 1)
    }

    @Test mutating func `has its time when it begins, and stays raised when it was`() {
        #expect(due(0).isEmpty)
        #expect(due(600).isEmpty)
        #expect(due(601).count == 1)
        var again = DeadMansSwitches()
        again.restore([("prometheus", .start + .seconds(601))])
        let raised = again.due([prometheus], resolveTimeout: .seconds(300), now: .start + .seconds(700))
        #expect(raised.map(\.startsAt) == [.start + .seconds(601)])
        // A sign of life that comes before it is known to be raised ends it too.
        var early = DeadMansSwitches()
        early.hear([alert(["alertname": "Watchdog"], at: .start)], [prometheus], now: .start + .seconds(10))
        early.restore([("prometheus", .start)])
        let ended = early.due([prometheus], resolveTimeout: .seconds(300), now: .start + .seconds(11))
        #expect(ended.map { $0.isResolved(at: .start + .seconds(11)) } == [true])
    }

    @Test mutating func `is no sign of life for another that would match it`() throws {
        let any = DeadMansSwitch(name: "any", matchers: try [Matcher](parsing: "severity=critical"), within: .seconds(60))
        _ = state.due([any], resolveTimeout: .seconds(300), now: .start)
        state.hear([alert(prometheus.raisedLabels, at: .start)], [any], now: .start + .seconds(50))
        #expect(state.due([any], resolveTimeout: .seconds(300), now: .start + .seconds(61)).count == 1)
    }

    @Test func `tells its receiver, survives a kill, and tells the end`() async throws {
        let store = try TemporaryStore(), sink = try Sink()
        func alerting(_ metrics: MetricsRegistry = MetricsRegistry()) -> RunningAlerting {
            .notifying(["oncall": sink.url], store: store, metrics: metrics) { configuration in
                configuration.deadMansSwitches = [
                    DeadMansSwitch(name: "p", matchers: prometheus.matchers, within: .milliseconds(1))
                ]
            }
        }
        try await alerting().whileRunning {
            #expect(await eventually { (try? store.incidents.incident("INC-1001").notifications.first?.state) == .sent })
        }
        #expect(sink.posts.first?.payload["status"] as? String == "firing")
        #expect((sink.posts.first?.payload["commonLabels"] as? [String: String])?["switch"] == "p")
        // The next process knows that it is raised: it ends only with a sign of life, and nobody is told of it a second time.
        let metrics = MetricsRegistry(), next = alerting(metrics)
        var patient = next.inbox.inForce
        patient.deadMansSwitches[0].within = .seconds(600)
        next.inbox.reconfigure(patient)
        try await next.whileRunning {
            let now = Timestamp.now
            try await next.inbox.store([alert(["alertname": "Watchdog"], at: now)])
            #expect(await eventually { sink.posts.contains { $0.payload["status"] as? String == "resolved" } })
            #expect(
                await eventually { metrics.exposition().contains("obs_dead_mans_switch_heard_timestamp_seconds{switch=\"p\"} 1") }
            )
        }
        let told = sink.posts.filter { ($0.payload["commonLabels"] as? [String: String])?["switch"] == "p" }
        #expect(told.map { $0.payload["status"] as? String } == ["firing", "resolved"])
    }
}
