/// What an action made of an incident, in words for the audit: its state before and after, and the note that came with it.
struct AuditDetail {
    private let action: IncidentStore.Action
    private let before: Incident
    private let after: Incident
    private let note: String?

    init(_ action: IncidentStore.Action, before: Incident, after: Incident, note: String?) {
        self.action = action
        self.before = before
        self.after = after
        self.note = note
    }

    /// Nil when there is nothing to say: `acknowledged by ann → resolved as false positive: the backup job`.
    var text: String? {
        let change: String? =
            switch action {
            case .acknowledge, .handBack, .end, .reopen: "\(Self.standing(before)) → \(Self.standing(after))"
            case .assign:
                "assigned to \(before.assignee ?? "nobody") → assigned to \(after.assignee ?? "nobody")"
            case .merge(let ids): "took in \(ids.joined(separator: ", "))"
            case .split: before.mergedInto.map { "part of INC-\($0) → part of none" }
            case .note: nil
            }
        let written = note.flatMap { $0.isEmpty ? nil : $0 }
        let parts = [change, written].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: ": ")
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
