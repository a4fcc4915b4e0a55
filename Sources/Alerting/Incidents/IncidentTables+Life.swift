import Store

/// How incidents end, which were found in the past, and what a whole takes from its parts.
public enum IncidentLifeTables {
    static let migrations = [
        Migration(id: "incident-life-1", sql: ends + past + statistics + escalation),
        Migration(id: "incident-life-2", sql: lines + worst + silences),
    ]

    /// What people, rules and time say of the end. Looked for each second, so each of the two indexes holds only what may end by itself.
    private static let ends = """
        -- Only a person ends it; else it ends after so many microseconds without anything new, null for resolve_timeout.
        ALTER TABLE incident ADD COLUMN ends_by_hand INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE incident ADD COLUMN ends_after INTEGER;
        -- Who did something about it first: what nobody has seen may have ended by itself.
        ALTER TABLE incident ADD COLUMN seen_by TEXT;
        UPDATE incident SET ends_by_hand = 1
            WHERE state IN ('open', 'acknowledged') AND detector <> 'posted' AND (state = 'acknowledged' OR severity = 'critical');
        UPDATE incident SET seen_by = coalesce(acknowledged_by, changed_by, assignee)
            WHERE coalesce(acknowledged_by, changed_by, assignee) IS NOT NULL;
        DROP INDEX incident_live;
        CREATE INDEX incident_ends_by_quiet ON incident (updated_at) WHERE \(endsByQuiet) AND ends_after IS NULL;
        CREATE INDEX incident_ends_by_own_quiet ON incident (updated_at) WHERE \(endsByQuiet) AND ends_after IS NOT NULL;
        CREATE INDEX incident_unseen ON incident (listed_at) WHERE \(unseen);

        """

    /// Spelled as the partial indexes have it: a question must say it with the same words.
    static let endsByQuiet = "state = 'open' AND ends_by_hand = 0 AND detector <> '\(PostedIncident.detector)'"
    public static let unseen = "resolution = 'quiet' AND seen_by IS NULL AND merged_into IS NULL"
    public static let foundInPast = "resolution = 'past' AND merged_into IS NULL"
    public static let foundLate = "opened_at - starts_at > \(IncidentStore.foundLate.inMicroseconds)"

    private static let past = """
        -- It had been over for long when it was found. It stays so when it turns out to go on: how long it took to find says nothing.
        ALTER TABLE incident ADD COLUMN found_in_past INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX incident_past ON incident (listed_at) WHERE \(foundInPast);
        CREATE INDEX incident_found_late ON incident (opened_at) WHERE \(foundLate);
        -- What the next summary is about, by when it was found.
        CREATE TABLE past_found (
            found_at INTEGER NOT NULL, incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE, PRIMARY KEY (found_at, incident))
            WITHOUT ROWID;
        CREATE INDEX past_found_incident ON past_found (incident);

        """

    /// The past has neither a time to detect nor one to resolve, and an acknowledgement that was taken back is counted no longer.
    private static let statistics = """
        DROP TRIGGER incident_statistic_insert;
        CREATE TRIGGER incident_statistic_insert AFTER INSERT ON incident WHEN new.merged_into IS NULL BEGIN
        \(IncidentTables.tally("opened", "0"))
        END;
        CREATE TRIGGER incident_statistic_detect AFTER INSERT ON incident WHEN new.merged_into IS NULL AND new.found_in_past = 0 BEGIN
        \(IncidentTables.tally("detect", "max(0, new.opened_at - new.starts_at)"))
        END;
        DROP TRIGGER incident_statistic_severity;
        \(IncidentTables.raising(detected: "new.found_in_past = 0"))
        DROP TRIGGER incident_statistic_acknowledge;
        DROP TRIGGER incident_statistic_resolve;
        DROP TRIGGER incident_statistic_reopen;
        \(IncidentTables.lifeTriggers(told: told, ended: " AND new.resolution IS NOT 'past'", hadEnded: " AND old.resolution IS NOT 'past'"))
        \(IncidentTables.handBackTrigger(told: told))

        """

    private static let told = "incident_told g WHERE g.incident = new.number"

    /// Which policy escalates it: one that became worse may be another's. Where somebody has it, how far its escalation had come is kept.
    private static let escalation = """
        ALTER TABLE escalation ADD COLUMN policy TEXT;
        DROP TRIGGER escalation_begin;
        DROP TRIGGER escalation_again;
        CREATE TRIGGER escalation_begin AFTER INSERT ON incident WHEN new.state = 'open' AND new.merged_into IS NULL BEGIN
            INSERT INTO escalation (incident, since, step, due_at) VALUES (new.number, new.opened_at, 0, new.opened_at);
        END;
        CREATE TRIGGER escalation_again AFTER UPDATE OF state, merged_into ON incident
            WHEN new.state = 'open' AND new.merged_into IS NULL AND (old.state <> 'open' OR old.merged_into IS NOT NULL)
        BEGIN INSERT OR REPLACE INTO escalation (incident, since, step, due_at) VALUES (new.number, new.updated_at, 0, new.updated_at); END;
        CREATE TABLE escalation_held (
            incident INTEGER PRIMARY KEY REFERENCES incident (number) ON DELETE CASCADE, since INTEGER NOT NULL, step INTEGER NOT NULL,
            policy TEXT, held_at INTEGER NOT NULL);
        """

    /// How many lines an incident stands on: in all, in the session that goes on, and which. `count` is the most within what its rule looks back.
    private static let lines = """
        ALTER TABLE incident ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE incident ADD COLUMN within INTEGER;
        ALTER TABLE incident ADD COLUMN session_start INTEGER;
        ALTER TABLE incident ADD COLUMN session_total INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE incident ADD COLUMN lines BLOB;
        -- Of its parts: the lines of all, and the most that one has in all. What is shown is each line once; null is the sum.
        ALTER TABLE incident ADD COLUMN merged_lines BLOB;
        ALTER TABLE incident ADD COLUMN merged_most INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE incident ADD COLUMN line_count INTEGER;
        UPDATE incident SET total = count WHERE state <> 'resolved';
        ALTER TABLE evidence ADD COLUMN host TEXT;

        """

    /// What a whole says of itself where a part is worse than what it began as; `headline` is the title.
    private static let worst = """
        ALTER TABLE incident ADD COLUMN worst INTEGER;
        ALTER TABLE incident ADD COLUMN worst_name TEXT;
        ALTER TABLE incident ADD COLUMN worst_description TEXT;
        ALTER TABLE incident ADD COLUMN worst_labels TEXT;
        UPDATE incident SET (worst, worst_name, worst_description, worst_labels) =
            (SELECT p.number, p.name, p.description, p.labels FROM incident p WHERE p.merged_into = incident.number AND p.title = incident.headline
                ORDER BY p.number LIMIT 1)
            WHERE headline IS NOT NULL;

        """

    private static let silences = """
        CREATE TABLE incident_silence (
            silence TEXT PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE);
        CREATE INDEX incident_silence_incident ON incident_silence (incident);
        """
}
