import Columns
import Detection
import Foundation
@preconcurrency import GRDB
import Store

/// What people decide about incidents. Each action is one transaction: the change, its entry on the timeline, the audit, and what is owed for it.
extension IncidentStore {
    public enum Action: Sendable, Equatable {
        /// Somebody looks at it: repetitions and escalation stop for this incident until it ends.
        case acknowledge
        /// Whoever has it does not have it any longer: repetitions and escalation go on where they were.
        case handBack
        case end(as: Incident.Resolution)
        /// It has not ended after all.
        case reopen
        /// Nil takes it from whoever has it.
        case assign(to: String?)
        case note
        /// These become parts of the incident that the action is performed on.
        case merge([String])
        /// It is no part of another any longer.
        case split

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

    /// Changes an incident by a person's will, and writes down who did it. Durable when it returns.
    ///
    /// - Parameter expected: the version that the decision was made on; nil decides on whatever is there now.
    /// - Returns: the incident as it is now.
    /// - Throws: ``AlertingError/noIncident(_:)``, ``AlertingError/wrongState(_:state:action:)``, ``AlertingError/changedMeanwhile(_:by:version:expected:)``,
    ///   ``AlertingError/badAction(_:)``.
    @discardableResult
    public func perform(
        _ action: Action, on id: String, by actor: String, note text: String? = nil, ifVersion expected: Int? = nil,
        now: Timestamp
    ) throws -> Incident {
        try Self.check(actor, what: "the name of whoever does it")
        let actor = OutsideText(actor).storable
        if let text, text.utf8.count > Self.maxNote {
            throw AlertingError.badAction("the note has \(text.utf8.count) bytes; \(Self.maxNote) are the most")
        }
        return try write { database in
            let incident = try Self.find(id, database)
            if let expected, expected != incident.version {
                throw AlertingError.changedMeanwhile(
                    incident.id, by: incident.changedBy ?? "obs", version: incident.version, expected: expected)
            }
            if let whole = incident.mergedInto, action != .note, action != .split {
                throw AlertingError.badAction(
                    "\(incident.id) is a part of INC-\(whole); do it there, or take it out with 'obs incident split \(incident.id)'"
                )
            }
            try apply(action, to: incident, by: actor, text, now, database)
            try database.executeCached(
                sql: "UPDATE incident SET changed_by = ? WHERE number = ? AND version > ?",
                arguments: [actor, incident.number, incident.version])
            try database.executeCached(
                sql: "UPDATE incident SET seen_by = ?1 WHERE (number = ?2 OR merged_into = ?2) AND seen_by IS NULL",
                arguments: [actor, incident.number])
            let changed = try Self.find(id, database)
            try Store.audit(
                database, at: now.microseconds, actor: actor, action: "incident.\(action.name)", subject: incident.id,
                detail: IncidentChange(action, before: incident, after: changed, note: text).text)
            return changed
        }
    }

    private func apply(
        _ action: Action, to incident: Incident, by actor: String, _ text: String?, _ now: Timestamp, _ database: Database
    ) throws {
        let number = incident.number
        switch action {
        case .acknowledge:
            guard incident.state == .open else {
                throw AlertingError.wrongState(incident.id, state: Self.describe(incident), action: "acknowledged")
            }
            try Escalation.hold(number, now, database)
            // From now on somebody says when it has ended, whatever becomes of it.
            try database.executeCached(
                sql: """
                    UPDATE incident SET state = 'acknowledged', acknowledged_by = ?1, acknowledged_at = coalesce(acknowledged_at, ?2), ends_by_hand = 1
                    WHERE (number = ?3 OR merged_into = ?3) AND state = 'open'
                    """, arguments: [actor, now.microseconds, number])
            try note(number, now, actor: actor, kind: "acknowledged", "acknowledged", database)
            try addNote(text, to: number, now, actor: actor, database)
        case .handBack:
            guard incident.state == .acknowledged else {
                throw AlertingError.wrongState(incident.id, state: Self.describe(incident), action: "handed back")
            }
            try database.executeCached(
                sql: """
                    UPDATE incident SET state = 'open', acknowledged_by = NULL, acknowledged_at = NULL
                    WHERE (number = ?1 OR merged_into = ?1) AND state = 'acknowledged'
                    """, arguments: [number])
            try Escalation.resume(number, now, database)
            try AlertStore.repeatAgain(incident: number, now: now, database)
            try note(
                number, now, actor: actor, kind: "handed_back",
                "handed back\(incident.acknowledgedBy.map { $0 == actor ? "" : "; \($0) had acknowledged it" } ?? ""): escalation goes on where it was",
                database)
            try addNote(text, to: number, now, actor: actor, database)
        case .end(let resolution):
            guard incident.state != .resolved else {
                throw AlertingError.wrongState(incident.id, state: Self.describe(incident), action: "resolved again")
            }
            let label = resolution == .fixed ? "resolved" : "resolved as \(resolution.rawValue.replacing("_", with: " "))"
            try resolve(number, as: resolution, now, actor: actor, text.map { "\(label): \($0)" } ?? label, database)
        case .reopen:
            guard incident.state == .resolved else {
                throw AlertingError.wrongState(incident.id, state: Self.describe(incident), action: "reopened")
            }
            try reopen(incident, now, actor: actor, text.map { "reopened: \($0)" } ?? "reopened", database)
        case .assign(let person):
            if let person { try Self.check(person, what: "the name of the assignee") }
            let person = person.map { OutsideText($0).storable }
            guard incident.assignee.map({ OutsideText($0) }) != person.map({ OutsideText($0) }) else {
                throw AlertingError.wrongState(
                    incident.id, state: person.map { "assigned to \($0) already" } ?? "assigned to nobody",
                    action: "assigned so again")
            }
            try database.executeCached(sql: "UPDATE incident SET assignee = ? WHERE number = ?", arguments: [person, number])
            let change = person.map { "assigned to \($0)" } ?? "taken from \(incident.assignee ?? "nobody")"
            try note(number, now, actor: actor, kind: "assigned", text.map { "\(change): \($0)" } ?? change, database)
        case .note:
            guard let text, !text.isEmpty else {
                throw AlertingError.badAction("the note is empty; say what is to be written down")
            }
            try note(number, now, actor: actor, kind: "note", text, database)
        case .merge(let ids):
            try merge(ids, into: incident, by: actor, text, now, database)
        case .split:
            try split(incident, by: actor, text, now, database)
        }
    }

