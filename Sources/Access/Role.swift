/// What a person or a program may do. Roles do not include each other: each names its permissions.
public enum Role: String, Sendable, CaseIterable {
    /// Looks at incidents, alerts, metrics and tables.
    case viewer
    /// A viewer who acts on incidents and silences.
    case responder
    /// May do everything, and reload the configuration.
    case admin
    /// Pushes lines and posts alerts, and can read nothing.
    case ingest

    /// Whether the role has a permission.
    public func may(_ permission: Permission) -> Bool {
        switch (self, permission) {
        case (.admin, _), (.viewer, .view), (.responder, .view), (.responder, .respond), (.ingest, .push): true
        default: false
        }
    }

    /// The roles that people may have: `ingest` is for programs.
    public static let ofPeople: [Role] = [.viewer, .responder, .admin]
}

/// What a request needs.
public enum Permission: String, Sendable, CaseIterable {
    /// Reads incidents, alerts, metrics, tables and pages.
    case view
    /// Changes incidents and silences.
    case respond
    /// Changes how obs itself runs.
    case administer
    /// Sends lines and alerts.
    case push
}
