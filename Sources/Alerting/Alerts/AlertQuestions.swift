import Store
import Columns
import Foundation
@preconcurrency import GRDB
import Incidents

/// Queries on active alerts, for the API, the command line and the metrics.
public struct AlertQuestions: Sendable {
    /// Which alerts.
    public struct Filter: Sendable {
        /// On labels; all of them must match.
        public var matchers: [Matcher] = []
        /// Only those that go to a receiver whose name it matches.
        public var receiver: RegularExpression?
        /// Whether those that are not muted are among them.
        public var active = true
        /// Whether those that a silence mutes are among them.
        public var silenced = true
        /// Whether those that another alert inhibits are among them.
        public var inhibited = true

        /// All active alerts.
        public init() {}
    }

    /// An active alert, and what mutes it.
    public struct Listed: Sendable {
        /// The hash of its labels.
        public let fingerprint: UInt64
        /// JSON with sorted names, because most callers want just that.
        public let labelsJSON: String
        /// JSON with sorted names.
        public let annotationsJSON: String
        /// Where it came about; for a finding the page of its incident.
        public let generatorURL: String
        /// Since when it fires.
        public let startsAt: Timestamp
        /// When it ends unless it is posted again.
        public let endsAt: Timestamp
        /// When it was last posted or seen.
        public let updatedAt: Timestamp
        /// The names of its receivers, each once.
        public var receivers: [String]
        /// The ids of the silences that mute it.
        public var silencedBy: [String]
        /// The fingerprints of the alerts that inhibit it.
        public var inhibitedBy: [String]
        /// The incident that it belongs to.
        public let incident: Int64?

        /// An alert that another program lists.
        public init(
            labels: Labels, annotations: Labels, generatorURL: String, startsAt: Timestamp, endsAt: Timestamp,
            updatedAt: Timestamp, receivers: [String], silencedBy: [String], inhibitedBy: [String]
        ) {
            self.init(
                fingerprint: Fingerprint.number(of: labels), labelsJSON: JSONText.object(labels),
                annotationsJSON: JSONText.object(annotations), generatorURL: generatorURL, startsAt: startsAt, endsAt: endsAt,
                updatedAt: updatedAt, receivers: receivers, silencedBy: silencedBy, inhibitedBy: inhibitedBy, incident: nil)
        }

        fileprivate init(
            fingerprint: UInt64, labelsJSON: String, annotationsJSON: String, generatorURL: String, startsAt: Timestamp,
            endsAt: Timestamp, updatedAt: Timestamp, receivers: [String], silencedBy: [String], inhibitedBy: [String],
            incident: Int64?
        ) {
            self.fingerprint = fingerprint
            self.labelsJSON = labelsJSON
            self.annotationsJSON = annotationsJSON
            self.generatorURL = generatorURL
            self.startsAt = startsAt
            self.endsAt = endsAt
            self.updatedAt = updatedAt
            self.receivers = receivers
            self.silencedBy = silencedBy
            self.inhibitedBy = inhibitedBy
            self.incident = incident
        }

        /// Whether something mutes it.
        public var isSuppressed: Bool { !silencedBy.isEmpty || !inhibitedBy.isEmpty }
        /// Read from ``labelsJSON``.
        public var labels: Labels { JSONText.pairs(labelsJSON) }
        /// Read from ``annotationsJSON``.
        public var annotations: Labels { JSONText.pairs(annotationsJSON) }
    }

    /// A group of a receiver, with the alerts in it that the filter leaves.
    public struct Group: Sendable {
        /// The name of the receiver.
        public let receiver: String
        /// The labels that the alerts share, as JSON.
        public let labelsJSON: String
        /// By fingerprint.
        public var alerts: [Listed]
    }

    private let incidents: IncidentStore
    private let configuration: AlertingConfiguration

    /// Queries on the alerts of a store, by the routes, silences and inhibitions of a configuration.
    public init(_ incidents: IncidentStore, _ configuration: AlertingConfiguration) {
        self.incidents = incidents
        self.configuration = configuration
    }

    /// The alerts that are active at `now`, by fingerprint.
    public func alerts(_ filter: Filter = Filter(), now: Timestamp) async throws -> [Listed] {
        try await incidents.store.database.read { database in
            var receivers = ReceiverLists()
            try AlertStore.eachMembership(database) { receivers.add($0.receiver, to: $1) }
            return try listed(filter, receivers, now, database).sorted { $0.alert.fingerprint < $1.alert.fingerprint }.map(
                \.alert)
        }
    }

    /// The groups that have alerts which the filter leaves, by labels and receiver. A receiver's pattern chooses groups here.
    public func groups(_ filter: Filter = Filter(), now: Timestamp) async throws -> [Group] {
        try await incidents.store.database.read { database in
            var onAlerts = filter
            onAlerts.receiver = nil
            var receivers = ReceiverLists()
            var members: [(group: Int, alert: Int64)] = []
            try AlertStore.eachMembership(database) { grouping, alert in
                receivers.add(grouping.receiver, to: alert)
                members.append((grouping.index, alert))
            }
            let alerts = try listed(onAlerts, receivers, now, database)
            let indexes = Dictionary(uniqueKeysWithValues: alerts.indices.lazy.map { (alerts[$0].id, $0) })
            var groups = try AlertStore.listedGroups(database).values.sorted { $0.index < $1.index }.map {
                Group(receiver: $0.receiver, labelsJSON: $0.labels, alerts: [])
            }
            for (group, alert) in members {
                if let index = indexes[alert] { groups[group].alerts.append(alerts[index].alert) }
            }
            return groups.filter { !$0.alerts.isEmpty && filter.receiver?.matches($0.receiver) ?? true }
        }
    }

