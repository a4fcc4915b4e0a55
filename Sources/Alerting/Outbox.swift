import Store
import Columns
import Foundation
@preconcurrency import GRDB
import Incidents
import Notify

/// What a notification says when it is sent, decided from what the store knows of its group.
extension Outbox {
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
        /// The alerts that it is about: the incident of each, and whether it is said to fire.
        var alerts: [(incident: Int64?, isFiring: Bool)]
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

    /// One notification with all that it is to say now; nil when it is no longer pending or cannot be read.
    ///
    /// - Parameter quiet: what mutes alerts, shared by looks at the same time.
    func load(_ id: Int64, now: Timestamp, _ configuration: AlertingConfiguration, quiet: Quiet = Quiet()) async throws -> Due? {
        try await incidents.store.database.read { database -> Due? in
            guard let look = try Self.look(at: id, database) else { return nil }
            guard let group = look.group else { return Self.resent(look.notification, now: now) }
            let notification = look.notification
            let isMuted = try quiet.mutes(
                look.members.map(\.labels), of: notification.receiver, notification.groupKey, now: now, configuration, database)
            let state = GroupState(
                members: zip(look.members, isMuted).map { Self.member($0, isMuted: $1, notification, now) },
                wasTold: group.lastSent != nil,
                sendsResolved: configuration.receivers.first { $0.name == notification.receiver }?.notifiers.contains {
                    $0.sendsResolved
                } ?? true,
                isRepeatDue: (group.lastSent ?? Timestamp(microseconds: 0)) + group.repeatInterval <= now)
            return Due(look.members, of: group, notification, state, configuration, now: now)
        }
    }

    private static func member(
        _ row: MemberRow, isMuted: Bool, _ notification: PendingNotification, _ now: Timestamp
    ) -> GroupState.Member {
        let isFiring = row.endsAt.map { $0 > now } ?? true
        return GroupState.Member(
            alert: row.alert, isFiring: isFiring, told: row.told,
            isMissed: !isFiring && row.told == nil && !isMuted && row.endsAt.map { $0 > notification.firstDue } ?? false,
            isMuted: isMuted, isAcknowledged: row.incident?.state == .acknowledged, endsAt: isFiring ? row.endsAt : nil)
    }

    /// A dead letter as it was.
    private static func resent(_ notification: PendingNotification, now: Timestamp) -> Due? {
        guard let notice = notification.payload.flatMap(Notice.init(json:)) else { return nil }
        return Due(
            id: notification.id, receiver: notification.receiver, createdAt: notification.createdAt,
            attempts: notification.attempts, at: now, notice: notice, reason: notification.reason ?? .firing, alerts: [],
            delivered: notification.delivered, isResent: true, grouping: 0,
            state: GroupState(members: [], wasTold: true, sendsResolved: true, isRepeatDue: false), versions: [], ended: [])
    }

    /// Names a payload and the endpoint that it went to.
    static func delivery(endpoint: Int, digest: String) -> String { "\(endpoint):\(digest)" }

}

extension Outbox.Due {
    fileprivate init(
        _ rows: [MemberRow], of group: GroupRow, _ notification: PendingNotification, _ state: GroupState,
        _ configuration: AlertingConfiguration, now: Timestamp
    ) {
        let members = state.members, reason = state.reason
        let told = reason == nil ? [] : members.indices.filter { !members[$0].isMuted }
        self.init(
            id: notification.id, receiver: notification.receiver, createdAt: notification.createdAt,
            attempts: notification.attempts, at: now,
            notice: Notice(
                told.map { Self.alert(rows[$0], isFiring: members[$0].isToldAsFiring, configuration, now) },
                receiver: notification.receiver, groupKey: notification.groupKey, groupLabels: group.labels,
                externalURL: configuration.externalURL),
            reason: reason, alerts: told.map { (rows[$0].incident?.number, members[$0].isToldAsFiring) },
            delivered: notification.delivered,
            unheard: members.indices.filter { !members[$0].isToldAsFiring && members[$0].told == nil }.map {
                (rows[$0].incident?.number, members[$0].isMuted)
            }, grouping: group.id, state: state, versions: rows.map(\.version),
            ended: Set(
                members.indices.filter { !members[$0].isFiring && !rows[$0].isFinding }.compactMap { rows[$0].incident?.number }))
    }

    private static func alert(
        _ row: MemberRow, isFiring: Bool, _ configuration: AlertingConfiguration, _ now: Timestamp
    ) -> Notice.Alert {
        let externalURL = configuration.externalURL
        var annotations = JSONText.pairs(row.annotations)
        var generatorURL = row.generatorURL
        if row.isFinding, let incident = row.incident {
            let link = FindingLink(incident: incident.number, name: incident.name, externalURL)
            annotations = link.annotations(title: incident.title, description: incident.description)
            generatorURL = link.url
        }
        if isFiring, let incident = row.incident, incident.state == .open {
            annotations["acknowledge_url"] = configuration.acknowledgeLinks?.url(
                "INC-\(incident.mergedInto ?? incident.number)", externalURL, now: now)
        }
        return Notice.Alert(
            isFiring: isFiring, labels: row.labels, annotations: annotations,
            startsAt: row.startsAt,
            endsAt: isFiring ? nil : row.endsAt, generatorURL: generatorURL,
            fingerprint: Fingerprint.text(row.fingerprint))
    }

    /// What is to be written down afterwards.
    var settling: Settling {
        let told = state.after(telling: true), untold = state.after(telling: false)
        return Settling(
            id: id, receiver: receiver, grouping: grouping, attempts: attempts, at: at, isResent: isResent, alerts: alerts,
            unheard: unheard,
            members: state.members.indices.map {
                Settling.Member(
                    alert: state.members[$0].alert, version: versions[$0], told: state.members[$0].told,
                    isMissed: state.members[$0].isMissed, afterTelling: told[$0].state, afterSilence: untold[$0].state)
            }, ended: ended, heldBack: heldBack)
    }
}

/// What became of a look, as it was decided on.
extension Outbox {
    /// Writes down what became of a look, in one transaction with what is owed next to the same group.
    ///
    /// - Parameter now: when it happened, however late it is written down.
    func settle(_ due: Due, _ settlement: Settlement, now: Timestamp) async throws {
        switch settlement {
        case .nothingToTell: try await pass(due, now: now)
        case .postponed(let reason, let delivered, let retryAt):
            try await postpone(due, reason: reason, delivered: delivered, until: retryAt, now: now)
        case .dead(let reason, let delivered): try await bury(due, reason: reason, delivered: delivered, now: now)
        case .sent(let isTold, let complaint): try await markSent(due, isTold: isTold, complaint: complaint, now: now)
        }
    }

    func markSent(_ due: Due, isTold: Bool = true, complaint: String? = nil, now: Timestamp) async throws {
        try await markSent(due.settling, isTold: isTold, complaint: complaint, now: now)
    }

    func pass(_ due: Due, now: Timestamp) async throws { try await pass(due.settling, now: now) }

    func postpone(_ due: Due, reason: String, delivered: Set<String>, until retryAt: Timestamp, now: Timestamp) async throws {
        try await postpone(due.settling, reason: reason, delivered: delivered, until: retryAt, now: now)
    }

    func bury(_ due: Due, reason: String, delivered: Set<String>, now: Timestamp) async throws {
        try await bury(
            due.settling, reason: reason, delivered: delivered, isAnyTold: delivered.contains(where: Progress.isTold),
            payload: due.notice.json, news: due.reason, now: now)
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
