import Columns
import Foundation
@preconcurrency import GRDB
import Store

/// What people decide about incidents. Each action is one transaction: the change, its entry on the timeline, the audit, and
/// the notifications that follow.
extension IncidentStore {
    /// What a person can do to an incident.
    public enum Action: Sendable, Equatable {
        /// Somebody looks at it: repetitions and escalation stop for this incident until it ends.
        case acknowledge
        /// Nobody has it any longer: repetitions and escalation continue where they were.
        case handBack
        case end(as: Incident.Resolution)
        /// It has not ended after all.
        case reopen
        /// Nil takes it from whoever has it.
        case assign(to: String?)
        case note
        /// These become children of the incident that the action is performed on.
        case merge([String])
        /// It stops being a child of another.
        case split

        /// ``end(as:)`` as fixed.
        public static let resolve = Action.end(as: .fixed)

        /// As the command line, the API and the audit name it.
        public var name: String {
            switch self {
            case .acknowledge: "acknowledge"
            case .handBack: "hand-back"
            case .end: "resolve"
            case .reopen: "reopen"
            case .assign: "assign"
            case .note: "note"
            case .merge: "merge"
            case .split: "split"
            }
        }
    }

    /// Longest note, and longest name of a person, in bytes.
    static let maxNote = 16 << 10
    static let maxName = 200

    /// Changes an incident as a person wants it, and writes down who did it. Durable when it returns.
    ///
    /// - Parameter expected: the version that the decision was made on; nil decides on whichever there is now.
    /// - Returns: the incident as it is now.
    /// - Throws: ``IncidentError/noIncident(_:)``, ``IncidentError/wrongState(_:state:action:)``,
    ///   ``IncidentError/changedMeanwhile(_:by:version:expected:)``, ``IncidentError/badAction(_:)``.
    @discardableResult
    public func perform(
        _ action: Action, on id: String, by actor: String, note text: String? = nil, ifVersion expected: Int? = nil,
        now: Timestamp
    ) throws -> Incident {
        try Self.check(actor, what: "the name of whoever does it")
        if case .assign(let person?) = action { try Self.check(person, what: "the name of the assignee") }
        let actor = OutsideText(actor).storable
        if let text, text.utf8.count > Self.maxNote {
            throw IncidentError.badAction("the note has \(text.utf8.count) bytes; \(Self.maxNote) are the most")
        }
        return try write { database in
            let incident = try Self.find(id, database)
            if let expected, expected != incident.version {
                throw IncidentError.changedMeanwhile(
                    incident.id, by: incident.changedBy ?? "obs", version: incident.version, expected: expected)
            }
            let changes = try IncidentLife.decide(
                action, on: incident, by: actor, note: text, others: try Self.others(action, incident, database), now: now)
            try IncidentLedger.apply(changes, now: now, database)
            try IncidentLedger.sign(incident.number, by: actor, after: incident.version, database)
            let changed = try Self.find(id, database)
            let states = AuditStates(action, from: incident, to: changed)
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "incident.\(action.name)", subject: incident.id,
                before: states.before, after: states.after, detail: text.flatMap { $0.isEmpty ? nil : $0 })
            return changed
        }
    }

    /// The incidents that an action is also about: children that have not ended, or those that are to become children.
    private static func others(_ action: Action, _ incident: Incident, _ database: Database) throws -> [Incident] {
        switch action {
        case .end: return try openChildren(of: incident.number, database)
        case .merge(let ids):
            guard !ids.isEmpty, ids.count <= 1000 else {
                throw IncidentError.badAction(
                    "merging takes from 1 to 1000 incidents beside \(incident.id), and \(ids.count) are named")
            }
            return try ids.map { try find($0, database) }
        default: return []
        }
    }

    static func openChildren(of number: Int64, _ database: Database) throws -> [Incident] {
        try IncidentRow.incidents("WHERE i.merged_into = ? AND i.state <> 'resolved' ORDER BY i.number", [number], database)
    }

    private static func check(_ name: String, what: String) throws {
        guard !name.isEmpty, name.utf8.count <= maxName,
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw IncidentError.badAction("\(what) is '\(name.prefix(40))'; write 1 to \(maxName) bytes on one line")
        }
    }
}
