import Columns
import Foundation
import NIOCore
import Synchronization

/// The open connections. Their number is limited, in all and of each address: each takes a file descriptor, pipelines need some
/// too, and nobody may have so many that nobody else has one.
///
/// When a limit is reached, a new connection replaces the one that has waited longest for its client (idle, or with a stalled
/// body): one of the same address where that has its share, else one of the address that has the most. If none waits for its
/// client, the new one is refused.
final class Connections: Sendable {
    /// How many there may be.
    struct Limits: Sendable {
        var all: Int
        /// Of one address; nil where all clients have one anyway.
        var perAddress: Int?
        /// These bring the connections of many people, so only ``all`` counts.
        var proxies = TrustedProxies(networks: [])
        /// So many of the refused ones are answered with the reason at a time; the others end at once.
        var refused = 32

        /// Whose share a connection is of: of IPv6 a whole network, because whoever has one has 2⁶⁴ addresses; nil for those
        /// that may have them all.
        func network(of peer: IPAddress) -> IPNetwork? {
            guard perAddress != nil, !proxies.contains(peer) else { return nil }
            return peer.isIPv4 ? IPNetwork(peer, length: 32) : IPNetwork(around: peer)
        }
    }

    private struct Entry {
        let channel: any Channel
        let client: Client
        /// Nil for addresses that may have them all.
        let network: IPNetwork?
        /// Since when it waits for its client; nil while the client waits for us.
        var waitingSince: ContinuousClock.Instant?
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var byNetwork: [IPNetwork: Int] = [:]
        /// Connections that are refused and have not ended.
        var refused = 0

        mutating func remove(_ key: ObjectIdentifier) {
            guard let entry = entries.removeValue(forKey: key), let network = entry.network else { return }
            let left = byNetwork[network, default: 1] - 1
            byNetwork[network] = left > 0 ? left : nil
        }

        /// The one that has waited longest for its client, of one network or of the one that has the most.
        func replaceable(of network: IPNetwork?) -> (key: ObjectIdentifier, entry: Entry)? {
            var found: (key: ObjectIdentifier, entry: Entry, count: Int)?
            for (key, entry) in entries {
                guard let since = entry.waitingSince, network == nil || entry.network == network else { continue }
                let count = entry.network.map { byNetwork[$0, default: 1] } ?? 1
                guard let other = found else {
                    found = (key, entry, count)
                    continue
                }
                if count > other.count || count == other.count && since < other.entry.waitingSince! {
                    found = (key, entry, count)
                }
            }
            return found.map { ($0.key, $0.entry) }
        }
    }

    let limits: Limits
    private let state = Mutex(State())

    init(_ limits: Limits) {
        self.limits = limits
    }

    /// A quarter of the file descriptors of the process, so that enough are left for pipelines and the store.
    static func shareOfDescriptors() -> Int { max(8, min(descriptors, 4096) / 4) }

    /// How many file descriptors the process may have open.
    static var descriptors: Int {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 256 }
        return Int(min(limits.rlim_cur, 1 << 30))
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// Of the address that has the most.
    var mostOfAddress: Int { state.withLock { $0.byNetwork.values.max() ?? 0 } }

    func client(of channel: any Channel) -> Client? { state.withLock { $0.entries[ObjectIdentifier(channel)]?.client } }

    enum Admission {
        case admitted
        /// Admitted instead of this connection, which is to be closed.
        case instead(any Channel)
        /// There are too many in all.
        case refused
        /// This address has its share.
        case refusedAddress(IPNetwork, limit: Int)
    }

    func admit(_ channel: any Channel, _ client: Client) -> Admission {
        let network = network(of: channel)
        return state.withLock { state in
            var admission = Admission.admitted
            let share = limits.perAddress ?? .max
            let isShareTaken = network.map { state.byNetwork[$0, default: 0] >= share } == true
            if isShareTaken || state.entries.count >= limits.all {
                guard let oldest = state.replaceable(of: isShareTaken ? network : nil) else {
                    if isShareTaken, let network { return .refusedAddress(network, limit: share) }
                    return .refused
                }
                state.remove(oldest.key)
                admission = .instead(oldest.entry.channel)
            }
            state.entries[ObjectIdentifier(channel)] = Entry(
                channel: channel, client: client, network: network, waitingSince: .now)
            if let network { state.byNetwork[network, default: 0] += 1 }
            return admission
        }
    }

    private func network(of channel: any Channel) -> IPNetwork? {
        channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }.flatMap { limits.network(of: $0) }
    }

    func waits(_ channel: any Channel, isWaiting: Bool) {
        state.withLock { $0.entries[ObjectIdentifier(channel)]?.waitingSince = isWaiting ? .now : nil }
    }

    func remove(_ channel: any Channel) { state.withLock { $0.remove(ObjectIdentifier(channel)) } }

    /// Whether one more refused connection may be answered with the reason: it holds a descriptor until it has read that.
    func mayExplain() -> Bool {
        state.withLock { state in
            guard state.refused < limits.refused else { return false }
            state.refused += 1
            return true
        }
    }

    func hasExplained() { state.withLock { $0.refused -= 1 } }
}
