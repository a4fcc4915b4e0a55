import Columns
import Incidents
import Foundation
import Logging
import Notify
import Synchronization
import Telemetry

/// How one notification goes out: to each integration of its receiver, each with a circuit of its own, so that one that is away holds up no other.
extension AlertManager {
    /// Sends one notification to each integration that wants it and has not got it, and writes down how it went. What went out and cannot be written down is
    /// remembered (``Unstored``) and not sent again.
    func deliver(_ id: Int64, to receiverName: String, _ configuration: AlertingConfiguration, _ quiet: Quiet) async {
        var entry = deliveries.withLock { $0.unstored.entry(id) }
        do {
            if entry == nil {
                guard let due = try await outbox.load(id, now: .now, configuration, quiet: quiet) else {
                    try await outbox.setAside(id)
                    // Should it still be there, it is not looked at again at once.
                    return deliveries.withLock { _ = $0.unstored.failed(id, nil, now: .now) }
                }
                let settlement = await settlement(of: due, to: receiverName, configuration)
                entry = Unstored.Entry(due: due, settlement: settlement, at: .now)
            }
            if let entry { try await store(entry) }
            done(Self.delivering)
        } catch {
            _ = deliveries.withLock { $0.unstored.failed(id, entry, now: .now) }
            // A task that is cancelled at the end of the process leaves the rest to storeWhatWaits.
            if !Task.isCancelled { failed(Self.delivering, error) }
        }
    }

    private static let delivering = "writing down what becomes of notifications"

    /// Writes down what became of a look.
    private func store(_ entry: Unstored.Entry) async throws {
        try await outbox.settle(entry.due, entry.settlement, now: entry.at)
        deliveries.withLock { $0.unstored.stored(entry.due.id, now: .now) }
    }

    /// Tries once more to store what could not be stored, for the end of the process.
    func storeWhatWaits() async {
        let waiting = deliveries.withLock { $0.unstored.entries }
        for (index, entry) in waiting.enumerated() {
            do { try await store(entry) } catch {
                logger.error(
                    "notifications that went out could not be stored; they are sent once more at the next start, with the same key",
                    metadata: ["count": "\(waiting.count - index)", "error": "\(error)"])
                return
            }
        }
    }

    /// Tells each integration of a receiver, and gives what is to be written down.
    private func settlement(of due: Outbox.Due, to receiverName: String, _ configuration: AlertingConfiguration) async
        -> Settlement
    {
        // What no route takes has no receiver: it is kept, and nobody is told.
        let nobody = receiverName.isEmpty ? Receiver(name: "", notifiers: []) : nil
        guard let receiver = configuration.receivers.first(where: { $0.name == receiverName }) ?? nobody else {
            return .dead(reason: "there is no receiver '\(receiverName)' any more", delivered: due.delivered)
        }
        guard let reason = due.reason else { return .nothingToTell }
        var round = DeliveryRound(delivered: due.delivered)
        var asked: [Ask] = []
        for (index, notifier) in receiver.notifiers.enumerated() {
            // As Alertmanager: who is not told of ends gets what still fires, and nothing when all has ended.
            guard var notice = due.notice(for: notifier, reason, now: .now) else { continue }
            let delivery = Outbox.delivery(endpoint: index, digest: notice.key)
            guard round.wants(delivery) else { continue }
            notice.alreadyTaken = round.parts(of: delivery)
            let endpoint = Deliveries.Endpoint(receiver: receiverName, index: index)
            guard deliveries.withLock({ $0.permitsTry(endpoint, now: .now) }) else {
                let next = max(deliveries.withLock { $0.nextTry(endpoint) }, Timestamp.now + .milliseconds(200))
                round.isWaiting(notifier.kind, until: next)
                continue
            }
            asked.append(Ask(delivery: delivery, notifier: notifier, notice: notice, endpoint: endpoint))
        }
        // Side by side: one that hangs must not make the others wait.
        await withTaskGroup(of: (Ask, NoticeOutcome).self) { group in
            for one in asked { group.addTask { (one, await self.tell(one)) } }
            for await (one, outcome) in group {
                let kind = one.notifier.kind
                round.ended(one.delivery, kind, outcome, backoff: Self.backoff(due.attempts), now: .now)
            }
        }
        return conclusion(of: round, due, configuration)
    }

    /// One integration that is asked to tell one text.
    private struct Ask: Sendable {
        var delivery: String
        var notifier: Notifier
        var notice: Notice
        var endpoint: Deliveries.Endpoint
    }

    private func tell(_ ask: Ask) async -> NoticeOutcome {
        let kind = ask.notifier.kind, receiver = ask.endpoint.receiver
        let begin = ContinuousClock.now
        let outcome = await notifiers.send(ask.notice, by: ask.notifier)
        if outcome != .nothingToSay { metrics.duration[receiver, kind].observe((ContinuousClock.now - begin).inSeconds) }
        metrics.notifications[receiver, kind, outcome.name].increment()
        deliveries.withLock { $0.ended(ask.endpoint, outcome, now: .now) }
        func log(_ level: Logger.Level, _ message: Logger.Message, _ reason: String) {
            logger.log(
                level: level, message,
                metadata: [
                    "receiver": "\(receiver)", "integration": "\(kind)", "key": "\(ask.notice.key)", "error": "\(reason)",
                ])
        }
        switch outcome {
        case .delivered, .nothingToSay: break
        case .partly(_, let reason, _): log(.warning, "a notification did not reach all that it was for", reason)
        case .retry(let reason, _): log(.warning, "a notification was not delivered", reason)
        case .refused(let reason): log(.error, "a notification was refused", reason)
        }
        return outcome
    }

    private func conclusion(of round: DeliveryRound, _ due: Outbox.Due, _ configuration: AlertingConfiguration) -> Settlement {
        let now = Timestamp.now
        if let retryAt = round.retryAt, now - due.createdAt <= configuration.giveUpAfter {
            return .postponed(reason: round.problem, delivered: round.delivered, until: retryAt)
        }
        guard round.retryAt == nil, !round.isAnyRefused else {
            logger.error(
                "a notification is given up; 'obs notification resend \(due.id)' sends it once more",
                metadata: ["receiver": "\(due.receiver)", "notification": "\(due.id)", "error": "\(round.problem)"])
            return .dead(reason: round.problem, delivered: round.delivered)
        }
        if round.isAnyDelivered { metrics.latency.observe(max(0, (now - due.createdAt).inSeconds)) }
        return .sent(isTold: round.isAnyDelivered, complaint: round.complaint)
    }

    /// Doubles from half a second to a quarter of a minute, and takes a random part of it, so that many that failed together do not come back together.
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
