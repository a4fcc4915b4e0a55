import Columns
@preconcurrency import GRDB
import Incidents
import Synchronization

/// What holds alerts back at one moment: silences, inhibitions, time intervals. Read once from the store, then shared by all who
/// look at that moment.
final class Quiet: Sendable {
    private struct Rules: Sendable {
        let silences: [Silence]
        let inhibitor: Inhibitor
    }

    private let rules = Mutex<Rules?>(nil)

    /// Which of a group's alerts nobody is told of at `now`.
    func mutes(
        _ labels: [Labels], of receiver: String, _ key: String, now: Timestamp, _ configuration: AlertingConfiguration,
        _ database: Database
    ) throws -> [Bool] {
        guard let first = labels.first else { return [] }
        let route = configuration.route?.destinations(for: first).first {
            $0.receiver == receiver && $0.groupKey($0.groupLabels(of: first)).hasSameBytes(as: key)
        }
        if let route, route.isQuiet(at: now, configuration.timeIntervals) { return labels.map { _ in true } }
        let rules = try read(now, configuration, database)
        return labels.map { labels in
            configuration.maintenance.contains { $0.holds(for: labels, at: now) }
                || rules.silences.contains { $0.matchers.match(labels) } || rules.inhibitor.source(inhibiting: labels) != nil
        }
    }

    /// The silences and the alerts that hold back an alert with these labels: ids and fingerprints, as the API shows them.
    func reasons(
        _ labels: Labels, now: Timestamp, _ configuration: AlertingConfiguration, _ database: Database
    ) throws -> (silences: [String], inhibitors: [String]) {
        let rules = try read(now, configuration, database)
        return (
            rules.silences.filter { $0.matchers.match(labels) }.map(\.id).sorted(),
            rules.inhibitor.source(inhibiting: labels).map { [Fingerprint.of($0)] } ?? []
        )
    }

    /// Whether anything at all is held back: if not, no labels need be looked at.
    func holdsAnything(_ now: Timestamp, _ configuration: AlertingConfiguration, _ database: Database) throws -> Bool {
        if !configuration.inhibitRules.isEmpty { return true }
        return try !read(now, configuration, database).silences.isEmpty
    }

    private func read(_ now: Timestamp, _ configuration: AlertingConfiguration, _ database: Database) throws -> Rules {
        if let known = rules.withLock({ $0 }) { return known }
        var firing: [Labels] = []
        if !configuration.inhibitRules.isEmpty {
            firing = try AlertStore.firingLabels(now: now, database)
        }
        let new = Rules(
            silences: try SilenceStore.active(at: now, database), inhibitor: Inhibitor(configuration.inhibitRules, firing: firing)
        )
        rules.withLock { $0 = new }
        return new
    }
}
