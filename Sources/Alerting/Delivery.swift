import Columns
import Foundation
import Logging

/// How one notification goes out: to each integration of its receiver, each with a circuit of its own, so that one that is away holds up no other.
extension AlertManager {
    /// Sends one notification to each integration that wants it and has not got it, and writes down how it went.
    ///
    /// - Returns: whether that is written down. If not, it is looked at again after a pause.
    func deliver(_ id: Int64, to receiverName: String, _ configuration: AlertingConfiguration, _ quiet: Quiet) async -> Bool {
        do {
            guard let due = try await outbox.load(id, now: Self.now, configuration, quiet: quiet) else { return false }
            // What no route takes has no receiver: it is kept, and nobody is told.
            let nobody = receiverName.isEmpty ? Receiver(name: "", integrations: []) : nil
            guard let receiver = configuration.receivers.first(where: { $0.name == receiverName }) ?? nobody else {
                try await outbox.bury(
                    due, reason: "there is no receiver '\(receiverName)' any more", delivered: due.delivered, now: Self.now)
                return true
            }
            guard let reason = due.reason else {
                try await outbox.pass(due, now: Self.now)
                return true
            }
            var round = DeliveryRound(delivered: due.delivered)
            var asked:
                [(delivery: String, integration: any Integration, content: NotificationContent, endpoint: Deliveries.Endpoint)] =
                    []
            for (index, integration) in receiver.integrations.enumerated() {
                // As Alertmanager: who is not told of ends gets what still fires, and nothing when all has ended.
                guard let content = due.content(for: integration, reason, configuration, now: Self.now) else { continue }
                let delivery = Outbox.delivery(endpoint: index, digest: content.key)
                guard round.wants(delivery) else { continue }
                let endpoint = Deliveries.Endpoint(receiver: receiverName, index: index)
                guard deliveries.withLock({ $0.permitsTry(endpoint, now: Self.now) }) else {
                    let next = max(deliveries.withLock { $0.nextTry(endpoint) }, Self.now + .milliseconds(200))
                    round.isWaiting(type(of: integration).name, until: next)
                    continue
                }
                asked.append((delivery, integration, content, endpoint))
            }
            // Side by side: one that hangs must not make the others wait.
            await withTaskGroup(of: (String, String, DeliveryOutcome).self) { group in
                for one in asked {
                    group.addTask {
                        (
                            one.delivery, type(of: one.integration).name,
                            await self.tell(one.integration, one.content, one.endpoint)
                        )
                    }
                }
                for await (delivery, kind, outcome) in group {
                    round.ended(delivery, kind, outcome, backoff: Self.backoff(due.attempts), now: Self.now)
                }
            }
            try await settle(due, round, configuration)
            done(Self.delivering)
            return true
        } catch {
            failed(Self.delivering, error)
            return false
        }
    }

    private static let delivering = "writing down what becomes of notifications"

    private func tell(_ integration: any Integration, _ content: NotificationContent, _ endpoint: Deliveries.Endpoint) async
        -> DeliveryOutcome
    {
        let kind = type(of: integration).name
        let begin = ContinuousClock.now
        let outcome = await integration.deliver(content, by: courier)
        metrics.duration[endpoint.receiver, kind].observe((ContinuousClock.now - begin).inSeconds)
        metrics.notifications[endpoint.receiver, kind, outcome.name].increment()
        deliveries.withLock { $0.ended(endpoint, outcome, now: Self.now) }
        switch outcome {
        case .delivered: break
        case .retry(let reason, _):
            logger.warning(
                "a notification was not delivered",
                metadata: [
                    "receiver": "\(endpoint.receiver)", "integration": "\(kind)", "key": "\(content.key)", "error": "\(reason)",
                ])
        case .refused(let reason):
            logger.error(
                "a notification was refused",
                metadata: [
                    "receiver": "\(endpoint.receiver)", "integration": "\(kind)", "key": "\(content.key)", "error": "\(reason)",
                ])
        }
        return outcome
    }

    private func settle(_ due: Outbox.Due, _ round: DeliveryRound, _ configuration: AlertingConfiguration) async throws {
        let now = Self.now
        if let retryAt = round.retryAt, now - due.createdAt <= configuration.giveUpAfter {
            return try await outbox.postpone(due, reason: round.problem, delivered: round.delivered, until: retryAt)
        }
        guard round.retryAt == nil, !round.isAnyRefused else {
            logger.error(
                "a notification is given up; 'obs notification resend \(due.id)' sends it once more",
                metadata: ["receiver": "\(due.receiver)", "notification": "\(due.id)", "error": "\(round.problem)"])
            return try await outbox.bury(due, reason: round.problem, delivered: round.delivered, now: now)
        }
        try await outbox.markSent(due, isTold: round.isAnyDelivered, now: now)
        if round.isAnyDelivered { metrics.latency.observe((now - due.createdAt).inSeconds) }
    }

    /// Doubles from half a second to a quarter of a minute, and takes a random part of it, so that many that failed together do not come back together.
    ///
    /// Source: M. Brooker, "Exponential Backoff And Jitter", full jitter.
    static func backoff(_ attempts: Int) -> Duration {
        let ceiling = min(15_000, 500 << min(attempts, 10))
        return .milliseconds(Int.random(in: (ceiling / 4)...ceiling))
    }
}

