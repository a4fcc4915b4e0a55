/// An incident before and after an action, in words for the audit: `acknowledged by ann`, `resolved as false positive`.
struct AuditStates {
    /// Nil where the action changes no state.
    let before, after: String?

    init(_ action: IncidentStore.Action, from old: Incident, to new: Incident) {
        switch action {
        case .acknowledge, .handBack, .end, .reopen: (before, after) = (Self.standing(old), Self.standing(new))
        case .assign:
            (before, after) = ("assigned to \(old.assignee ?? "nobody")", "assigned to \(new.assignee ?? "nobody")")
        case .merge(let ids): (before, after) = (nil, "took in \(ids.joined(separator: ", "))")
        case .split: (before, after) = (old.mergedInto.map { "part of INC-\($0)" }, "part of none")
        case .note: (before, after) = (nil, nil)
        }
    }

    private static func standing(_ incident: Incident) -> String {
        switch incident.state {
        case .open: "open"
        case .acknowledged: "acknowledged by \(incident.acknowledgedBy ?? "somebody")"
        case .resolved:
            switch incident.resolution {
            case .fixed: "resolved as fixed"
            case .falsePositive: "resolved as false positive"
            case .expected: "resolved as expected"
            case .quiet: "ended by itself"
            case .past: "found in the past"
            case nil: "resolved"
            }
        }
    }
}
