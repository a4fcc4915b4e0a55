import Columns
import Store

/// The tables of this room, as they are. Times are in microseconds since 1970, UTC; labels and annotations are JSON objects
/// with sorted names.
///
///     alert ──▶ alert_membership ──▶ alert_grouping ──▶ outbox
///       └─────▶ incident ──▶ evidence, timeline, incident_notified, escalation
///
/// What is kept twice, so that questions stay fast with a million incidents (labels, text search, counts, statistics), is kept
/// by triggers (`IncidentSchema+Triggers.swift`), because several processes change incidents and none may forget them.
enum IncidentSchema {
    static let migration = Migration(
        id: "0.1 incidents",
        sql: [
            incident, evidence, alert, outbox, silence, escalation, past, search, labels, statistics, triggers, statisticTriggers,
        ].joined(separator: "\n"))

    private static let incident = """
        -- Something that needs attention: one or more findings of the same kind about the same thing, or the posted alerts of
        -- one group.
        CREATE TABLE incident (
            -- INC-1042 has the number 1042.
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            -- What it is about: 16 hexadecimal digits made of its labels; group-N for the posted alerts of the grouping N.
            fingerprint TEXT NOT NULL,
            -- The name of its rule or alert.
            name TEXT NOT NULL,
            -- What found it: rule, ensemble, forest, series, or posted.
            detector TEXT NOT NULL,
            -- info, warning or critical: the worst so far, its child incidents included.
            severity TEXT NOT NULL,
            -- open, acknowledged or resolved.
            state TEXT NOT NULL,
            -- One line.
            title TEXT NOT NULL,
            -- A few sentences.
            description TEXT NOT NULL,
            -- JSON: the labels that it began with.
            labels TEXT NOT NULL,
            -- Time of its first event.
            starts_at INTEGER NOT NULL,
            -- Time of its latest event.
            last_seen INTEGER NOT NULL,
            -- When obs opened it.
            opened_at INTEGER NOT NULL,
            -- When obs last learned something new about it.
            updated_at INTEGER NOT NULL,
            -- Null until it is resolved.
            resolved_at INTEGER,
            -- Who has acknowledged it; null when nobody has.
            acknowledged_by TEXT,
            -- The most events that its rule saw within the column within; for posted alerts, how many joined.
            count INTEGER NOT NULL,
            -- JSON: which features stood out, of findings of models.
            contributions TEXT NOT NULL,
            -- Grows with each decision about it, not with each event.
            version INTEGER NOT NULL DEFAULT 1,
            -- Who made the latest decision; null when it was obs.
            changed_by TEXT,
            -- Who is to deal with it.
            assignee TEXT,
            -- When it was first acknowledged; null again when it is handed back.
            acknowledged_at INTEGER,
            -- How it ended: fixed, false_positive, expected, quiet (by itself) or past.
            resolution TEXT,
            -- The number of its parent incident.
            merged_into INTEGER,
            -- Why it became a child.
            merged_because TEXT,
            -- Events of its children in all.
            merged_count INTEGER NOT NULL DEFAULT 0,
            -- How often it ended and came back.
            reopened INTEGER NOT NULL DEFAULT 0,
            -- While it is flapping: it ends only after so many microseconds without anything new.
            quiet_for INTEGER,
            -- The title of its worst child, when that is worse than the incident itself; null otherwise.
            headline TEXT,
            -- 1 when only a person ends it.
            ends_by_hand INTEGER NOT NULL DEFAULT 0,
            -- It ends after so many microseconds without anything new; null for resolve_timeout.
            ends_after INTEGER,
            -- The first person who did something about it.
            seen_by TEXT,
            -- 1 when it had been over for long when it was found.
            found_in_past INTEGER NOT NULL DEFAULT 0,
            -- Events that its rule saw in all.
            total INTEGER NOT NULL DEFAULT 0,
            -- How far its rule looks back, in microseconds.
            within INTEGER,
            -- When the session of events that goes on began.
            session_start INTEGER,
            -- How many events that session has.
            session_total INTEGER NOT NULL DEFAULT 0,
            -- Which lines: a sketch of the set of lines, so that a line that two rules matched counts once.
            lines BLOB,
            -- The lines of all its children.
            merged_lines BLOB,
            -- The most events that one child has.
            merged_most INTEGER NOT NULL DEFAULT 0,
            -- Events of it and its children, each line once; null for posted alerts, which are added up.
            line_count INTEGER,
            -- The number of its worst child, when that is worse than the incident itself.
            worst INTEGER,
            -- Of that child.
            worst_name TEXT,
            -- Of that child.
            worst_description TEXT,
            -- JSON, of that child.
            worst_labels TEXT,
            -- The order of lists: opened_at, but starts_at for what was found more than an hour after it began.
            listed_at INTEGER GENERATED ALWAYS AS
                (iif(opened_at - starts_at BETWEEN 0 AND \(foundLateAfter), opened_at, starts_at)) VIRTUAL);

        -- The first incident is INC-1001, so that a number looks like one from the start.
        INSERT INTO sqlite_sequence (name, seq) VALUES ('incident', 1000);

        CREATE INDEX incident_fingerprint ON incident (fingerprint, number);
        CREATE INDEX incident_merged ON incident (merged_into) WHERE merged_into IS NOT NULL;
        -- Lists, newest first. Each index has them in the order of the answer.
        CREATE INDEX incident_listed ON incident (listed_at);
        CREATE INDEX incident_last ON incident (last_seen, listed_at);
        CREATE INDEX incident_state ON incident (state, listed_at);
        CREATE INDEX incident_severity ON incident (severity, listed_at);
        CREATE INDEX incident_who ON incident (coalesce(assignee, acknowledged_by), listed_at)
            WHERE coalesce(assignee, acknowledged_by) IS NOT NULL;
        CREATE INDEX incident_unseen ON incident (listed_at) WHERE \(unseen);
        CREATE INDEX incident_past ON incident (listed_at) WHERE \(foundInPast);
        CREATE INDEX incident_opened ON incident (opened_at, severity, merged_into);
        CREATE INDEX incident_found_late ON incident (opened_at) WHERE \(foundLate);
        -- An index is a page more to write per incident. These hold only the few that are not over.
        CREATE INDEX incident_open_by_rule ON incident (name, severity, opened_at, state, merged_into) WHERE \(goesOn)
            AND merged_into IS NULL;
        CREATE INDEX incident_ends_by_quiet ON incident (updated_at) WHERE \(endsByQuiet) AND ends_after IS NULL;
        CREATE INDEX incident_ends_by_own_quiet ON incident (updated_at) WHERE \(endsByQuiet) AND ends_after IS NOT NULL;

        """

