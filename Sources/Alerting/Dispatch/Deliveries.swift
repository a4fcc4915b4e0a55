import Columns
import Incidents
import Notify

/// Which deliveries are under way, which wait to be stored, and which integrations are asked at all.
struct Deliveries {
    /// One integration of a receiver, by its index.
    struct Integration: Hashable {
        var receiver: String
        var index: Int
    }

    /// Deliveries to one receiver at a time: one that is slow must not take all the threads.
    private static let maxPerReceiver = 8

    private var circuits: [Integration: IntegrationCircuit] = [:]
    private var underWay: Set<Int64> = []
    private var countByReceiver: [String: Int] = [:]
    /// What was sent and could not be written down.
    var unstored = Unstored()

    /// Whether this notification is to be sent now; it then counts as under way until ``end(_:to:)``.
    ///
    /// - Parameter integrations: how many the receiver has. While none of several may be asked, the group is not even read.
    mutating func begin(_ id: Int64, to receiver: String, integrations: Int, now: Timestamp) -> Bool {
        guard !underWay.contains(id), countByReceiver[receiver, default: 0] < Self.maxPerReceiver,
            unstored.permits(id, now: .now),
            unstored.isSettled(id) || integrations == 0
                || (0..<integrations).contains(where: { circuit(of: .init(receiver: receiver, index: $0)).mayTry(now: now) })
        else { return false }
        underWay.insert(id)
        countByReceiver[receiver, default: 0] += 1
        return true
    }

    mutating func end(_ id: Int64, to receiver: String) {
        underWay.remove(id)
        countByReceiver[receiver, default: 1] -= 1
    }

    mutating func permitsTry(_ integration: Integration, now: Timestamp) -> Bool {
        circuits[integration, default: IntegrationCircuit()].permitsTry(now: now)
    }

    /// A service that refuses a notification answers: only silence and failures of its own open the circuit. A pause that it asks
    /// for holds for all notifications.
    mutating func ended(_ integration: Integration, _ outcome: NoticeOutcome, now: Timestamp) {
        switch outcome {
        case .retry(_, let pause?): circuits[integration, default: IntegrationCircuit()].isAskedToPause(until: now + pause)
        case .retry(_, nil): circuits[integration, default: IntegrationCircuit()].failed(now: now)
        // Nothing was sent, so nothing is known of the service; the try that the circuit let through is left to another
        // notification.
        case .nothingToSay: circuits[integration]?.wasNotTried()
        // Another delivery may have been asked to pause since: that holds.
        case .delivered, .partly, .refused:
            if circuits[integration]?.isPaused(at: now) != true { circuits[integration] = nil }
        }
    }

    /// The clock was ahead: what was to wait until a time by it waits no longer.
    mutating func clockWentBack(to now: Timestamp) {
        for integration in circuits.keys { circuits[integration]?.clockWentBack(to: now) }
    }

    func nextTry(_ integration: Integration) -> Timestamp { circuit(of: integration).triesAgainAt }

    func circuit(of integration: Integration) -> IntegrationCircuit { circuits[integration] ?? IntegrationCircuit() }
}
