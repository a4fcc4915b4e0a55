import Columns
import Foundation
@preconcurrency import GRDB

/// What can be asked of the alerts that hold: the API, the command line and the metrics ask here.
public struct AlertQuestions: Sendable {
    /// Which alerts.
    public struct Filter: Sendable {
        public var matchers: [Matcher] = []
        /// Only those that go to a receiver whose name it matches.
        public var receiver: RegularExpression?
        /// Whether those that nothing holds back are among them.
        public var active = true
        public var silenced = true
        public var inhibited = true

        public init() {}
    }

    /// An alert that holds, and what holds it back.
    public struct Listed: Sendable {
        public let fingerprint: UInt64
        /// JSON with sorted names: most who ask want just that.
        public let labelsJSON: String
        public let annotationsJSON: String
        public let generatorURL: String
        public let startsAt: Timestamp
        public let endsAt: Timestamp
        public let updatedAt: Timestamp
        public var receivers: [String]
        public var silencedBy: [String]
        /// Fingerprints.
        public var inhibitedBy: [String]
        /// The incident that it belongs to.
        public let incident: Int64?

        public var isSuppressed: Bool { !silencedBy.isEmpty || !inhibitedBy.isEmpty }
        public var labels: [String: String] { IncidentStore.decode(labelsJSON) ?? [:] }
        public var annotations: [String: String] { IncidentStore.decode(annotationsJSON) ?? [:] }
    }

    /// A group of a receiver, with the alerts in it that the filter leaves.
    public struct Group: Sendable {
        public let receiver: String
        public let labelsJSON: String
        public var alerts: [Listed]
    }

    private let incidents: IncidentStore
    private let configuration: AlertingConfiguration

    public init(_ incidents: IncidentStore, _ configuration: AlertingConfiguration) {
        self.incidents = incidents
        self.configuration = configuration
    }

    /// The alerts that hold at `now`, by fingerprint.
    public func alerts(_ filter: Filter = Filter(), now: Timestamp) async throws -> [Listed] {
        try await incidents.store.database.read { database in
            let receivers = try receivers(database)
            return try listed(filter, receivers, now, database).values.sorted { $0.fingerprint < $1.fingerprint }
        }
    }

    /// The groups that have alerts which the filter leaves, by labels and receiver. A receiver's pattern chooses groups here.
    public func groups(_ filter: Filter = Filter(), now: Timestamp) async throws -> [Group] {
        try await incidents.store.database.read { database in
            var onAlerts = filter
            onAlerts.receiver = nil
            let receivers = try receivers(database)
            let alerts = try listed(onAlerts, receivers, now, database)
            var groups: [Group] = []
            var places: [Int64: Int] = [:]
            for row in try Row.fetchAll(
                database, sql: "SELECT id, receiver, group_labels FROM alert_grouping ORDER BY group_labels, receiver")
            {
                let receiver: String = row[1]
                guard filter.receiver?.matches(receiver) ?? true else { continue }
                places[row[0]] = groups.count
                groups.append(Group(receiver: receiver, labelsJSON: row[2], alerts: []))
            }
            let cursor = try Row.fetchCursor(database, sql: "SELECT grouping, alert FROM alert_membership")
            while let row = try cursor.next() {
                if let place = places[row[0]], let alert = alerts[row[1]] { groups[place].alerts.append(alert) }
            }
            return groups.filter { !$0.alerts.isEmpty }
        }
    }

    /// How many alerts hold, and how many of them something holds back.
    public func counts(now: Timestamp) throws -> (active: Int, suppressed: Int) {
        try incidents.store.database.read { database in
            let all = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM alert WHERE ends_at IS NULL OR ends_at > ?", arguments: [now.microseconds])!
            guard try Quiet().holdsAnything(now, configuration, database) else { return (all, 0) }
            let suppressed = try listed(Filter(), [:], now, database).values.count { $0.isSuppressed }
            return (all - suppressed, suppressed)
        }
    }

