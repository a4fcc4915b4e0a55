import Store

/// What keeps questions fast when the incidents are a million (Benchmarks/Incidents): indexes that are walked in the order of the answer, the labels of parts under
/// their whole, and sums of statistics over more than a day.
extension IncidentTables {
    static let scale = Migration(id: "incidents-2", sql: columns2 + indexes + labelsOfWholes + sums + raising() + backfill2)

    /// Each index is a page or more to be written for an incident that comes in. What only those that go on are looked for by holds only those; where lines stand is kept by
    /// who joins incidents by it (``IncidentStore/prepareToJoinEvidence(_:)``).
    static let lighter = Migration(
        id: "incidents-4",
        sql: """
            DROP INDEX evidence_place;
            DROP INDEX incident_state;
            DROP INDEX incident_name_begin;
            CREATE INDEX incident_live ON incident (updated_at) WHERE \(goesOn);
            CREATE INDEX incident_open_by_rule ON incident (name, severity, opened_at, state, merged_into) WHERE \(goesOn) AND merged_into IS NULL;
            -- Pieces of the text search are merged when there are sixteen of a size, not four: half as much is written, and a question reads a few dozen pages more.
            INSERT INTO incident_search (incident_search, rank) VALUES ('automerge', 16);
            INSERT INTO timeline_search (timeline_search, rank) VALUES ('automerge', 16);
            """)

    /// Spelled as the partial indexes have it: a question must say it with the same words.
    static let goesOn = "state IN ('open', 'acknowledged')"

    /// What the worst of its parts is called, when that is worse than what the incident began as.
    private static let columns2 = """
        ALTER TABLE incident ADD COLUMN headline TEXT;

        """

    /// Who has an incident, in the order of the answers. How many were opened when, without a look at each. What a receiver's group was told, and what was sent when, for
    /// lists that begin anywhere.
    private static let indexes = """
        DROP INDEX incident_assignee_begin;
        CREATE INDEX incident_who_begin ON incident (coalesce(assignee, acknowledged_by), starts_at) WHERE coalesce(assignee, acknowledged_by) IS NOT NULL;
        DROP INDEX incident_opened;
        CREATE INDEX incident_opened ON incident (opened_at, severity, merged_into);
        CREATE INDEX outbox_told ON outbox (receiver, group_key, created_at);
        CREATE INDEX outbox_created ON outbox (created_at);
        CREATE INDEX outbox_receiver ON outbox (receiver, created_at);
        CREATE INDEX outbox_state ON outbox (state, created_at);

        """

    /// An incident is found by the labels of its parts too: they stand under the whole, with its beginning, so that one index gives the wholes in order.
    private static let labelsOfWholes = """
        DROP TRIGGER incident_label_insert;
        DROP TRIGGER incident_label_update;
        DROP TRIGGER incident_label_delete;
        CREATE TRIGGER incident_label_insert AFTER INSERT ON incident BEGIN
            INSERT OR IGNORE INTO incident_label SELECT key, value, new.starts_at, new.number FROM json_each(new.labels);
            \(add(to: "new.merged_into"))
        END;
        CREATE TRIGGER incident_label_update AFTER UPDATE OF labels, starts_at ON incident
            WHEN old.labels IS NOT new.labels OR old.starts_at IS NOT new.starts_at
        BEGIN
            DELETE FROM incident_label WHERE (name, value, starts_at, incident) IN (SELECT key, value, old.starts_at, old.number FROM json_each(old.labels));
            DELETE FROM incident_label WHERE (name, value, starts_at, incident) IN
                (SELECT l.key, l.value, old.starts_at, old.number FROM incident p, json_each(p.labels) l WHERE p.merged_into = old.number);
            \(put(under: "new.number"))
            \(take(from: "new.merged_into"))
            \(put(under: "new.merged_into"))
        END;
        CREATE TRIGGER incident_label_merge AFTER UPDATE OF merged_into ON incident WHEN old.merged_into IS NOT new.merged_into BEGIN
            \(take(from: "old.merged_into"))
            \(put(under: "old.merged_into"))
            \(add(to: "new.merged_into"))
        END;
        CREATE TRIGGER incident_label_delete AFTER DELETE ON incident BEGIN
            DELETE FROM incident_label WHERE (name, value, starts_at, incident) IN (SELECT key, value, old.starts_at, old.number FROM json_each(old.labels));
            DELETE FROM incident_label WHERE (name, value, starts_at, incident) IN
                (SELECT l.key, l.value, old.starts_at, old.number FROM incident p, json_each(p.labels) l WHERE p.merged_into = old.number);
            \(take(from: "old.merged_into"))
            \(put(under: "old.merged_into"))
        END;

        """

    /// The labels of one more part: those that the whole has from others need no look, be they a thousand.
    private static func add(to whole: String) -> String {
        """
        INSERT OR IGNORE INTO incident_label SELECT l.key, l.value, w.starts_at, w.number FROM json_each(new.labels) l, incident w WHERE w.number = \(whole);
        """
    }

