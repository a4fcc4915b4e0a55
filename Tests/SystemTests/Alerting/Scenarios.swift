import Foundation

/// What happens to some alerts in a few seconds: posted, silenced, and so on, at points in time from the beginning.
///
/// Groups are looked at 0.6 s after their first alert and then every 2 s: 0.6, 2.6, 4.6, 6.6 s. Steps stand well between, so that a machine which is busy
/// for a moment does not change what is told.
struct Scenario: Sendable {
    /// The value of the label `scenario` of its alerts.
    let id: String
    let what: String
    let steps: [Step]

    init(_ id: String, _ what: String, _ steps: [Step]) {
        self.id = id
        self.what = what
        self.steps = steps
    }

    struct Step: Sendable {
        enum Action: Sendable {
            case post([PostedByTest])
            case silence([String: String])
            /// Ends the silence of the scenario.
            case unsilence
        }

        let second: Double
        let action: Action
    }

    static func at(_ second: Double, post alerts: PostedByTest...) -> Step { Step(second: second, action: .post(alerts)) }
    static func at(_ second: Double, silence labels: [String: String]) -> Step { Step(second: second, action: .silence(labels)) }
    static func at(_ second: Double, _ action: Step.Action) -> Step { Step(second: second, action: action) }

    /// The configuration that both programs have; `url` is followed by the name of the receiver.
    static func configuration(hook url: String) -> String {
        """
        global: {resolve_timeout: 2500ms}
        route:
          receiver: fallback
          group_by: [alertname]
          group_wait: 600ms
          group_interval: 2s
          repeat_interval: 1h
          routes:
          - {matchers: ['scenario="by-label"'], receiver: team, group_by: [alertname, dc]}
          - {matchers: ['scenario="all-labels"'], receiver: team, group_by: ['...']}
          - {matchers: ['scenario="continue"'], receiver: team, continue: true}
          - {matchers: ['scenario="continue"'], receiver: other}
          - {matchers: ['scenario="firing-only"'], receiver: firing-only}
          - {matchers: ['scenario="repeat"'], receiver: team, repeat_interval: 3s}
          - {matchers: ['scenario="mute-interval"'], receiver: team, mute_time_intervals: [always]}
          - {matchers: ['scenario="active-interval"'], receiver: team, active_time_intervals: [always]}
          - {matchers: ['scenario="inactive-interval"'], receiver: team, active_time_intervals: [never]}
          - matchers: ['scenario="deep"']
            receiver: team
            routes: [{matchers: ['x=~"1|2"'], receiver: other, routes: [{matchers: ['y!=""'], group_by: [y]}]}]
        receivers:
        - {name: fallback, webhook_configs: [{url: "\(url)/fallback", send_resolved: true}]}
        - {name: team, webhook_configs: [{url: "\(url)/team", send_resolved: true}]}
        - {name: other, webhook_configs: [{url: "\(url)/other", send_resolved: true}]}
        - {name: firing-only, webhook_configs: [{url: "\(url)/firing-only", send_resolved: false}]}
        inhibit_rules:
        - {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [host, scenario, absent]}
        - {source_matchers: ['scenario="self"'], target_matchers: ['scenario="self"']}
        time_intervals:
        - {name: always, time_intervals: [{times: [{start_time: "00:00", end_time: "24:00"}]}]}
        - {name: never, time_intervals: [{years: ["1999"]}]}
        """
    }

