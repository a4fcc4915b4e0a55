import Store

/// What the life of incidents adds to the tables, beside what alerts need: who has them, how they ended, which belong together; and what makes questions fast.
///
/// Indexes, text search and statistics are kept by triggers, because several writers (findings, posted alerts, people, other processes) change incidents and
/// none may forget them.
enum IncidentTables {
    static let migrations = [
        Migration(id: "incidents-1", sql: columns + labels + search + statistics + counts + backfill), scale, TextIndex.migration,
        lighter, places,
    ]

    /// `version` grows with each decision about an incident, not with each event that joins it.
    private static let columns = """
        ALTER TABLE incident ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE incident ADD COLUMN changed_by TEXT;
        ALTER TABLE incident ADD COLUMN assignee TEXT;
        ALTER TABLE incident ADD COLUMN acknowledged_at INTEGER;
        ALTER TABLE incident ADD COLUMN resolution TEXT;
        -- The incident that this one is a part of, why, and how many events of its parts the whole stands for beside its own.
        ALTER TABLE incident ADD COLUMN merged_into INTEGER;
        ALTER TABLE incident ADD COLUMN merged_because TEXT;
        ALTER TABLE incident ADD COLUMN merged_count INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE incident ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;
        -- A flapping incident ends only after it has been quiet for so many microseconds.
        ALTER TABLE incident ADD COLUMN quiet_for INTEGER;
        CREATE INDEX incident_begin ON incident (starts_at);
        CREATE INDEX incident_last ON incident (last_seen, starts_at);
        CREATE INDEX incident_state_begin ON incident (state, starts_at);
        CREATE INDEX incident_severity_begin ON incident (severity, starts_at);
        CREATE INDEX incident_name_begin ON incident (name, starts_at);
        CREATE INDEX incident_assignee_begin ON incident (assignee, starts_at) WHERE assignee IS NOT NULL;
        CREATE INDEX incident_opened ON incident (opened_at);
        CREATE INDEX incident_merged ON incident (merged_into) WHERE merged_into IS NOT NULL;
        CREATE INDEX evidence_place ON evidence (file, offset);
        CREATE TRIGGER incident_version AFTER UPDATE OF state, assignee, severity, resolution, merged_into ON incident
            WHEN old.state IS NOT new.state OR old.assignee IS NOT new.assignee OR old.severity IS NOT new.severity
                OR old.resolution IS NOT new.resolution OR old.merged_into IS NOT new.merged_into
        BEGIN UPDATE incident SET version = old.version + 1 WHERE number = new.number; END;

        """

    /// In the order in which a question shows what it finds: newest beginning first.
    private static let labels = """
        CREATE TABLE incident_label (
            name TEXT NOT NULL, value TEXT NOT NULL, starts_at INTEGER NOT NULL, incident INTEGER NOT NULL, PRIMARY KEY (name, value, starts_at, incident))
            WITHOUT ROWID;
        CREATE TRIGGER incident_label_insert AFTER INSERT ON incident BEGIN
            INSERT OR IGNORE INTO incident_label SELECT key, value, new.starts_at, new.number FROM json_each(new.labels);
        END;
        CREATE TRIGGER incident_label_update AFTER UPDATE OF labels, starts_at ON incident
            WHEN old.labels IS NOT new.labels OR old.starts_at IS NOT new.starts_at
        BEGIN
            DELETE FROM incident_label WHERE (name, value, starts_at, incident) IN (SELECT key, value, old.starts_at, old.number FROM json_each(old.labels));
            INSERT OR IGNORE INTO incident_label SELECT key, value, new.starts_at, new.number FROM json_each(new.labels);
        END;
        CREATE TRIGGER incident_label_delete AFTER DELETE ON incident BEGIN
            DELETE FROM incident_label WHERE (name, value, starts_at, incident) IN (SELECT key, value, old.starts_at, old.number FROM json_each(old.labels));
        END;

        """

