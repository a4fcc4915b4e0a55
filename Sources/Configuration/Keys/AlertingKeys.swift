import Notify

extension KeySections {
    /// The section `alerting`, and with it an Alertmanager file.
    static let alerting = [
        KeySection(
            .obs, "alerting.destinations",
            meaning: "Where receivers may be. Link-local addresses and those of the metadata services of clouds are refused "
                + "unless they are named.",
            keys: [
                .init(
                    "allow", .texts, default: "[]",
                    "Hosts, all names below one, addresses and networks; every host when it is empty.",
                    example: "[hooks.slack.com, '*.example.org', 10.0.0.0/8]")
            ]),
        KeySection(
            .obs, "alerting",
            meaning: "Who is notified of what, in the words of an Alertmanager configuration, and what obs adds to it. "
                + "docs/alerting.md explains it.",
            keys: [
                .init(
                    "file", .text, "An Alertmanager file in place of the keys that such a file has; relative to this file.",
                    example: "alertmanager.yml"),
                .init("route", .section, "The root of the routes; without it nobody is notified.", example: "{ receiver: team }"),
                .init("receivers", .sections, default: "[]", "Who can be notified, and how.", example: "[{ name: team }]"),
                .init(
                    "global", .section, "What integrations use that do not say it themselves.", example: "{ resolve_timeout: 5m }"
                ),
                .init(
                    "templates", .texts, default: "[]", "Files with partials for messages.",
                    example: "[\"messages/*.mustache\"]"),
                .init(
                    "inhibit_rules", .sections, default: "[]", "Which alerts mute others while they fire.",
                    example: "[{ source_matchers: ['severity=critical'], target_matchers: ['severity=warning'] }]"),
                .init(
                    "time_intervals", .sections, default: "[]", "Intervals of the calendar, by name.",
                    example: "[{ name: nights }]"),
                .init(
                    "mute_time_intervals", .sections, default: "[]", "The older name of `time_intervals`.",
                    example: "[{ name: nights }]"),
                .init(
                    "resolve_timeout", .duration(), default: "5m", "An incident without activity for this long is resolved.",
                    example: "10m"),
                .init(
                    "notify_max_age", .duration(), default: "1h",
                    "An incident that had ended longer ago than this when it was found is reported in a summary only.",
                    example: "6h"),
                .init(
                    "destinations", .section, "Where receivers may be. docs/protection.md explains it.",
                    example: "{ allow: [hooks.slack.com] }"),
                .init(
                    "external_url", .text, default: "http://127.0.0.1:9464", "What links in notifications begin with.",
                    example: "https://obs.example.org"),
                .init(
                    "give_up_after", .duration(), default: "3d", "How long the delivery of a notification is retried.",
                    example: "1d"),
                .init("incidents", .section, "Which findings become one incident.", example: "{ join: [source] }"),
                .init("oncall", .sections, default: "[]", "On-call schedules.", example: "[{ name: weeks }]"),
                .init(
                    "escalations", .sections, default: "[]", "Who is notified while nobody acknowledges.",
                    example: "[{ steps: [] }]"),
                .init(
                    "maintenance", .sections, default: "[]", "Times in which nobody is notified of what is worked on.",
                    example: "[{ matchers: ['host=db1'] }]"),
                .init(
                    "dead_mans_switches", .sections, default: "[]", "Alerts that must keep coming.",
                    example: "[{ name: prometheus, matchers: ['alertname=Watchdog'] }]"),
            ]),
        KeySection(
            .obs, "alerting.route", meaning: "A route. A child inherits what it does not say; `routes` nests.",
            keys: [
                .init("receiver", .text, "The receiver; required at the root.", example: "team"),
                .init(
                    "matchers", .texts, default: "[]", "The alerts that the route takes; all of them must match.",
                    example: "['severity=critical']"),
                .init(
                    "match", .textsByName, "The older form of `matchers`: labels with equal values.",
                    example: "{ severity: critical }"),
                .init(
                    "match_re", .textsByName, "The older form of `matchers`: labels with regular expressions.",
                    example: "{ host: 'db.*' }"),
                .init("continue", .flag, default: "false", "Whether the routes after this one are tried too.", example: "true"),
                .init(
                    "group_by", .texts, "The labels that alerts of one notification have in common; `['...']` is all.",
                    example: "[alertname, source]"),
                .init(
                    "group_wait", .duration(), default: "30s",
                    "How long the first notification of a group waits for more alerts.", example: "10s"),
                .init("group_interval", .duration(), default: "5m", "How often a group is looked at after that.", example: "1m"),
                .init(
                    "repeat_interval", .duration(), default: "4h", "How often an unchanged group is sent again.", example: "1d"),
                .init(
                    "mute_time_intervals", .texts, default: "[]", "Intervals in which nothing is sent; not inherited.",
                    example: "[nights]"),
                .init(
                    "active_time_intervals", .texts, default: "[]", "Intervals outside which nothing is sent; not inherited.",
                    example: "[office]"),
                .init(
                    "routes", .sections, default: "[]", "Routes below this one.",
                    example: "[{ receiver: database, matchers: ['team=db'] }]"),
            ]),
        KeySection(
            .obs, "alerting.receivers[]",
            meaning: "A receiver. docs/notifications.md has the keys of each kind of integration.",
            keys: [
                .init("name", .text, required: true, "The name that routes use; unique.", example: "team")
            ]
                + Notifiers.keys.map { key in
                    KeyDeclaration(
                        key, .sections, default: "[]", "Integrations of this kind.",
                        example: key == "webhook_configs" ? "[{ url: 'http://127.0.0.1:5001/hook' }]" : "[]")
                }),
        KeySection(
            .obs, "alerting.inhibit_rules[]",
            meaning: "While an alert that the source matches fires, alerts that the target matches are muted.",
            keys: [
                .init("source_matchers", .texts, default: "[]", "The alerts that mute.", example: "['severity=critical']"),
                .init(
                    "source_match", .textsByName, "Their older form: labels with equal values.", example: "{ severity: critical }"
                ),
                .init(
                    "source_match_re", .textsByName, "Their older form: labels with regular expressions.",
                    example: "{ host: 'db.*' }"),
                .init("target_matchers", .texts, default: "[]", "The alerts that are muted.", example: "['severity=warning']"),
                .init(
                    "target_match", .textsByName, "Their older form: labels with equal values.",
                    example: "{ severity: warning }"),
                .init(
                    "target_match_re", .textsByName, "Their older form: labels with regular expressions.",
                    example: "{ host: 'db.*' }"),
                .init("equal", .texts, default: "[]", "The labels that have the same value in both.", example: "[host]"),
            ]),
        KeySection(
            .obs, "alerting.time_intervals[]", "alerting.mute_time_intervals[]", meaning: "Intervals under a name.",
            keys: [
                .init("name", .text, required: true, "The name that routes use; unique.", example: "nights"),
                .init("time_intervals", .sections, default: "[]", "The intervals.", example: "[{ weekdays: ['monday:friday'] }]"),
            ]),
        KeySection(
            .obs, "alerting.time_intervals[].time_intervals[]", "alerting.mute_time_intervals[].time_intervals[]",
            meaning: "An interval of the calendar. All keys that are given must hold.",
            keys: [
                .init("times", .sections, "Times of the day.", example: "[{ start_time: '09:00', end_time: '17:00' }]"),
                .init("weekdays", .texts, "Days of the week, or ranges of them.", example: "['monday:friday']"),
                .init("days_of_month", .texts, "Days of the month, or ranges; -1 is the last.", example: "['1:7', '-1']"),
                .init("months", .texts, "Months, or ranges of them.", example: "['january:march']"),
                .init("years", .texts, "Years, or ranges of them.", example: "['2026:2027']"),
                .init("location", .text, default: "UTC", "The time zone.", example: "Europe/Berlin"),
            ]),
        KeySection(
            .obs, "alerting.time_intervals[].time_intervals[].times[]", "alerting.mute_time_intervals[].time_intervals[].times[]",
            meaning: "A time of the day.",
            keys: [
                .init("start_time", .text, required: true, "The first minute.", example: "'09:00'"),
                .init(
                    "end_time", .text, required: true, "The minute after the last; 24:00 is the end of the day.",
                    example: "'17:00'"),
            ]),
        KeySection(
            .obs, "alerting.incidents", meaning: "Which findings become one incident. docs/incidents.md explains it.",
            keys: [
                .init(
                    "join", .texts, default: "[source]",
                    "A finding whose labels of these names equal those of an open incident joins it; empty joins none.",
                    example: "[source, host]"),
                .init(
                    "join_evidence", .flag, default: "false", "Whether findings on the same line are joined too.", example: "true"
                ),
                .init(
                    "join_within", .duration(), default: "2h", "How long after its last event an incident can be joined.",
                    example: "30m"),
                .init(
                    "flap_count", .number(0...1_000_000), default: "5",
                    "How often an incident may open within `flap_within` before it counts as flapping; 0 for no limit.",
                    example: "10"),
                .init("flap_within", .duration(), default: "1h", "See `flap_count`.", example: "6h"),
                .init(
                    "keep", .duration(.days(1) ... .years(292)), default: "400d", "How long a resolved incident is kept.",
                    example: "90d"),
            ]),
        KeySection(
            .obs, "alerting.oncall[]", meaning: "A schedule of people who take turns.",
            keys: [
                .init("name", .text, required: true, "The name; unique.", example: "weeks"),
                .init(
                    "people", .texts, required: true, "Who takes turns, in order; each is the name of a receiver.",
                    example: "[ada, grace]"),
                .init("starts", .text, required: true, "The date of the first hand-over.", example: "2026-01-05"),
                .init("every", .duration(), default: "1w", "The length of a turn in whole days.", example: "1d"),
                .init("hand_over", .text, default: "09:00", "The time of the day of a hand-over.", example: "'08:30'"),
                .init("time_zone", .text, default: "UTC", "The time zone of `starts` and `hand_over`.", example: "Europe/Berlin"),
                .init("overrides", .sections, default: "[]", "Who stands in for others, and when.", example: "[{ person: ada }]"),
            ]),
        KeySection(
            .obs, "alerting.oncall[].overrides[]", meaning: "Somebody stands in.",
            keys: [
                .init("person", .text, required: true, "Who.", example: "ada"),
                .init("from", .text, required: true, "From when, as RFC 3339.", example: "2026-12-24T09:00:00+01:00"),
                .init("until", .text, required: true, "Until when.", example: "2026-12-27T09:00:00+01:00"),
            ]),
        KeySection(
            .obs, "alerting.escalations[]", meaning: "Further notifications while an incident is not acknowledged.",
            keys: [
                .init(
                    "matchers", .texts, default: "[]", "The incidents that it is for; all by default.",
                    example: "['severity=critical']"),
                .init(
                    "steps", .sections, required: true, "The notifications, in order.",
                    example: "[{ after: 15m, schedule: weeks }]"),
            ]),
        KeySection(
            .obs, "alerting.escalations[].steps[]", meaning: "One notification, to a `receiver` or by a `schedule`.",
            keys: [
                .init("after", .duration(), required: true, "How long after the incident opened.", example: "15m"),
                .init("receiver", .text, "The receiver.", example: "team"),
                .init("schedule", .text, "The schedule whose person is notified.", example: "weeks"),
            ]),
        KeySection(
            .obs, "alerting.maintenance[]", meaning: "A time in which notifications of matching incidents are held back.",
            keys: [
                .init("matchers", .texts, required: true, "What is worked on.", example: "['host=db1']"),
                .init("from", .text, required: true, "From when, as RFC 3339.", example: "2026-12-24T09:00:00+01:00"),
                .init("until", .text, required: true, "Until when.", example: "2026-12-24T12:00:00+01:00"),
                .init("comment", .text, "Why.", example: "\"new disks\""),
            ]),
        KeySection(
            .obs, "alerting.dead_mans_switches[]", meaning: "An alert that must keep coming; obs raises one when it does not.",
            keys: [
                .init("name", .text, required: true, "The name; unique.", example: "prometheus"),
                .init("matchers", .texts, required: true, "The alert that must keep coming.", example: "['alertname=Watchdog']"),
                .init(
                    "within", .duration(.seconds(1) ... .years(292)), default: "10m", "How long it may stay away.",
                    example: "5m"),
                .init("labels", .textsByName, "Labels of the alert that is raised.", example: "{ severity: critical }"),
            ]),
    ]
}
