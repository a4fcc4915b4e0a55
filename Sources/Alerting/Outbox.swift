import Columns
import Foundation
@preconcurrency import GRDB
import Notify
import Store

/// What is owed to whom, and when it is tried next. Rows are written by ``AlertStore`` together with the change that owes them.
///
/// A group of a receiver has at most one pending row, and has it for as long as alerts are in it: it is when the group is looked at next. What it says
/// is read when it is sent, so that it tells the newest state; what happens while it is under way is compared afterwards, in the transaction that marks
/// it as sent, and owed anew. So nothing falls between two notifications:
///
///     change ──▶ pending ──▶ sent, or nothing to tell
///                 │ ▲ ▲             └──▶ pending, at the first group_interval at which something changed, ends, or is to be repeated
///                 └─┘ └── dead, when it is not tried again: then at the next end or repetition
///               failed
struct Outbox: Sendable {
    /// A look at a group that is due, with all that it finds.
    struct Due: Sendable {
        var id: Int64
        var receiver: String
        var createdAt: Timestamp
        var attempts: Int
        /// When it was looked at.
        var at: Timestamp
        /// All that is told; without alerts when there is nothing to tell.
        var notice: Notice
        /// Nil when there is nothing to tell.
        var reason: GroupState.Reason?
        /// The alerts that it tells of: the incident of each, and as what.
        var alerts: [(incident: Int64?, status: String)]
        /// What the endpoints of the receiver made of this very payload already, as ``Progress`` writes it.
        var delivered: Set<String>
        /// A dead letter that is sent once more, as it was: its group knows nothing of it.
        var isResent = false

        /// The incidents of alerts that ended before anybody was to be told of them, and whether something held them back.
        var unheard: [(incident: Int64?, wasMuted: Bool)] = []
        var grouping: Int64
        var state: GroupState
        /// When each member was changed last: what comes in while it is told must not be taken for told.
        var versions: [Int64]
        /// Incidents of posted alerts that have ended.
        var ended: Set<Int64>

        /// There is something to tell that a silence, an inhibition or a time interval holds back.
        var isHeldBack: Bool { heldBack > 0 }

        /// Told late as begun, so that their end is due at once.
        var isAnyMissed: Bool { state.members.contains(where: \.isMissed) }

        var heldBack: Int {
            state.members.count { $0.isMuted && ($0.isFiring ? $0.told != .firing : $0.told != nil) }
        }
    }

    static let migrations = [
        Migration(
            id: "notify-1",
            sql: """
                -- When a notification was first to be sent, while it is tried again; and when it was tried last.
                ALTER TABLE outbox ADD COLUMN first_due INTEGER;
                ALTER TABLE outbox ADD COLUMN tried_at INTEGER;
                """)
    ]

    let incidents: IncidentStore

    /// Ids and receivers of what is due now, oldest first.
    func due(now: Timestamp) async throws -> [(id: Int64, receiver: String)] {
        try await incidents.store.database.read { database in
            try Row.fetchAll(
                database,
                sql:
                    "SELECT id, receiver FROM outbox WHERE state IN ('pending', 'resending') AND due_at <= ? ORDER BY due_at LIMIT 10000",
                arguments: [now.microseconds]
            ).map { ($0["id"], $0["receiver"]) }
        }
    }

