import Store
import Store
import Columns
import Foundation
@preconcurrency import GRDB
import Incidents
import Notify

/// What a notification says when it is sent, decided from what the store knows of its group.
extension Outbox {
    /// A notification that is due, as it is to be sent now, and all that it was decided from.
    struct Draft: Sendable {
        var id: Int64
        var receiver: String
        var createdAt: Timestamp
        var attempts: Int
        /// When the group was read.
        var at: Timestamp
        /// The alerts that the receiver is notified of; none when there is nothing to say.
        var notice: Notice
        /// Why the receiver is notified; nil when there is nothing to say.
        var reason: GroupState.Reason?
        /// The alerts of the notice: the incident of each, and whether it is shown as firing.
        var alerts: [(incident: Int64?, isFiring: Bool)]
        /// What the integrations of the receiver made of this very payload already, as ``Progress`` writes it.
        var delivered: Set<String>
        /// A dead letter that is sent once more, as it was: it belongs to no group.
        var isResent = false

        /// The incidents of alerts that ended before the receiver was notified of them, and whether they were muted.
        var unheard: [(incident: Int64?, wasMuted: Bool)] = []
        var grouping: Int64
        var state: GroupState
        /// When each member was last changed: a change while the notification is under way must not count as sent.
        var versions: [Int64]
        /// Incidents of posted alerts that have ended.
        var ended: Set<Int64>
    }

    /// Reads the group of a notification and decides what the notification says now.
    ///
    /// - Parameter muting: what mutes alerts now; drafts of the same moment share it.
    /// - Returns: nil when the notification is no longer pending, its group is gone, or it cannot be read.
    func draft(
        _ id: Int64, now: Timestamp, _ configuration: AlertingConfiguration, muting: MutingRules = MutingRules()
    ) async throws -> Draft? {
        try await incidents.store.database.read { database -> Draft? in
            guard let look = try Self.look(at: id, database) else { return nil }
            guard let group = look.group else { return Self.resent(look.notification, now: now) }
            let notification = look.notification
            let isMuted = try muting.areMuted(
                look.members.map(\.labels), inGroup: notification.groupKey, of: notification.receiver, at: now,
                by: configuration, in: database)
            let state = GroupState(
                members: zip(look.members, isMuted).map { Self.member($0, isMuted: $1, notification, now) },
                wasNotified: group.lastSent != nil,
                sendsResolved: configuration.receivers.first { $0.name == notification.receiver }?.notifiers.contains {
                    $0.sendsResolved
                } ?? true,
                isRepeatDue: (group.lastSent ?? Timestamp(microseconds: 0)) + group.repeatInterval <= now)
            return Draft(look.members, of: group, notification, state, configuration, now: now)
        }
    }

    private static func member(
        _ row: MemberRow, isMuted: Bool, _ notification: PendingNotification, _ now: Timestamp
    ) -> GroupState.Member {
        let isFiring = row.endsAt.map { $0 > now } ?? true
        return GroupState.Member(
            alert: row.alert, isFiring: isFiring, notified: row.notified,
            isMissed: !isFiring && row.notified == nil && !isMuted && row.endsAt.map { $0 > notification.firstDue } ?? false,
            isMuted: isMuted, isAcknowledged: row.incident?.state == .acknowledged, endsAt: isFiring ? row.endsAt : nil)
    }

    /// A dead letter as it was.
    private static func resent(_ notification: PendingNotification, now: Timestamp) -> Draft? {
        guard let notice = notification.payload.flatMap(Notice.init(json:)) else { return nil }
        return Draft(
            id: notification.id, receiver: notification.receiver, createdAt: notification.createdAt,
            attempts: notification.attempts, at: now, notice: notice, reason: notification.reason ?? .firing, alerts: [],
            delivered: notification.delivered, isResent: true, grouping: 0,
            state: GroupState(members: [], wasNotified: true, sendsResolved: true, isRepeatDue: false), versions: [], ended: [])
    }