    private static let evidence = """
        -- Lines that an incident stands on, at most \(IncidentLedger.maxEvidence) per incident.
        CREATE TABLE evidence (
            incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE,
            file TEXT NOT NULL,
            -- Byte offset of the line in its file.
            offset INTEGER NOT NULL,
            line TEXT NOT NULL,
            -- Time of the event.
            time INTEGER NOT NULL,
            -- The machine that the line is about.
            host TEXT,
            PRIMARY KEY (incident, file, offset)) WITHOUT ROWID;

        -- What happened to an incident, oldest first.
        CREATE TABLE timeline (
            id INTEGER PRIMARY KEY,
            incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE,
            at INTEGER NOT NULL,
            -- A person, or obs.
            actor TEXT NOT NULL,
            -- \(TimelineKind.allCases.map(\.rawValue).joined(separator: ", ")).
            kind TEXT NOT NULL,
            text TEXT NOT NULL);
        CREATE INDEX timeline_incident ON timeline (incident, id);

        """

    private static let alert = """
        -- Alerts that are firing or ended less than five days ago: what was posted, and one per open incident of a finding.
        CREATE TABLE alert (
            id INTEGER PRIMARY KEY,
            -- 64-bit hash of its labels, as Prometheus has it.
            fingerprint INTEGER NOT NULL UNIQUE,
            labels TEXT NOT NULL,
            -- Empty for findings, whose incident has the words.
            annotations TEXT NOT NULL,
            generator_url TEXT NOT NULL,
            starts_at INTEGER NOT NULL,
            -- Null: it ends with its incident.
            ends_at INTEGER,
            -- 1 when its sender gave no end, so that resolve_timeout ends it.
            has_timeout INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            -- 1 for the alert of a finding, 0 for a posted one.
            is_finding INTEGER NOT NULL,
            incident INTEGER REFERENCES incident (number) ON DELETE SET NULL);
        CREATE INDEX alert_incident ON alert (incident);

        -- Groups of alerts by receiver, as routes and escalations make them.
        CREATE TABLE alert_grouping (
            id INTEGER PRIMARY KEY,
            receiver TEXT NOT NULL,
            -- As Alertmanager names groups; escalation:INC-1042:1 for the first step of an escalation.
            group_key TEXT NOT NULL,
            group_labels TEXT NOT NULL,
            -- How often it is looked at, as its route says.
            group_interval INTEGER NOT NULL,
            -- After how long its receiver is notified again of what still fires.
            repeat_interval INTEGER NOT NULL,
            -- When it was last looked at.
            last_flush INTEGER,
            -- When its receiver was last notified.
            last_sent INTEGER,
            -- The open incident of its posted alerts.
            incident INTEGER REFERENCES incident (number) ON DELETE SET NULL,
            -- The incident that this group of an escalation follows.
            escalates INTEGER,
            UNIQUE (receiver, group_key));
        CREATE INDEX alert_grouping_incident ON alert_grouping (incident) WHERE incident IS NOT NULL;
        CREATE INDEX alert_grouping_escalates ON alert_grouping (escalates) WHERE escalates IS NOT NULL;

        -- Which alert is in which group.
        CREATE TABLE alert_membership (
            grouping INTEGER NOT NULL REFERENCES alert_grouping (id) ON DELETE CASCADE,
            alert INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
            -- What the receiver knows: null (nothing), firing, or hidden (it was notified, and a later notification left the
            -- alert out).
            notified TEXT,
            PRIMARY KEY (grouping, alert)) WITHOUT ROWID;
        CREATE INDEX alert_membership_alert ON alert_membership (alert);

        -- Which groups were notified of an incident, also after its alerts have left them.
        CREATE TABLE incident_notified (
            incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE,
            receiver TEXT NOT NULL,
            group_key TEXT NOT NULL,
            PRIMARY KEY (incident, receiver, group_key)) WITHOUT ROWID;

        """