    private func merge(
        _ ids: [String], into whole: Incident, by actor: String, _ text: String?, _ now: Timestamp, _ database: Database
    ) throws {
        guard !ids.isEmpty, ids.count <= 1000 else {
            throw AlertingError.badAction("merging takes from 1 to 1000 incidents beside \(whole.id), and \(ids.count) are named")
        }
        for id in ids {
            let part = try Self.find(id, database)
            guard part.number != whole.number else { throw AlertingError.badAction("\(whole.id) cannot be merged into itself") }
            if let other = part.mergedInto {
                throw AlertingError.badAction("\(part.id) is a part of INC-\(other) already; split it first")
            }
            guard whole.state != .resolved || part.state == .resolved else {
                throw AlertingError.wrongState(
                    whole.id, state: "resolved",
                    action: "given \(part.id), which is \(part.state.rawValue); reopen \(whole.id) first")
            }
            try attach(
                part, to: whole, because: text.map { "merged by \(actor): \($0)" } ?? "merged by \(actor)", by: actor, now,
                database)
        }
    }

    private func split(_ part: Incident, by actor: String, _ text: String?, _ now: Timestamp, _ database: Database) throws {
        guard let whole = part.mergedInto else {
            throw AlertingError.wrongState(part.id, state: "no part of another incident", action: "split")
        }
        try database.executeCached(
            sql: "UPDATE incident SET merged_into = NULL, merged_because = NULL WHERE number = ?", arguments: [part.number])
        try recountParts(of: whole, database)
        try chooseWorst(of: whole, database)
        let reason = text.map { ": \($0)" } ?? ""
        try note(part.number, now, actor: actor, kind: "split", "no part of INC-\(whole) any longer\(reason)", database)
        try note(whole, now, actor: actor, kind: "split", "\(part.id) is no part of it any longer\(reason)", database)
    }

    /// Opens what had ended; nobody has it then. Whoever was told of it is told that it is not over.
    func reopen(_ incident: Incident, _ now: Timestamp, actor: String, _ text: String, _ database: Database) throws {
        try database.executeCached(
            sql: """
                UPDATE incident SET state = 'open', resolved_at = NULL, resolution = NULL, acknowledged_by = NULL, reopened = reopened + 1, updated_at = ?,
                    ends_by_hand = max(ends_by_hand, ?) WHERE number = ?
                """, arguments: [now.microseconds, actor != "obs", incident.number])
        try PastSummary.settle(incident.number, database)
        try note(incident.number, now, actor: actor, kind: "reopened", text, database)
        try AlertStore.reopen(incident: incident.number, now: now, database)
    }

    /// What somebody writes down with an action is a note of its own beside it.
    private func addNote(_ text: String?, to number: Int64, _ now: Timestamp, actor: String, _ database: Database) throws {
        if let text, !text.isEmpty { try note(number, now, actor: actor, kind: "note", text, database) }
    }

    private static func describe(_ incident: Incident) -> String {
        switch incident.state {
        case .open: "open"
        case .acknowledged: "acknowledged by \(incident.acknowledgedBy ?? "somebody") already"
        case .resolved: incident.changedBy.map { "resolved by \($0) already" } ?? "resolved"
        }
    }

    private static func check(_ name: String, what: String) throws {
        guard !name.isEmpty, name.utf8.count <= maxName,
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw AlertingError.badAction("\(what) is '\(name.prefix(40))'; write 1 to \(maxName) bytes on one line")
        }
    }
}
