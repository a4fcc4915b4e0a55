import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// Silences that were made from an incident: they are on its timeline, and its page links to them.
extension IncidentStore {
    /// Writes down that a silence was made from an incident.
    ///
    /// - Throws: ``IncidentError/noIncident(_:)``.
    public func note(silence id: String, until end: Timestamp, on incident: String, by actor: String, now: Timestamp) throws {
        try write { database in
            let number = try Self.find(incident, database).number
            try database.executeCached(
                sql: "INSERT OR REPLACE INTO incident_silence (silence, incident) VALUES (?, ?)", arguments: [id, number])
            try IncidentLedger.note(
                number, now, actor: actor, .silenced, "alerts like it are silenced until \(end)", database)
        }
    }

    /// The incident that a silence was made from; nil when it was made from none.
    public func incident(ofSilence id: String) throws -> String? {
        try read { database in
            try Int64.fetchOne(database, sql: "SELECT incident FROM incident_silence WHERE silence = ?", arguments: [id])
                .map { "INC-\($0)" }
        }
    }

    /// The silences that were made from an incident, by their ids.
    public func silences(of number: Int64) throws -> [String] {
        try read { try String.fetchAll($0, sql: "SELECT silence FROM incident_silence WHERE incident = ?", arguments: [number]) }
    }
}
