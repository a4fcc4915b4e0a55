import Foundation
import FoundationNetworking
import Testing

/// The same alerts at the same moments to Debian's Alertmanager and to obs with the same configuration, and what their receivers are told.
@Suite(
    .enabled(if: RunningAlertmanager.isInstalled, "there is no prometheus-alertmanager on the PATH"), .timeLimit(.minutes(10)))
struct `Beside Alertmanager` {
    /// What one group's receiver was told, in order, without what is another each time.
    private typealias Told = [String: [String]]

    private struct Run {
        /// By receiver and key of the group.
        var told: Told = [:]
        /// The scenario of each of them.
        var scenarios: [String: String] = [:]
        var groups: [String] = []
    }

    /// Seconds that a step may be late. The closest one stands 0.4 s before the next look at its group.
    private static let tolerance = 0.3

    @Test func `obs tells the same, in each of twenty scenarios and more`() async throws {
        #expect(Scenario.all.count >= 20)
        var (alertmanager, obs, lateness) = try await run()
        // When this machine was too busy to post in time, what was told depends on that: such a run says nothing.
        for _ in 0..<3 where lateness > Self.tolerance { (alertmanager, obs, lateness) = try await run() }
        guard lateness <= Self.tolerance else {
            try Test.cancel("this machine is too busy: steps were up to \(lateness) s late in each of four runs")
        }
        for scenario in Scenario.all {
            func part(_ run: Run) -> Told { run.told.filter { run.scenarios[$0.key] == scenario.id } }
            let (expected, got) = (part(alertmanager), part(obs))
            for group in Set(expected.keys).union(got.keys).sorted() {
                #expect(
                    got[group] == expected[group],
                    "\(scenario.id): \(scenario.what): \(group)\nAlertmanager \(expected[group] ?? [])\nobs \(got[group] ?? [])")
            }
            let isTold = !["mute-interval", "inactive-interval", "silence", "short"].contains(scenario.id)
            #expect(expected.isEmpty != isTold, "\(scenario.id)")
        }
        #expect(obs.groups == alertmanager.groups)
    }

    /// All scenarios at once, in both programs.
    private func run() async throws -> (alertmanager: Run, obs: Run, lateness: Double) {
        let recorders = (try await WebhookRecorder(), try await WebhookRecorder())
        let alertmanager = try await RunningAlertmanager(configuration: Scenario.configuration(hook: recorders.0.url))
        let configuration = Scenario.configuration(hook: recorders.1.url)
        let obs = try await RunningObs(alerting: configuration.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
        let urls = [alertmanager.url, obs.url]
        let beginning = Date.now + 0.3
        var silences: [String: [String]] = [:]
        var lateness = 0.0
        let steps = Scenario.all.flatMap { scenario in scenario.steps.map { (scenario.id, $0) } }
        for (second, steps) in Dictionary(grouping: steps, by: \.1.second).sorted(by: { $0.key < $1.key }) {
            try await Task.sleep(for: .seconds(max(0, (beginning + second).timeIntervalSinceNow)))
            var alerts: [[String: Any]] = []
            for (scenario, step) in steps {
                switch step.action {
                case .post(let posted): alerts += posted.map { $0.json(scenario: scenario, beginning: beginning) }
                case .silence(let labels): silences[scenario] = try await silence(labels, urls)
                case .unsilence:
                    for (url, id) in zip(urls, silences[scenario] ?? []) {
                        #expect(await HTTPTry.ask("\(url)/api/v2/silence/\(id)", method: "DELETE").status == 200)
                    }
                }
            }
            // In one body, so that both programs know all at nearly the same moment.
            let body = try JSONSerialization.data(withJSONObject: alerts)
            for url in urls { #expect(await HTTPTry.ask(url + "/api/v2/alerts", method: "POST", body: body).status == 200) }
            lateness = max(lateness, Date.now.timeIntervalSince(beginning + second))
        }
        // Past the look at 8.6 s, which tells the last of what any step has changed.
        try await Task.sleep(for: .seconds(max(0, (beginning + 9.5).timeIntervalSinceNow)))
        let runs = (try await result(recorders.0, alertmanager.url), try await result(recorders.1, obs.url), lateness)
        for recorder in [recorders.0, recorders.1] { await recorder.stop() }
        return runs
    }

    /// Makes a silence in each program, and gives its ids.
    private func silence(_ labels: [String: String], _ urls: [String]) async throws -> [String] {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let body = try JSONSerialization.data(withJSONObject: [
            "matchers": labels.map { ["name": $0.key, "value": $0.value, "isRegex": false] }, "createdBy": "me", "comment": "c",
            "startsAt": Date.now.formatted(style), "endsAt": (Date.now + 600).formatted(style),
        ])
        var ids: [String] = []
        for url in urls {
            let made = await HTTPTry.ask(url + "/api/v2/silences", method: "POST", body: body).json as? [String: String]
            ids.append(try #require(made?["silenceID"]))
        }
        return ids
    }

    private func result(_ recorder: WebhookRecorder, _ url: String) async throws -> Run {
        var run = Run()
        for post in recorder.posts {
            let payload = post.payload
            let group = "\(post.path) \(payload["groupKey"] ?? "")"
            run.told[group, default: []].append(try steady(payload))
            run.scenarios[group] = post.labels("scenario").first
        }
        let groups = try #require(await HTTPTry.ask(url + "/api/v2/alerts/groups").json as? [[String: Any]])
        run.groups = try groups.map { group in
            let alerts = (group["alerts"] as? [[String: Any]] ?? []).map { alert -> [String: Any] in
                let state = (alert["status"] as? [String: Any])?["state"] ?? ""
                return [
                    "fingerprint": alert["fingerprint"] ?? "", "state": state, "receivers": alert["receivers"] ?? [],
                    "labels": alert["labels"] ?? [:],
                ]
            }
            return try text([
                "labels": group["labels"] ?? [:], "receiver": group["receiver"] ?? [:], "alerts": try sorted(alerts),
            ])
        }.sorted()
        return run
    }

    /// A payload without what is another each time, and without an order of its alerts.
    private func steady(_ payload: [String: Any]) throws -> String {
        var payload = payload
        payload["externalURL"] = nil
        payload["commonAnnotations"] = own(payload["commonAnnotations"])
        let alerts = (payload["alerts"] as? [[String: Any]] ?? []).map { alert in
            var alert = alert
            for key in ["startsAt", "endsAt"] { alert[key] = (alert[key] as? String).map(withoutZeros) }
            alert["annotations"] = own(alert["annotations"])
            // Each program adds resolve_timeout to the moment at which it took the alert in.
            let isTimedOut = (alert["labels"] as? [String: String])?["scenario"] == "timeout"
            if isTimedOut, alert["status"] as? String == "resolved" { alert["endsAt"] = "its time-out" }
            return alert
        }
        payload["alerts"] = try sorted(alerts)
        return try text(payload)
    }

    /// Annotations without the link by which obs, and only obs, lets an alert be acknowledged.
    private func own(_ annotations: Any?) -> [String: String]? {
        (annotations as? [String: String])?.filter { $0.key != "acknowledge_url" }
    }

    /// Go leaves out zeros at the end of a fraction.
    private func withoutZeros(_ time: String) -> String {
        guard time.contains("."), time.hasSuffix("Z") else { return time }
        var digits = time.dropLast()
        while digits.hasSuffix("0") { digits.removeLast() }
        return (digits.hasSuffix(".") ? digits.dropLast() : digits) + "Z"
    }

    private func sorted(_ objects: [[String: Any]]) throws -> [[String: Any]] {
        try objects.map { (try text($0), $0) }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private func text(_ object: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys]), as: UTF8.self)
    }
}
