import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// How findings become incidents: what is known is read here, ``IncidentLife`` decides, ``IncidentLedger`` writes.
extension IncidentStore {
    /// What a finding led to.
    public enum Outcome: Sendable, Equatable {
        case opened(String)
        case joined(String)
        /// It had been over for long: an incident was opened and resolved, and nobody is notified of it alone.
        case foundInPast(String)
        /// It was known: read again after a crash, or older than what is known of an incident that has ended.
        case known
    }

    /// Takes in findings: opens incidents, joins them to open ones, and schedules notifications. Durable when
    /// it returns.
    ///
    /// - Parameter routing: where their alerts go; nil notifies nobody.
    /// - Returns: what became of each.
    @discardableResult
    public func record(_ findings: [Finding], to routing: Routing?, policy: IncidentPolicy = IncidentPolicy(), now: Timestamp)
        throws -> [Outcome]
    {
        guard !findings.isEmpty else { return [] }
        return try write { try record(findings, to: routing, policy: policy, now: now, $0) }
    }

    /// The same within a transaction of the caller (``write(_:)``).
    public func record(
        _ findings: [Finding], to routing: Routing?, policy: IncidentPolicy, now: Timestamp, _ database: Database
    ) throws -> [Outcome] {
        return try findings.map { finding in
            // A rule that is tried out has incidents of its own, which no route sends anywhere.
            let routing = finding.isSimulated ? nil : routing
            return try record(finding, IncidentLife(policy: policy, isRouted: routing != nil), routing, now, database)
        }
    }

    private func record(
        _ finding: Finding, _ life: IncidentLife, _ routing: Routing?, _ now: Timestamp, _ database: Database
    ) throws -> Outcome {
        let identity = IncidentLife.Identity(of: finding)
        let last = try last(identity.fingerprint, finding, life.policy, now, database)
        let decision = try life.take(
            finding, identity, last: last, parent: last?.mergedInto.flatMap { try Self.fetch($0, database) },
            pastFamily: { try Self.pastFamily(of: $0, database) },
            openings: { try Self.openings(of: identity.fingerprint, life.policy, now, database) },
            candidate: { isPast in
                try finding.isSimulated ? nil : parent(for: finding, identity.labels, life.policy, isPast: isPast, database)
            }, now: now)
        let opened = try IncidentLedger.apply(decision.changes, routing: routing, now: now, database)
        switch decision.outcome {
        case .known: return .known
        case .joined(let number): return .joined("INC-\(number)")
        case .opened(let number): return .opened("INC-\(number ?? opened ?? 0)")
        case .foundInPast: return .foundInPast("INC-\(opened ?? 0)")
        }
    }

    /// The newest incident with this fingerprint; for a finding of the past the newest that is near it, because logs may be
    /// read in any order.
    private func last(
        _ fingerprint: String, _ finding: Finding, _ policy: IncidentPolicy, _ now: Timestamp, _ database: Database
    ) throws -> Incident? {
        guard policy.past.isPast(finding, now: now) else {
            return try IncidentRow.incident("WHERE i.fingerprint = ? ORDER BY i.number DESC LIMIT 1", [fingerprint], database)
        }
        return try IncidentRow.incident(
            "WHERE i.fingerprint = ? AND i.starts_at <= ? AND i.last_seen >= ? ORDER BY i.number DESC LIMIT 1",
            [
                fingerprint, (finding.lastSeen + policy.joinWithin).microseconds,
                (finding.startsAt - policy.joinWithin).microseconds,
            ], database)
    }

    /// An incident that was found in the past, and its children of the past.
    private static func pastFamily(of incident: Incident, _ database: Database) throws -> [Incident] {
        try IncidentRow.incidents(
            "WHERE (i.number = ?1 OR i.merged_into = ?1) AND i.resolution = 'past' ORDER BY i.number", [incident.number], database
        )
    }

    /// How often incidents with this fingerprint were opened or reopened lately, as far as the policy counts.
    private static func openings(
        of fingerprint: String, _ policy: IncidentPolicy, _ now: Timestamp, _ database: Database
    ) throws -> Int {
        try Int.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT coalesce(sum(opened_at >= ?1) + sum(iif(resolved_at >= ?1, reopened, 0)), 0)
                    FROM (SELECT opened_at, resolved_at, reopened FROM incident WHERE fingerprint = ?2
                        ORDER BY number DESC LIMIT ?3)
                    """), arguments: [(now - policy.flapWithin).microseconds, fingerprint, policy.flapCount]) ?? 0
    }
}
