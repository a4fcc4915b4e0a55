import Store

/// What keeps the pages few that an incident touches when it comes in, and those that a million before it are on (Benchmarks/Incidents).
extension IncidentTables {
    static let places = Migration(
        id: "incidents-5",
        sql: listing + labelTable + IncidentStore.allLabels + labelTriggers + toldTable + toldTriggers + merging)

    /// Lists are in the order in which incidents became known, so that what comes in goes to the end of each index, and stays where it is: what begins within five minutes would
    /// go in at as many places. Only what was found long after it began, in logs of the past, stands where it began; so a beginning is never far before its place.
    private static let listing = """
        ALTER TABLE incident ADD COLUMN listed_at INTEGER GENERATED ALWAYS AS
            (iif(opened_at - starts_at BETWEEN 0 AND \(IncidentStore.foundLate.inMicroseconds), opened_at, starts_at)) VIRTUAL;
        DROP INDEX incident_begin;
        DROP INDEX incident_last;
        DROP INDEX incident_state_begin;
        DROP INDEX incident_severity_begin;
        DROP INDEX incident_who_begin;
        CREATE INDEX incident_listed ON incident (listed_at);
        CREATE INDEX incident_last ON incident (last_seen, listed_at);
        CREATE INDEX incident_state ON incident (state, listed_at);
        CREATE INDEX incident_severity ON incident (severity, listed_at);
        CREATE INDEX incident_who ON incident (coalesce(assignee, acknowledged_by), listed_at) WHERE coalesce(assignee, acknowledged_by) IS NOT NULL;

        """

    /// An incident is found by its labels and by those of its parts; parts themselves are not found, so they stand in it under their whole only.
    private static let labelTable = """
        DROP TABLE incident_label;
        CREATE TABLE incident_label (
            name TEXT NOT NULL, value TEXT NOT NULL, listed_at INTEGER NOT NULL, incident INTEGER NOT NULL, PRIMARY KEY (name, value, listed_at, incident))
            WITHOUT ROWID;

        """

    private static let labelTriggers = """

        DROP TRIGGER incident_label_insert;
        DROP TRIGGER incident_label_update;
        DROP TRIGGER incident_label_merge;
        DROP TRIGGER incident_label_delete;
        CREATE TRIGGER incident_label_insert AFTER INSERT ON incident BEGIN
            \(addNew)
        END;
        CREATE TRIGGER incident_label_update AFTER UPDATE OF labels, starts_at ON incident
            WHEN old.labels IS NOT new.labels OR old.listed_at IS NOT new.listed_at
        BEGIN
            \(takeOld)
            \(put(under: "coalesce(new.merged_into, new.number)"))
        END;
        CREATE TRIGGER incident_label_merge AFTER UPDATE OF merged_into ON incident WHEN old.merged_into IS NOT new.merged_into BEGIN
            \(takeOld)
            \(put(under: "old.merged_into"))
            \(addNew)
        END;
        CREATE TRIGGER incident_label_delete AFTER DELETE ON incident BEGIN
            \(takeOld)
            \(put(under: "old.merged_into"))
        END;

        """

    /// The labels of one more: those that a whole has from its other parts need no look, be they a thousand.
    private static let addNew = """
        INSERT OR IGNORE INTO incident_label SELECT l.key, l.value, w.listed_at, w.number
            FROM json_each(new.labels) l, incident w WHERE w.number = coalesce(new.merged_into, new.number);
        """

    /// All that stood under the incident, and what its whole may have had from it only; what others have too is put back by ``put(under:)``.
    private static let takeOld = """
        DELETE FROM incident_label WHERE (name, value, listed_at, incident) IN (
            SELECT l.key, l.value, old.listed_at, old.number FROM json_each(old.labels) l
            UNION ALL SELECT l.key, l.value, old.listed_at, old.number FROM incident p, json_each(p.labels) l WHERE p.merged_into = old.number
            UNION ALL SELECT l.key, l.value, w.listed_at, w.number FROM json_each(old.labels) l, incident w WHERE w.number = old.merged_into);
        """

    /// The labels of an incident that is no part, and of all its parts.
    private static func put(under whole: String) -> String {
        """
        INSERT OR IGNORE INTO incident_label SELECT l.key, l.value, w.listed_at, w.number
            FROM incident w JOIN incident p ON p.number = w.number OR p.merged_into = w.number, json_each(p.labels) l
            WHERE w.number = \(whole) AND w.merged_into IS NULL;
        """
    }

    /// Which groups were told of an incident, by their names: a group is forgotten long before what it was told, and the index that finds what refers to it was a page more for
    /// every incident.
    private static let toldTable = """
        CREATE TABLE incident_told (
            incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE, receiver TEXT NOT NULL, group_key TEXT NOT NULL,
            PRIMARY KEY (incident, receiver, group_key)) WITHOUT ROWID;
        INSERT INTO incident_told SELECT t.incident, g.receiver, g.group_key FROM incident_grouping t JOIN alert_grouping g ON g.id = t.grouping ORDER BY 1, 2, 3;
        DROP TABLE incident_grouping;

        """

    /// The statistics of receivers; an incident counts once for each, in however many of its groups it is.
    private static let toldTriggers = """
        CREATE TRIGGER incident_statistic_told AFTER INSERT ON incident_told
            WHEN NOT EXISTS (SELECT 1 FROM incident_told WHERE incident = new.incident AND receiver = new.receiver AND group_key <> new.group_key)
        BEGIN
            INSERT INTO incident_statistic
                SELECT opened_at / 86400000000, new.receiver, '', '', 'opened', 0, 1, 0 FROM incident WHERE number = new.incident
                ON CONFLICT DO UPDATE SET count = count + 1;
        END;
        DROP TRIGGER incident_statistic_acknowledge;
        DROP TRIGGER incident_statistic_resolve;
        DROP TRIGGER incident_statistic_reopen;
        \(lifeTriggers(told: "incident_told g WHERE g.incident = new.number"))

        """

    /// Pieces of the text search are merged a little with each transaction from sixteen on. As many is also what FTS5 takes for a crisis, and then it merges all at once, for as
    /// long as two seconds: more are none yet.
    private static let merging = """
        INSERT INTO incident_search (incident_search, rank) VALUES ('crisismerge', 64);
        INSERT INTO timeline_search (timeline_search, rank) VALUES ('crisismerge', 64);
        """
}

extension IncidentStore {
    /// What is found so long after it began is history: lists have it where it began, and all else where it was opened. The tables are made with it.
    public static let foundLate = Duration.seconds(3600)

    /// A statement that fills the empty index of labels in the order of its keys, so that each page is written once.
    public static let allLabels = """
        INSERT INTO incident_label
            SELECT DISTINCT l.key, l.value, w.listed_at, w.number
            FROM incident i CROSS JOIN incident w ON w.number = coalesce(i.merged_into, i.number), json_each(i.labels) l ORDER BY 1, 2, 3, 4;
        """
}