    private static let outbox = """
        -- Notifications: pending, sent, and given up. A group has at most one pending row, which says when it is looked at next.
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            receiver TEXT NOT NULL,
            group_key TEXT NOT NULL,
            -- Since when it is pending.
            created_at INTEGER NOT NULL,
            -- When it is tried next.
            due_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            -- \(OutboxState.allCases.map(\.rawValue).joined(separator: ", ")).
            state TEXT NOT NULL DEFAULT 'pending',
            sent_at INTEGER,
            last_error TEXT,
            -- JSON list: which integrations of the receiver have accepted or refused it.
            delivered TEXT,
            -- JSON, of dead letters: what it was to say, as version 4 of Alertmanager's webhook.
            payload TEXT,
            -- Of dead letters: firing, or ended when only ends were new.
            reason TEXT,
            -- While it is retried: when it was first due.
            first_due INTEGER,
            -- While it is retried: when it was tried last.
            tried_at INTEGER);
        CREATE INDEX outbox_due ON outbox (state, due_at);
        CREATE INDEX outbox_group ON outbox (receiver, group_key, state);
        CREATE INDEX outbox_sent ON outbox (state, sent_at);
        CREATE INDEX outbox_told ON outbox (receiver, group_key, created_at);
        CREATE INDEX outbox_created ON outbox (created_at);
        CREATE INDEX outbox_receiver ON outbox (receiver, created_at);
        CREATE INDEX outbox_state ON outbox (state, created_at);

        """