    /// How many alerts are active, and how many are muted.
    func counts(now: Timestamp, _ database: Database) throws -> (active: Int, suppressed: Int) {
        guard try MutingRules().isAny(at: now, by: configuration, in: database) else {
            return (try AlertStore.firingCount(now: now, database), 0)
        }
        let all = try listed(Filter(), ReceiverLists(), now, database)
        let suppressed = all.count { $0.alert.isSuppressed }
        return (all.count - suppressed, suppressed)
    }

    /// The alerts that the filter leaves, with their ids.
    private func listed(_ filter: Filter, _ receivers: ReceiverLists, _ now: Timestamp, _ database: Database) throws
        -> [(id: Int64, alert: Listed)]
    {
        let muting = MutingRules()
        let isAnyMuted = try muting.isAny(at: now, by: configuration, in: database)
        let needsLabels = isAnyMuted || !filter.matchers.isEmpty
        var found: [(id: Int64, alert: Listed)] = []
        try AlertStore.eachFiring(now: now, database) { alert in
            let receivers = receivers[alert.id]
            if let pattern = filter.receiver, !receivers.contains(where: pattern.matches) { return }
            var (silencedBy, inhibitedBy): ([String], [String]) = ([], [])
            if needsLabels {
                let labels = JSONText.pairs(alert.labels)
                guard filter.matchers.match(labels) else { return }
                (silencedBy, inhibitedBy) = try muting.reasons(
                    forMuting: labels, at: now, by: configuration, in: database)
            }
            let isSuppressed = !silencedBy.isEmpty || !inhibitedBy.isEmpty
            guard filter.active || isSuppressed, filter.silenced || silencedBy.isEmpty, filter.inhibited || inhibitedBy.isEmpty
            else { return }
            found.append((alert.id, listed(alert, receivers, silencedBy, inhibitedBy, now)))
        }
        return found
    }

    private func listed(
        _ alert: FiringAlert, _ receivers: [String], _ silencedBy: [String], _ inhibitedBy: [String], _ now: Timestamp
    ) -> Listed {
        let link = (alert.isFinding ? alert.incident : nil).map {
            FindingLink(incident: $0, name: alert.name, configuration.externalURL)
        }
        return Listed(
            fingerprint: alert.fingerprint, labelsJSON: alert.labels,
            annotationsJSON: link.map { JSONText.object($0.annotations(title: alert.title, description: alert.description)) }
                ?? alert.annotations,
            generatorURL: link?.url ?? alert.generatorURL, startsAt: alert.startsAt,
            endsAt: alert.endsAt ?? end(of: alert, now), updatedAt: alert.updatedAt, receivers: receivers,
            silencedBy: silencedBy, inhibitedBy: inhibitedBy, incident: alert.incident)
    }

    /// A finding has no end of its own: it holds until nothing new has been seen for the time-out. One that ends by hand holds
    /// longer than that, and for as long again whenever it is asked for.
    private func end(of alert: FiringAlert, _ now: Timestamp) -> Timestamp {
        let end = (alert.incidentUpdatedAt ?? now) + configuration.resolveTimeout
        return end > now ? end : now + configuration.resolveTimeout
    }
}

/// The receivers of each alert, each once, in the order in which they were added. Nearly all alerts have one of a few lists, so a
/// list is made once.
private struct ReceiverLists {
    private struct Step: Hashable {
        let list: Int
        let receiver: String
    }

    private var lists: [[String]] = [[]]
    private var places: [Int64: Int] = [:]
    private var steps: [Step: Int] = [:]

    subscript(alert: Int64) -> [String] { lists[places[alert] ?? 0] }

    mutating func add(_ receiver: String, to alert: Int64) {
        let step = Step(list: places[alert] ?? 0, receiver: receiver)
        places[alert] = steps[step] ?? extend(step)
    }

    private mutating func extend(_ step: Step) -> Int {
        let list = lists[step.list]
        var place = step.list
        if !list.contains(step.receiver) {
            place = lists.count
            lists.append(list + [step.receiver])
        }
        steps[step] = place
        return place
    }
}

/// What the alert of a finding says besides its labels: its incident's words and where to look.
struct FindingLink {
    let incident: Int64
    let name: String
    let externalURL: String

    init(incident: Int64, name: String, _ externalURL: String) {
        self.incident = incident
        self.name = name
        self.externalURL = externalURL
    }

    var url: String { "\(externalURL)/incidents/INC-\(incident)" }

    func annotations(title: String, description: String) -> Labels {
        [
            "summary": title, "description": description, "incident": "INC-\(incident)",
            "runbook_url": "\(externalURL)/runbooks/\(name)",
        ]
    }
}