    static let all: [Scenario] = [
        Scenario(
            "one", "one alert fires, ends, and fires again",
            [
                at(0, post: .init("One")), at(3.5, post: .init("One", endsAfter: 3.4)),
                at(5.5, post: .init("One", startsAfter: 5.5)),
            ]),
        Scenario(
            "join", "others join a group that was told, and some of it end",
            [
                at(0, post: .init("Join", ["i": "1"]), .init("Join", ["i": "2"])),
                at(1.5, post: .init("Join", ["i": "3"], startsAfter: 1.5), .init("Join", ["i": "1"], endsAfter: 1.4)),
                at(
                    3.5, post: .init("Join", ["i": "2"], endsAfter: 3.4),
                    .init("Join", ["i": "3"], startsAfter: 1.5, endsAfter: 3.4)),
            ]),
        Scenario(
            "by-label", "a route groups by two labels",
            [
                at(
                    0, post: .init("Rack", ["dc": "x", "i": "1"]), .init("Rack", ["dc": "x", "i": "2"]),
                    .init("Rack", ["dc": "y", "i": "1"]), .init("Rack", ["i": "3"]))
            ]),
        Scenario(
            "all-labels", "a route groups by all labels", [at(0, post: .init("Each", ["i": "1"]), .init("Each", ["i": "2"]))]),
        Scenario(
            "continue", "two routes take an alert and its end",
            [
                at(0, post: .init("Both")), at(3.5, post: .init("Both", endsAfter: 3.4)),
            ]),
        Scenario(
            "firing-only", "a receiver wants no ends",
            [
                at(0, post: .init("Quiet", ["i": "1"]), .init("Quiet", ["i": "2"])),
                at(1.5, post: .init("Quiet", ["i": "1"], endsAfter: 1.4)),
                at(3.5, post: .init("Quiet", ["i": "2"], endsAfter: 3.4)),
                at(5.5, post: .init("Quiet", ["i": "1"], startsAfter: 5.5)),
            ]),
        Scenario("repeat", "it is time to repeat at every second look", [at(0, post: .init("Again"))]),
        Scenario("mute-interval", "an interval mutes the route", [at(0, post: .init("Muted"))]),
        Scenario("active-interval", "an interval in which the route is active has come", [at(0, post: .init("Active"))]),
        Scenario("inactive-interval", "an interval in which the route is active has not come", [at(0, post: .init("Inactive"))]),
        Scenario(
            "silence", "a silence holds from the beginning",
            [
                at(0, silence: ["scenario": "silence"]), at(0.1, post: .init("Silenced")),
            ]),
        Scenario(
            "silence-later", "a silence comes after the first notification and goes",
            [
                at(0, post: .init("Later", ["i": "1"])), at(1.5, silence: ["scenario": "silence-later"]),
                at(1.6, post: .init("Later", ["i": "2"], startsAfter: 1.6)), at(5.5, .unsilence),
            ]),
        Scenario(
            "silence-one", "a silence holds one of two",
            [
                at(0, silence: ["scenario": "silence-one", "i": "1"]),
                at(0.1, post: .init("Half", ["i": "1"]), .init("Half", ["i": "2"])),
                at(3.5, post: .init("Half", ["i": "2"], endsAfter: 3.4)),
            ]),
        Scenario(
            "inhibit", "one alert inhibits another of its host, with a label that neither has, until it ends",
            [
                at(0, post: .init("Source", ["severity": "critical", "host": "h"])),
                at(
                    0.1, post: .init("Target", ["severity": "warning", "host": "h"]),
                    .init("Target", ["severity": "warning", "host": "k"])),
                at(3.5, post: .init("Source", ["severity": "critical", "host": "h"], endsAfter: 3.4)),
            ]),
        Scenario(
            "self", "alerts that are source and target of one rule do not inhibit themselves or each other",
            [
                at(0, post: .init("Self", ["i": "1"]), .init("Self", ["i": "2"]))
            ]),
        Scenario(
            "deep", "routes stand in routes, and the deepest that matches takes the alert",
            [
                at(0, post: .init("Deep", ["x": "1", "y": "q"]), .init("Deep", ["x": "3"]), .init("Deep", ["x": "2"]))
            ]),
        Scenario("own-end", "an alert ends by the end that it was posted with", [at(0, post: .init("Ends", endsAfter: 3.5))]),
        Scenario(
            "timeout", "an alert without an end is posted again once and then ends by resolve_timeout",
            [at(0, post: .init("Timeout", endsAfter: nil)), at(1.5, post: .init("Timeout", endsAfter: nil))]),
        Scenario(
            "short", "an alert ends before it was told",
            [at(0, post: .init("Short")), at(0.2, post: .init("Short", endsAfter: 0.2))]),
        Scenario(
            "blink", "an alert ends and fires again between two looks",
            [
                at(0, post: .init("Blink")), at(1.4, post: .init("Blink", endsAfter: 1.4)),
                at(1.8, post: .init("Blink", startsAfter: 1.8)),
            ]),
        Scenario("old", "an alert that began long ago has waited already", [at(0, post: .init("Old", startsAfter: -100))]),
        Scenario(
            "texts", "texts hold quotes, escapes, markup and letters of all kinds",
            [
                at(
                    0,
                    post: .init("Te\"xt ü\\", ["q": "x\"y\\z ü\u{2028}"], annotations: ["a": "<b>&\"\n\u{1F600}", "empty": ""]))
            ]),
        Scenario(
            "changed", "annotations change while an alert fires, and its end is put off",
            [
                at(0, post: .init("Changed", endsAfter: 4)),
                at(1.5, post: .init("Changed", endsAfter: 300, annotations: ["summary": "worse"])),
                at(3.5, post: .init("Changed", ["i": "new"], startsAfter: 3.5)),
            ]),
    ]
}

/// An alert as a scenario posts it, its times in seconds from the beginning.
struct PostedByTest: Sendable {
    let labels: [String: String]
    let annotations: [String: String]
    let startsAfter: Double
    /// Nil for one that says none.
    let endsAfter: Double?

    init(
        _ name: String, _ labels: [String: String] = [:], startsAfter: Double = 0, endsAfter: Double? = 600,
        annotations: [String: String] = ["summary": "something is wrong"]
    ) {
        self.labels = labels.merging(["alertname": name]) { $1 }
        self.annotations = annotations
        self.startsAfter = startsAfter
        self.endsAfter = endsAfter
    }

    func json(scenario: String, beginning: Date) -> [String: Any] {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        var json: [String: Any] = [
            "labels": labels.merging(["scenario": scenario]) { $1 }, "annotations": annotations,
            "generatorURL": "http://prometheus/graph", "startsAt": (beginning + startsAfter).formatted(style),
        ]
        if let endsAfter { json["endsAt"] = (beginning + endsAfter).formatted(style) }
        return json
    }
}
