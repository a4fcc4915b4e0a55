import Columns
@preconcurrency import GRDB

/// A notification that is due, with all that the store knows of its group.
public struct Look: Sendable {
    /// The row of the outbox.
    public let notification: PendingNotification
    /// Nil for a dead letter that is sent once more: it is sent as it was.
    public let group: GroupRow?
    /// The alerts of the group that can be read, by id; empty for a dead letter.
    public let members: [MemberRow]
}

/// A row of the outbox that is to be sent.
public struct PendingNotification: PositionalRow, Sendable {
    static let columns = [
        "id", "receiver", "group_key", "created_at", "due_at", "attempts", "state", "delivered", "payload", "reason", "first_due",
    ]

    /// Its id in the table.
    public let id: Int64
    /// Who is to be notified.
    public let receiver: String
    /// Names the group.
    public let groupKey: String
    /// Since when it is pending.
    public let createdAt: Timestamp
    /// Failed tries so far.
    public let attempts: Int
    let state: OutboxState
    /// Which integrations have accepted or refused it.
    public let delivered: Set<String>
    /// JSON, of a dead letter.
    public let payload: String?
    /// Of a dead letter.
    public let reason: NotificationReason?
    /// When it was first due, however often it has been tried since.
    public let firstDue: Timestamp

    /// Reads ``columns``.
    public init(row: Row) throws {
        var reader = RowReader(row)
        id = try reader.next()
        receiver = try reader.next()
        groupKey = try reader.next()
        createdAt = try reader.time()
        let dueAt: Int64 = try reader.next()
        attempts = try reader.next()
        state = OutboxState(rawValue: try reader.next()) ?? .pending
        delivered = Set((try reader.optional() as String?).flatMap { IncidentStore.decode($0) as [String]? } ?? [])
        payload = try reader.optional()
        reason = (try reader.optional() as String?).flatMap(NotificationReason.init)
        firstDue = Timestamp(microseconds: try reader.optional() ?? dueAt)
    }
}

/// The group of a notification.
public struct GroupRow: PositionalRow, Sendable {
    static let columns = ["id", "group_labels", "repeat_interval", "last_sent"]

    /// Its id in the table.
    public let id: Int64
    /// What the group or alert is labelled with.
    public let labels: Labels
    /// After how long the receiver is notified again.
    public let repeatInterval: Duration
    /// Nil when its receiver was never notified.
    public let lastSent: Timestamp?

    /// Reads ``columns``.
    public init(row: Row) throws {
        var reader = RowReader(row)
        id = try reader.next()
        labels = JSONText.pairs(try reader.next())
        repeatInterval = .microseconds(try reader.next() as Int64)
        lastSent = try reader.optionalTime()
    }
}

/// An alert in the group of a notification, with its incident.
public struct MemberRow: PositionalRow, Sendable {
    static let ofAlert = [
        "id", "fingerprint", "labels", "annotations", "generator_url", "starts_at", "ends_at", "updated_at", "is_finding",
    ]
    static let ofIncident = ["number", "state", "merged_into", "name", "title", "description"]
    static var columns: [String] { ofAlert + ["notified"] + ofIncident }

    static func alertColumns(_ alias: String) -> String { ofAlert.map { "\(alias).\($0)" }.joined(separator: ", ") }
    static func incidentColumns(_ alias: String) -> String { ofIncident.map { "\(alias).\($0)" }.joined(separator: ", ") }

    /// The incident that an alert belongs to, as far as it can be read.
    public struct Parent: Sendable {
        /// Its number.
        public let number: Int64
        /// Nil when it cannot be read.
        public let state: Incident.State?
        /// The number of its parent.
        public let mergedInto: Int64?
        /// Its rule; empty when it cannot be read.
        public let name: String
        /// Empty when it cannot be read.
        public let title: String
        /// Empty when it cannot be read.
        public let description: String
    }

    /// Its id in the table `alert`.
    public let alert: Int64
    /// The hash of its labels (``Fingerprint``).
    public let fingerprint: UInt64
    /// What the group or alert is labelled with.
    public let labels: Labels
    /// JSON.
    public let annotations: String
    /// Where it came about; empty for findings.
    public let generatorURL: String
    /// Since when it fires.
    public let startsAt: Timestamp
    /// Nil: it ends with its incident.
    public let endsAt: Timestamp?
    /// When it was changed last; identifies this state of it.
    public let version: Int64
    /// Whether a finding made it, and nobody posted it.
    public let isFinding: Bool
    /// What the receiver was last notified of; nil when it knows nothing of it.
    public let notified: Notified?
    /// Nil when it has none.
    public let incident: Parent?

    /// Reads ``columns``.
    public init(row: Row) throws {
        var reader = RowReader(row)
        alert = try reader.next()
        fingerprint = UInt64(bitPattern: try reader.next() as Int64)
        labels = JSONText.pairs(try reader.next())
        annotations = try reader.next()
        generatorURL = try reader.next()
        startsAt = try reader.time()
        endsAt = try reader.optionalTime()
        version = try reader.next()
        isFinding = try reader.next()
        notified = (try reader.optional() as String?).flatMap(Notified.init)
        // An incident that cannot be read must not keep its alert from being notified of.
        guard let number: Int64 = reader.lenient() else {
            incident = nil
            return
        }
        let state = (reader.lenient() as String?).flatMap(Incident.State.init), parent: Int64? = reader.lenient()
        incident = Parent(
            number: number, state: state, mergedInto: parent, name: reader.lenient() ?? "", title: reader.lenient() ?? "",
            description: reader.lenient() ?? "")
    }
}