    /// The labels of an incident and of all its parts, after some were taken.
    private static func put(under whole: String) -> String {
        """
        INSERT OR IGNORE INTO incident_label SELECT l.key, l.value, w.starts_at, w.number
            FROM incident w JOIN incident p ON p.number = w.number OR p.merged_into = w.number, json_each(p.labels) l WHERE w.number = \(whole);
        """
    }

    /// The labels that a part had; those that others have too are put back by ``put(under:)``.
    private static func take(from whole: String) -> String {
        """
        DELETE FROM incident_label WHERE (name, value, starts_at, incident) IN
            (SELECT l.key, l.value, w.starts_at, w.number FROM json_each(old.labels) l, incident w WHERE w.number = \(whole));
        """
    }

    /// A year is 23 blocks, and what stands beside whole blocks at both ends is a month at most.
    private static let daysOfBlock = IncidentStore.daysOfStatisticsBlock

    /// The statistics of a day, summed over blocks of days, and over all rules of a day: a year of days has as many rows as there are incidents.
    private static let sums = """
        CREATE TABLE incident_statistic_block (
            block INTEGER NOT NULL, receiver TEXT NOT NULL, name TEXT NOT NULL, severity TEXT NOT NULL, measure TEXT NOT NULL, bucket INTEGER NOT NULL,
            count INTEGER NOT NULL, total INTEGER NOT NULL, PRIMARY KEY (block, receiver, name, severity, measure, bucket)) WITHOUT ROWID;
        CREATE TABLE incident_statistic_day (
            day INTEGER NOT NULL, measure TEXT NOT NULL, bucket INTEGER NOT NULL, count INTEGER NOT NULL, total INTEGER NOT NULL,
            PRIMARY KEY (day, measure, bucket)) WITHOUT ROWID;
        CREATE TRIGGER incident_statistic_sum_insert AFTER INSERT ON incident_statistic BEGIN
            \(sum("new.count", "new.total"))
        END;
        CREATE TRIGGER incident_statistic_sum_update AFTER UPDATE OF count, total ON incident_statistic BEGIN
            \(sum("new.count - old.count", "new.total - old.total"))
        END;

        """

    private static func sum(_ count: String, _ total: String) -> String {
        """
        INSERT INTO incident_statistic_block VALUES
            (new.day / \(daysOfBlock), new.receiver, new.name, new.severity, new.measure, new.bucket, \(count), \(total))
            ON CONFLICT DO UPDATE SET count = count + excluded.count, total = total + excluded.total;
        INSERT INTO incident_statistic_day SELECT new.day, new.measure, new.bucket, \(count), \(total) WHERE new.receiver = ''
            ON CONFLICT DO UPDATE SET count = count + excluded.count, total = total + excluded.total;
        """
    }

    /// What becomes worse counts as what it has become: each measure is in one row a severity, and all of an incident's are in the same.
    ///
    /// - Parameter detected: whether its time to detect was counted.
    static func raising(detected: String = "1") -> String {
        """
        CREATE TRIGGER incident_statistic_severity AFTER UPDATE OF severity ON incident WHEN old.severity IS NOT new.severity AND new.merged_into IS NULL BEGIN
        \(move("opened", "0", when: "1"))
        \(move("detect", "max(0, new.opened_at - new.starts_at)", when: detected))
        \(move("acknowledge", "max(0, new.acknowledged_at - new.opened_at)", when: "new.acknowledged_at IS NOT NULL"))
        END;

        """
    }

    private static func move(_ measure: String, _ value: String, when condition: String) -> String {
        // A count of null would be refused: where nothing was measured nothing is moved.
        let none = "iif(\(condition), \(value), 0)"
        return tally(measure, none, by: "-(\(condition))", severity: "old.severity") + "\n"
            + tally(measure, none, by: "(\(condition))")
    }

    private static let backfill2 = """
        INSERT OR IGNORE INTO incident_label SELECT l.key, l.value, w.starts_at, w.number
            FROM incident p JOIN incident w ON w.number = p.merged_into, json_each(p.labels) l WHERE p.merged_into IS NOT NULL;
        INSERT INTO incident_statistic_block SELECT day / \(daysOfBlock), receiver, name, severity, measure, bucket, sum(count), sum(total)
            FROM incident_statistic GROUP BY 1, 2, 3, 4, 5, 6;
        INSERT INTO incident_statistic_day SELECT day, measure, bucket, sum(count), sum(total) FROM incident_statistic WHERE receiver = '' GROUP BY 1, 2, 3;
        """
}

extension IncidentStore {
    /// How many days the rows of `incident_statistic_block` stand for: block 0 begins on 1970-01-01.
    public static let daysOfStatisticsBlock: Int64 = 16
}