    /// One notification with all that it is to say now; nil when it is no longer pending.
    ///
    /// - Parameter quiet: what holds alerts back, shared by looks at the same time.
    func load(_ id: Int64, now: Timestamp, _ configuration: AlertingConfiguration, quiet: Quiet = Quiet()) async throws -> Due? {
        try await incidents.store.database.read { database -> Due? in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM outbox WHERE id = ? AND state IN ('pending', 'resending')", arguments: [id])
            else { return nil }
            if row["state"] == "resending" { return Self.resent(row, now: now) }
            let receiver: String = row["receiver"], key: String = row["group_key"]
            guard
                let group = try Row.fetchOne(
                    database, sql: "SELECT * FROM alert_grouping WHERE receiver = ? AND group_key = ?",
                    arguments: [receiver, key])
            else { return nil }
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT a.*, m.notified, i.state, i.number, i.merged_into, i.name, i.title, i.description FROM alert_membership m JOIN alert a ON a.id = m.alert
                    LEFT JOIN incident i ON i.number = a.incident WHERE m.grouping = ? ORDER BY a.id
                    """, arguments: [group["id"] as Int64])
            let labels = rows.map { JSONText.pairs($0["labels"]) }
            let firstDue = (row["first_due"] as Int64?) ?? row["due_at"]
            let isMuted = try quiet.mutes(labels, of: receiver, key, now: now, configuration, database)
            let members = zip(rows, isMuted).map { row, isMuted in
                let endsAt = (row["ends_at"] as Int64?).map { Timestamp(microseconds: $0) }
                let isFiring = endsAt.map { $0 > now } ?? true
                let told = (row["notified"] as String?).flatMap(GroupState.Told.init)
                return GroupState.Member(
                    alert: row["id"], isFiring: isFiring, told: told,
                    isMissed: !isFiring && told == nil && !isMuted && endsAt.map { $0.microseconds > firstDue } ?? false,
                    isMuted: isMuted, isAcknowledged: row["state"] as String? == Incident.State.acknowledged.rawValue,
                    endsAt: isFiring ? endsAt : nil)
            }
            let lastSent = group["last_sent"] as Int64?
            let state = GroupState(
                members: members, wasTold: lastSent != nil,
                sendsResolved: configuration.receivers.first { $0.name == receiver }?.notifiers.contains { $0.sendsResolved }
                    ?? true,
                isRepeatDue: (lastSent ?? 0) &+ (group["repeat_interval"] as Int64) <= now.microseconds)
            let reason = state.reason
            let told = reason == nil ? [] : members.indices.filter { !members[$0].isMuted }
            return Due(
                id: id, receiver: receiver, createdAt: Timestamp(microseconds: row["created_at"]), attempts: row["attempts"],
                at: now,
                notice: Notice(
                    told.map { Self.alert(rows[$0], labels[$0], isFiring: members[$0].isToldAsFiring, configuration, now) },
                    receiver: receiver, groupKey: key, groupLabels: JSONText.pairs(group["group_labels"]),
                    externalURL: configuration.externalURL),
                reason: reason,
                alerts: told.map { (rows[$0]["number"], members[$0].isToldAsFiring ? "firing" : "resolved") },
                delivered: Set((row["delivered"] as String?).flatMap { IncidentStore.decode($0) as [String]? } ?? []),
                unheard: members.indices.filter { !members[$0].isToldAsFiring && members[$0].told == nil }.map {
                    (rows[$0]["number"], members[$0].isMuted)
                },
                grouping: group["id"], state: state, versions: rows.map { $0["updated_at"] },
                ended: Set(
                    members.indices.filter { !members[$0].isFiring && !(rows[$0]["is_finding"] as Bool) }.compactMap {
                        rows[$0]["number"]
                    }))
        }
    }

    /// A dead letter as it was.
    private static func resent(_ row: Row, now: Timestamp) -> Due? {
        guard let notice = (row["payload"] as String?).flatMap(Notice.init(json:)) else {
            return nil
        }
        return Due(
            id: row["id"], receiver: row["receiver"], createdAt: Timestamp(microseconds: row["created_at"]),
            attempts: row["attempts"], at: now,
            notice: notice, reason: (row["reason"] as String?).flatMap(GroupState.Reason.init) ?? .firing, alerts: [],
            delivered: Set((row["delivered"] as String?).flatMap { IncidentStore.decode($0) as [String]? } ?? []), isResent: true,
            grouping: 0,
            state: GroupState(members: [], wasTold: true, sendsResolved: true, isRepeatDue: false), versions: [], ended: [])
    }

    private static func alert(
        _ row: Row, _ labels: Labels, isFiring: Bool, _ configuration: AlertingConfiguration, _ now: Timestamp
    ) -> Notice.Alert {
        let externalURL = configuration.externalURL
        var annotations = JSONText.pairs(row["annotations"])
        var generatorURL: String = row["generator_url"]
        if row["is_finding"], let number = row["number"] as Int64? {
            let link = FindingLink(incident: number, name: row["name"], externalURL)
            annotations = link.annotations(title: row["title"], description: row["description"])
            generatorURL = link.url
        }
        if isFiring, let number = row["number"] as Int64?, row["state"] == Incident.State.open.rawValue {
            annotations["acknowledge_url"] = configuration.acknowledgeLinks?.url(
                "INC-\((row["merged_into"] as Int64?) ?? number)", externalURL, now: now)
        }
        let endsAt = isFiring ? nil : row["ends_at"] as Int64?
        return Notice.Alert(
            isFiring: isFiring, labels: labels, annotations: annotations, startsAt: Timestamp(microseconds: row["starts_at"]),
            endsAt: endsAt.map { Timestamp(microseconds: $0) }, generatorURL: generatorURL,
            fingerprint: Fingerprint.text(UInt64(bitPattern: row["fingerprint"])))
    }

    /// Names a payload and the endpoint that it went to.
    static func delivery(endpoint: Int, digest: String) -> String { "\(endpoint):\(digest)" }

    /// When the next notification is due, or nil when none is owed.
    func nextDue(after now: Timestamp) async throws -> Timestamp? {
        try await incidents.store.database.read { database in
            try Int64.fetchOne(
                database, sql: "SELECT min(due_at) FROM outbox WHERE state IN ('pending', 'resending') AND due_at > ?",
                arguments: [now.microseconds]
            )
            .map { Timestamp(microseconds: $0) }
        }
    }

    /// How many are owed now, and since when the oldest is. A repetition that waits for its time is not owed yet.
    func depth(now: Timestamp) throws -> (count: Int, oldest: Timestamp?) {
        try incidents.store.database.read { try Self.depth(now: now, $0) }
    }

    static func depth(now: Timestamp, _ database: Database) throws -> (count: Int, oldest: Timestamp?) {
        let row = try Row.fetchOne(
            database,
            sql:
                "SELECT count(*) AS n, min(created_at) AS oldest FROM outbox WHERE state IN ('pending', 'resending') AND created_at <= ?",
            arguments: [now.microseconds])
        return (row?["n"] ?? 0, (row?["oldest"] as Int64?).map { Timestamp(microseconds: $0) })
    }
}

extension Outbox.Due {
    /// What `notifier` sends of it; nil when it wants nothing of it.
    func notice(for notifier: Notifier, _ reason: GroupState.Reason, now: Timestamp) -> Notice? {
        guard notifier.sendsResolved || reason == .firing, var notice = notifier.sendsResolved ? notice : notice.firingOnly
        else { return nil }
        // The same text has the same key, however often it is sent; a later text of the same notification has another.
        notice.key = "obs-\(id)-\(Fingerprint.of(["body": notice.json]))"
        notice.sentAt = now
        return notice
    }
}