    public func groupCount() throws -> Int {
        try incidents.store.database.read { try Int.fetchOne($0, sql: "SELECT count(DISTINCT grouping) FROM alert_membership")! }
    }

    /// The receivers of each alert, in the order in which their groups came about.
    private func receivers(_ database: Database) throws -> [Int64: [String]] {
        var names: [Int64: String] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT id, receiver FROM alert_grouping") { names[row[0]] = row[1] }
        var receivers: [Int64: [String]] = [:]
        let cursor = try Row.fetchCursor(database, sql: "SELECT alert, grouping FROM alert_membership ORDER BY alert, grouping")
        while let row = try cursor.next() {
            guard let name = names[row[1]] else { continue }
            if receivers[row[0], default: []].contains(name) { continue }
            receivers[row[0], default: []].append(name)
        }
        return receivers
    }

    private func listed(_ filter: Filter, _ receivers: [Int64: [String]], _ now: Timestamp, _ database: Database) throws
        -> [Int64: Listed]
    {
        let quiet = Quiet()
        let isAnythingHeld = try quiet.holdsAnything(now, configuration, database)
        let needsLabels = isAnythingHeld || !filter.matchers.isEmpty
        var found: [Int64: Listed] = [:]
        let cursor = try Row.fetchCursor(
            database,
            sql: """
                SELECT a.id, a.fingerprint, a.labels, a.annotations, a.generator_url, a.starts_at, a.ends_at, a.updated_at, a.incident, a.is_finding,
                    i.title, i.description, i.name, i.updated_at FROM alert a LEFT JOIN incident i ON a.is_finding AND i.number = a.incident
                WHERE a.ends_at IS NULL OR a.ends_at > ?
                """, arguments: [now.microseconds])
        while let row = try cursor.next() {
            let id: Int64 = row[0]
            let receivers = receivers[id] ?? []
            if let pattern = filter.receiver, !receivers.contains(where: pattern.matches) { continue }
            var (silencedBy, inhibitedBy): ([String], [String]) = ([], [])
            if needsLabels {
                let labels: [String: String] = IncidentStore.decode(row[2]) ?? [:]
                guard filter.matchers.match(labels) else { continue }
                (silencedBy, inhibitedBy) = try quiet.reasons(labels, now: now, configuration, database)
            }
            let isSuppressed = !silencedBy.isEmpty || !inhibitedBy.isEmpty
            guard filter.active || isSuppressed, filter.silenced || silencedBy.isEmpty, filter.inhibited || inhibitedBy.isEmpty
            else { continue }
            let incident: Int64? = row[8]
            let isFinding = row[9] as Bool && incident != nil
            let link = isFinding ? FindingLink(incident: incident!, name: row[12], configuration.externalURL) : nil
            // A finding has no end of its own: it holds until nothing new has been seen for the time-out.
            let endsAt =
                row[6] as Int64? ?? (row[13] as Int64? ?? now.microseconds) &+ configuration.resolveTimeout.inMicroseconds
            found[id] = Listed(
                fingerprint: UInt64(bitPattern: row[1]), labelsJSON: row[2],
                annotationsJSON: link.map { JSONText.object($0.annotations(title: row[10], description: row[11])) } ?? row[3],
                generatorURL: link?.url ?? row[4], startsAt: Timestamp(microseconds: row[5]),
                endsAt: Timestamp(microseconds: endsAt),
                updatedAt: Timestamp(microseconds: row[13] as Int64? ?? row[7]), receivers: receivers, silencedBy: silencedBy,
                inhibitedBy: inhibitedBy, incident: incident)
        }
        return found
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

    func annotations(title: String, description: String) -> [String: String] {
        [
            "summary": title, "description": description, "incident": "INC-\(incident)",
            "runbook_url": "\(externalURL)/runbooks/\(name)",
        ]
    }
}