extension DeliveryOutcome {
    /// As the metric `obs_notifications_total` has it.
    fileprivate var name: String {
        switch self {
        case .delivered: "sent"
        case .retry: "failed"
        case .refused: "refused"
        }
    }
}

/// What has become of one notification after asking each integration of its receiver.
struct DeliveryRound: Sendable {
    /// What was delivered, now or before, each as ``Outbox/delivery(endpoint:digest:)``, and with `!` before it what was refused.
    private(set) var delivered: Set<String>
    /// When it is tried again; nil when there is nothing to try again.
    private(set) var retryAt: Timestamp?
    private var problems: [String] = []

    init(delivered: Set<String>) { self.delivered = delivered }

    var isAnyDelivered: Bool { delivered.contains { !$0.hasPrefix("!") } }
    var isAnyRefused: Bool { delivered.contains { $0.hasPrefix("!") } }

    /// One sentence an integration.
    var problem: String { problems.isEmpty ? "an integration refused it earlier" : problems.joined(separator: "; ") }

    /// Whether an integration has neither taken nor refused this text.
    func wants(_ delivery: String) -> Bool { !delivered.contains(delivery) && !delivered.contains("!" + delivery) }

    mutating func ended(_ delivery: String, _ kind: String, _ outcome: DeliveryOutcome, backoff: Duration, now: Timestamp) {
        switch outcome {
        case .delivered: delivered.insert(delivery)
        case .refused(let reason):
            delivered.insert("!" + delivery)
            problems.append("\(kind): \(reason)")
        case .retry(let reason, let after):
            problems.append("\(kind): \(reason)")
            waits(until: now + max(after ?? .zero, backoff))
        }
    }

    /// The integration has failed too often to be asked now.
    mutating func isWaiting(_ kind: String, until time: Timestamp) {
        problems.append("\(kind): it failed several times in a row and is asked again at \(time)")
        waits(until: time)
    }

    private mutating func waits(until time: Timestamp) { retryAt = min(retryAt ?? time, time) }
}

/// Which notifications are under way, and how the integrations are.
struct Deliveries {
    /// The nth integration of a receiver.
    struct Endpoint: Hashable {
        var receiver: String
        var index: Int
    }

    /// At once to one receiver: one that is slow must not take all the threads.
    private static let maxPerReceiver = 8

    private var circuits: [Endpoint: ReceiverCircuit] = [:]
    private var underWay: Set<Int64> = []
    private var countByReceiver: [String: Int] = [:]
    /// Those that could not be looked at, or of which it could not be written down how they went: each waits for longer and longer.
    private var pauses: [Int64: (count: Int, until: ContinuousClock.Instant)] = [:]

    /// How long such a notification waits, doubled each time, and at most.
    private static let firstPause = Duration.seconds(1), longestPause = Duration.seconds(60)
    /// More pauses are not remembered: then it is the store that fails.
    private static let maxPauses = 100_000

    /// Whether this notification is to be looked at now; it then counts as under way until ``end(_:to:)``.
    ///
    /// - Parameter integrations: how many the receiver has. While none of several may be asked, there is no use in a look.
    mutating func begin(_ id: Int64, to receiver: String, integrations: Int, now: Timestamp) -> Bool {
        guard !underWay.contains(id), pauses[id].map({ $0.until <= .now }) ?? true,
            countByReceiver[receiver, default: 0] < Self.maxPerReceiver,
            integrations == 0 || (0..<integrations).contains(where: { circuit(receiver, $0).mayTry(now: now) })
        else { return false }
        underWay.insert(id)
        countByReceiver[receiver, default: 0] += 1
        return true
    }

    mutating func end(_ id: Int64, to receiver: String, isSettled: Bool) {
        underWay.remove(id)
        if isSettled {
            pauses[id] = nil
        } else if pauses[id] != nil || pauses.count < Self.maxPauses {
            let count = pauses[id]?.count ?? 0
            pauses[id] = (count + 1, .now + min(Self.longestPause, Self.firstPause * (1 << min(count, 10))))
        }
        countByReceiver[receiver, default: 1] -= 1
    }

    mutating func permitsTry(_ endpoint: Endpoint, now: Timestamp) -> Bool {
        circuits[endpoint, default: ReceiverCircuit()].permitsTry(now: now)
    }

    /// A receiver that refuses is there: only silence and failure of its own open the circuit.
    mutating func ended(_ endpoint: Endpoint, _ outcome: DeliveryOutcome, now: Timestamp) {
        if case .retry = outcome {
            circuits[endpoint, default: ReceiverCircuit()].failed(now: now)
        } else {
            circuits[endpoint] = nil
        }
    }

    func nextTry(_ endpoint: Endpoint) -> Timestamp { circuit(endpoint.receiver, endpoint.index).triesAgainAt }

    func circuit(_ receiver: String, _ index: Int) -> ReceiverCircuit {
        circuits[Endpoint(receiver: receiver, index: index)] ?? ReceiverCircuit()
    }
}