    /// Names a payload and the integration that it went to.
    static func delivery(endpoint: Int, digest: String) -> String { "\(endpoint):\(digest)" }
}

extension Outbox.Draft {
    fileprivate init(
        _ rows: [MemberRow], of group: GroupRow, _ notification: PendingNotification, _ state: GroupState,
        _ configuration: AlertingConfiguration, now: Timestamp
    ) {
        let members = state.members, reason = state.reason
        let shown = reason == nil ? [] : members.indices.filter { !members[$0].isMuted }
        self.init(
            id: notification.id, receiver: notification.receiver, createdAt: notification.createdAt,
            attempts: notification.attempts, at: now,
            notice: Notice(
                shown.map { Self.alert(rows[$0], isFiring: members[$0].isShownAsFiring, configuration, now) },
                receiver: notification.receiver, groupKey: notification.groupKey, groupLabels: group.labels,
                externalURL: configuration.externalURL),
            reason: reason, alerts: shown.map { (rows[$0].incident?.number, members[$0].isShownAsFiring) },
            delivered: notification.delivered,
            unheard: members.indices.filter { !members[$0].isShownAsFiring && members[$0].notified == nil }.map {
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

    /// What `notifier` sends of it; nil when it wants nothing of it.
    func notice(for notifier: Notifier, _ reason: GroupState.Reason, now: Timestamp) -> Notice? {
        guard notifier.sendsResolved || reason == .firing, var notice = notifier.sendsResolved ? notice : notice.firingOnly
        else { return nil }
        // The same text has the same key, however often it is sent; a later text of the same notification has another.
        notice.key = "obs-\(id)-\(Fingerprint.of(["body": notice.json]))"
        notice.sentAt = now
        return notice
    }

    /// What is stored once it is known what became of the notification.
    var settling: Settling {
        let ifNotified = state.after(notifying: true), otherwise = state.after(notifying: false)
        return Settling(
            id: id, receiver: receiver, grouping: grouping, attempts: attempts, at: at, isResent: isResent, alerts: alerts,
            unheard: unheard,
            members: state.members.indices.map {
                Settling.Member(
                    alert: state.members[$0].alert, version: versions[$0], notified: state.members[$0].notified,
                    isMissed: state.members[$0].isMissed, afterNotifying: ifNotified[$0].state, otherwise: otherwise[$0].state)
            }, ended: ended, mutedNews: state.mutedNews)
    }
}

extension Outbox {
    /// Stores what became of a notification, and schedules the next one of the same group in the same transaction.
    ///
    /// - Parameter now: when it happened, however late it is stored.
    func settle(_ draft: Draft, _ settlement: Settlement, now: Timestamp) async throws {
        switch settlement {
        case .nothingToSay: try await skip(draft, now: now)
        case .postponed(let reason, let delivered, let retryAt):
            try await postpone(draft, reason: reason, delivered: delivered, until: retryAt, now: now)
        case .dead(let reason, let delivered): try await giveUp(draft, reason: reason, delivered: delivered, now: now)
        case .sent(let isNotified, let complaint):
            try await markSent(draft, isNotified: isNotified, complaint: complaint, now: now)
        }
    }

    func markSent(_ draft: Draft, isNotified: Bool = true, complaint: String? = nil, now: Timestamp) async throws {
        try await markSent(draft.settling, isNotified: isNotified, complaint: complaint, now: now)
    }

    func skip(_ draft: Draft, now: Timestamp) async throws { try await skip(draft.settling, now: now) }

    func postpone(_ draft: Draft, reason: String, delivered: Set<String>, until retryAt: Timestamp, now: Timestamp) async throws {
        try await postpone(draft.settling, reason: reason, delivered: delivered, until: retryAt, now: now)
    }

    func giveUp(_ draft: Draft, reason: String, delivered: Set<String>, now: Timestamp) async throws {
        try await giveUp(
            draft.settling, reason: reason, delivered: delivered,
            isAnyNotified: delivered.contains(where: Progress.isNotified), payload: draft.notice.json, news: draft.reason,
            now: now)
    }
}
