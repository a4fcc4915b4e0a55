import LakeSQL

/// What statements in SQL read of obs.db and that stays as it is here, whatever the tables behind it become. Times are as in
/// tables of the lake, so that both are compared with each other.
public enum SQLViews {
    /// In the order of the documentation.
    public static let all =
        [incidents, timeline, evidence, alerts, notifications, silences, runs, audit, models] + LakeCatalog.views

    /// Those that every connection has; see ``LakeCatalog`` for the others.
    static let ofStore = [incidents, timeline, evidence, alerts, notifications, silences, runs, audit, models]

    private static let incidents = SQLView(
        "incidents", of: "main.incident",
        "Incidents. Those that were merged into another one are rows too: `WHERE parent IS NULL` leaves them out.",
        [
            .init("id", .text, from: "'INC-' || number", "Such as INC-1042."),
            .init("number", .integer, "Such as 1042."),
            .init("name", .text, "The name of its rule or alert."),
            .init("detector", .text, "What found it: rule, ensemble, forest, series, or posted."),
            .init("severity", .text, "info, warning or critical: the worst so far."),
            .init("state", .text, "open, acknowledged or resolved."),
            .init("title", .text, "One line."),
            .init("description", .text, "A few sentences."),
            .init("labels", .json, "The labels that it began with."),
            .init("source", .text, isNullable: true, from: "label(labels, 'source')", "Its label source, such as an address."),
            .init("host", .text, isNullable: true, from: "label(labels, 'host')", "Its label host."),
            .init("user", .text, isNullable: true, from: "label(labels, 'user')", "Its label user."),
            .init("count", .integer, "The most events that its rule saw at once; for posted alerts, how many joined."),
            .init("total", .integer, "Events that its rule saw in all."),
            .init("starts_at", .time, "Time of its first event."), .init("last_seen", .time, "Time of its latest event."),
            .init("opened_at", .time, "When obs opened it."),
            .init("acknowledged_at", .time, isNullable: true, "When it was first acknowledged."),
            .init("resolved_at", .time, isNullable: true, "When it was resolved."),
            .init("acknowledged_by", .text, isNullable: true, "The person who has acknowledged it."),
            .init("assignee", .text, isNullable: true, "Who is to deal with it."),
            .init("resolution", .text, isNullable: true, "How it ended: fixed, false_positive, expected, quiet or past."),
            .init("parent", .integer, isNullable: true, from: "merged_into", "The number of its parent incident."),
            .init("reopened", .integer, "How often it ended and came back."),
        ])

    private static let timeline = SQLView(
        "timeline", of: "main.timeline", "What happened to incidents.",
        [
            .init("incident", .integer, "The number of the incident."), .init("time", .time, from: "at", "When it happened."),
            .init("actor", .text, "A person, or obs."),
            .init("kind", .text, "What happened, such as opened, acknowledged, note or notified."),
            .init("text", .text, "In words."),
        ])

    private static let evidence = SQLView(
        "evidence", of: "main.evidence", "Lines that incidents rest on.",
        [
            .init("incident", .integer, "The number of the incident."), .init("time", .time, "Time of the event."),
            .init("host", .text, isNullable: true, "The machine that the line is about."),
            .init("file", .text, "The file of the line."), .init("offset", .integer, "Where in the file it begins."),
            .init("line", .text, "The line."),
        ])

    private static let alerts = SQLView(
        "alerts", of: "main.alert", "Alerts that fire or ended less than five days ago.",
        [
            .init("fingerprint", .text, from: "printf('%016x', fingerprint)", "Hash of its labels, in hexadecimal digits."),
            .init("name", .text, isNullable: true, from: "label(labels, 'alertname')", "Its label alertname."),
            .init("severity", .text, isNullable: true, from: "label(labels, 'severity')", "Its label severity."),
            .init(
                "state", .text,
                from: "iif(ends_at IS NULL OR utc(ends_at) > ago('0'), 'firing', 'resolved')", "firing or resolved."),
            .init("labels", .json, "Its labels."), .init("annotations", .json, "Its annotations; empty for findings."),
            .init("starts_at", .time, "Since when it fires."),
            .init("ends_at", .time, isNullable: true, "When it ends or ended; null until its incident ends."),
            .init("updated_at", .time, "When it was last posted or found."),
            .init("is_finding", .flag, "1 for one that obs found, 0 for one that was posted."),
            .init("incident", .integer, isNullable: true, "The number of its incident."),
        ])

