import Alerting
import Incidents
import Columns
import Detection
import Foundation
import GRDB
import Store
import TestSupport

/// A store in a folder of its own, removed with the value's owner.
final class TemporaryIncidents: Sendable {
    private let directory = TemporaryFolder()
    var folder: String { directory.path }
    let store: Store
    let incidents: IncidentStore

    init() throws {
        store = try Store(path: directory.path + "/obs.db", migrations: IncidentStore.migrations)
        incidents = IncidentStore(store)
    }

    /// The steps by which SQLite answers a statement.
    func plan(of sql: String, _ arguments: StatementArguments = []) throws -> [String] {
        try incidents.read {
            try Row.fetchAll($0, sql: "EXPLAIN QUERY PLAN " + sql, arguments: arguments).map { $0["detail"] as String }
        }
    }

    func record(_ findings: Finding..., at time: Timestamp) throws { try incidents.record(findings, routing: nil, now: time) }
}

extension Finding {
    static func example(
        _ name: String = "SSHBruteForce", source: String = "192.0.2.7", severity: Severity = .warning, count: Int = 12,
        at time: Timestamp,
        line: String = "Nov 21 03:00:00 web-1 sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2"
    ) -> Finding {
        Finding(
            name: name, detector: "rule", severity: severity, labels: ["source": source, "host": "web-1"],
            title: "Brute force from \(source) against web-1",
            description: "\(count) failed logins from \(source) on web-1 within five minutes.",
            startsAt: time - .seconds(60), lastSeen: time, count: count,
            evidence: [Evidence(file: "auth.log", offset: 80, line: line, time: time)])
    }
}

extension Timestamp {
    static let night = Timestamp(year: 2026, month: 11, day: 21, hour: 3)
}
