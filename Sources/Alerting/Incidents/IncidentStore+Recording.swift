import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// How findings become incidents, join them, or bring them back.
extension IncidentStore {
    func record(
        _ finding: Finding, _ route: Route?, _ policy: IncidentPolicy, _ now: Timestamp, _ database: Database
    ) throws -> Outcome {
        var labels = finding.labels
        labels["alertname"] = finding.name
        let fingerprint = Fingerprint.of(labels)
        labels["severity"] = finding.severity.rawValue
        // What it names is no part of what it is: an attack that reaches another machine is the same.
        if labels["host"] == nil, let host = finding.mainHost { labels["host"] = host }
        let last = try last(fingerprint, finding, policy, now, database)
        let course = policy.past.course(of: finding, after: last, now: now)
        switch (course, last) {
        case (.known, _): return .known
        case (.joins, let last?):
            try join(last, finding, route, now, database)
            return .joined(last.id)
        case (.revives, let last?):
            let whole = try last.mergedInto.flatMap { try Self.fetch($0, database) }
            // Under a whole that somebody has ended it does not come back.
            guard whole.map({ $0.state != .resolved || $0.resolution == .past }) ?? true else { break }
            let revived = try revive(whole?.resolution == .past ? whole! : last, route, now, database)
            if let known = try Self.fetch(last.number, database) { try join(known, finding, route, now, database) }
            return .opened(revived.id)
        case (.opens, let last?):
            // A part that comes back while the whole is open, and what comes and goes too often, is the incident that it was.
            let whole = try last.mergedInto.flatMap { try Self.fetch($0, database) }
            let isFlapping = try isFlapping(fingerprint, policy, now, database)
            if isFlapping || whole.map({ $0.state != .resolved }) ?? false {
                return try comeBack(last, finding, isFlapping ? policy : nil, whole, route, now, database)
            }
        default: break
        }
        let begun = last?.lines.continued() ?? LineCount()
        return try open(
            finding, fingerprint, labels, begun, isPast: course == .opensInPast, route, policy, now, database)
    }