    private static let notifications = SQLView(
        "notifications", of: "main.outbox", "Notifications: pending, sent, and given up.",
        [
            .init("id", .integer, "Counts up."), .init("receiver", .text, "Who is notified."),
            .init("state", .text, "pending, sent, dead or resending."),
            .init("attempts", .integer, "How often it was tried."),
            .init("created_at", .time, "Since when it is pending."), .init("due_at", .time, "When it is tried next."),
            .init("sent_at", .time, isNullable: true, "When it was sent."),
            .init("last_error", .text, isNullable: true, "Why the latest attempt failed."),
            .init("group_key", .text, "The group of alerts that it is about."),
        ])

    private static let silences = SQLView(
        "silences", of: "main.silence", "Silences: alerts that match are not notified.",
        [
            .init("id", .text, "As Alertmanager has it."),
            .init(
                "state", .text,
                from: "CASE WHEN utc(ends_at) <= ago('0') THEN 'expired' WHEN utc(starts_at) > ago('0') THEN 'pending' "
                    + "ELSE 'active' END", "pending, active or expired."),
            .init("matchers", .json, "A list of name, operator and value."),
            .init("starts_at", .time, "From when on."), .init("ends_at", .time, "Until when."),
            .init("created_by", .text, "The person who made it."), .init("comment", .text, "Why."),
        ])

    private static let runs = SQLView(
        "runs", of: "main.pipeline_run", "Runs of pipelines that have an end: of a schedule, of `obs process`, of `obs replay`.",
        [
            .init("id", .integer, "Counts up."), .init("pipeline", .text, "The pipeline."),
            .init("kind", .text, "schedule, process or replay."),
            .init("due_at", .time, isNullable: true, "When its schedule wanted it."),
            .init("started_at", .time, "When it began."),
            .init("ended_at", .time, isNullable: true, "Null while it runs, and when it was killed."),
            .init("seconds", .duration, isNullable: true, from: "(ended_at - started_at)", "How long it took, in seconds."),
            .init("error", .text, isNullable: true, "Null when it succeeded."),
        ])

    private static let audit = SQLView(
        "audit", of: "main.audit", "Who did what to what, from where.",
        [
            .init("id", .integer, "Without gaps."), .init("time", .time, from: "at", "When it was done."),
            .init("actor", .text, "The person, or the name of the token, that acted."),
            .init("action", .text, "What was done, such as incident.acknowledge or silence.set."),
            .init("subject", .text, "What it was done to, such as INC-1042."),
            .init("before", .text, isNullable: true, "The state before it."),
            .init("after", .text, isNullable: true, "The state after it."),
            .init("detail", .text, isNullable: true, "The comment, or the reason."),
            .init("origin", .text, "The address of the client, or the user of the machine."),
        ])

    private static let models = SQLView(
        "models", of: "main.model", "Trained models by version.",
        [
            .init("name", .text, "The name of the model."), .init("version", .integer, "Counts from 1 per name."),
            .init("kind", .text, "The type of model, such as windows."),
            .init(
                "aliases", .text, isNullable: true,
                from: "(SELECT group_concat(alias, ',') FROM main.model_alias a "
                    + "WHERE a.name = main.model.name AND a.version = main.model.version)",
                "The names of the version, with commas; champion is in use."),
            .init("trained_at", .time, "When it was trained."),
            .init("trained_on", .integer, "How many rows it was trained on."),
            .init("trained_from", .time, isNullable: true, "Time of the first of these rows."),
            .init("trained_to", .time, isNullable: true, "Time of the last."),
            .init("threshold", .real, "The score from which a row is a finding."),
            .init("metrics", .json, "How good it was found in training, by name."),
            .init("tags", .json, "Notes of people and programs, by name."),
        ])
}