    private static let silence = """
        -- Silences: alerts that match are not notified.
        CREATE TABLE silence (
            id TEXT PRIMARY KEY,
            -- JSON list of name, operator and value.
            matchers TEXT NOT NULL,
            starts_at INTEGER NOT NULL,
            ends_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            created_by TEXT NOT NULL,
            comment TEXT NOT NULL);
        CREATE INDEX silence_end ON silence (ends_at);

        -- Silences that were made from an incident.
        CREATE TABLE incident_silence (
            silence TEXT PRIMARY KEY,
            incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE);
        CREATE INDEX incident_silence_incident ON incident_silence (incident);

        """

    private static let escalation = """
        -- Open incidents that nobody has acknowledged.
        CREATE TABLE escalation (
            incident INTEGER PRIMARY KEY REFERENCES incident (number) ON DELETE CASCADE,
            -- From when the delays of its policy count.
            since INTEGER NOT NULL,
            -- Index of the next step.
            step INTEGER NOT NULL,
            -- When the next step is due; null when there is none.
            due_at INTEGER,
            -- The matchers of its policy; empty for none, null before it was first looked at.
            policy TEXT);
        CREATE INDEX escalation_due ON escalation (due_at) WHERE due_at IS NOT NULL;

        -- How far the escalation of an acknowledged incident had come, for when it is handed back.
        CREATE TABLE escalation_held (
            incident INTEGER PRIMARY KEY REFERENCES incident (number) ON DELETE CASCADE,
            since INTEGER NOT NULL,
            step INTEGER NOT NULL,
            policy TEXT,
            held_at INTEGER NOT NULL);

        """

    private static let past = """
        -- Incidents that were over when they were found and are not yet in a summary.
        CREATE TABLE past_found (
            found_at INTEGER NOT NULL,
            incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE,
            PRIMARY KEY (found_at, incident)) WITHOUT ROWID;
        CREATE INDEX past_found_incident ON past_found (incident);

        -- The time by which old rows are deleted: one row.
        CREATE TABLE believed_time (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            believed INTEGER NOT NULL,
            -- A later time that the clock jumped to and that is not believed yet.
            jumped_to INTEGER,
            -- When the clock last showed a time after that.
            seen_at INTEGER);

        """

    /// Pieces of the search index are merged when there are sixteen of a size, not four: half as much is written, and a
    /// question reads a few dozen pages more. Sixteen is also what FTS5 takes for a crisis, in which it merges everything at
    /// once for as long as two seconds; from 64 on it does.
    private static let search = """
        -- Full-text search: titles, names and labels of incidents.
        CREATE VIRTUAL TABLE incident_search USING fts5 (title, name, labels, content='incident', content_rowid='number');
        -- Full-text search: timelines, without notifications.
        CREATE VIRTUAL TABLE timeline_search USING fts5 (text, content='timeline', content_rowid='id');
        INSERT INTO incident_search (incident_search, rank) VALUES ('automerge', 16), ('crisismerge', 64);
        INSERT INTO timeline_search (timeline_search, rank) VALUES ('automerge', 16), ('crisismerge', 64);

        -- Up to which incident and which timeline entry the search is complete: one row.
        CREATE TABLE text_index (
            incidents INTEGER NOT NULL,
            entries INTEGER NOT NULL);
        INSERT INTO text_index VALUES (0, 0);

        """

    private static let labels = """
        -- Incidents by label: the labels of a parent and of its children point to the parent.
        CREATE TABLE incident_label (
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            -- incident.listed_at of the parent.
            listed_at INTEGER NOT NULL,
            incident INTEGER NOT NULL,
            PRIMARY KEY (name, value, listed_at, incident)) WITHOUT ROWID;

        """

