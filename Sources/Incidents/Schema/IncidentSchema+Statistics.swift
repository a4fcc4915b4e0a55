/// What counts incidents and how long they took. Buckets grow by the eighth root of two, so that medians over a million
/// incidents are sums over a few hundred entries; one without a receiver counts all incidents, one with a receiver those that it
/// was notified of.
extension IncidentSchema {
    static let statisticTriggers = lifeTriggers + severityTrigger + receiverTriggers + sumTriggers

    /// Opened, acknowledged, handed back, resolved, reopened. What was found in the past has no time to detect and none to
    /// resolve.
    private static let lifeTriggers = """
        CREATE TRIGGER incident_statistic_insert AFTER INSERT ON incident WHEN new.merged_into IS NULL BEGIN
        \(tally("opened", "0"))
        END;
        CREATE TRIGGER incident_statistic_detect AFTER INSERT ON incident WHEN new.merged_into IS NULL
            AND new.found_in_past = 0 BEGIN
        \(tally("detect", timeToDetect))
        END;
        CREATE TRIGGER incident_statistic_acknowledge AFTER UPDATE OF acknowledged_at ON incident
            WHEN old.acknowledged_at IS NULL AND new.acknowledged_at IS NOT NULL AND new.merged_into IS NULL BEGIN
        \(tally("acknowledge", "max(0, new.acknowledged_at - new.opened_at)"))
        \(tallyReceivers("acknowledge", "max(0, new.acknowledged_at - new.opened_at)"))
        END;
        CREATE TRIGGER incident_statistic_hand_back AFTER UPDATE OF acknowledged_at ON incident
            WHEN old.acknowledged_at IS NOT NULL AND new.acknowledged_at IS NULL AND new.merged_into IS NULL BEGIN
        \(tally("acknowledge", "max(0, old.acknowledged_at - old.opened_at)", by: "-1"))
        \(tallyReceivers("acknowledge", "max(0, old.acknowledged_at - old.opened_at)", by: "-1"))
        END;
        CREATE TRIGGER incident_statistic_resolve AFTER UPDATE OF resolved_at ON incident
            WHEN old.resolved_at IS NULL AND new.resolved_at IS NOT NULL AND new.merged_into IS NULL
                AND new.resolution IS NOT 'past' BEGIN
        \(tally("resolve", "max(0, new.resolved_at - new.opened_at)"))
        \(tallyReceivers("resolve", "max(0, new.resolved_at - new.opened_at)"))
        END;
        -- A reopened incident had not ended: what was counted is taken back.
        CREATE TRIGGER incident_statistic_reopen AFTER UPDATE OF resolved_at ON incident
            WHEN old.resolved_at IS NOT NULL AND new.resolved_at IS NULL AND new.merged_into IS NULL
                AND old.resolution IS NOT 'past' BEGIN
        \(tally("resolve", "max(0, old.resolved_at - old.opened_at)", by: "-1"))
        \(tallyReceivers("resolve", "max(0, old.resolved_at - old.opened_at)", by: "-1"))
        END;
        CREATE TRIGGER incident_statistic_false AFTER UPDATE OF resolution ON incident
            WHEN old.resolution IS NOT new.resolution AND (old.resolution IS 'false_positive' OR new.resolution IS
                'false_positive')
                AND new.merged_into IS NULL BEGIN
        \(tally("false_positive", "0", by: "iif(new.resolution IS 'false_positive', 1, -1)"))
        END;

        """

    private static let timeToDetect = "max(0, new.opened_at - new.starts_at)"

    /// All that was counted of an incident moves to its new severity.
    private static let severityTrigger = """
        CREATE TRIGGER incident_statistic_severity AFTER UPDATE OF severity ON incident
            WHEN old.severity IS NOT new.severity AND new.merged_into IS NULL BEGIN
        \(move("opened", "0", when: "1"))
        \(move("detect", timeToDetect, when: "new.found_in_past = 0"))
        \(move("acknowledge", "max(0, new.acknowledged_at - new.opened_at)", when: "new.acknowledged_at IS NOT NULL"))
        END;

        """

    /// An incident counts once per receiver, in however many of its groups it is. A notification counts when it is sent or
    /// given up.
    private static let receiverTriggers = """
        CREATE TRIGGER incident_statistic_told AFTER INSERT ON incident_notified
            WHEN NOT EXISTS (SELECT 1 FROM incident_notified WHERE incident = new.incident AND receiver = new.receiver
                AND group_key <> new.group_key)
        BEGIN
            INSERT INTO incident_statistic
                SELECT opened_at / 86400000000, new.receiver, '', '', 'opened', 0, 1, 0 FROM incident WHERE number = new.incident
                ON CONFLICT DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER incident_statistic_tell AFTER UPDATE OF state ON outbox WHEN old.state <> new.state
            AND new.state IN ('sent', 'dead') BEGIN
            INSERT INTO incident_statistic VALUES (new.created_at / 86400000000, new.receiver, '', '', new.state,
                \(bucket(timeToSend)), 1, \(timeToSend))
            ON CONFLICT DO UPDATE SET count = count + 1, total = total + excluded.total;
        END;

        """

    private static let timeToSend = "max(0, coalesce(new.sent_at, new.created_at) - new.created_at)"

    private static let sumTriggers = """
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

    private static func move(_ measure: String, _ value: String, when condition: String) -> String {
        // SQLite would refuse a count of null: where nothing was measured, zero is moved.
        let measured = "iif(\(condition), \(value), 0)"
        return tally(measure, measured, by: "-(\(condition))", severity: "old.severity") + "\n"
            + tally(measure, measured, by: "(\(condition))")
    }

    private static func bucket(_ value: String) -> String { "CAST(8 * log2(max(\(value), 1000) / 1000.0) AS INTEGER)" }

    private static func tally(
        _ measure: String, _ value: String, by count: String = "1", severity: String = "new.severity"
    ) -> String {
        """
            INSERT INTO incident_statistic VALUES (new.opened_at / 86400000000, '', new.name, \(severity), '\(measure)',
                \(bucket(value)),
                \(count), \(count) * \(value))
            ON CONFLICT DO UPDATE SET count = count + excluded.count, total = total + excluded.total;
        """
    }

    private static func tallyReceivers(_ measure: String, _ value: String, by count: String = "1") -> String {
        """
            INSERT INTO incident_statistic
                SELECT DISTINCT new.opened_at / 86400000000, g.receiver, '', '', '\(measure)', \(bucket(value)), \(count),
                    \(count) * \(value)
                FROM incident_notified g WHERE g.incident = new.number
            ON CONFLICT DO UPDATE SET count = count + excluded.count, total = total + excluded.total;
        """
    }
}
