import Columns
@preconcurrency import GRDB
import Store

/// What keeps the tables of incidents well over the years.
extension IncidentStore {
    /// Deletes incidents that ended before `time`, with their evidence and timelines, notifications that were sent before it,
    /// silences that had ended, and the audit of that time. What was counted of them stays in the statistics.
    ///
    /// - Parameters:
    ///   - limit: how many incidents at once; each call is one transaction, so that others can write in between.
    ///   - now: for the entry in the audit about its own older ones.
    /// - Returns: how many incidents were forgotten.
    @discardableResult
    public func forget(endedBefore time: Timestamp, limit: Int = 500, now: Timestamp = .now) throws -> Int {
        try store.database.write { database in
            let old = try Int64.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT i.number FROM incident i WHERE i.state = 'resolved' AND i.listed_at < ?1 AND i.resolved_at < ?1
                            AND NOT EXISTS (SELECT 1 FROM incident p WHERE p.merged_into = i.number AND p.state <> 'resolved')
                            AND NOT EXISTS (SELECT 1 FROM incident w WHERE w.number = i.merged_into AND w.state <> 'resolved')
                            ORDER BY i.listed_at LIMIT ?2
                        """), arguments: [time.microseconds, limit])
            // Each on its own: one that cannot go keeps no other.
            let kept = try database.eachApart(old) {
                try IncidentLedger.delete($0, database)
            }
            let count = old.count - kept.count
            try database.executeCached(
                sql:
                    """
                    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state <> 'pending' AND created_at < ? \
                    ORDER BY created_at LIMIT ?)
                    """,
                arguments: [time.microseconds, limit])
            try Store.removeAudit(before: time, limit: limit, now: now, database)
            try database.executeCached(sql: "DELETE FROM silence WHERE ends_at < ?", arguments: [time.microseconds])
            return count
        }
    }

    /// Puts a mark in the place of a person's name in incidents, evidence, timelines, alerts, silences and notifications.
    ///
    /// - Returns: by table, how many texts name the person.
    package func erase(_ person: NamedPerson, isDryRun: Bool) throws -> [String: Int] {
        // Of incidents triggers keep the search; of timelines entries are only added and deleted otherwise.
        let timeline = Store.TextSearch(
            "timeline_search", table: "timeline", column: "text",
            where: "kind <> 'notified' AND id <= (SELECT entries FROM text_index)")
        return try store.erase(person, search: [timeline], isDryRun: isDryRun)
    }

    /// What is wrong with what is kept twice: text search, labels and counts against the incidents themselves. Empty when all
    /// is well.
    public func problems() throws -> [String] {
        var problems: [String] = []
        // The search's own check is a statement that writes nothing and yet needs a writer: who may only read goes without it.
        try store.withWriter { database in
            for table in ["incident_search"] {
                // Taken back: a look must not count as a change of the file.
                try database.inTransaction {
                    do {
                        try database.executeCached(sql: "INSERT INTO \(table) (\(table), rank) VALUES ('integrity-check', 1)")
                    } catch let error as DatabaseError {
                        problems.append("the text search \(table) does not fit its incidents: \(error.message ?? "\(error)")")
                    }
                    return .rollback
                }
            }
        }
        try read { database in
            let wrong = try Int.fetchOne(
                database,
                sql: """
                    SELECT count(*) FROM (SELECT state, severity, count(*) AS n FROM incident
                        WHERE merged_into IS NULL GROUP BY 1, 2) i
                    LEFT JOIN incident_count c USING (state, severity) WHERE c.count IS NOT i.n
                    """)
            if let wrong, wrong > 0 { problems.append("the counts of incidents differ from the incidents in \(wrong) states") }
            let missing = try Int.fetchOne(
                database,
                sql: """
                    SELECT count(*) FROM incident i CROSS JOIN incident w ON w.number = coalesce(i.merged_into, i.number),
                        json_each(iif(json_valid(i.labels), i.labels, '{}')) l WHERE NOT EXISTS
                        (SELECT 1 FROM incident_label k WHERE k.name = l.key AND k.value = l.value
                            AND k.listed_at = w.listed_at AND k.incident = w.number)
                    """)
            if let missing, missing > 0 { problems.append("\(missing) labels of incidents cannot be found by") }
            let stale = try Int.fetchOne(
                database,
                sql: """
                    SELECT count(*) FROM incident_label k LEFT JOIN incident w ON w.number = k.incident
                    WHERE w.number IS NULL OR w.merged_into IS NOT NULL OR w.listed_at <> k.listed_at
                    """)
            if let stale, stale > 0 { problems.append("\(stale) labels point to no incident") }
        }
        return problems
    }
}
