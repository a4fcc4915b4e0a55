import Columns
import Notify
import Incidents

/// Which notifications are under way, which wait to be stored, and how the integrations are.
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
    /// What was sent and could not be written down.
    var unstored = Unstored()

    /// Whether this notification is to be looked at now; it then counts as under way until ``end(_:to:)``.
    ///
    /// - Parameter integrations: how many the receiver has. While none of several may be asked, there is no use in a look.
    mutating func begin(_ id: Int64, to receiver: String, integrations: Int, now: Timestamp) -> Bool {
        guard !underWay.contains(id), countByReceiver[receiver, default: 0] < Self.maxPerReceiver,
            unstored.permits(id, now: .now),
            unstored.isSettled(id) || integrations == 0
                || (0..<integrations).contains(where: { circuit(receiver, $0).mayTry(now: now) })
        else { return false }
        underWay.insert(id)
        countByReceiver[receiver, default: 0] += 1
        return true
    }

    mutating func end(_ id: Int64, to receiver: String) {
        underWay.remove(id)
        countByReceiver[receiver, default: 1] -= 1
    }

    mutating func permitsTry(_ endpoint: Endpoint, now: Timestamp) -> Bool {
        circuits[endpoint, default: ReceiverCircuit()].permitsTry(now: now)
    }

    /// A receiver that refuses is there: only silence and failure of its own open the circuit. One that asks for a pause gets it from all notifications.
    mutating func ended(_ endpoint: Endpoint, _ outcome: NoticeOutcome, now: Timestamp) {
        switch outcome {
        case .retry(_, let pause?): circuits[endpoint, default: ReceiverCircuit()].isAskedToPause(until: now + pause)
        case .retry(_, nil): circuits[endpoint, default: ReceiverCircuit()].failed(now: now)
        // Nobody was asked, so nothing is known of the integration; a try that the circuit let through is to be made by another.
        case .nothingToSay: circuits[endpoint]?.wasNotTried()
        // Others that are under way may have been asked to pause since: that holds.
        case .delivered, .partly, .refused:
            if circuits[endpoint]?.isPaused(at: now) != true { circuits[endpoint] = nil }
        }
    }

    /// The clock was ahead: what was to wait until a time by it waits no longer.
    mutating func clockWentBack(to now: Timestamp) {
        for endpoint in circuits.keys { circuits[endpoint]?.clockWentBack(to: now) }
    }

    func nextTry(_ endpoint: Endpoint) -> Timestamp { circuit(endpoint.receiver, endpoint.index).triesAgainAt }

    func circuit(_ receiver: String, _ index: Int) -> ReceiverCircuit {
        circuits[Endpoint(receiver: receiver, index: index)] ?? ReceiverCircuit()
    }
}