    /// Titles, names and labels of incidents; what people and obs wrote on timelines, but not each notification.
    private static let search = """
        CREATE VIRTUAL TABLE incident_search USING fts5 (title, name, labels, content='incident', content_rowid='number');
        CREATE TRIGGER incident_search_insert AFTER INSERT ON incident BEGIN
            INSERT INTO incident_search (rowid, title, name, labels) VALUES (new.number, new.title, new.name, new.labels);
        END;
        CREATE TRIGGER incident_search_update AFTER UPDATE OF title, name, labels ON incident
            WHEN old.title IS NOT new.title OR old.name IS NOT new.name OR old.labels IS NOT new.labels
        BEGIN
            INSERT INTO incident_search (incident_search, rowid, title, name, labels) VALUES ('delete', old.number, old.title, old.name, old.labels);
            INSERT INTO incident_search (rowid, title, name, labels) VALUES (new.number, new.title, new.name, new.labels);
        END;
        CREATE TRIGGER incident_search_delete AFTER DELETE ON incident BEGIN
            INSERT INTO incident_search (incident_search, rowid, title, name, labels) VALUES ('delete', old.number, old.title, old.name, old.labels);
        END;
        CREATE VIRTUAL TABLE timeline_search USING fts5 (text, content='timeline', content_rowid='id');
        CREATE TRIGGER timeline_search_insert AFTER INSERT ON timeline WHEN new.kind <> 'notified' BEGIN
            INSERT INTO timeline_search (rowid, text) VALUES (new.id, new.text);
        END;
        CREATE TRIGGER timeline_search_delete AFTER DELETE ON timeline WHEN old.kind <> 'notified' BEGIN
            INSERT INTO timeline_search (timeline_search, rowid, text) VALUES ('delete', old.id, old.text);
        END;

        """

    /// How many incidents began, were acknowledged and ended on which day, and how long that took: counts and sums in buckets whose bounds grow by the
    /// eighth root of two, so that medians over a million incidents are read from a few hundred rows. All count on the day on which the incident was opened.
    ///
    /// What stands under a receiver counts the incidents that it was told of; what stands under none counts all, by rule and severity.
    private static let statistics = """
        CREATE TABLE incident_statistic (
            day INTEGER NOT NULL, receiver TEXT NOT NULL, name TEXT NOT NULL, severity TEXT NOT NULL, measure TEXT NOT NULL, bucket INTEGER NOT NULL,
            count INTEGER NOT NULL, total INTEGER NOT NULL, PRIMARY KEY (day, receiver, name, severity, measure, bucket)) WITHOUT ROWID;
        CREATE TRIGGER incident_statistic_insert AFTER INSERT ON incident WHEN new.merged_into IS NULL BEGIN
        \(tally("opened", "0"))
        \(tally("detect", "max(0, new.opened_at - new.starts_at)"))
        END;
        CREATE TRIGGER incident_statistic_told AFTER INSERT ON incident_grouping BEGIN
            INSERT INTO incident_statistic
                SELECT i.opened_at / 86400000000, g.receiver, '', '', 'opened', 0, 1, 0 FROM incident i, alert_grouping g
                WHERE i.number = new.incident AND g.id = new.grouping
                ON CONFLICT DO UPDATE SET count = count + 1;
        END;
        \(lifeTriggers(told: "incident_grouping t JOIN alert_grouping g ON g.id = t.grouping WHERE t.incident = new.number"))
        CREATE TRIGGER incident_statistic_false AFTER UPDATE OF resolution ON incident
            WHEN old.resolution IS NOT new.resolution AND (old.resolution IS 'false_positive' OR new.resolution IS 'false_positive')
                AND new.merged_into IS NULL BEGIN
        \(tally("false_positive", "0", by: "iif(new.resolution IS 'false_positive', 1, -1)"))
        END;
        CREATE TRIGGER incident_statistic_tell AFTER UPDATE OF state ON outbox WHEN old.state <> new.state AND new.state IN ('sent', 'dead') BEGIN
            INSERT INTO incident_statistic VALUES (new.created_at / 86400000000, new.receiver, '', '', new.state,
                \(bucket("max(0, coalesce(new.sent_at, new.created_at) - new.created_at)")), 1, max(0, coalesce(new.sent_at, new.created_at) - new.created_at))
            ON CONFLICT DO UPDATE SET count = count + 1, total = total + excluded.total;
        END;

        """

    /// What is counted when an incident is acknowledged, ends and is reopened.
    ///
    /// - Parameters:
    ///   - told: from which tables its receivers come, as `g`.
    ///   - ended: what else must hold for an end to be counted, and `hadEnded` for one to be taken back.
    static func lifeTriggers(told: String, ended: String = "", hadEnded: String = "") -> String {
        """
        CREATE TRIGGER incident_statistic_acknowledge AFTER UPDATE OF acknowledged_at ON incident
            WHEN old.acknowledged_at IS NULL AND new.acknowledged_at IS NOT NULL AND new.merged_into IS NULL BEGIN
        \(tally("acknowledge", "max(0, new.acknowledged_at - new.opened_at)"))
        \(tallyReceivers("acknowledge", "max(0, new.acknowledged_at - new.opened_at)", told: told))
        END;
        CREATE TRIGGER incident_statistic_resolve AFTER UPDATE OF resolved_at ON incident
            WHEN old.resolved_at IS NULL AND new.resolved_at IS NOT NULL AND new.merged_into IS NULL\(ended) BEGIN
        \(tally("resolve", "max(0, new.resolved_at - new.opened_at)"))
        \(tallyReceivers("resolve", "max(0, new.resolved_at - new.opened_at)", told: told))
        END;
        -- An incident that is reopened had not ended: what was counted is taken back.
        CREATE TRIGGER incident_statistic_reopen AFTER UPDATE OF resolved_at ON incident
            WHEN old.resolved_at IS NOT NULL AND new.resolved_at IS NULL AND new.merged_into IS NULL\(hadEnded) BEGIN
        \(tally("resolve", "max(0, old.resolved_at - old.opened_at)", by: "-1"))
        \(tallyReceivers("resolve", "max(0, old.resolved_at - old.opened_at)", by: "-1", told: told))
        END;
        """
    }

