// swift-format-ignore-file
// Written by `make builtin` from runbooks/, so that the program works without; a test holds them together.

/// The runbooks that obs comes with.
enum RunbookTexts {
    /// By the name of the alert.
    static let all: [String: String] = [
        "EventsDemandSurge": ##"""
            # EventsDemandSurge

            ## Meaning

            A zone had 350 trips or more in five minutes.

            ## Impact

            People wait; other zones run short of cars.

            ## First five minutes

            How many?

            ```sh
            curl -s http://127.0.0.1:9464/api/v1/serve/events_by_zone
            ```

            Good: `trips` below 200.

            ## Diagnosis

            - A fair, a match, a strike: the calendar says. A producer that replays twice: compare `duplicate` rows of the pipeline on the dashboard.

            ## Mitigation

            Send cars; nothing in obs is to be done. It worked when `trips` falls.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            None by night.

            ## Related

            EventsFaresOdd; dashboard `obs-events`.

            """##,
        "EventsFaresHigh": ##"""
            # EventsFaresHigh

            ## Meaning

            One trip in twenty of a zone costs more than 20 a kilometre.

            ## Impact

            Customers are overcharged, or every statistic on fares is wrong.

            ## First five minutes

            Which zone?

            ```sh
            curl -s http://127.0.0.1:9464/api/v1/serve/events_by_zone
            ```

            Good: `fare_per_km_p95` between 2 and 6.

            ## Diagnosis

            - One zone: its meters. All: the producer has changed a unit or a column; compare the first line of the CSV.
            - `gold.events_dear_trips` has the trips.

            ## Mitigation

            Stop the producer, mend it, and replay from when it went wrong. It worked when the panel "Fare a kilometre" is back.

            ## Silence

            ```sh
            obs silence add alertname=EventsFaresHigh --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the feed.

            ## Related

            EventsFaresOdd; dashboard `obs-events`.

            """##,
        "EventsFaresOdd": ##"""
            # EventsFaresOdd

            ## Meaning

            Twenty trips of a zone within ten minutes cost more than 12 a kilometre.

            ## Impact

            Customers are overcharged, or the feed is wrong.

            ## First five minutes

            Which trips?

            ```sh
            obs query incidents 'alertname="EventsFaresOdd"' --since 1h
            ```

            Good: none.

            ## Diagnosis

            - The evidence has distance and fare. Nine times too high: a meter in another unit.

            ## Mitigation

            As for EventsFaresHigh. It worked when no new evidence comes.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The owner of the feed.

            ## Related

            EventsFaresHigh; dashboard `obs-events`.

            """##,
        "ObsAlertsRefused": ##"""
            # ObsAlertsRefused

            ## Meaning

            Somebody posts alerts to `/api/v2/alerts` or `/api/v1/ingest/alertmanager` that obs refuses: more than three in a quarter of an hour.

            ## Impact

            What these alerts say reaches nobody. Other alerts of the same body are taken in, unless the body is refused as a whole; then none of it is.

            ## First five minutes

            Which kind is it, and do others still come in?

            ```sh
            curl -s http://127.0.0.1:9464/metrics | grep obs_alerts_received_total
            ```

            Good: `invalid` stays as it is, `firing` grows. The sender gets the reason with each response, so look into its log; Prometheus writes `Error sending alert`:

            ```sh
            journalctl -u prometheus --since -30min | grep -i 'sending alert'
            ```

            ## Diagnosis

            - `alert N (NAME): …`: one alert of a body has a fault: a label that is too large, a name that Prometheus before 3.0 did not have, a time outside 1970 to 2261, bytes that are no UTF-8.
            - `the body is no JSON`, `write a list of alerts`: the sender does not speak Alertmanager's API v2, or something between cuts bodies.
            - `the body is larger than`: it sends more at once than `http.max_body_size`.
            - Who it is: the reverse proxy's log, or `ss -tn 'sport = :9464'`.

            ## Mitigation

            Correct the rule or the script that makes the alert; to see the reason at once, post one by hand:

            ```sh
            curl -s -H 'Content-Type: application/json' -d '[{"labels":{"alertname":"Try"}}]' http://127.0.0.1:9464/api/v2/alerts
            ```

            No output is good. For larger bodies raise `http.max_body_size`, or lower the sender's batch. It worked when `invalid` no longer grows.

            ## Silence

            ```sh
            obs silence add alertname=ObsAlertsRefused --for 4h --comment 'known, being worked on'
            ```

            Four hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the sender. Until it is mended, somebody looks at that sender's own page of alerts.

            ## Related

            ObsNotificationsFailing, ObsDeadLetters; dashboard `obs-notifications`; docs/alerting.md; Sources/Alerting/Alerts/PostedAlert.swift.

            """##,
        "ObsClockAhead": ##"""
            # ObsClockAhead

            ## Meaning

            Events come in whose times are further ahead of their arrival than `max_clock_skew` of their pipeline (an hour by default).

            ## Impact

            They are kept, but do not move the watermark, so nothing else becomes late. Their own windows close only when the time that they name has come, so what a rule on windows or a model finds in them comes that late.

            ## First five minutes

            Which host, and by how much?

            ```sh
            obs query events --limit 20
            ```
            ```sh
            date -u
            ```

            Good: no event is ahead of the clock of this machine.

            ## Diagnosis

            - One host: its clock is wrong (`chronyc tracking` or `timedatectl` there), or somebody who controls it writes false times.
            - All hosts, by whole hours: their stamps have no zone, and `time_zone` of the source is not theirs.
            - All hosts, by any amount: the clock of this machine is behind.

            ## Mitigation

            Set the clock, or `time_zone` of the source, and reload: `kill -HUP`. It worked when `obs_rows_ahead_total` stops rising. What was read with a wrong zone is corrected by a replay: `obs replay --help`.

            ## Silence

            ```sh
            obs silence add alertname=ObsClockAhead --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host whose clock is wrong.

            ## Related

            ObsLateRowsHigh, ObsPipelineStalled; dashboard `obs-log-processing`.

            """##,
        "ObsConfigReloadFailed": ##"""
            # ObsConfigReloadFailed

            ## Meaning

            The configuration that was read last has mistakes; the one before is in force.

            ## Impact

            Changes that somebody believes to be in force are not. A restart would fail.

            ## First five minutes

            What is wrong?

            ```sh
            obs check config
            ```

            Good: `the configuration is good`. Else each line names file, line, mistake and way out.

            ## Diagnosis

            The message is the diagnosis. If it is good now, it was mended after the reload: reload again.

            ## Mitigation

            Mend the file, then `kill -HUP $(pidof obs)`. It worked when `obs_config_last_reload_successful` is 1.

            ## Silence

            ```sh
            obs silence add alertname=ObsConfigReloadFailed --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Whoever changed the file last (`git log`).

            ## Related

            Dashboard `obs-overview`; dashboard `obs-overview`.

            """##,
        "ObsDeadLetters": ##"""
            # ObsDeadLetters

            ## Meaning

            Notifications were given up: an integration refused them, or they were tried for too long (`give_up_after`, three days).

            ## Impact

            The people behind that integration were not notified, and will not be without your help. The incidents are recorded.

            ## First five minutes

            Which, to whom, and why?

            ```sh
            obs notification list
            ```
            ```sh
            obs query incidents --state open
            ```

            Good: no dead letters. Look at the open incidents: perhaps nobody else has.

            ## Diagnosis

            - `answered 400`, `422`: the message does not please the service: look at it with `obs notification show ID`, and at the templates of the receiver.
            - `answered 401`, `403`: its secret is wrong or has changed.
            - `answered 404`, `410`: its address, channel or hook is gone.
            - `no mail address`, `550`: an address of the mail.
            - `there is no receiver`: the configuration has lost it while a notification was pending.

            ## Mitigation

            Correct the receiver in obs.yaml, `obs check config`, reload (`kill -HUP`), then send them once more; who has taken one does not get it again.

            ```sh
            obs notification resend --all
            ```

            What is of no use any more is removed by `obs notification drop ID`; nothing else depends on it. It worked when `obs notification list` says that there are none.

            ## Silence

            ```sh
            obs silence add alertname=ObsDeadLetters --for 4h --comment 'known, being worked on'
            ```

            Four hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Tell whoever should have been notified, by phone if an open incident is critical; then the owner of the receiver.

            ## Related

            ObsNotificationsFailing, ObsOutboxOld; dashboard `obs-notifications`; docs/notifications.md.

            """##,
        "ObsDeadlineMissed": ##"""
            # ObsDeadlineMissed

            ## Meaning

            A table that must have new rows by a time of the day (`deadlines:` in obs.yaml) has none that were committed since its `from`.

            ## Impact

            Reports and models that read the table in the morning work on the rows of yesterday.

            ## First five minutes

            When did it last get rows, and what ran?

            ```sh
            obs lake history TABLE --limit 5
            ```
            ```sh
            obs check health
            ```

            Good: the newest version with added files is of today.

            ## Diagnosis

            No rows in bronze either: the source is silent (ObsSourceDown). Rows in silver, none in gold: its windows have not closed, because the watermark waits for a slow source. Neither: the pipeline failed
            (ObsPipelineFailing) or its run is late (ObsRunOverdue). A day without data, such as a holiday: give the deadline `weekdays`.

            ## Mitigation

            Mend what is behind it; late data is read as soon as it comes, and the alert ends by itself with the first commit. `obs replay` makes gold tables again where their rows were wrong.

            ## Silence

            ```sh
            obs silence add alertname=ObsDeadlineMissed --for 4h --comment 'known, being worked on'
            ```

            ## Escalation

            The owner of the pipeline; those who read the table in the morning.

            ## Related

            ObsRunOverdue, ObsSourceDown, ObsPipelineFailing; docs/operations.md.

            """##,
        "ObsDegraded": ##"""
            # ObsDegraded

            ## Meaning

            Something is not well although obs goes on: a file of its data directory is damaged, a row of its database cannot be read, or a chore beside the pipelines fails. `kind` says which.

            ## Impact

            What is damaged is passed over, and nothing else with it: a silence that cannot be read silences nothing, a table with a damaged commit is not written, a model is not asked.

            ## First five minutes

            What is it?

            ```sh
            curl -s http://127.0.0.1:9464/-/ready
            ```
            ```sh
            obs check store
            ```
            ```sh
            obs lake verify
            ```

            Good: the first says that it is ready, with no line below; the second that all is well; the third finds no problems.

            ## Diagnosis

            - A file was cut short or has other bytes: the disk is failing or was full, or another program wrote there (`dmesg`, `smartctl -a`).
            - A row cannot be read: somebody changed the database by hand, or a page of it is damaged.
            - A chore fails with `database or disk is full`: the disk is full.

            ## Mitigation

            Each line says what to do. A commit of a table's log, a checkpoint and `obs.db` come back from a backup; rows that were set aside are in the table `set_aside` with the statement that puts them in
            again once it is mended; a model is trained again; `serve.db` and `acknowledge.key` are made anew by obs itself. Restart obs when the files are in their places.

            ## Silence

            ```sh
            obs silence add alertname=ObsDegraded --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on: a disk that has damaged one file damages others.

            ## Related

            ObsStoreErrors, ObsPipelineFailing, ObsLakeUpkeepFailing; dashboard `obs-overview`.

            """##,
        "ObsDiskFilling": ##"""
            # ObsDiskFilling

            ## Meaning

            The disk that the tables lie on is nearly as full as `retention.disk_limit` allows (90 % if nothing else is set).

            ## Impact

            None yet. At the limit obs removes the oldest rows of bronze, down to those of the last hour (`keep_at_least`): evidence loses its context, and a replay reaches back less far. If that does not free
            enough, or the limit is 1, the disk fills and every pipeline stops. Then no line is lost as long as its source keeps it.

            ## First five minutes

            Is it obs, or something else?

            ```sh
            obs lake tables
            ```
            ```sh
            df -h .
            ```

            Good: the tables take what they always take, and `disk_full_at` is weeks away.

            ## Diagnosis

            - One table grows faster than before: a source writes more, or was added. `bytes_per_day` of `obs lake tables` says which.
            - Files that were removed are still there: each stays an hour for readers. At the limit they go at once.
            - Something else fills the disk: `du -x -d 2 /`.

            ## Mitigation

            Free space, or give the tables limits in `obs.yaml`, and see what they would remove before they do:

            ```yaml
            retention:
              tables:
                - { table: bronze, max_age: 30d, max_share: 0.5 }
            ```
            ```sh
            obs lake retain --dry-run
            ```

            A running obs takes them over with `curl -X POST http://127.0.0.1:9464/-/reload`, and keeps to them by itself.

            ## Silence

            ```sh
            obs silence add alertname=ObsDiskFilling --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on.

            ## Related

            ObsRetentionFailing, ObsPipelineFailing; dashboard `obs-lake`; docs/lake.md, "Retention".

            """##,
        "ObsDown": ##"""
            # ObsDown

            ## Meaning

            Prometheus has not been able to scrape obs for two minutes, or there is no such target.

            ## Impact

            Logs are not read and nobody is notified of attacks. Nothing is lost: sources keep their lines, and obs goes on where it was. Till morning: every attack of the night is seen only then.

            ## First five minutes

            Is the process there, and does it answer?

            ```sh
            systemctl status obs || docker compose ps obs
            ```
            ```sh
            obs check health
            ```

            Good: `active (running)` or `healthy`, and the answer "obs is healthy".

            ## Diagnosis

            - It does not run: the last lines of its log say why (`journalctl -u obs -n 50` or `docker compose logs --tail 50 obs`).
            - It runs and does not answer: the port is taken or another address is configured; `ss -ltnp | grep 9464`.
            - It answers here, and Prometheus does not reach it: network, or the target in `prometheus.yml`.

            ## Mitigation

            Start it again (`systemctl restart obs` or `docker compose up -d obs`). It commits or drops the epoch it was in, so a restart at any moment is safe. It worked when `up{job="obs"}` is 1 within a minute.

            ## Silence

            ```sh
            amtool --alertmanager.url=http://127.0.0.1:9093 silence add alertname=ObsDown --duration=2h --comment='known, being worked on'
            ```

            At the other Alertmanager that Prometheus notifies; obs itself cannot notify while it is down. Two hours at most; it comes back if it still holds.

            ## Escalation

            The owner of the host that obs runs on; then whoever owns the on-call rota, because while this lasts part of the watch is blind.

            ## Related

            Watchdog, ObsPipelineStalled; dashboard `obs-overview`.

            """##,
        "ObsExpectationFailing": ##"""
            # ObsExpectationFailing

            ## Meaning

            More than 5 % of a pipeline's rows do not meet one of its expectations, and more than twice as many as in the six hours before.

            ## Impact

            With the action `warn` wrong rows are in silver and gold, with `drop` they are missing there, with `fail` the pipeline commits nothing until it is mended.

            ## First five minutes

            What do the rows look like?

            ```sh
            obs query events --table quarantine.shop --time arrival_time --limit 5
            ```

            Good: nothing new; the rows that are there name the expectation in `detail`.

            ```sh
            obs query runs --pipeline shop --limit 5
            ```

            Good: `state` is `ok`, and rows go in and out of every stage as before.

            ## Diagnosis

            - One value of one column (`in_set`, `matches`): whoever writes the data has added a value or changed its spelling.
            - `not_null` of one column: a field was renamed; compare a raw line in bronze with `columns` of the pipeline.
            - `unique_in_window`: a producer sends twice. `fresh_within`: a forwarder catches up, or a clock is wrong. `row_count`: a source is empty, or has grown.

            ## Mitigation

            Mend the producer, or the expectation where the data is right. Then make the rows anew from bronze: stop the pipeline, `obs replay --pipeline shop`. It worked when the rate of failures on
            the dashboard is what it was.

            ## Silence

            ```sh
            obs silence add alertname=ObsExpectationFailing --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the data that comes in; then whoever wrote the expectation.

            ## Related

            ObsQuarantineHigh, ObsLateRowsHigh; docs/pipelines/README.md, "Expectations"; dashboard `obs-log-processing`.

            """##,
        "ObsFalsePositivesHigh": ##"""
            # ObsFalsePositivesHigh

            ## Meaning

            People have ended more than ten incidents of one rule as false positives within a week.

            ## Impact

            Each cost somebody minutes, and the next true one of this rule is believed less. It can wait till morning.

            ## First five minutes

            What were they, and what do they have in common?

            ```sh
            obs query stats --since 7d
            obs rules list --days 7
            obs rules explain SSHBruteForce
            obs query sql "SELECT value, count(*) AS n FROM incident JOIN incident_label ON incident = number WHERE resolution = 'false_positive' AND incident_label.name IN ('source', 'host', 'user') GROUP BY value ORDER BY n DESC LIMIT 10"
            ```

            Good: the column FALSE is small beside INCIDENTS. For a rule that is mostly wrong `explain` proposes the exception that would have prevented the most, ready to paste.

            ## Diagnosis

            One source or user in most of them: a known thing, such as a backup or a scanner. Many different ones: the threshold is too low for what is normal here.

            ## Mitigation

            A known thing: a silence or a maintenance window for its label, or a negative matcher in the rule. A low threshold: raise `count` or shorten `within` of the rule in the file that `detections` names; `obs rules try FILE --since 30d --compare` shows what it would have found. It worked when the count of the next week is lower.

            ## Silence

            ```sh
            obs silence add alertname=ObsFalsePositivesHigh --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the rules.

            ## Related

            `obs query incidents --search 'false positive'`; dashboard `obs-incidents`; `alerts/detections/`.

            """##,
        "ObsIncidentUnacknowledged": ##"""
            # ObsIncidentUnacknowledged

            ## Meaning

            A critical incident has been open for a quarter of an hour, and nobody has acknowledged it.

            ## Impact

            Somebody may be inside a machine, and nobody is looking. Whoever was notified is asleep, away, or was not notified.

            ## First five minutes

            Which, since when, and who was notified?

            ```sh
            obs query incidents --state open --severity critical
            obs oncall who
            ```

            Good: no rows. Else take it, then read it:

            ```sh
            obs incident ack ID --note 'looking'
            obs query incident ID
            ```

            ## Diagnosis

            The section *Notifications* of `obs query incident` says who was notified and when. Sent, and nobody answers: the person is not reachable. Pending or dead: see ObsOutboxOld and ObsDeadLetters. Nobody: no route takes the incident, `obs route test severity=critical` says why.

            ## Mitigation

            Acknowledge it, or call whoever is next (`obs oncall who`). Undo with `obs incident hand-back`, and with `obs incident reopen` after an end by mistake. It worked when the alert resolves within two minutes. So that it does not come again: an escalation in `obs.yaml` (docs/incidents.md) wakes the next person by itself.

            ## Silence

            ```sh
            obs silence add alertname=ObsIncidentUnacknowledged --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Whoever is next in the schedule; then the owner of the machine that the incident names.

            ## Related

            ObsOutboxOld, ObsNotificationsFailing; dashboard `obs-incidents`; `Sources/Alerting/OnCall`.

            """##,
        "ObsLakeFilesMany": ##"""
            # ObsLakeFilesMany

            ## Meaning

            A table has had more than a thousand data files for an hour. The upkeep merges eight files of one size into one, so that tens are normal.

            ## Impact

            Every scan of the table opens all of its files: exports, replays and other engines that read it are slow.

            ## First five minutes

            How many files, of what size, since when?

            ```sh
            obs lake tables
            ```
            ```sh
            obs lake history silver.ssh --limit 20
            ```

            Good: tens of files a table; an `OPTIMIZE` among the newest versions.

            ## Diagnosis

            - Upkeep fails (ObsLakeUpkeepFailing), or was off for long: obs was down while others wrote.
            - Partitions by a column of many values: files of different partitions are never merged.
            - The table is simply large: a thousand files of 128 MB are 128 GB, and right.

            ## Mitigation

            `obs lake optimize TABLE` merges now, while everything goes on. For a table that is right to be large raise the threshold in `alerts/obs.yml`.

            ## Silence

            ```sh
            obs silence add alertname=ObsLakeFilesMany --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Whoever owns the pipeline of the table, in working hours.

            ## Related

            ObsLakeUpkeepFailing; dashboard `obs-lake`; docs/lake.md.

            """##,
        "ObsLakeUpkeepFailing": ##"""
            # ObsLakeUpkeepFailing

            ## Meaning

            The background service that merges small files, deletes merged ones and shortens the logs of the tables fails again and again.

            ## Impact

            Nothing is lost. Tables collect small files and old ones: scans and exports grow slower, the disk fills over days.

            ## First five minutes

            Which table, and why?

            ```sh
            obs lake verify
            ```
            ```sh
            df -h .
            ```

            Good: `obs lake verify` finds no problem; space left.

            ## Diagnosis

            - The log of obs says `a table could not be kept small` with the table and the reason.
            - The disk is full or read-only: merging needs room for one more copy of the files that it merges.
            - A file of the table is missing or damaged: `obs lake verify` names it.
            - Another program writes to the table and takes away the same files first, each time.

            ## Mitigation

            Free space. For a damaged file restore it from a backup, or rebuild the table from bronze: `obs replay --pipeline NAME`. Then `obs lake optimize TABLE`, which does by hand what the
            service does by itself.

            ## Silence

            ```sh
            obs silence add alertname=ObsLakeUpkeepFailing --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on, for the disk; else whoever owns the pipeline of the table, in working hours.

            ## Related

            ObsLakeFilesMany; dashboard `obs-lake`; docs/lake.md.

            """##,
        "ObsLateRowsHigh": ##"""
            # ObsLateRowsHigh

            ## Meaning

            More than 5 % of events come after their window has closed.

            ## Impact

            Windows in gold count too little; the rows are kept in `late.TABLE` with the windows that they missed, and rules on events still see everything.

            ## First five minutes

            Which hosts are late?

            ```sh
            obs query events --limit 20
            ```

            Good: `event_time` rises and is within a minute of now.

            ## Diagnosis

            - One host is behind: its clock (`timedatectl`), or its forwarder catches up.
            - All are: the time zone of the source is wrong by whole hours.

            ## Mitigation

            Mend the clock or `time_zone`, or raise `allowed_lateness` of the pipeline, or of the input whose events are late; that is a changed definition, so `obs replay` makes its tables anew. It worked when the panel "Quarantine and late rows" is near 0.

            ## Silence

            ```sh
            obs silence add alertname=ObsLateRowsHigh --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host whose clock is wrong.

            ## Related

            ObsQuarantineHigh; dashboard `obs-log-processing`.

            """##,
        "ObsLinesMissing": ##"""
            # ObsLinesMissing

            ## Meaning

            Of the files of a source, as they lie there now, lines are in no table. obs counts them daily (`verify_every`).

            ## Impact

            Rules and windows have not seen these lines. As long as the file is there, nothing is lost for good.

            ## First five minutes

            Which lines, of which file?

            ```sh
            obs verify source auth
            ```

            Good: `every line is in bronze once`.

            ## Diagnosis

            - The gap is at the start of a file, or a whole file: it was rotated away and compressed faster than obs looked, or lies where obs does not look (`also:` in the source).
            - The gap is in the middle: a file was edited, or written anew with other text at the same place.
            - Everything is missing: the pipeline was started with `--new-checkpoint` on an empty data directory, or a backup of `lake` was put back that is older than `checkpoints`.
            - Rows of bronze were removed by another program than obs: `obs lake history bronze.ssh` names what changed the table.

            ## Mitigation

            Cut the lines out of the file and let obs process them. The bytes are those that `obs verify source` names:

            ```sh
            tail -c +1 /var/log/auth.log.1 | head -c 100000 > gap.log
            ```
            ```sh
            obs process gap.log
            ```

            Then `obs replay --pipeline PIPELINE` if windows are to count them.

            ## Silence

            ```sh
            obs silence add alertname=ObsLinesMissing --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Whoever owns the pipeline, before the file is rotated out of existence.

            ## Related

            ObsSourceLostLines, ObsSourceDown; dashboard `obs-log-processing`; docs/following.md, "Proof".

            """##,
        "ObsModelDrifting": ##"""
            # ObsModelDrifting

            ## Meaning

            What a model in use sees has another distribution than what it was trained on: the population stability index of a feature is above 0.25.

            ## Impact

            None at once. The model calls today's normal unusual, or misses what has become unusual.

            ## First five minutes

            Which model, trained when, on what?

            ```sh
            obs model list
            ```

            Good: one version per model is `champion`, trained this month.

            Does it find more than it did?

            ```sh
            obs query stats --since 7d
            ```

            Good: no more incidents of the model than in other weeks.

            ## Diagnosis

            - One feature: look at its panel "Drift by feature" on the dashboard. A jump is a change in the source (a new host, another unit, a new column); a slow rise is life that changes.
            - All features at once: another kind of traffic, such as a new fleet of hosts, or a pipeline that was changed.
            - An attack that goes on for days also drifts. Look at the incidents of the rules before you train the model on it.

            ## Mitigation

            Train a version on the newest windows beside the champion, look at both for a day, then make it the champion:

            ```sh
            obs model train --since 14d --alias challenger
            ```
            ```sh
            obs model compare ssh-source-windows
            ```
            ```sh
            obs model alias ssh-source-windows champion challenger
            ```

            It worked when the index falls below 0.1. Undo: `obs model rollback ssh-source-windows`. With `retrain:` in the detection obs does this by itself.

            ## Silence

            ```sh
            obs silence add alertname=ObsModelDrifting --for 24h --comment 'known, being worked on'
            ```

            A day at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Nobody at night.

            ## Related

            ObsModelStale, SSHAnomalousSource; dashboard `obs-models`.

            """##,
        "ObsModelStale": ##"""
            # ObsModelStale

            ## Meaning

            The model in use was trained more than thirty days ago.

            ## Impact

            It calls today's normal unusual, or misses what has become unusual.

            ## First five minutes

            How old, on how much?

            ```sh
            obs model list
            ```

            Good: the `champion` is of this month.

            ## Diagnosis

            Nothing is broken: time has passed.

            ## Mitigation

            Train on the windows of the last weeks: `obs model train --since 30d`. A running obs uses the new version from the next rows on; `obs model rollback NAME` goes back to the one before. With `retrain:` in the
            detection obs trains by itself.

            ## Silence

            ```sh
            obs silence add alertname=ObsModelStale --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Nobody at night.

            ## Related

            ObsModelDrifting, SSHAnomalousSource; dashboard `obs-models`.

            """##,
        "ObsNotificationsFailing": ##"""
            # ObsNotificationsFailing

            ## Meaning

            A receiver has taken none of the last notifications.

            ## Impact

            People behind it are not notified. Incidents are recorded, and pending notifications are sent when it is back.

            ## First five minutes

            What does it answer?

            ```sh
            obs notification list --all --limit 10
            ```
            ```sh
            obs query incidents --state open
            ```

            Good: none with an error. Look at the open incidents: nobody else has.

            ## Diagnosis

            - `Could not resolve host`, `Connection refused`, `Timeout`: network or the receiver.
            - `answered 401` or `403`: its secret has changed.
            - `answered 404`: its URL has.

            ## Mitigation

            Mend the URL in obs.yaml and reload (`kill -HUP`), or bring the receiver back. Pending notifications go out within a minute.

            ## Silence

            ```sh
            obs silence add alertname=ObsNotificationsFailing --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Tell the on-call engineer by phone of the open incidents; then the owner of the receiver.

            ## Related

            ObsOutboxOld, ObsDeadLetters; dashboard `obs-notifications`, `obs-overview`.

            """##,
        "ObsNotificationsUnstored": ##"""
            # ObsNotificationsUnstored

            ## Meaning

            Notifications were sent, and the incident database does not take the record of it.

            ## Impact

            Nothing is lost, and nothing is sent twice while this process runs. After a restart those notifications are sent again. With 1,000 of them no further notification is sent.

            ## First five minutes

            Is there space, and can the file be written?

            ```sh
            df -h .
            ```
            ```sh
            obs query sql 'SELECT count(*) FROM incident'
            ```

            Good: space left; a number.

            ## Diagnosis

            - The disk is full or read-only.
            - Another program holds `obs.db` open for writing: `fuser -v obs.db` in the data directory names it.
            - The database is damaged: `obs check store` says so.

            ## Mitigation

            Free space; stop what else writes to `obs.db`. obs tries again by itself, every 30 seconds at most. It worked when `obs_notifications_unstored` is 0. Do not restart obs before that.

            ## Silence

            ```sh
            obs silence add alertname=ObsNotificationsUnstored --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on; then whoever owns the on-call rota, because receivers may soon get nothing.

            ## Related

            ObsStoreErrors, ObsOutboxOld; dashboard `obs-overview`.

            """##,
        "ObsOutboxOld": ##"""
            # ObsOutboxOld

            ## Meaning

            A notification has been pending for more than ten minutes.

            ## Impact

            Somebody has not been notified of an incident.

            ## First five minutes

            Which one?

            ```sh
            obs query sql "SELECT * FROM outbox WHERE state = 'pending' ORDER BY id LIMIT 5"
            ```

            Good: no rows.

            ## Diagnosis

            `last_error` says what the receiver answered; `attempts` how often it was tried. No error and no attempts: the alert manager does not run; see the log.

            ## Mitigation

            As in ObsNotificationsFailing.

            ## Silence

            ```sh
            obs silence add alertname=ObsOutboxOld --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on; then whoever owns the on-call rota, because while this lasts part of the watch is blind.

            ## Related

            ObsNotificationsFailing; dashboard `obs-overview`.

            """##,
        "ObsPipelineFailing": ##"""
            # ObsPipelineFailing

            ## Meaning

            A pipeline fails, is started again after a pause of up to a minute, and fails again.

            ## Impact

            Nothing of this pipeline is committed, and its tables and windows do not move; what its sources bring stays where it is and is read later. Other pipelines go on. Rules see the lines of each
            attempt, so alerts may still come.

            ## First five minutes

            Which pipeline, and why?

            ```sh
            curl -s http://127.0.0.1:9464/-/ready
            ```
            ```sh
            journalctl -u obs --since -15min | grep 'a pipeline failed'
            ```

            Good: "obs is ready.", and no such line. The line's `error` is a sentence that says what to do.

            ## Diagnosis

            - "the definition … is not the one that wrote its checkpoint": it was changed and obs was started anew.
            - "the expectation … does not hold": the data is bad in a way that the definition refuses with `action: fail`.
            - "cannot be read as a reference table": the file of a `lookup` is gone, or no table.
            - "is already being run by another process": two obs have one data directory.
            - "cannot be written", "No space left": the disk is full or not writable; then other pipelines fail too.

            ## Mitigation

            Changed definition: put the old one back, or stop obs and `obs replay --pipeline NAME`, then start it. Expectation: correct the data at its source, or set the action to `drop` and reload
            (`kill -HUP`). Reference file: put a whole one in its place (write beside it, then rename). It is tried again by itself within a minute; it worked when `/-/ready` says so and
            `obs_pipeline_failures_total` stops rising.

            ## Silence

            ```sh
            obs silence add alertname=ObsPipelineFailing --for 1h --comment 'known, being worked on'
            ```

            An hour at most; it comes back if it still holds.

            ## Escalation

            The owner of the pipeline's sources; for disk and processes the owner of the host that obs runs on.

            ## Related

            ObsPipelineStalled, ObsExpectationFailing, ObsStoreErrors; dashboard `obs-log-processing`.

            """##,
        "ObsPipelineLagging": ##"""
            # ObsPipelineLagging

            ## Meaning

            Lines wait for more than a minute before they are worked on.

            ## Impact

            Alerts come late by that much.

            ## First five minutes

            Where does the time go?

            ```sh
            curl -s http://127.0.0.1:9464/metrics | grep -E 'obs_stage_duration_seconds_(sum|count)'
            ```
            ```sh
            uptime
            ```

            Good: sums grow slower than a second a second; load below the number of cores.

            ## Diagnosis

            - One stage takes most: `commit` is the disk, `detect` the rules or the database, `silver` the parser.
            - All are slow: the machine has other work.

            ## Mitigation

            Move other work away, or give obs another core. It worked when `obs_pipeline_lag_seconds` is below 1.

            ## Silence

            ```sh
            obs silence add alertname=ObsPipelineLagging --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on; then whoever owns the on-call rota, because while this lasts part of the watch is blind.

            ## Related

            ObsPipelineStalled, ObsStateLarge; dashboard `obs-log-processing`.

            """##,
        "ObsPipelineStalled": ##"""
            # ObsPipelineStalled

            ## Meaning

            A pipeline has committed nothing for 15 minutes, or never since obs was started.

            ## Impact

            New lines are not in the tables; if they are not read at all, attacks are not seen either. Lines wait in their files and are not lost.

            ## First five minutes

            Do lines come in at all?

            ```sh
            tail -n 2 /var/log/auth.log
            ```
            ```sh
            df -h .
            ```
            ```sh
            obs lake tables
            ```

            Good: a line of the last minutes; space left; `bronze.ssh` grows from call to call.

            ## Diagnosis

            - The log itself is quiet: a quiet host, or rsyslog has stopped (`systemctl status rsyslog`).
            - The disk is full: obs's log says `cannot be written`.
            - obs does not find the file, or may not read it: `obs check health` says so, and ObsSourceDown fires too.

            ## Mitigation

            Free space, or give obs the right to read the file (group `adm`). It goes on by itself within a minute: the panel "Since last commit" falls.

            ## Silence

            ```sh
            obs silence add alertname=ObsPipelineStalled --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on; then whoever owns the on-call rota, because while this lasts part of the watch is blind.

            ## Related

            ObsDown, ObsPipelineLagging; dashboard `obs-log-processing`.

            """##,
        "ObsQuarantineHigh": ##"""
            # ObsQuarantineHigh

            ## Meaning

            More than 5 % of the lines are not understood.

            ## Impact

            Rules do not see what is in quarantine. The lines are kept, with the reason, and can be processed again.

            ## First five minutes

            What do they look like?

            ```sh
            obs query events --table quarantine.ssh --time arrival_time --limit 5
            ```
            ```sh
            tail -n 5 /var/log/auth.log | obs parse
            ```

            Good: the second command prints an `event` for each line.

            ## Diagnosis

            - `unknown_message`: a new OpenSSH speaks otherwise.
            - `unreadable_header`: another program writes into the file, or its format of time has changed.

            ## Mitigation

            Point the source at the right file, or set its time zone. After an upgrade that understands the lines, process the file again with a new data directory and compare.

            ## Silence

            ```sh
            obs silence add alertname=ObsQuarantineHigh --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Whoever changed the logging of the host; then open an issue with two of the lines.

            ## Related

            ObsLateRowsHigh; dashboard `obs-log-processing`.

            """##,
        "ObsReferenceStale": ##"""
            # ObsReferenceStale

            ## Meaning

            A file that a pipeline looks rows up in has been gone, or no table any more, for ten minutes; the pipeline goes on with what it read before.

            ## Impact

            Rows get values that may be out of date. If obs is started anew meanwhile, the pipeline reads nothing until the file is good: ObsPipelineFailing.

            ## First five minutes

            Which file is it, and what is wrong with it? The log names both, and the line:

            ```sh
            journalctl -u obs --since -1h | grep 'a reference file'
            ```

            Good: the newest line is "a reference file is read again".

            ## Diagnosis

            - `FILE:LINE: … it is not a JSON object`, and most lines are such: something else was written over it. Single damaged lines are left out and do not lead here.
            - `has no 'NAME', by which rows are looked up`: the column was renamed.
            - `begins as a JSON array and is none`: it is written in place and was read half way: it must be written beside and renamed.
            - `No such file`: it was removed, or the place that it is mounted from is gone.

            ## Mitigation

            Put the last good file back, or mend the line; it is read again with the next rows. It worked when `obs_reference_files_stale` is 0. Rows that were looked up in the old file meanwhile are made
            anew from bronze: stop obs, `obs replay --pipeline PIPELINE --from … --to …`.

            ## Silence

            ```sh
            obs silence add alertname=ObsReferenceStale --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the file; then whoever wrote the pipeline.

            ## Related

            ObsPipelineFailing, ObsExpectationFailing; docs/pipelines/README.md, "When a pipeline fails"; dashboard `obs-log-processing`.

            """##,
        "ObsRetentionFailing": ##"""
            # ObsRetentionFailing

            ## Meaning

            Old rows cannot be removed from tables, again and again.

            ## Impact

            Nothing is lost. Rows stay longer than `retention` says, and the disk goes on filling.

            ## First five minutes

            Which table, and why?

            ```sh
            obs check health
            ```
            ```sh
            obs lake retain --dry-run
            ```

            Good: no table fails.

            ## Diagnosis

            - The log of obs says `old rows could not be removed` with the table and the reason.
            - The disk is full to the last byte: removing rows is a commit, and needs a few kilobytes.
            - The log of the table is damaged: `obs lake verify` names the file.
            - The tables are read-only for obs: look at owner and mode of `DATA/lake`.

            ## Mitigation

            Free a few megabytes by hand; then obs goes on by itself. For a damaged table restore it from a backup. `obs lake retain` does by hand what the service does.

            ## Silence

            ```sh
            obs silence add alertname=ObsRetentionFailing --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on, for the disk; else whoever owns the pipeline of the table, in working hours.

            ## Related

            ObsDiskFilling, ObsLakeUpkeepFailing; dashboard `obs-lake`; docs/lake.md, "Retention".

            """##,
        "ObsRowsUnusual": ##"""
            # ObsRowsUnusual

            ## Meaning

            The rows of a pipeline are unlike the same hour of other days and weeks: more or fewer of them, older, with more nulls, or with more or fewer different values. The alert says which, and what was expected.

            ## Impact

            None on the pipeline. What is made of these rows may be wrong without looking so: sums too small, means of half the data, a dashboard that shows yesterday.

            ## First five minutes

            What is measured, and what was expected?

            ```sh
            curl -s http://127.0.0.1:9464/metrics | grep -E 'obs_expectation_(unusual|usual)'
            ```

            Good: every `obs_expectation_unusual` is 0.

            Are the sources read?

            ```sh
            obs check health
            ```

            Good: it is well, and every source is read.

            ## Diagnosis

            - Rows fall to zero or the newest row is old: the source, or whatever writes it. Compare with ObsSourceDown, and with the newest lines of bronze.
            - Rows fall by a part: one of several producers is gone. Count by host or file: `obs query events --table bronze.TABLE --limit 20`.
            - Rows rise: a producer sends twice, reads its history again, or there is more of life. `distinct` of an id that stays as it was means doubles.
            - Nulls of one column: a field was renamed or a producer leaves it out; compare a raw line of before and after.
            - A holiday, a sale, a change of the clock of summer (hours are UTC): rows are right, and usual was something else.

            ## Mitigation

            Mend the producer; late rows then come in by themselves. Where the rows are right there is nothing to do: what lasts for more than a day is learned. It worked when `obs_expectation_unusual` is 0 with the next
            hour.

            ## Silence

            ```sh
            obs silence add alertname=ObsRowsUnusual --for 24h --comment 'known, being worked on'
            ```

            A day at most; then it has become usual or is a fault. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the data that comes in.

            ## Related

            ObsExpectationFailing, ObsSourceDown, ObsDeadlineMissed; docs/pipelines/README.md, "Expectations"; dashboard `obs-log-processing`.

            """##,
        "ObsRunOverdue": ##"""
            # ObsRunOverdue

            ## Meaning

            A scheduled pipeline was due to run, and no run has ended well for ten minutes since then, or for three times as long as its last runs took. The description says whether the run never started, never
            ended or failed.

            ## Impact

            The tables of the pipeline are not brought up to date: whoever reads them sees old rows.

            ## First five minutes

            ```sh
            obs query runs --since 24h
            ```
            ```sh
            curl -s http://127.0.0.1:9464/-/ready
            ```

            Good: the newest run of the pipeline has ended, without an error.

            ## Diagnosis

            | the description says | look |
            |---|---|
            | has not started | the run before it still goes on, or the pipeline waits after a failure: `/-/ready`, the log of obs |
            | has not ended | much more input than usual, a slow disk, a look-up file that cannot be read |
            | has failed | the error: a full disk, an expectation whose action is `fail`, a file that is damaged |

            ## Mitigation

            Mend what the error names; the run is tried again by itself. A run that hangs ends with a restart (`systemctl restart obs`) and goes on from its checkpoint. The alert ends by itself when a run has ended well.

            ## Silence

            ```sh
            obs silence add alertname=ObsRunOverdue --for 2h --comment 'known, being worked on'
            ```

            ## Escalation

            The owner of the pipeline; whoever reads its tables should know that they are old.

            ## Related

            ObsDeadlineMissed, ObsPipelineFailing, ObsSourceDown; docs/pipelines/README.md, "Schedules".

            """##,
        "ObsSSHFailuresSurge": ##"""
            # ObsSSHFailuresSurge

            ## Meaning

            More than ten failed logins per second over the whole fleet.

            ## Impact

            Somebody tries passwords at scale. Accounts with weak ones fall within hours.

            ## First five minutes

            From where, against whom?

            ```sh
            obs query incidents --state open
            ```
            ```sh
            obs query events 'event="failed_password"' --limit 20
            ```

            Good: few incidents, all known.

            ## Diagnosis

            - One or few sources: brute force; each has its incident.
            - Very many sources, few tries each: a botnet.
            - One internal source: a broken script with an old password.

            ## Mitigation

            Block the sources at the firewall; turn password logins off (`PasswordAuthentication no`). It worked when the panel "Login attempts" falls. Undo by removing the rule.

            ## Silence

            ```sh
            obs silence add alertname=ObsSSHFailuresSurge --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            Security on-call, at once if an incident SSHSuccessAfterFailures is open.

            ## Related

            SSHBruteForce, SSHPasswordSpray, SSHSuccessAfterFailures; dashboard `obs-overview`.

            """##,
        "ObsSourceDown": ##"""
            # ObsSourceDown

            ## Meaning

            A source that is configured is not read. obs raises this alert itself, and so does Prometheus from `obs_source_up`; both are one incident. The label `reason` says why: `missing`, `unreadable`, `not_regular`, `not_understood` or `silent`.

            ## Impact

            Nobody watches what is written there: attacks and faults in that log raise no incident. Until morning that log is blind; its lines wait in the file and are read later, unless rotation removes
            them first.

            ## First five minutes

            What is wrong, in a sentence with what to do:

            ```sh
            obs check health
            ```
            ```sh
            ls -la --time-style=full-iso /var/log/auth.log*
            ```
            ```sh
            tail -n 3 /var/log/auth.log
            ```

            Good: it says that obs is healthy; the file is there, its group is one of obs's user; a line of the last minutes.

            ## Diagnosis

            | reason | what it means | look |
            |---|---|---|
            | `missing` | nothing is at the path, or the pattern matches nothing | a typing mistake; Debian 12 has no `auth.log` until `rsyslog` is installed |
            | `unreadable` | the user that obs runs as may not read it | `id obs`; the group of the file, usually `adm` |
            | `not_regular` | a folder, a FIFO, a socket | the path in obs.yaml |
            | `not_understood` | no line of the first hundred is of the pipeline's format | `obs parse --format sshd FILE` |
            | `silent` | no line for longer than is usual for this source | what writes it: `systemctl status rsyslog`; the disk of the log; the sender of pushed lines |

            ## Mitigation

            Correct the path in obs.yaml (`obs check config` says what each source finds), then `systemctl reload obs`. Give the right to read: `usermod -aG adm obs`, then `systemctl restart obs`, because groups are those of the
            start. A log that is usually quiet for long gets `silent_after: 1d`, or `never`, in its entry. It worked when `obs check health` ends with 0; a source that appears is read within seconds.

            ## Silence

            ```sh
            obs silence add alertname=ObsSourceDown --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host whose log it is; then whoever owns the on-call rota, because while this lasts part of the watch is blind.

            ## Related

            ObsPipelineStalled, ObsSourceLostLines, ObsQuarantineHigh; the page `/`, "Sources"; dashboard `obs-overview`; docs/operations.md, "Sources".

            """##,
        "ObsSourceLostLines": ##"""
            # ObsSourceLostLines

            ## Meaning

            A rotated file whose rest was not read was not found again.

            ## Impact

            Lines between the last read and the rotation may be missing.

            ## First five minutes

            What is there?

            ```sh
            ls -la --time-style=full-iso /var/log/auth.log*
            ```

            Good: `auth.log.1` or `auth.log.1.gz` beside the log.

            ## Diagnosis

            Rotation that deletes, or moves to a folder that obs does not look into, or happens several times while obs is down.

            ## Mitigation

            Let rotation keep at least two generations (`rotate 2`); where it moves them elsewhere, name the place with `also:` in the source (docs/following.md). If a copy exists elsewhere: `obs process COPY` reads what is missing; what is known is not read twice.

            ## Silence

            ```sh
            obs silence add alertname=ObsSourceLostLines --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host's logrotate configuration.

            ## Related

            ObsPipelineStalled; dashboard `obs-log-processing`.

            """##,
        "ObsStateLarge": ##"""
            # ObsStateLarge

            ## Meaning

            More than half a million groups are in open windows.

            ## Impact

            Memory grows with them; at the limit the process is killed and starts again.

            ## First five minutes

            Is it an attack from very many addresses?

            ```sh
            obs query stats
            ```
            ```sh
            obs query events 'event="failed_password"' --limit 20
            ```

            Good: a few sources, each with some events.

            ## Diagnosis

            Many different sources with one event each: a distributed attack, or a source column that takes in something else. `obs_rule_state_bytes` says which rule needs how much; each may
            take 192 MB. When `obs_rule_groups_forgotten_total` grows it has forgotten the groups that were quiet longest, and a slow attack from one of them may be missed.

            ## Mitigation

            Raise the memory limit for the time of the attack; block at the network. It worked when `obs_pipeline_state_rows` falls after a window's length.

            ## Silence

            ```sh
            obs silence add alertname=ObsStateLarge --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on; then whoever owns the on-call rota, because while this lasts part of the watch is blind.

            ## Related

            ObsSSHFailuresSurge; dashboard `obs-log-processing`.

            """##,
        "ObsStoreErrors": ##"""
            # ObsStoreErrors

            ## Meaning

            Reads or writes of the incident database fail.

            ## Impact

            Incidents may not be recorded and notifications not sent.

            ## First five minutes

            Is there room, and is the file whole?

            ```sh
            df -h .
            ```
            ```sh
            obs query sql 'SELECT count(*) FROM incident'
            ```

            Good: space left; a number.

            ## Diagnosis

            - The disk is full or read-only.
            - `database is locked` for long: another program holds the file open for writing.

            ## Mitigation

            Free space; stop what else writes to `obs.db`. obs tries again by itself: the counter stops rising.

            ## Silence

            ```sh
            obs silence add alertname=ObsStoreErrors --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the host that obs runs on; then whoever owns the on-call rota, because while this lasts part of the watch is blind.

            ## Related

            ObsDown; dashboard `obs-overview`.

            """##,
        "ObsWindowGroupsFull": ##"""
            # ObsWindowGroupsFull

            ## Meaning

            A window had more groups than its `max_groups` (100,000 by default). The rows of the others are counted in one more group, `(other)`.
            Or all open windows of the pipeline had more than its `max_open_groups` (2,000,000): the windows that are furthest ahead were given before their time.

            ## Impact

            Totals stay right, but the groups beyond are not seen one by one: a rule on that table or a model may miss one of them. Rules on events are not affected.

            ## First five minutes

            Which groups are there?

            ```sh
            obs query stats
            ```
            ```sh
            obs query events --limit 20
            ```

            Good: a few sources, each with some events.

            ## Diagnosis

            - Very many addresses with one event each: a distributed attack, or forged addresses.
            - Very many user names: somebody tries names from a list.
            - `obs_window_rows_early_total` rises: lines with times far ahead (`obs_rows_ahead_total` rises too), or a source that is days behind the others and holds their windows open (`obs check health`).
            - A column of the key takes in free text, such as a path with a number in it: the pipeline groups by the wrong column.

            ## Mitigation

            Block at the network; or raise `max_groups` of the window or `max_open_groups` in the pipeline's file, where memory allows, and reload: `kill -HUP`. It worked when `obs_window_rows_other_total` and `obs_window_rows_early_total` stop rising.

            ## Silence

            ```sh
            obs silence add alertname=ObsWindowGroupsFull --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the pipeline.

            ## Related

            ObsStateLarge, ObsSSHFailuresSurge; dashboard `obs-log-processing`.

            """##,
        "RailBrakesDragging": ##"""
            # RailBrakesDragging

            ## Meaning

            A vehicle reports dragging brakes three times within half an hour.

            ## Impact

            Heat, worn brakes and a third more energy; at worst a fire.

            ## First five minutes

            How hot is it?

            ```sh
            curl -s http://127.0.0.1:9464/api/v1/serve/rail_fault_risk/RV-001
            ```

            Good: `temp_c` below 80.

            ## Diagnosis

            - `kwh` in `gold.rail_vehicles` above 30 in five minutes confirms it.
            - The flag without heat or energy: a sensor.

            ## Mitigation

            Stop at the next station and release the brakes; send it to the workshop. It worked when the flag is gone.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The control centre, at once above 95 °C.

            ## Related

            RailFaultRiskHigh; dashboard `obs-rail`.

            """##,
        "RailFaultRiskHigh": ##"""
            # RailFaultRiskHigh

            ## Meaning

            The model gives a vehicle a fault risk of 0.7 or more, twice within two hours.

            ## Impact

            The vehicle is likely to break down within hours, on the line and with passengers.

            ## First five minutes

            What does it report?

            ```sh
            curl -s http://127.0.0.1:9464/api/v1/serve/rail_fault_risk/RV-001
            ```

            Good: `vibration` below 3 and `fault_readings` 0.

            ## Diagnosis

            - High `vibration`: a bearing. High `temp_c`: brakes or engine. Neither: look at `gold.rail_vehicles` for what else is unusual.
            - Many vehicles at once: RailFleetAtRisk.

            ## Mitigation

            Send the vehicle to the workshop at the end of its trip. It worked when its risk falls after the repair.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The control centre, at once if the vehicle is in service with flags 1 or 2 set.

            ## Related

            RailFleetAtRisk, RailBrakesDragging; dashboard `obs-rail`.

            """##,
        "RailFleetAtRisk": ##"""
            # RailFleetAtRisk

            ## Meaning

            The mean fault risk of all vehicles is above 30 % for a quarter of an hour.

            ## Impact

            More breakdowns than the workshops can take within the day; till morning some vehicles will have failed.

            ## First five minutes

            Which vehicles?

            ```sh
            curl -s 'http://127.0.0.1:9464/api/v1/serve/rail_fault_risk?limit=20'
            ```

            Good: `fault_risk` of most is below 0.3.

            ## Diagnosis

            - Most vehicles at once: the model or its inputs. `obs model list` says when it was trained; look for a sensor whose unit changed in `silver.rail_telemetry`.
            - Some vehicles: see RailFaultRiskHigh for each.

            ## Mitigation

            Train anew on fresh history: `obs model train --simulated rail` (or `--csv`). Undo: `obs model rollback rail-fault-risk`. It worked when the panel "Fault risk" falls.

            ## Silence

            ```sh
            obs silence add alertname=RailFleetAtRisk --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The fleet engineer on duty.

            ## Related

            RailFaultRiskHigh, ObsModelStale; dashboard `obs-rail`.

            """##,
        "RailMaintenanceDelayed": ##"""
            # RailMaintenanceDelayed

            ## Meaning

            Half of a zone's maintenance work was late by half an hour or more.

            ## Impact

            Vehicles stay out of service longer; repairs pile up into the next day.

            ## First five minutes

            How far behind?

            ```sh
            curl -s http://127.0.0.1:9464/api/v1/serve/rail_delay_risk
            ```

            Good: `delay_risk` below 0.2.

            ## Diagnosis

            - One zone: staff or parts there. All zones: the ordering of parts.
            - `breakdowns` in the row: more than two in an hour explain it.

            ## Mitigation

            Send work to a neighbouring zone. It worked when `delay_risk` falls in the next hours.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The head of maintenance.

            ## Related

            RailFaultRiskHigh; dashboard `obs-rail`.

            """##,
        "SSHAnomalousSource": ##"""
            # SSHAnomalousSource

            ## Meaning

            The model found a five-minute window of one address that is unlike the others; the incident says in which numbers.

            ## Impact

            None by itself: it is a hint, severity info.

            ## First five minutes

            What stood out?

            ```sh
            obs query incidents 'alertname="SSHAnomalousSource"' --since 24h
            ```
            ```sh
            obs model score --limit 10
            ```

            Good: a new backup job, or an administrator at work.

            ## Diagnosis

            Failures or many users: see SSHBruteForce. Many logins from one address: automation; ask who.

            ## Mitigation

            If it is normal, resolve it with a note, and train the model again when there is much of it: `obs model train`.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Nobody at night.

            ## Related

            SSHBruteForce, ObsModelStale, ObsModelDrifting; dashboard `obs-models`.

            """##,
        "SSHAttemptsExhausted": ##"""
            # SSHAttemptsExhausted

            ## Meaning

            sshd ended six connections of one address within an hour because they had too many failures (`MaxAuthTries`).

            ## Impact

            As with brute force.

            ## First five minutes

            Has it got in?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: no log-in from that address.

            ## Diagnosis

            A person whose agent offers many keys exhausts them too, once or twice; `IdentitiesOnly yes` helps. Six times is a program.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if any log-in succeeded.

            ## Related

            SSHBruteForce, SSHSuccessAfterFailures; dashboard `obs-log-processing`.

            """##,
        "SSHBreakInFollowed": ##"""
            # SSHBreakInFollowed

            ## Meaning

            An address broke in on a host (a log-in after failures), and within a day a user who had logged in from it used `sudo`, `su` or changed a file of authorized keys there.

            ## Impact

            The machine may be in an attacker's hands, not only the account.

            ## First five minutes

            Is the session still there? On the machine:

            ```sh
            who
            ```
            ```sh
            last -n 10 {user}
            ```

            What came from the address, and what was done since:

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'event=~"sudo|su|keys_changed|account_.*|password_changed"' --since 24h --limit 20
            ```

            Good: the user says that all of it was them.

            ## Diagnosis

            Ask the user by another channel than the account. The first log-in from a hotel after six wrong passwords is possible, and rare; at night from another country it is an intrusion.

            ## Mitigation

            Take the machine off the network but for you, and keep its disk as it is. End the sessions (`pkill -KILL -u {user}`), lock the account (`usermod -L {user}`). Look for accounts and keys that were made since: `obs query events 'event=~"account_.*|password_changed|keys_changed"' --since 24h`. It worked when no new lines of the user come. Undo: `usermod -U {user}`.

            ## Silence

            Do not; acknowledge it: `obs incident ack {incident}`.

            ## Escalation

            Security on-call, now.

            ## Related

            SSHSuccessAfterFailures, SSHBruteForce, SSHPasswordSpray, SSHNewNetwork; dashboard `obs-log-processing`.

            """##,
        "SSHBruteForce": ##"""
            # SSHBruteForce

            ## Meaning

            One address guesses: ten attempts on one host within five minutes, none of which succeeded. An attempt is a wrong password as well as a client that left without a key that fits.

            ## Impact

            None while it fails. With passwords an account falls after minutes to months; with keys only, none does.

            ## First five minutes

            Has it got in?

            ```sh
            obs query incidents 'alertname=~"SSHSuccessAfter.*"' --since 24h
            ```
            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: no incident, and only log-ins that you know.

            ## Diagnosis

            - The same user each time from an internal address: a job whose key or password was changed. Ask its owner.
            - Many users, or root: an attacker.
            - A network from which this user has logged in within thirty days is not counted, so it is none of those.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if any log-in succeeded.

            ## Related

            SSHPasswordSpray, SSHSuccessAfterFailures, SSHDistributedBruteForce, ObsSSHFailuresSurge; dashboard `obs-log-processing`.

            """##,
        "SSHBruteForceManyHosts": ##"""
            # SSHBruteForceManyHosts

            ## Meaning

            One address has failed to log in ten times within an hour, on at least two hosts, from a network that those users do not use.

            ## Impact

            Somebody tries the fleet host by host and stays below the limit on each. One weak password on any of them is enough.

            ## First five minutes

            Which hosts and names, and did one work?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query incidents 'alertname=~"SSHSuccess.*"' --since 24h
            ```

            Good: nobody got in from that address.

            ## Diagnosis

            An inner address means that a host of yours is used to go on to others: look there first. A job whose key was changed fails on several hosts too, always as the same user, and from an address that is known.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if the address is one of your own.

            ## Related

            SSHBruteForce, SSHBruteForceSlow, SSHSuccessAfterFailures; dashboard `obs-log-processing`.

            """##,
        "SSHBruteForceSlow": ##"""
            # SSHBruteForceSlow

            ## Meaning

            One address guesses slowly: twenty attempts on all hosts within seven days, none of which succeeded. An attempt is a wrong password as well as a client that left without a key that fits.

            ## Impact

            None while it fails. With passwords an account falls after minutes to months; with keys only, none does.

            ## First five minutes

            Has it got in?

            ```sh
            obs query incidents 'alertname=~"SSHSuccessAfter.*"' --since 24h
            ```
            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: no incident, and only log-ins that you know.

            ## Diagnosis

            - The same user each time from an internal address: a job whose key or password was changed. Ask its owner.
            - Many users, or root: an attacker.
            - A network from which this user has logged in within thirty days is not counted, so it is none of those.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if any log-in succeeded.

            ## Related

            SSHBruteForce, SSHPasswordSpray, SSHSuccessAfterFailures, SSHDistributedBruteForce, ObsSSHFailuresSurge; dashboard `obs-log-processing`.

            """##,
        "SSHConnectionFlood": ##"""
            # SSHConnectionFlood

            ## Meaning

            sshd dropped fifty connections of one address within ten minutes, because it had too many, or because it had punished the address (`PerSourcePenalties`).

            ## Impact

            Log-ins of others may be dropped as well.

            ## First five minutes

            Can you still log in? And what came before?

            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: you can; the penalty does its work.

            ## Diagnosis

            `past MaxStartups`: all places are taken, by whom says SSHConnectionsHeldOpen. `penalty: …`: the address failed before.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Whoever runs the host if people cannot log in.

            ## Related

            SSHConnectionsHeldOpen, SSHBruteForce; dashboard `obs-log-processing`.

            """##,
        "SSHConnectionsHeldOpen": ##"""
            # SSHConnectionsHeldOpen

            ## Meaning

            One address opened connections and said nothing until their time was up: twelve within ten minutes.

            ## Impact

            On an sshd with CVE-2024-6387 (OpenSSH 8.5p1 to 9.7p1 with glibc) this is how root is taken, after thousands of tries. On others it takes places of `MaxStartups`.

            ## First five minutes

            Which sshd is it?

            ```sh
            sshd -V
            ```
            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: 9.8 or newer, or a package with the fix of your distribution.

            ## Diagnosis

            Few and for hours: the exploit waits for its moment. Many at once: they are to keep others out (SSHConnectionFlood). A crash of sshd in the log beside them (`segfault`) is a try that nearly worked.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses. Until sshd is updated `LoginGraceTime 0` closes the hole, and lets connections be held for ever.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if the version is affected.

            ## Related

            SSHConnectionFlood, SSHScanner; dashboard `obs-log-processing`.

            """##,
        "SSHConnectionsHeldOpenSlow": ##"""
            # SSHConnectionsHeldOpenSlow

            ## Meaning

            One address opened thirty connections within a day and said nothing until their time was up.

            ## Impact

            On an sshd with CVE-2024-6387 (OpenSSH 8.5p1 to 9.7p1 with glibc) this is how root is taken, after thousands of tries. On others it takes places of `MaxStartups`.

            ## First five minutes

            Which sshd is it?

            ```sh
            sshd -V
            ```
            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: 9.8 or newer, or a package with the fix of your distribution.

            ## Diagnosis

            Few and for hours: the exploit waits for its moment. Many at once: they are to keep others out (SSHConnectionFlood). A crash of sshd in the log beside them (`segfault`) is a try that nearly worked.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses. Until sshd is updated `LoginGraceTime 0` closes the hole, and lets connections be held for ever.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if the version is affected.

            ## Related

            SSHConnectionsHeldOpen, SSHConnectionFlood, SSHScanner; dashboard `obs-log-processing`.

            """##,
        "SSHDistributedBruteForce": ##"""
            # SSHDistributedBruteForce

            ## Meaning

            Many addresses try to log in as one user: twenty within an hour. Each alone stays below the limits for one address.

            ## Impact

            As with one address, but blocking addresses does not end it.

            ## First five minutes

            Did one of them get in as that user?

            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```
            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: only log-ins from places where the user is.

            ## Diagnosis

            root and names of lists are tried on every host of the internet; a real user's name is not. A changed key of an account that many machines use looks alike: then the addresses are yours.

            ## Mitigation

            Let the user log in by key only, or from known networks (`Match User` in `sshd_config`; `AllowUsers`). It worked when the attempts end as refused. `obs blocklist` lists addresses of open incidents of rules that name one.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if the user is a person of yours.

            ## Related

            SSHDistributedSpray, SSHRotatingNetwork, SSHBruteForce; dashboard `obs-log-processing`.

            """##,
        "SSHDistributedBruteForceSlow": ##"""
            # SSHDistributedBruteForceSlow

            ## Meaning

            Sixty addresses tried to log in as one user within a day. Each alone stays below the limits for one address.

            ## Impact

            As with one address, but blocking addresses does not end it.

            ## First five minutes

            Did one of them get in as that user?

            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```
            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: only log-ins from places where the user is.

            ## Diagnosis

            root and names of lists are tried on every host of the internet; a real user's name is not. A changed key of an account that many machines use looks alike: then the addresses are yours.

            ## Mitigation

            Let the user log in by key only, or from known networks (`Match User` in `sshd_config`; `AllowUsers`). It worked when the attempts end as refused. `obs blocklist` lists addresses of open incidents of rules that name one.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if the user is a person of yours.

            ## Related

            SSHDistributedBruteForce, SSHDistributedSpray, SSHRotatingNetwork, SSHBruteForce; dashboard `obs-log-processing`.

            """##,
        "SSHDistributedSpray": ##"""
            # SSHDistributedSpray

            ## Meaning

            Many addresses try to log in on one host: a hundred within an hour.

            ## Impact

            Somebody uses many machines for one attack; each address tries too little to be noticed. sshd may drop connections of your users (`MaxStartups`).

            ## First five minutes

            Which users, and did one work?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: names of lists only, and log-ins that you know.

            ## Diagnosis

            Is it one host or all? One: it was picked. Do the names exist here? Then the attacker knows your users. A name or address of the host that was published lately explains a wave.

            ## Mitigation

            Allow sshd from known networks only, or by key only. A limit per network helps: `PerSourceMaxStartups`, `PerSourceNetBlockSize` in `sshd_config`.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if names of real users are among them.

            ## Related

            SSHDistributedBruteForce, SSHRotatingNetwork, SSHConnectionFlood; dashboard `obs-log-processing`.

            """##,
        "SSHDistributedSprayUnusual": ##"""
            # SSHDistributedSprayUnusual

            ## Meaning

            Fifty addresses or more tried to log in on one host within an hour, and five times as many as usual there.

            ## Impact

            Somebody uses many machines for one attack; each address tries too little to be noticed. sshd may drop connections of your users (`MaxStartups`).

            ## First five minutes

            Which users, and did one work?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: names of lists only, and log-ins that you know.

            ## Diagnosis

            Is it one host or all? One: it was picked. Do the names exist here? Then the attacker knows your users. A name or address of the host that was published lately explains a wave.

            ## Mitigation

            Allow sshd from known networks only, or by key only. A limit per network helps: `PerSourceMaxStartups`, `PerSourceNetBlockSize` in `sshd_config`.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if names of real users are among them.

            ## Related

            SSHDistributedSpray, SSHDistributedBruteForce, SSHRotatingNetwork, SSHConnectionFlood; dashboard `obs-log-processing`.

            """##,
        "SSHNewNetwork": ##"""
            # SSHNewNetwork

            ## Meaning

            A user logged in from a network (/24 or /64) from which that user has not logged in within thirty days.

            ## Impact

            Mostly none: people travel. A stolen key shows itself first so.

            ## First five minutes

            What did the user do since?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            last -n 10 {user}
            ```

            Good: the user knows of it.

            ## Diagnosis

            Working hours and the country where the user is: usual. A service account that logs in from anywhere new: its key is somewhere else now.

            ## Mitigation

            If the user does not know of it: `usermod -L {user}`, `pkill -KILL -u {user}`, take the key out of `.ssh/authorized_keys`. Undo: `usermod -U {user}`.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call for root and service accounts.

            ## Related

            SSHTwoPlaces, SSHSuccessAfterFailures; dashboard `obs-log-processing`.

            """##,
        "SSHPasswordSpray": ##"""
            # SSHPasswordSpray

            ## Meaning

            One address has tried to log in as six users within an hour, and nobody has logged in from its network before.

            ## Impact

            It looks for one weak password among many accounts; lockouts do not catch it.

            ## First five minutes

            Which names, and did one work?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query incidents 'alertname=~"SSHSuccessAfter.*"' --since 24h
            ```

            Good: names that do not exist here, nobody who got in from that address.

            ## Diagnosis

            Names that exist here say that the attacker knows your users. A new office or VPN whose people mistype on their first day looks alike: its address tells.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses. Turn password log-ins off.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if names of real users are among them.

            ## Related

            SSHUserEnumeration, SSHDistributedSpray, SSHSuccessAfterFailures; dashboard `obs-log-processing`.

            """##,
        "SSHPasswordSpraySlow": ##"""
            # SSHPasswordSpraySlow

            ## Meaning

            One address has tried to log in as eight users within seven days, and nobody has logged in from its network before.

            ## Impact

            It looks for one weak password among many accounts; lockouts do not catch it.

            ## First five minutes

            Which names, and did one work?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query incidents 'alertname=~"SSHSuccessAfter.*"' --since 24h
            ```

            Good: names that do not exist here, nobody who got in from that address.

            ## Diagnosis

            Names that exist here say that the attacker knows your users. A new office or VPN whose people mistype on their first day looks alike: its address tells.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses. Turn password log-ins off.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if names of real users are among them.

            ## Related

            SSHPasswordSpray, SSHUserEnumeration, SSHDistributedSpray, SSHSuccessAfterFailures; dashboard `obs-log-processing`.

            """##,
        "SSHRootNewNetwork": ##"""
            # SSHRootNewNetwork

            ## Meaning

            root logged in from a network (/24 or /64) from which root has not logged in within thirty days.

            ## Impact

            Mostly none: people travel. A stolen key shows itself first so.

            ## First five minutes

            What did the user do since?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            last -n 10 {user}
            ```

            Good: the user knows of it.

            ## Diagnosis

            Working hours and the country where the user is: usual. A service account that logs in from anywhere new: its key is somewhere else now.

            ## Mitigation

            If the user does not know of it: `usermod -L {user}`, `pkill -KILL -u {user}`, take the key out of `.ssh/authorized_keys`. Undo: `usermod -U {user}`.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call for root and service accounts.

            ## Related

            SSHNewNetwork, SSHTwoPlaces, SSHSuccessAfterFailures; dashboard `obs-log-processing`.

            """##,
        "SSHRootPassword": ##"""
            # SSHRootPassword

            ## Meaning

            root logged in by a password, from a network from which root had not done so within thirty days.

            ## Impact

            Whoever guesses that password has the machine.

            ## First five minutes

            Was it one of you? On the machine:

            ```sh
            last -n 10 root
            ```
            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: somebody of yours says that it was them.

            ## Diagnosis

            Failures before it make it an intrusion: see SSHSuccessAfterFailures.

            ## Mitigation

            Set `PermitRootLogin prohibit-password` in `sshd_config` and reload sshd. It worked when the next try is refused. If nobody of you did it: end the session (`loginctl terminate-user root` ends all of them), take the machine off the network.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call, now, if nobody of you did it.

            ## Related

            SSHSuccessAfterFailures, SSHNewNetwork; dashboard `obs-log-processing`.

            """##,
        "SSHRotatingNetwork": ##"""
            # SSHRotatingNetwork

            ## Meaning

            Addresses of one network guess in turn: four or more of an IPv6 /64, with twelve attempts or more, within a day.

            ## Impact

            As brute force by one address: the /64 is usually one machine.

            ## First five minutes

            Has it got in?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: no log-in from that network.

            ## Diagnosis

            A hoster's network is one customer's machine (IPv6) or several of them (IPv4). A network of a provider for homes has many households in a /24, and one in a /64.

            ## Mitigation

            Block the network, not the address: `nft add rule inet filter input ip6 saddr NETWORK drop` with the network of the incident's title. It worked when no new attempts come. Undo: `nft -a list ruleset`, delete by handle.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if any log-in succeeded.

            ## Related

            SSHBruteForce, SSHDistributedBruteForce; dashboard `obs-log-processing`.

            """##,
        "SSHRotatingNetworkIPv4": ##"""
            # SSHRotatingNetworkIPv4

            ## Meaning

            Eight or more addresses of one /24 made thirty attempts or more within a day.

            ## Impact

            As brute force by one address: the /64 is usually one machine.

            ## First five minutes

            Has it got in?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: no log-in from that network.

            ## Diagnosis

            A hoster's network is one customer's machine (IPv6) or several of them (IPv4). A network of a provider for homes has many households in a /24, and one in a /64.

            ## Mitigation

            Block the network, not the address: `nft add rule inet filter input ip6 saddr NETWORK drop` with the network of the incident's title. It worked when no new attempts come. Undo: `nft -a list ruleset`, delete by handle.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if any log-in succeeded.

            ## Related

            SSHRotatingNetwork, SSHBruteForce, SSHDistributedBruteForce; dashboard `obs-log-processing`.

            """##,
        "SSHScanner": ##"""
            # SSHScanner

            ## Meaning

            Connections of one address end before a user is named: wrong banners, no common algorithm, closed in the key exchange. Twenty within ten minutes.

            ## Impact

            None by itself: it asks which sshd and which algorithms you have.

            ## First five minutes

            Has it got in?

            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: only stages `banner` and `key_exchange`.

            ## Diagnosis

            Research scanners say who they are in the DNS: `dig -x` of the address. Your own scanner or monitoring: except its address in a rule of the same name (docs/rules.md). An old client that finds no algorithm tries again and again: its address is yours.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Nobody at night.

            ## Related

            SSHUserEnumeration, SSHConnectionsHeldOpen; dashboard `obs-log-processing`.

            """##,
        "SSHScannerSlow": ##"""
            # SSHScannerSlow

            ## Meaning

            sshd refused thirty connections of one address within seven days, before a user was named: wrong banners, no common algorithm.

            ## Impact

            None by itself: it asks which sshd and which algorithms you have.

            ## First five minutes

            Has it got in?

            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: only stages `banner` and `key_exchange`.

            ## Diagnosis

            Research scanners say who they are in the DNS: `dig -x` of the address. Your own scanner or monitoring: except its address in a rule of the same name (docs/rules.md). An old client that finds no algorithm tries again and again: its address is yours.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Nobody at night.

            ## Related

            SSHScanner, SSHUserEnumeration, SSHConnectionsHeldOpen; dashboard `obs-log-processing`.

            """##,
        "SSHSuccessAfterFailures": ##"""
            # SSHSuccessAfterFailures

            ## Meaning

            An address failed six times as a user within seven days, then logged in as that user without a key, from a network that was not known.

            ## Impact

            The account may be in an attacker's hands now.

            ## First five minutes

            Is the session still there? On the machine:

            ```sh
            who
            ```
            ```sh
            last -n 10 {user}
            ```

            What came from the address, and what was done since:

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'event=~"sudo|su|keys_changed|account_.*|password_changed"' --since 24h --limit 20
            ```

            Good: the user says that it was them who mistyped.

            ## Diagnosis

            Ask the user by another channel than the account. The first log-in from a hotel after six wrong passwords is possible, and rare; at night from another country it is an intrusion.

            ## Mitigation

            End the sessions (`pkill -KILL -u {user}`), lock the account (`usermod -L {user}`), remove new keys from `.ssh/authorized_keys` in the home that `getent passwd {user}` shows. Undo: `usermod -U {user}`.

            ## Silence

            Do not; acknowledge it: `obs incident ack {incident}`.

            ## Escalation

            Security on-call, now.

            ## Related

            SSHBruteForce, SSHPasswordSpray, SSHNewNetwork; dashboard `obs-log-processing`.

            """##,
        "SSHSuccessAfterGuessing": ##"""
            # SSHSuccessAfterGuessing

            ## Meaning

            An address failed ten times as anybody within seven days, then logged in without a key, from a network that was not known.

            ## Impact

            The account may be in an attacker's hands now.

            ## First five minutes

            Is the session still there? On the machine:

            ```sh
            who
            ```
            ```sh
            last -n 10 {user}
            ```

            What came from the address, and what was done since:

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'event=~"sudo|su|keys_changed|account_.*|password_changed"' --since 24h --limit 20
            ```

            Good: the user says that it was them who mistyped.

            ## Diagnosis

            Ask the user by another channel than the account. The first log-in from a hotel after six wrong passwords is possible, and rare; at night from another country it is an intrusion.

            ## Mitigation

            End the sessions (`pkill -KILL -u {user}`), lock the account (`usermod -L {user}`), remove new keys from `.ssh/authorized_keys` in the home that `getent passwd {user}` shows. Undo: `usermod -U {user}`.

            ## Silence

            Do not; acknowledge it: `obs incident ack {incident}`.

            ## Escalation

            Security on-call, now.

            ## Related

            SSHSuccessAfterFailures, SSHBruteForce, SSHPasswordSpray, SSHNewNetwork; dashboard `obs-log-processing`.

            """##,
        "SSHSuccessAfterSpray": ##"""
            # SSHSuccessAfterSpray

            ## Meaning

            An address failed as three users or more within seven days, then logged in, by password or key, from a network that was not known.

            ## Impact

            The account may be in an attacker's hands now.

            ## First five minutes

            Is the session still there? On the machine:

            ```sh
            who
            ```
            ```sh
            last -n 10 {user}
            ```

            What came from the address, and what was done since:

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'event=~"sudo|su|keys_changed|account_.*|password_changed"' --since 24h --limit 20
            ```

            Good: the user says that it was them who mistyped.

            ## Diagnosis

            Ask the user by another channel than the account. The first log-in from a hotel after six wrong passwords is possible, and rare; at night from another country it is an intrusion.

            ## Mitigation

            End the sessions (`pkill -KILL -u {user}`), lock the account (`usermod -L {user}`), remove new keys from `.ssh/authorized_keys` in the home that `getent passwd {user}` shows. Undo: `usermod -U {user}`.

            ## Silence

            Do not; acknowledge it: `obs incident ack {incident}`.

            ## Escalation

            Security on-call, now.

            ## Related

            SSHSuccessAfterFailures, SSHBruteForce, SSHPasswordSpray, SSHNewNetwork; dashboard `obs-log-processing`.

            """##,
        "SSHTwoPlaces": ##"""
            # SSHTwoPlaces

            ## Meaning

            A user logged in from two networks within a quarter of an hour, and one of them is new for this user.

            ## Impact

            Two people may use the account.

            ## First five minutes

            Both sessions, on the machine:

            ```sh
            who
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: a telephone beside a laptop, or a VPN that was switched on.

            ## Diagnosis

            Are both places where one person can be? Do both use the same key? Ask the user by another channel.

            ## Mitigation

            As for SSHNewNetwork: lock the account, end its sessions, change its keys.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Security on-call if the user knows of one of them only.

            ## Related

            SSHNewNetwork, SSHSuccessAfterFailures; dashboard `obs-log-processing`.

            """##,
        "SSHUserEnumeration": ##"""
            # SSHUserEnumeration

            ## Meaning

            One address has named eight users that do not exist, within an hour.

            ## Impact

            None by itself: it learns nothing from sshd of today, and goes through a list of names.

            ## First five minutes

            Has it got in?

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query events 'outcome="success"' --since 24h --limit 20
            ```

            Good: no log-in from that address.

            ## Diagnosis

            Names like `oracle` or `pi` are of a list that is on the internet. Names that follow your own scheme say that somebody prepares for you.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Nobody at night. Security on-call when the names follow your scheme.

            ## Related

            SSHPasswordSpray, SSHBruteForce, SSHScanner; dashboard `obs-log-processing`.

            """##,
        "SSHUsersNotAllowed": ##"""
            # SSHUsersNotAllowed

            ## Meaning

            One address tried eight times within an hour to log in as users that exist and may not log in (`AllowUsers`, `DenyUsers`, groups, a shell that is missing).

            ## Impact

            None: sshd refuses them whatever the password is.

            ## First five minutes

            Which users?

            ```sh
            obs query events {matchers} --limit 20
            ```

            Good: system accounts of a list, such as `bin` or `daemon`.

            ## Diagnosis

            Names of people say that the attacker knows your users, or that somebody lost a right that a job needs: then the address is yours.

            ## Mitigation

            Block the address: `nft add rule inet filter input ip saddr {source} drop` (`ip6` for an IPv6 address). It worked when no new attempts come (`obs query incident {incident}`). Undo: `nft -a list ruleset`, delete by handle. `obs blocklist` lists all such addresses.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            Nobody at night.

            ## Related

            SSHBruteForce, SSHPasswordSpray; dashboard `obs-log-processing`.

            """##,
        "SelfErrorBurst": ##"""
            # SelfErrorBurst

            ## Meaning

            One logger wrote ten errors within five minutes.

            ## Impact

            What it runs has failed, perhaps again and again.

            ## First five minutes

            What does it say?

            ```sh
            obs query incidents 'alertname="SelfErrorBurst"' --since 1h
            ```

            Good: none.

            ## Diagnosis

            - The evidence lines have message and exception. "No space left": `df -h`. A stack trace: its first line and the last `Caused by`.

            ## Mitigation

            Remove the cause that the message names. It worked when no new errors come.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The owner of the pipeline that the message names.

            ## Related

            SelfErrorsHigh, ObsPipelineStalled; dashboard `obs-self`.

            """##,
        "SelfErrorsHigh": ##"""
            # SelfErrorsHigh

            ## Meaning

            The watched logs hold more than 30 errors in five minutes, for ten minutes.

            ## Impact

            Something fails and goes on failing; what it should deliver is late by now.

            ## First five minutes

            What errors?

            ```sh
            obs query incidents 'alertname="SelfErrorBurst"' --since 1h
            ```

            Good: none.

            ## Diagnosis

            - The same message each time: one cause, often a full disk or a service that is gone. Many messages: a deployment.
            - `gold.self_errors` and `gold.self_job_failures` have each with its message and exception.

            ## Mitigation

            Remove the cause that the message names; restart what does not recover by itself. It worked when the panel "Errors" is near 0.

            ## Silence

            ```sh
            obs silence add alertname=SelfErrorsHigh --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The owner of the pipeline that the message names.

            ## Related

            SelfErrorBurst, ObsPipelineStalled; dashboard `obs-self`.

            """##,
        "SelfErrorsUnusual": ##"""
            # SelfErrorsUnusual

            ## Meaning

            A logger writes at least 20 errors within five minutes, and five times as many as it did in the week before: it fails in another way than it always does.

            ## Impact

            What the logger belongs to works worse than usual. A logger that always writes some errors opens nothing.

            ## First five minutes

            ```sh
            obs query events {matchers} --limit 20
            ```
            ```sh
            obs query incidents --since 24h
            ```

            Good: the errors have stopped, and name a cause that is over.

            ## Diagnosis

            Read the first error of the burst; those after it are often its consequences. What was changed shortly before: a release, the configuration, a credential that has expired?

            ## Mitigation

            Undo what was changed, or mend what the first error names. It worked when the incident ends by itself.

            ## Silence

            ```sh
            obs silence add alertname=SelfErrorsUnusual --for 2h --comment 'known, being worked on'
            ```

            ## Escalation

            The owner of what writes the log.

            ## Related

            SelfErrorBurst, SelfErrorsHigh; dashboard `obs-self`.

            """##,
        "SelfJobStalled": ##"""
            # SelfJobStalled

            ## Meaning

            A job that was at work has logged nothing for two minutes.

            ## Impact

            It hangs, or has ended; what it makes is not made.

            ## First five minutes

            Did it end well?

            ```sh
            obs query incidents 'alertname="SelfJobStalled"' --since 1h
            ```

            Good: its last line says that it has finished.

            ## Diagnosis

            - The last lines of the file: a stop is announced, a hang is not. A job that runs hourly is quiet in between: raise `gap` in pipelines/self.yaml.

            ## Mitigation

            Take a thread dump (`jstack PID`), then restart it. It worked when lines come again.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The owner of the job.

            ## Related

            SelfStagesSlow, ObsPipelineStalled; dashboard `obs-self`.

            """##,
        "SelfMessageNew": ##"""
            # SelfMessageNew

            ## Meaning

            The jobs wrote a warning or an error whose template (the message without its numbers and names) has not come in the 30 days before.

            ## Impact

            Often none; but a failure that nobody has seen before has no rule of its own, and this is its first sign.

            ## First five minutes

            Which new messages are there?

            ```sh
            obs query templates --only new --since 24h --table gold.self_job_templates
            ```

            Good: those of a deployment that you know of.

            ## Diagnosis

            - The evidence has the whole line; `obs query incident {incident} --context 5` shows what was written around it.
            - A new version of a job brings many new messages at once.
            - Three that differ in one word are one statement with a name in it: from the fourth on they are one template.

            ## Mitigation

            As the message says. If it is harmless, resolve the incident as expected: the same template is not found again within 30 days.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. While a deployment goes on:

            ```sh
            obs silence add alertname=SelfMessageNew --for 1h --comment "a deployment goes on"
            ```

            ## Escalation

            The owner of the job that {logger} belongs to.

            ## Related

            SelfErrorsUnusual; SelfMessageSurge; dashboard `obs-self`.

            """##,
        "SelfMessageSurge": ##"""
            # SelfMessageSurge

            ## Meaning

            One message of the jobs comes ten times as often as usual, at least 100 times within five minutes.

            ## Impact

            Retries, time-outs or a loop: work is done again and again, or not at all.

            ## First five minutes

            Which messages grow?

            ```sh
            obs query templates --only growing --since 1h --table gold.self_job_templates
            ```

            Good: those of a job that has more to do than usual.

            ## Diagnosis

            - The evidence has the last lines with their numbers and names: does one host, file or partition come in all of them?
            - Templates that are gone at the same time say what no longer happens: `obs query templates --only gone --since 1h`.

            ## Mitigation

            As the message says. It worked when `obs query templates --only growing --since 10m` no longer lists it.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The owner of the job.

            ## Related

            SelfErrorBurst; SelfMessageNew; dashboard `obs-self`.

            """##,
        "SelfStagesSlow": ##"""
            # SelfStagesSlow

            ## Meaning

            One task in twenty of a job takes five seconds or longer, in two windows of five minutes.

            ## Impact

            The job ends late, and what reads from it too.

            ## First five minutes

            How slow?

            ```sh
            curl -s http://127.0.0.1:9464/api/v1/serve/self_job_stages
            ```

            Good: `duration_p95_ms` near that of yesterday.

            ## Diagnosis

            - All tasks slow: the machine (`top`, garbage collection in its log). A few: skewed data, one large key.

            ## Mitigation

            Give the job more memory or fewer tasks at once. It worked when the panel "Stage durations" falls.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The owner of the job.

            ## Related

            SelfJobStalled; dashboard `obs-self`.

            """##,
        "ShopLatencyHigh": ##"""
            # ShopLatencyHigh

            ## Meaning

            One request in twenty takes longer than half a second.

            ## Impact

            Customers wait and leave; orders fall within minutes.

            ## First five minutes

            Which pages?

            ```sh
            obs query incidents 'alertname="ShopPagesSlow"' --since 1h
            ```

            Good: none.

            How slow now?

            ```sh
            curl -s http://127.0.0.1:9464/api/v1/serve/shop_views_by_method
            ```

            Good: `latency_p95_ms` below 300.

            ## Diagnosis

            - All methods: the database or the network behind the servers. Only POST: the payment provider.
            - `gold.shop_slow_views` has each slow request with its user and path.

            ## Mitigation

            Take the slow part out of the way (read-only mode, fewer results a page), then mend it. It worked when the panel "Latency" is below its line.

            ## Silence

            ```sh
            obs silence add alertname=ShopLatencyHigh --for 2h --comment 'known, being worked on'
            ```

            Two hours at most; it comes back if it still holds. Where Prometheus notifies another Alertmanager, add `--url http://127.0.0.1:9093`.

            ## Escalation

            The team of the shop.

            ## Related

            ShopPagesSlow, ShopServerErrors; dashboard `obs-shop`.

            """##,
        "ShopPagesSlow": ##"""
            # ShopPagesSlow

            ## Meaning

            A hundred requests of one method took half a second or longer within five minutes.

            ## Impact

            These customers wait; if it goes on, orders fall.

            ## First five minutes

            Who and what?

            ```sh
            obs query incidents 'alertname="ShopPagesSlow"' --since 1h
            ```

            Good: one incident that ends by itself.

            ## Diagnosis

            - The evidence lines name paths and users: one path is one page, one user is one account.
            - All paths: ShopLatencyHigh follows.

            ## Mitigation

            As for ShopLatencyHigh. It worked when no new evidence comes.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The team of the shop.

            ## Related

            ShopLatencyHigh, ShopServerErrors; dashboard `obs-shop`.

            """##,
        "ShopProductDisappoints": ##"""
            # ShopProductDisappoints

            ## Meaning

            Eight customers gave a product one or two stars within half an hour.

            ## Impact

            A bad batch, a wrong picture, or a campaign against it.

            ## First five minutes

            Who gave them, and what did they look at?

            ```sh
            obs query incidents 'alertname="ShopProductDisappoints"' --since 1h
            ```

            Good: ratings of many different products.

            ## Diagnosis

            - `gold.shop_disappointed` joins the stars with the pages that the same user viewed within ten minutes.

            ## Mitigation

            Take the product out of the shop until it is checked. It worked when its mean in `gold.shop_product_stars` rises.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The product's buyer, by day.

            ## Related

            ShopPagesSlow; dashboard `obs-shop`.

            """##,
        "ShopScraper": ##"""
            # ShopScraper

            ## Meaning

            A client viewed 300 pages or more in five minutes.

            ## Impact

            Load without customers; prices are copied.

            ## First five minutes

            Which client?

            ```sh
            curl -s http://127.0.0.1:9464/api/v1/serve/shop_clients/0
            ```

            Good: `views` below 300.

            ## Diagnosis

            - User 0 is whoever has not logged in: many people together on a busy day, or one program. Few distinct `products` in turn: a program.

            ## Mitigation

            Limit the rate at the load balancer. It worked when `views` falls.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            None by night; the team of the shop by day.

            ## Related

            ShopPagesSlow; dashboard `obs-shop`.

            """##,
        "ShopServerErrors": ##"""
            # ShopServerErrors

            ## Meaning

            Twenty requests of one method were answered with a status of 500 or above within five minutes.

            ## Impact

            Customers see an error page; carts are lost.

            ## First five minutes

            Which pages?

            ```sh
            obs query incidents 'alertname="ShopServerErrors"' --since 1h
            ```

            Good: none.

            ## Diagnosis

            - 503: overloaded or restarting. 500: a deployment or data. 502, 504: the services behind the servers.

            ## Mitigation

            Undo the last deployment, or add servers. It worked when the panel "Errors" is at 0.

            ## Silence

            An acknowledged incident stays quiet: `obs incident ack {incident} --note "why"`. It ends with the incident.

            ## Escalation

            The team of the shop, at once.

            ## Related

            ShopPagesSlow; dashboard `obs-shop`.

            """##,
        "Watchdog": ##"""
            # Watchdog

            ## Meaning

            Alerting works: this alert always fires.

            ## Impact

            None while it fires. When it stops coming, no other alert can come either.

            ## First five minutes

            Only act when the outside service says that it stopped:

            ```sh
            curl -s http://127.0.0.1:9090/-/healthy
            ```

            Good: `Prometheus Server is Healthy.`

            ## Diagnosis

            - Prometheus down: start it.
            - Prometheus up: is the rule loaded (`/rules`), is the Alertmanager reached (`/status`)?

            ## Mitigation

            Bring back the part that is down. It worked when the outside service shows a new heartbeat.

            ## Silence

            Do not silence it: silence it only at the outside service, for the length of planned work.

            ## Escalation

            The owner of the host that obs runs on; then whoever owns the on-call rota, because while this lasts part of the watch is blind.

            ## Related

            ObsDown; dashboard `obs-overview`.

            """##,
    ]
}