    /// The newest incident with this fingerprint; for a finding of the past the newest that is near it, because logs may be read in any order.
    private func last(
        _ fingerprint: String, _ finding: Finding, _ policy: IncidentPolicy, _ now: Timestamp, _ database: Database
    ) throws -> Incident? {
        guard policy.past.isPast(finding, now: now) else {
            return try Row.fetchOne(
                database.cachedStatement(sql: "SELECT * FROM incident WHERE fingerprint = ? ORDER BY number DESC LIMIT 1"),
                arguments: [fingerprint]
            ).flatMap(Self.incident)
        }
        return try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT * FROM incident WHERE fingerprint = ? AND starts_at <= ? AND last_seen >= ? ORDER BY number DESC LIMIT 1
                    """),
            arguments: [
                fingerprint, (finding.lastSeen + policy.joinWithin).microseconds,
                (finding.startsAt - policy.joinWithin).microseconds,
            ]
        ).flatMap(Self.incident)
    }

    /// - Parameter begun: what another incident stands for of the session that goes on.
    private func open(
        _ finding: Finding, _ fingerprint: String, _ labels: Labels, _ begun: LineCount, isPast: Bool, _ route: Route?,
        _ policy: IncidentPolicy, _ now: Timestamp, _ database: Database
    ) throws -> Outcome {
        var joined = try whole(for: finding, labels, policy, isPast: isPast, database)
        if let known = joined, !isPast, known.whole.resolution == .past {
            joined = (try revive(known.whole, route, now, database), known.because)
        }
        var lines = begun
        lines.add(finding)
        let end = EndPolicy(said: finding.ends, severity: finding.severity)
        try database.executeCached(
            sql: """
                INSERT INTO incident (fingerprint, name, detector, severity, state, title, description, labels, starts_at, last_seen, opened_at, updated_at, count,
                    contributions, merged_into, ends_by_hand, ends_after, found_in_past, resolution, resolved_at, total, line_count, within, session_start,
                    session_total, lines)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                fingerprint, finding.name, finding.detector, finding.severity.rawValue,
                (isPast ? Incident.State.resolved : .open).rawValue, OutsideText(finding.title).storable,
                OutsideText(finding.description).storable, JSONText.object(labels),
                finding.startsAt.microseconds, finding.lastSeen.microseconds, now.microseconds, now.microseconds, finding.count,
                try Self.json(finding.contributions), joined?.whole.number, end.isByHand, end.quiet?.inMicroseconds, isPast,
                isPast ? Incident.Resolution.past.rawValue : nil, isPast ? now.microseconds : nil, lines.total, lines.total,
                finding.within?.inMicroseconds, lines.sessionStart?.microseconds, lines.sessionTotal,
                lines.lines.isEmpty ? nil : Data(lines.lines.bytes),
            ])
        let number = database.lastInsertedRowID
        try add(finding.evidence, to: number, database)
        let past = isPast ? "; it was over when it was found, and nobody is notified of it alone" : ""
        try note(
            number, now, actor: "obs", kind: "opened",
            "opened by \(finding.detector) \(finding.name): \(finding.description)\(past)", database)
        if let joined, let part = try Self.fetch(number, database) {
            try attach(part, to: joined.whole, because: joined.because, by: "obs", now, database)
        }
        guard !isPast else {
            if route != nil, joined == nil { try PastSummary.owe(number, now, database) }
            return .foundInPast("INC-\(number)")
        }
        try AlertStore.open(labels, incident: number, startsAt: finding.startsAt, route: route, now: now, database)
        return .opened("INC-\(number)")
    }

    /// Takes a finding in that is about an incident that goes on, or that was found in the past.
    private func join(_ incident: Incident, _ finding: Finding, _ route: Route?, _ now: Timestamp, _ database: Database) throws {
        var lines = incident.lines
        lines.add(finding)
        let end = incident.end.joined(by: EndPolicy(said: finding.ends, severity: finding.severity))
        // The words are those of the worst that was seen.
        let isWorst = finding.count >= incident.ownCount
        try database.executeCached(
            sql: """
                UPDATE incident SET last_seen = max(last_seen, ?), count = max(count, ?), updated_at = ?, title = iif(?, ?, title),
                    description = iif(?, ?, description), ends_by_hand = ?, ends_after = ?, within = coalesce(?, within), total = ?, session_start = ?,
                    session_total = ?, lines = ? WHERE number = ?
                """,
            arguments: [
                finding.lastSeen.microseconds, finding.count, now.microseconds, isWorst, OutsideText(finding.title).storable,
                isWorst,
                OutsideText(finding.description).storable, end.isByHand, end.quiet?.inMicroseconds,
                finding.within?.inMicroseconds, lines.total,
                lines.sessionStart?.microseconds, lines.sessionTotal, lines.lines.isEmpty ? nil : Data(lines.lines.bytes),
                incident.number,
            ])
        try add(finding.evidence, to: incident.number, database)
        if finding.severity > incident.severity { try raise(incident, to: finding.severity, route, now, database) }
        try countLines(of: incident.number, database)
        if let whole = incident.mergedInto {
            try grow(
                whole, by: lines.total - incident.lines.total, lines, severity: finding.severity, lastSeen: finding.lastSeen,
                now, database)
            try copyWorst(incident.number, to: whole, database)
        }
    }

    /// An incident is as severe as the worst of its findings. Whoever was told of the lesser one is told of the other.
    private func raise(
        _ incident: Incident, to severity: Severity, _ route: Route?, _ now: Timestamp, _ database: Database
    ) throws {
        var labels = incident.ownLabels
        labels["severity"] = severity.rawValue
        try database.executeCached(
            sql: "UPDATE incident SET severity = ?, labels = ? WHERE number = ?",
            arguments: [severity.rawValue, JSONText.object(labels), incident.number])
        try note(
            incident.number, now, actor: "obs", kind: "severity",
            "severity raised from \(incident.severity.rawValue) to \(severity.rawValue)",
            database)
        try Escalation.look(at: incident.number, now, database)
        guard incident.state != .resolved else { return }
        try AlertStore.relabel(labels, incident: incident.number, startsAt: incident.startsAt, route: route, now: now, database)
    }

    /// Opens again what had ended.
    private func comeBack(
        _ incident: Incident, _ finding: Finding, _ flapping: IncidentPolicy?, _ whole: Incident?, _ route: Route?,
        _ now: Timestamp, _ database: Database
    ) throws -> Outcome {
        let within = flapping.map { Int($0.flapWithin.inSeconds) }
        let end = EndPolicy(said: finding.ends, severity: finding.severity)
        try reopen(
            incident, now, actor: "obs",
            within.map { "it came and went too often: from now on it ends only after \($0) s of quiet" } ?? "it was seen again",
            database)
        try database.executeCached(
            sql: "UPDATE incident SET quiet_for = ?, ends_by_hand = ? WHERE number = ?",
            arguments: [flapping?.flapWithin.inMicroseconds, end.isByHand, incident.number])
        if let known = try Self.fetch(incident.number, database) { try join(known, finding, route, now, database) }
        try AlertStore.open(
            incident.ownLabels, incident: incident.number, startsAt: finding.startsAt, route: route, now: now, database)
        return .opened(incident.id)
    }

    /// Opens an incident that was found in the past, with its parts, because it goes on: whoever its routes name is notified now, once.
    private func revive(_ incident: Incident, _ route: Route?, _ now: Timestamp, _ database: Database) throws -> Incident {
        let parts = try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT * FROM incident WHERE (number = ?1 OR merged_into = ?1) AND resolution = 'past' ORDER BY number"),
            arguments: [incident.number]
        ).compactMap(Self.incident)
        for part in parts {
            try database.executeCached(
                sql: "UPDATE incident SET state = 'open', resolution = NULL, resolved_at = NULL, updated_at = ? WHERE number = ?",
                arguments: [now.microseconds, part.number])
            try note(part.number, now, actor: "obs", kind: "reopened", "it goes on", database)
            try AlertStore.open(
                part.ownLabels, incident: part.number, startsAt: part.startsAt, route: route, now: now, database)
            try PastSummary.settle(part.number, database)
        }
        return try Self.fetch(incident.number, database) ?? incident
    }

    private func add(_ evidence: [Evidence], to number: Int64, _ database: Database) throws {
        guard !evidence.isEmpty else { return }
        let known =
            try Int.fetchOne(
                database.cachedStatement(sql: "SELECT count(*) FROM evidence WHERE incident = ?"), arguments: [number]) ?? 0
        for line in evidence.prefix(max(0, Self.maxEvidence - known)) {
            try database.executeCached(
                sql: "INSERT OR IGNORE INTO evidence (incident, file, offset, line, time, host) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [
                    number, OutsideText(line.file).storable, line.offset, OutsideText(line.line).storable, line.time.microseconds,
                    line.host.map { OutsideText($0).storable },
                ])
        }
    }
}

extension Finding {
    /// The machine that nearly all of its lines speak of; nil when they speak of several or of none.
    var mainHost: String? {
        let counts = evidence.reduce(into: [OutsideText: Int]()) { counts, line in
            if let host = line.host, !host.isEmpty { counts[OutsideText(host), default: 0] += 1 }
        }
        guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
            most.value * 5 >= evidence.count * 4
        else { return nil }
        return most.key.string
    }
}