    private static let statistics = """
        -- How many incidents there are by state and severity; children do not count.
        CREATE TABLE incident_count (
            state TEXT NOT NULL,
            severity TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (state, severity)) WITHOUT ROWID;

        -- Counts and times per day (UTC) on which incidents were opened; kept when incidents are deleted.
        CREATE TABLE incident_statistic (
            -- Days since 1970-01-01.
            day INTEGER NOT NULL,
            -- Empty: all incidents, by rule and severity; otherwise the incidents that this receiver was notified of.
            receiver TEXT NOT NULL,
            -- The rule; empty with a receiver.
            name TEXT NOT NULL,
            severity TEXT NOT NULL,
            -- opened, detect, acknowledge, resolve, false_positive; sent and dead for notifications.
            measure TEXT NOT NULL,
            -- The time that it took, rounded: 8 × log2 of its milliseconds.
            bucket INTEGER NOT NULL,
            count INTEGER NOT NULL,
            -- Sum of the times in the bucket, in microseconds.
            total INTEGER NOT NULL,
            PRIMARY KEY (day, receiver, name, severity, measure, bucket)) WITHOUT ROWID;

        -- The same, summed over \(daysOfBlock) days.
        CREATE TABLE incident_statistic_block (
            -- Day divided by \(daysOfBlock).
            block INTEGER NOT NULL,
            receiver TEXT NOT NULL,
            name TEXT NOT NULL,
            severity TEXT NOT NULL,
            measure TEXT NOT NULL,
            bucket INTEGER NOT NULL,
            count INTEGER NOT NULL,
            total INTEGER NOT NULL,
            PRIMARY KEY (block, receiver, name, severity, measure, bucket)) WITHOUT ROWID;

        -- The same, summed over all rules of a day.
        CREATE TABLE incident_statistic_day (
            day INTEGER NOT NULL,
            measure TEXT NOT NULL,
            bucket INTEGER NOT NULL,
            count INTEGER NOT NULL,
            total INTEGER NOT NULL,
            PRIMARY KEY (day, measure, bucket)) WITHOUT ROWID;

        """
}

// MARK: Conditions

/// Spelled as the partial indexes have it: SQLite uses such an index only for a question that says the same words.
extension IncidentSchema {
    static let goesOn = "state IN ('open', 'acknowledged')"
    static let endsByQuiet = "state = 'open' AND ends_by_hand = 0 AND detector <> '\(PostedIncident.detector)'"
    static let unseen = "resolution = 'quiet' AND seen_by IS NULL AND merged_into IS NULL"
    static let foundInPast = "resolution = 'past' AND merged_into IS NULL"
    static let foundLate = "opened_at - starts_at > \(foundLateAfter)"

    /// ``IncidentStore/foundLate`` in microseconds.
    private static let foundLateAfter = IncidentStore.foundLate.inMicroseconds

    /// A year is 23 blocks, and at both ends at most a month of single days is read.
    static let daysOfBlock = IncidentStore.daysOfStatisticsBlock

    /// Fills the empty index of labels in the order of its keys, so that each page is written once.
    static let allLabels = """
        INSERT INTO incident_label
            SELECT DISTINCT l.key, l.value, w.listed_at, w.number
            FROM incident i CROSS JOIN incident w ON w.number = coalesce(i.merged_into, i.number), json_each(i.labels) l
                ORDER BY 1, 2, 3, 4;
        """
}

extension IncidentStore {
    /// The layout of the room's tables.
    public static let migrations = [IncidentSchema.migration]

    /// An incident that was found later than this after it began is listed by when it began, all others by when they were opened.
    static let foundLate = Duration.seconds(3600)

    /// How many days a row of `incident_statistic_block` sums; block 0 begins on 1970-01-01.
    public static let daysOfStatisticsBlock: Int64 = 16

    /// Fills the empty table `incident_label`, for those who load incidents in bulk without triggers.
    public static let allLabels = IncidentSchema.allLabels
}
