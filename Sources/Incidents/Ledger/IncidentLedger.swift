import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// The only code that writes the tables `incident`, `evidence` and `timeline` (its extensions included; HouseTests hold that).
enum IncidentLedger {
    /// Does the changes in their order, in the transaction of the caller, with what follows for alerts.
    ///
    /// - Parameter routing: where alerts go; nil notifies nobody.
    /// - Returns: the number of the incident that the changes opened; nil when they opened none.
    @discardableResult
    static func apply(_ changes: [LifeChange], routing: Routing? = nil, now: Timestamp, _ database: Database) throws -> Int64? {
        var opened: Int64?
        for change in changes {
            if case .open(let opening) = change.step {
                opened = try open(opening, now, database)
                continue
            }
            let number: Int64
            switch change.subject {
            case .incident(let known): number = known
            case .opened:
                guard let made = opened else { preconditionFailure("an incident is changed before it is opened") }
                number = made
            }
            if try !write(change, number, now, database) {
                try follow(change.step, number, routing, now, database)
            }
        }
        return opened
    }

    /// - Returns: false for a step that changes neither incidents nor evidence nor timelines.
    private static func write(_ change: LifeChange, _ number: Int64, _ now: Timestamp, _ database: Database) throws -> Bool {
        switch change.step {
        case .join(let joining): try join(number, joining, now, database)
        case .evidence(let lines, let session):
            if let session, !lines.isEmpty { try dropOthers(lines, in: session, of: number, database) }
            try add(lines, to: number, database)
        case .raise(let severity, let labels): try raise(number, to: severity, labels, database)
        case .resolve(let resolution, let at, let person): try resolve(number, resolution, at, person, now, database)
        case .reopen(let isByHand): try reopen(number, isByHand, now, database)
        case .revive: try revive(number, now, database)
        case .end(let isByHand, let quiet):
            try database.executeCached(
                sql: "UPDATE incident SET quiet_for = ?, ends_by_hand = ? WHERE number = ?",
                arguments: [quiet?.inMicroseconds, isByHand, number])
        case .endByHand:
            try database.executeCached(sql: "UPDATE incident SET ends_by_hand = 1 WHERE number = ?", arguments: [number])
        case .acknowledge(let person): try acknowledge(number, person, now, database)
        case .handBack: try handBack(number, database)
        case .takeOver(let person):
            try database.executeCached(
                sql: "UPDATE incident SET state = 'acknowledged', acknowledged_by = ? WHERE number = ? AND state = 'open'",
                arguments: [person, number])
        case .assign(let person):
            try database.executeCached(sql: "UPDATE incident SET assignee = ? WHERE number = ?", arguments: [person, number])
        case .attach(let parent, let reason): try attach(number, to: parent, because: reason, by: change.actor, now, database)
        case .detach: try detach(number, database)
        case .grow(let growth): try grow(number, growth, now, database)
        case .tellParent(let parent): try copyWorst(number, to: parent, database)
        case .note(let kind, let text): try note(number, now, actor: change.actor, kind, text, database)
        case .noteAttached(let parent, let title, let reason):
            let actor = change.actor
            try note(parent, now, actor: actor, .merged, "INC-\(number) (\(title)) is a part of it: \(reason)", database)
            try note(number, now, actor: actor, .merged, "it is a part of INC-\(parent): \(reason)", database)
        default: return false
        }
        return true
    }

    /// What a step means for alerts, notifications and escalations.
    private static func follow(
        _ step: LifeChange.Step, _ number: Int64, _ routing: Routing?, _ now: Timestamp, _ database: Database
    ) throws {
        switch step {
        case .fire(let labels, let since):
            try AlertStore.open(labels, incident: number, startsAt: since, routing: routing, now: now, database)
        case .fireAgain: try AlertStore.reopen(incident: number, now: now, database)
        case .relabel(let labels, let since):
            try AlertStore.relabel(labels, incident: number, startsAt: since, routing: routing, now: now, database)
        case .endAlerts: try AlertStore.end(incident: number, now: now, database)
        case .leaveGroup:
            try database.executeCached(sql: "UPDATE alert_grouping SET incident = NULL WHERE incident = ?", arguments: [number])
        case .repeatNotifications: try AlertStore.repeatAgain(incident: number, now: now, database)
        case .lookAtEscalation: try EscalationTable.look(at: number, now, database)
        case .holdEscalation: try EscalationTable.hold(number, now, database)
        case .resumeEscalation: try EscalationTable.resume(number, now, database)
        case .followEscalation: try EscalationTable.follow(incident: number, now: now, database)
        case .summarize(true): try PastFound.add(number, now, database)
        case .summarize(false): try PastFound.settle(number, database)
        default: break
        }
    }

    // MARK: Timelines and evidence

