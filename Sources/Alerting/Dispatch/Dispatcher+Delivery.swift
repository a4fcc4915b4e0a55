import Columns
import Incidents
import Foundation
import Logging
import Notify
import Synchronization
import Telemetry

/// How one notification is sent: by each integration of its receiver, each with a circuit of its own, so that one that hangs
/// holds up no other.
extension Dispatcher {
    /// Sends one notification by each integration that wants it and has not accepted it, and stores how it went. What was sent
    /// and cannot be stored is remembered (``Unstored``) and not sent again.
    func deliver(_ id: Int64, to receiverName: String, _ configuration: AlertingConfiguration, _ muting: MutingRules) async {
        var entry = deliveries.withLock { $0.unstored.entry(id) }
        do {
            if entry == nil {
                guard let draft = try await outbox.draft(id, now: .now, configuration, muting: muting) else {
                    try await outbox.setAside(id)
                    // Should its row still be there, it is not read again at once.
                    return deliveries.withLock { _ = $0.unstored.failed(id, nil, now: .now) }
                }
                let settlement = await settlement(of: draft, to: receiverName, configuration)
                entry = Unstored.Entry(draft: draft, settlement: settlement, at: .now)
            }
            if let entry { try await store(entry) }
            failures.succeeded(Self.settling)
        } catch {
            _ = deliveries.withLock { $0.unstored.failed(id, entry, now: .now) }
            // A task that is cancelled at the end of the process leaves the rest to storeUnstored.
            if !Task.isCancelled { failures.failed(Self.settling, error) }
        }
    }

    private static let settling = "writing down what becomes of notifications"

    /// Stores what became of a notification.
    private func store(_ entry: Unstored.Entry) async throws {
        try await outbox.settle(entry.draft, entry.settlement, now: entry.at)
        deliveries.withLock { $0.unstored.stored(entry.draft.id, now: .now) }
    }

    /// Tries once more, at the end of the process, to store what could not be stored.
    func storeUnstored() async {
        let waiting = deliveries.withLock { $0.unstored.entries }
        for (index, entry) in waiting.enumerated() {
            do { try await store(entry) } catch {
                logger.error(
                    """
                    notifications that went out could not be stored; they are sent once more at the next start, with the \
                    same key
                    """,
                    metadata: ["count": "\(waiting.count - index)", "error": "\(error)"])
                return
            }
        }
    }

    /// Sends by each integration of a receiver.
    ///
    /// - Returns: what is to be stored.
    private func settlement(of draft: Outbox.Draft, to receiverName: String, _ configuration: AlertingConfiguration) async
        -> Settlement
    {
        // What no route takes has no receiver: it is kept, and nobody is notified.
        let nobody = receiverName.isEmpty ? Receiver(name: "", notifiers: []) : nil
        guard let receiver = configuration.receivers.first(where: { $0.name == receiverName }) ?? nobody else {
            return .dead(reason: "there is no receiver '\(receiverName)' any more", delivered: draft.delivered)
        }
        guard let reason = draft.reason else { return .nothingToSay }
        var round = DeliveryRound(delivered: draft.delivered)
        var asked: [Ask] = []
        for (index, notifier) in receiver.notifiers.enumerated() {
            // As Alertmanager: without send_resolved it sends what still fires, and nothing when all has been resolved.
            guard var notice = draft.notice(for: notifier, reason, now: .now) else { continue }
            let delivery = Outbox.delivery(endpoint: index, digest: notice.key)
            guard round.wants(delivery) else { continue }
            notice.alreadyTaken = round.parts(of: delivery)
            let integration = Deliveries.Integration(receiver: receiverName, index: index)
            guard deliveries.withLock({ $0.permitsTry(integration, now: .now) }) else {
                let next = max(deliveries.withLock { $0.nextTry(integration) }, Timestamp.now + .milliseconds(200))
                round.isWaiting(notifier.kind, until: next)
                continue
            }
            asked.append(Ask(delivery: delivery, notifier: notifier, notice: notice, integration: integration))
        }
        // Side by side: one that hangs must not make the others wait.
        await withTaskGroup(of: (Ask, NoticeOutcome).self) { group in
            for one in asked { group.addTask { (one, await self.send(one)) } }
            for await (one, outcome) in group {
                let kind = one.notifier.kind
                round.ended(one.delivery, kind, outcome, backoff: Self.backoff(draft.attempts), now: .now)
            }
        }
        return conclusion(of: round, draft, configuration)
    }

    /// A text and the integration that is to send it.
    private struct Ask: Sendable {
        var delivery: String
        var notifier: Notifier
        var notice: Notice
        var integration: Deliveries.Integration
    }

    private func send(_ ask: Ask) async -> NoticeOutcome {
        let kind = ask.notifier.kind, receiver = ask.integration.receiver
        let begin = ContinuousClock.now
        let outcome = await notifiers.send(ask.notice, by: ask.notifier)
        if outcome != .nothingToSay { metrics.duration[receiver, kind].observe((ContinuousClock.now - begin).inSeconds) }
        metrics.notifications[receiver, kind, outcome.name].increment()
        deliveries.withLock { $0.ended(ask.integration, outcome, now: .now) }
        func log(_ level: Logger.Level, _ message: Logger.Message, _ reason: String) {
            logger.log(
                level: level, message,
                metadata: [
                    "receiver": "\(receiver)", "integration": "\(kind)", "key": "\(ask.notice.key)", "error": "\(reason)",
                ])
        }
        switch outcome {
        case .delivered, .nothingToSay: break
        case .partly(_, let reason, _): log(.warning, "a notification did not reach all of its recipients", reason)
        case .retry(let reason, _): log(.warning, "a notification was not delivered", reason)
        case .refused(let reason): log(.error, "a notification was refused", reason)
        }
        return outcome
    }

    private func conclusion(of round: DeliveryRound, _ draft: Outbox.Draft, _ configuration: AlertingConfiguration) -> Settlement
    {
        let now = Timestamp.now
        if let retryAt = round.retryAt, now - draft.createdAt <= configuration.giveUpAfter {
            return .postponed(reason: round.problem, delivered: round.delivered, until: retryAt)
        }
        guard round.retryAt == nil, !round.isAnyRefused else {
            logger.error(
                "a notification is given up; 'obs notification resend \(draft.id)' sends it once more",
                metadata: ["receiver": "\(draft.receiver)", "notification": "\(draft.id)", "error": "\(round.problem)"])
            return .dead(reason: round.problem, delivered: round.delivered)
        }
        if round.isAnyDelivered { metrics.latency.observe(max(0, (now - draft.createdAt).inSeconds)) }
        return .sent(isNotified: round.isAnyDelivered, complaint: round.complaint)
    }

    /// Doubles from half a second to a quarter of a minute, and takes a random part of it, so that many that failed together do
    /// not come back together.
    ///
    /// Source: M. Brooker, "Exponential Backoff And Jitter", full jitter.
    static func backoff(_ attempts: Int) -> Duration {
        let ceiling = min(15_000, 500 << min(attempts, 10))
        return .milliseconds(Int.random(in: (ceiling / 4)...ceiling))
    }
}

extension NoticeOutcome {
    /// As the metric `obs_notifications_total` has it.
    fileprivate var name: String {
        switch self {
        case .delivered: "sent"
        case .partly: "partly"
        case .nothingToSay: "empty"
        case .retry: "failed"
        case .refused: "refused"
        }
    }
}
