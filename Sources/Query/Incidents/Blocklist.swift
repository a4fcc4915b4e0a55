import Columns
import Detection
import Incidents

/// Which addresses a firewall may block, and for how long: the sources of incidents of chosen rules. obs blocks nothing itself.
///
/// Listed is the `source` (or the `source_net`) of each incident that goes on, or that ended by itself, until
/// ``BlocklistPolicy/expiry`` after it was last seen: an attacker who is blocked is quiet, and must not come back for that. What
/// a person resolves is off the list at once.
public struct Blocklist: Sendable {
    /// An address or network and the newest incident that it is listed for.
    public struct Entry: Sendable, Equatable {
        /// The address, or the network that it is in.
        public let network: IPNetwork
        /// Its id.
        public let incident: String
        /// The rule, or the model, that found it.
        public let rule: String
        /// Of the incident.
        public let severity: Severity
        /// Of the incident, in event time.
        public let startsAt: Timestamp
        /// Of the incident, in event time.
        public let lastSeen: Timestamp
        /// When it comes off the list unless it is seen again.
        public let until: Timestamp

        /// As firewalls take it: an address alone, or a network with its length.
        public var text: String {
            network.length == (network.address.isIPv4 ? 32 : 128) ? "\(network.address)" : "\(network)"
        }
    }

    /// The form of a list, by its name in requests and on the command line.
    public enum Form: String, Sendable, CaseIterable {
        /// One address or network per line.
        case plain
        /// A file for `nft -f`, which replaces two sets with time-outs in one transaction.
        case nftables
        /// A list of objects with the incident of each.
        case json
    }

    /// More than a set of a firewall should be given at once; the newest stay.
    public static let maxEntries = 65_536
    /// Several incidents are about one address.
    private static let maxIncidents = 200_000

    /// The newest first.
    public let entries: [Entry]
    /// When the list was made.
    public let at: Timestamp

    /// Reads the list from the store.
    ///
    /// - Parameter own: addresses of this machine, which are listed as little as those that are allowed.
    /// - Complexity: O(incidents seen within ``BlocklistPolicy/expiry``).
    public init(_ incidents: IncidentStore, _ policy: BlocklistPolicy, own: [IPAddress], now: Timestamp) throws {
        let never =
            policy.allow + own.compactMap { IPNetwork($0, length: $0.isIPv4 ? 32 : 128) }
            + (policy.includesPrivate ? [] : BlocklistPolicy.privateNetworks)
        var entries: [Entry] = [], listed: Set<IPNetwork> = []
        for incident in try incidents.unresolved(seenSince: now - policy.expiry, limit: Self.maxIncidents) {
            guard entries.count < Self.maxEntries, policy.rules.contains(incident.name),
                let network = Self.source(incident.ownLabels),
                !never.contains(where: { $0.contains(network.address) || network.contains($0.address) }),
                listed.insert(network).inserted
            else { continue }
            entries.append(
                Entry(
                    network: network, incident: incident.id, rule: incident.name, severity: incident.severity,
                    startsAt: incident.startsAt, lastSeen: incident.lastSeen, until: incident.lastSeen + policy.expiry))
        }
        self.entries = entries
        at = now
    }

    /// The address of an incident, or its network; nil where its source is a host's name, which a firewall would have to look up.
    private static func source(_ labels: Labels) -> IPNetwork? {
        for label in ["source", "source_net"] {
            if let text = labels[label], let network = IPNetwork(text) { return network }
        }
        return nil
    }

    /// The list as a text.
    public func text(_ form: Form) -> String {
        switch form {
        case .plain: entries.map { $0.text + "\n" }.joined()
        case .nftables: nftables
        case .json: json
        }
    }

    private var json: String {
        let objects = entries.map { entry in
            let members: [(String, String)] = [
                ("address", entry.text), ("incident", entry.incident), ("rule", entry.rule),
                ("severity", entry.severity.rawValue),
                ("starts_at", entry.startsAt.description), ("last_seen", entry.lastSeen.description),
                ("until", entry.until.description),
            ]
            return "{" + members.map { "\"\($0)\":\(JSONText.quote($1))" }.joined(separator: ",") + "}"
        }
        return "[\(objects.joined(separator: ",\n"))]\n"
    }

    /// Adding a set that is there changes nothing, so the file can be loaded again and again, beside rules that name the sets.
    private var nftables: String {
        var lines = ["# addresses to block, by obs, \(at)", "add table inet obs"]
        for (set, type, isIPv4) in [("blocked4", "ipv4_addr", true), ("blocked6", "ipv6_addr", false)] {
            lines += [
                "add set inet obs \(set) { type \(type); flags interval, timeout; auto-merge; }", "flush set inet obs \(set)",
            ]
            let elements = entries.filter { $0.network.address.isIPv4 == isIPv4 }.map {
                "    \($0.text) timeout \(max(1, Int(($0.until - at).inSeconds)))s"
            }
            if !elements.isEmpty { lines += ["add element inet obs \(set) {", elements.joined(separator: ",\n"), "}"] }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
