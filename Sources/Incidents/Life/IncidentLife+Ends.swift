import Columns
import Detection

/// How incidents end, and what people decide about them.
extension IncidentLife {
    /// Ends an incident with those of its children that have not ended.
    ///
    /// - Parameter children: their numbers.
    static func end(
        _ number: Int64, children: [Int64], as resolution: Incident.Resolution, by actor: String, _ text: String, now: Timestamp
    ) -> [LifeChange] {
        (children + [number]).flatMap { one -> [LifeChange] in
            let steps: [LifeChange.Step] = [
                .resolve(as: resolution, at: now, by: actor == LifeChange.obs ? nil : actor), .note(.resolved, text), .endAlerts,
            ]
            return steps.map { LifeChange(one, by: actor, $0) }
        }
    }

    /// What a person's decision leads to.
    ///
    /// - Parameters:
    ///   - others: for an end, the children that have not ended; for a merge, the incidents that are named.
    /// - Throws: ``IncidentError/wrongState(_:state:action:)``, ``IncidentError/badAction(_:)``.
    static func decide(
        _ action: IncidentStore.Action, on incident: Incident, by actor: String, note text: String?, others: [Incident],
        now: Timestamp
    ) throws(IncidentError) -> [LifeChange] {
        if let parent = incident.mergedInto, action != .note, action != .split {
            throw IncidentError.badAction(
                "\(incident.id) is a part of INC-\(parent); do it there, or take it out with 'obs incident split \(incident.id)'")
        }
        switch action {
        case .acknowledge:
            try require(incident.state == .open, of: incident, for: "acknowledged")
            return on(
                incident, actor, [.holdEscalation, .acknowledge(by: actor), .note(.acknowledged, "acknowledged")] + noted(text))
        case .handBack:
            try require(incident.state == .acknowledged, of: incident, for: "handed back")
            let whose = incident.acknowledgedBy.map { $0 == actor ? "" : "; \($0) had acknowledged it" } ?? ""
            return on(
                incident, actor,
                [
                    .handBack, .resumeEscalation, .repeatNotifications,
                    .note(.handedBack, "handed back\(whose): escalation goes on where it was"),
                ] + noted(text))
        case .end(let resolution):
            try require(incident.state != .resolved, of: incident, for: "resolved again")
            let label = resolution == .fixed ? "resolved" : "resolved as \(resolution.rawValue.replacing("_", with: " "))"
            return end(
                incident.number, children: others.map(\.number), as: resolution, by: actor,
                text.map { "\(label): \($0)" } ?? label, now: now)
        case .reopen:
            try require(incident.state == .resolved, of: incident, for: "reopened")
            return on(incident, actor, reopen(byHand: true, text.map { "reopened: \($0)" } ?? "reopened"))
        case .assign(let person):
            return try assign(incident, to: person, by: actor, text)
        case .note:
            guard let text, !text.isEmpty else {
                throw IncidentError.badAction("the note is empty; say what is to be written down")
            }
            return on(incident, actor, [.note(.note, text)])
        case .merge: return try merge(others, into: incident, by: actor, text)
        case .split: return try split(incident, by: actor, text)
        }
    }

    private static func assign(
        _ incident: Incident, to person: String?, by actor: String, _ text: String?
    ) throws(IncidentError) -> [LifeChange] {
        let person = person.map { OutsideText($0).storable }
        guard incident.assignee.map({ OutsideText($0) }) != person.map({ OutsideText($0) }) else {
            throw IncidentError.wrongState(
                incident.id, state: person.map { "assigned to \($0) already" } ?? "assigned to nobody",
                action: "assigned so again")
        }
        let change = person.map { "assigned to \($0)" } ?? "taken from \(incident.assignee ?? "nobody")"
        return on(incident, actor, [.assign(to: person), .note(.assigned, text.map { "\(change): \($0)" } ?? change)])
    }

    private static func merge(
        _ children: [Incident], into parent: Incident, by actor: String, _ text: String?
    ) throws(IncidentError) -> [LifeChange] {
        var changes: [LifeChange] = []
        // What the first brings makes the parent what the second meets.
        var parent = parent, taken: Set<Int64> = []
        for child in children {
            guard child.number != parent.number else {
                throw IncidentError.badAction("\(parent.id) cannot be merged into itself")
            }
            if let other = child.mergedInto ?? (taken.insert(child.number).inserted ? nil : parent.number) {
                throw IncidentError.badAction("\(child.id) is a part of INC-\(other) already; split it first")
            }
            guard parent.state != .resolved || child.state == .resolved else {
                throw IncidentError.wrongState(
                    parent.id, state: "resolved",
                    action: "given \(child.id), which is \(child.state.rawValue); reopen \(parent.id) first")
            }
            changes += attach(
                .incident(child.number), title: child.title, severity: child.severity,
                endsByHand: child.end.isByHand && (child.state != .resolved || child.resolution == .past), to: parent,
                because: text.map { "merged by \(actor): \($0)" } ?? "merged by \(actor)", by: actor)
            parent.severity = max(parent.severity, child.severity)
        }
        return changes
    }

    private static func split(_ child: Incident, by actor: String, _ text: String?) throws(IncidentError) -> [LifeChange] {
        guard let parent = child.mergedInto else {
            throw IncidentError.wrongState(child.id, state: "no part of another incident", action: "split")
        }
        let reason = text.map { ": \($0)" } ?? ""
        return [
            LifeChange(child.number, by: actor, .detach),
            LifeChange(child.number, by: actor, .note(.split, "no part of INC-\(parent) any longer\(reason)")),
            LifeChange(parent, by: actor, .note(.split, "\(child.id) is no longer merged into it\(reason)")),
        ]
    }

    private static func on(_ incident: Incident, _ actor: String, _ steps: [LifeChange.Step]) -> [LifeChange] {
        steps.map { LifeChange(incident.number, by: actor, $0) }
    }

    /// What somebody writes down with an action is a note of its own beside it.
    private static func noted(_ text: String?) -> [LifeChange.Step] {
        text.flatMap { $0.isEmpty ? nil : $0 }.map { [.note(.note, $0)] } ?? []
    }

    private static func require(_ isRight: Bool, of incident: Incident, for action: String) throws(IncidentError) {
        guard !isRight else { return }
        let state =
            switch incident.state {
            case .open: "open"
            case .acknowledged: "acknowledged by \(incident.acknowledgedBy ?? "somebody") already"
            case .resolved: incident.changedBy.map { "resolved by \($0) already" } ?? "resolved"
            }
        throw IncidentError.wrongState(incident.id, state: state, action: action)
    }
}
