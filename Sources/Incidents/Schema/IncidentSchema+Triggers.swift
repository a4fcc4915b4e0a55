/// What keeps labels, search, counts and escalations in step with incidents, whoever changes them.
extension IncidentSchema {
    static let triggers = version + escalations + labelTriggers + searchTriggers + countTriggers

    private static let version = """
        CREATE TRIGGER incident_version AFTER UPDATE OF state, assignee, severity, resolution, merged_into ON incident
            WHEN old.state IS NOT new.state OR old.assignee IS NOT new.assignee OR old.severity IS NOT new.severity
                OR old.resolution IS NOT new.resolution OR old.merged_into IS NOT new.merged_into
        BEGIN UPDATE incident SET version = old.version + 1 WHERE number = new.number; END;

        """

    private static let escalations = """
        CREATE TRIGGER escalation_end AFTER UPDATE OF state, merged_into ON incident
            WHEN new.state <> 'open' OR new.merged_into IS NOT NULL
        BEGIN DELETE FROM escalation WHERE incident = new.number; END;
        CREATE TRIGGER escalation_begin AFTER INSERT ON incident WHEN new.state = 'open' AND new.merged_into IS NULL BEGIN
            INSERT INTO escalation (incident, since, step, due_at) VALUES (new.number, new.opened_at, 0, new.opened_at);
        END;
        CREATE TRIGGER escalation_again AFTER UPDATE OF state, merged_into ON incident
            WHEN new.state = 'open' AND new.merged_into IS NULL AND (old.state <> 'open' OR old.merged_into IS NOT NULL)
        BEGIN INSERT OR REPLACE INTO escalation (incident, since, step, due_at)
            VALUES (new.number, new.updated_at, 0, new.updated_at); END;

        """

    /// An incident is found by its labels and by those of its children; children themselves are not found, so their labels
    /// point to the parent only.
    private static let labelTriggers = """
        CREATE TRIGGER incident_label_insert AFTER INSERT ON incident BEGIN
            \(addNew)
        END;
        CREATE TRIGGER incident_label_update AFTER UPDATE OF labels, starts_at ON incident
            WHEN old.labels IS NOT new.labels OR old.listed_at IS NOT new.listed_at
        BEGIN
            \(takeOld)
            \(put(under: "coalesce(new.merged_into, new.number)"))
        END;
        CREATE TRIGGER incident_label_merge AFTER UPDATE OF merged_into ON incident
            WHEN old.merged_into IS NOT new.merged_into BEGIN
            \(takeOld)
            \(put(under: "old.merged_into"))
            \(addNew)
        END;
        CREATE TRIGGER incident_label_delete AFTER DELETE ON incident BEGIN
            \(takeOld)
            \(put(under: "old.merged_into"))
        END;

        """

    /// The labels of one more incident. Those that a parent has from its other children need no look, be they a thousand.
    private static let addNew = """
        INSERT OR IGNORE INTO incident_label SELECT l.key, l.value, w.listed_at, w.number
                FROM json_each(new.labels) l, incident w WHERE w.number = coalesce(new.merged_into, new.number);
        """

    /// All labels that point to the incident, and what its parent may have from it alone; what others have too is put back by
    /// ``put(under:)``.
    private static let takeOld = """
        DELETE FROM incident_label WHERE (name, value, listed_at, incident) IN (
                SELECT l.key, l.value, old.listed_at, old.number FROM json_each(old.labels) l
                UNION ALL SELECT l.key, l.value, old.listed_at, old.number FROM incident p, json_each(p.labels) l
                    WHERE p.merged_into = old.number
                UNION ALL SELECT l.key, l.value, w.listed_at, w.number FROM json_each(old.labels) l, incident w
                    WHERE w.number = old.merged_into);
        """

    /// The labels of a parent and of all its children.
    private static func put(under parent: String) -> String {
        """
        INSERT OR IGNORE INTO incident_label SELECT l.key, l.value, w.listed_at, w.number
                FROM incident w JOIN incident p ON p.number = w.number OR p.merged_into = w.number, json_each(p.labels) l
                WHERE w.number = \(parent) AND w.merged_into IS NULL;
        """
    }

    /// New rows are put into the search at the end of their transaction (``TextIndex``). Changes and deletions need a trigger,
    /// because only it knows the old words.
    private static let searchTriggers = """
        CREATE TRIGGER incident_search_update AFTER UPDATE OF title, name, labels ON incident
            WHEN (old.title IS NOT new.title OR old.name IS NOT new.name OR old.labels IS NOT new.labels)
                AND old.number <= (SELECT incidents FROM text_index)
        BEGIN
            INSERT INTO incident_search (incident_search, rowid, title, name, labels)
                VALUES ('delete', old.number, old.title, old.name, old.labels);
            INSERT INTO incident_search (rowid, title, name, labels) VALUES (new.number, new.title, new.name, new.labels);
        END;
        CREATE TRIGGER incident_search_delete AFTER DELETE ON incident WHEN old.number <= (SELECT incidents FROM text_index) BEGIN
            INSERT INTO incident_search (incident_search, rowid, title, name, labels)
                VALUES ('delete', old.number, old.title, old.name, old.labels);
        END;
        CREATE TRIGGER timeline_search_delete AFTER DELETE ON timeline WHEN old.id <= (SELECT entries FROM text_index) BEGIN
            INSERT INTO timeline_search (timeline_search, rowid, text) SELECT 'delete', old.id, old.text
                WHERE old.kind <> 'notified';
            -- The ids of the newest entries are used again when those are deleted.
            UPDATE text_index SET entries = (SELECT coalesce(max(id), 0) FROM timeline) WHERE entries = old.id;
        END;

        """

    private static let countTriggers = """
        CREATE TRIGGER incident_count_insert AFTER INSERT ON incident WHEN new.merged_into IS NULL BEGIN
            INSERT INTO incident_count VALUES (new.state, new.severity, 1) ON CONFLICT DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER incident_count_update AFTER UPDATE OF state, severity, merged_into ON incident
            WHEN old.state IS NOT new.state OR old.severity IS NOT new.severity OR old.merged_into IS NOT new.merged_into
        BEGIN
            UPDATE incident_count SET count = count - 1 WHERE state = old.state AND severity = old.severity
                AND old.merged_into IS NULL;
            INSERT INTO incident_count VALUES (new.state, new.severity, new.merged_into IS NULL)
                ON CONFLICT DO UPDATE SET count = count + excluded.count;
        END;
        CREATE TRIGGER incident_count_delete AFTER DELETE ON incident WHEN old.merged_into IS NULL BEGIN
            UPDATE incident_count SET count = count - 1 WHERE state = old.state AND severity = old.severity;
        END;

        """
}