    static func note(
        _ number: Int64, _ at: Timestamp, actor: String = LifeChange.obs, _ kind: TimelineKind, _ text: String,
        _ database: Database
    ) throws {
        try database.executeCached(
            sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, ?, ?, ?)",
            arguments: [number, at.microseconds, OutsideText(actor).storable, kind.rawValue, OutsideText(text).storable])
    }

    /// Lines of evidence that an incident keeps.
    static let maxEvidence = 50

    private struct Place: Hashable {
        let file: OutsideText
        let offset: Int64
    }

    /// Deletes the lines of a session that are not among `kept`.
    private static func dropOthers(
        _ kept: [Evidence], in session: ClosedRange<Timestamp>, of number: Int64, _ database: Database
    ) throws {
        let places = Set(kept.map { Place(file: OutsideText(OutsideText($0.file).storable), offset: $0.offset) })
        let known = try Row.fetchAll(
            database.cachedStatement(sql: "SELECT file, offset FROM evidence WHERE incident = ? AND time BETWEEN ? AND ?"),
            arguments: [number, session.lowerBound.microseconds, session.upperBound.microseconds])
        for row in known {
            guard let file = String.fromDatabaseValue(row[0]), let offset = Int64.fromDatabaseValue(row[1]),
                !places.contains(Place(file: OutsideText(file), offset: offset))
            else { continue }
            try database.executeCached(
                sql: "DELETE FROM evidence WHERE incident = ? AND file = ? AND offset = ?", arguments: [number, file, offset])
        }
    }

    private static func add(_ evidence: [Evidence], to number: Int64, _ database: Database) throws {
        guard !evidence.isEmpty else { return }
        let known =
            try Int.fetchOne(
                database.cachedStatement(sql: "SELECT count(*) FROM evidence WHERE incident = ?"), arguments: [number]) ?? 0
        for line in evidence.prefix(max(0, maxEvidence - known)) {
            try database.executeCached(
                sql: "INSERT OR IGNORE INTO evidence (incident, file, offset, line, time, host) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [
                    number, OutsideText(line.file).storable, line.offset, OutsideText(line.line).storable, line.time.microseconds,
                    line.host.map { OutsideText($0).storable },
                ])
        }
    }

    // MARK: Opening and joining

    private static func open(_ opening: Opening, _ now: Timestamp, _ database: Database) throws -> Int64 {
        let isPast = opening.isPast
        try database.executeCached(
            sql: """
                INSERT INTO incident (
                    fingerprint, name, detector, severity, state, title, description, labels, starts_at, last_seen, opened_at,
                    updated_at, count, contributions, merged_into, ends_by_hand, ends_after, found_in_past, resolution,
                        resolved_at,
                    total, line_count, within, session_start, session_total, lines)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                opening.fingerprint, OutsideText(opening.name).storable, opening.detector, opening.severity.rawValue,
                (isPast ? Incident.State.resolved : .open).rawValue, OutsideText(opening.title).storable,
                OutsideText(opening.description).storable, JSONText.object(opening.labels), opening.startsAt.microseconds,
                opening.lastSeen.microseconds, now.microseconds, now.microseconds, opening.count,
                try IncidentStore.json(opening.contributions), opening.mergedInto, opening.end.isByHand,
                opening.end.quiet?.inMicroseconds, isPast, isPast ? Incident.Resolution.past.rawValue : nil,
                isPast ? now.microseconds : nil, opening.lines?.total ?? 0, opening.lines?.total,
                opening.within?.inMicroseconds, opening.lines?.sessionStart?.microseconds, opening.lines?.sessionTotal ?? 0,
                opening.lines.flatMap { blob($0.lines) },
            ])
        return database.lastInsertedRowID
    }

    private static func join(_ number: Int64, _ joining: Joining, _ now: Timestamp, _ database: Database) throws {
        if let alerts = joining.ofAlerts {
            try database.executeCached(
                sql: """
                    UPDATE incident SET count = count + ?, last_seen = max(last_seen, ?), updated_at = ?, labels = ?,
                        starts_at = min(starts_at, ?)
                    WHERE number = ?
                    """,
                arguments: [
                    joining.count, joining.lastSeen.microseconds, now.microseconds, JSONText.object(alerts.labels),
                    alerts.startsAt.microseconds, number,
                ])
        }
        guard let finding = joining.ofFinding else { return }
        let words = finding.words, lines = finding.lines
        let merged = try MergedLines.fetch(number, database)
        var own = lines
        own.total = max(own.total, joining.count)
        try database.executeCached(
            sql: """
                UPDATE incident SET starts_at = min(starts_at, ?), last_seen = max(last_seen, ?), count = max(count, ?),
                    updated_at = ?, title = coalesce(?, title), description = coalesce(?, description), ends_by_hand = ?,
                    ends_after = ?, within = coalesce(?, within), total = ?, session_start = ?, session_total = ?, lines = ?,
                    line_count = coalesce(?, line_count)
                WHERE number = ?
                """,
            arguments: [
                finding.startsAt.microseconds, joining.lastSeen.microseconds, joining.count, now.microseconds,
                words.map { OutsideText($0.title).storable }, words.map { OutsideText($0.description).storable },
                finding.end.isByHand, finding.end.quiet?.inMicroseconds,
                finding.within?.inMicroseconds, lines.total, lines.sessionStart?.microseconds, lines.sessionTotal,
                blob(lines.lines), merged?.united(with: own), number,
            ])
    }

    private static func raise(_ number: Int64, to severity: Severity, _ labels: Labels?, _ database: Database) throws {
        guard let labels else {
            try database.executeCached(
                sql: "UPDATE incident SET severity = ? WHERE number = ?", arguments: [severity.rawValue, number])
            return try chooseWorst(of: number, database)
        }
        try database.executeCached(
            sql: "UPDATE incident SET severity = ?, labels = ? WHERE number = ?",
            arguments: [severity.rawValue, JSONText.object(labels), number])
    }

    /// A set of lines as the table keeps it; nil for the empty one.
    static func blob(_ lines: LineSet) -> Data? { lines.isEmpty ? nil : Data(lines.bytes) }
}