    /// What is taken back when somebody hands back what they had acknowledged.
    static func handBackTrigger(told: String) -> String {
        """
        CREATE TRIGGER incident_statistic_hand_back AFTER UPDATE OF acknowledged_at ON incident
            WHEN old.acknowledged_at IS NOT NULL AND new.acknowledged_at IS NULL AND new.merged_into IS NULL BEGIN
        \(tally("acknowledge", "max(0, old.acknowledged_at - old.opened_at)", by: "-1"))
        \(tallyReceivers("acknowledge", "max(0, old.acknowledged_at - old.opened_at)", by: "-1", told: told))
        END;
        """
    }

    static func bucket(_ value: String) -> String { "CAST(8 * log2(max(\(value), 1000) / 1000.0) AS INTEGER)" }

    static func tally(_ measure: String, _ value: String, by count: String = "1", severity: String = "new.severity") -> String {
        """
            INSERT INTO incident_statistic VALUES (new.opened_at / 86400000000, '', new.name, \(severity), '\(measure)', \(bucket(value)),
                \(count), \(count) * \(value))
            ON CONFLICT DO UPDATE SET count = count + excluded.count, total = total + excluded.total;
        """
    }

    private static func tallyReceivers(_ measure: String, _ value: String, by count: String = "1", told: String) -> String {
        """
            INSERT INTO incident_statistic
                SELECT DISTINCT new.opened_at / 86400000000, g.receiver, '', '', '\(measure)', \(bucket(value)), \(count), \(count) * \(value)
                FROM \(told)
            ON CONFLICT DO UPDATE SET count = count + excluded.count, total = total + excluded.total;
        """
    }

    /// What the gauge of incidents shows at each scrape; the parts of a merged incident count as one.
    private static let counts = """
        CREATE TABLE incident_count (state TEXT NOT NULL, severity TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (state, severity)) WITHOUT ROWID;
        CREATE TRIGGER incident_count_insert AFTER INSERT ON incident WHEN new.merged_into IS NULL BEGIN
            INSERT INTO incident_count VALUES (new.state, new.severity, 1) ON CONFLICT DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER incident_count_update AFTER UPDATE OF state, severity, merged_into ON incident
            WHEN old.state IS NOT new.state OR old.severity IS NOT new.severity OR old.merged_into IS NOT new.merged_into
        BEGIN
            UPDATE incident_count SET count = count - 1 WHERE state = old.state AND severity = old.severity AND old.merged_into IS NULL;
            INSERT INTO incident_count VALUES (new.state, new.severity, new.merged_into IS NULL)
                ON CONFLICT DO UPDATE SET count = count + excluded.count;
        END;
        CREATE TRIGGER incident_count_delete AFTER DELETE ON incident WHEN old.merged_into IS NULL BEGIN
            UPDATE incident_count SET count = count - 1 WHERE state = old.state AND severity = old.severity;
        END;

        """

    /// What was there before the tables above were.
    private static let backfill = """
        INSERT OR IGNORE INTO incident_label SELECT key, value, starts_at, number FROM incident, json_each(incident.labels);
        INSERT INTO incident_search (incident_search) VALUES ('rebuild');
        INSERT INTO timeline_search (rowid, text) SELECT id, text FROM timeline WHERE kind <> 'notified';
        UPDATE incident SET acknowledged_at = (SELECT min(at) FROM timeline t WHERE t.incident = number AND t.kind = 'acknowledged');
        INSERT INTO incident_count SELECT state, severity, count(*) FROM incident GROUP BY 1, 2;
        \(refill("opened", "0", where: "1"))
        \(refill("detect", "max(0, opened_at - starts_at)", where: "1"))
        \(refill("resolve", "max(0, resolved_at - opened_at)", where: "resolved_at IS NOT NULL"))
        """

    private static func refill(_ measure: String, _ value: String, where condition: String) -> String {
        """
        INSERT INTO incident_statistic
            SELECT opened_at / 86400000000, '', name, severity, '\(measure)', \(bucket(value)), count(*), sum(\(value))
            FROM incident WHERE \(condition) GROUP BY 1, 3, 4, 6;
        """
    }
}
