import Columns
@preconcurrency import GRDB
import Incidents
import Synchronization

/// What mutes alerts at one moment: silences, inhibitions, time intervals and maintenance. The store is read once, at the first
/// question; the answers of one moment share what was read.
final class MutingRules: Sendable {
    private struct Rules: Sendable {
        let silences: [Silence]
        let inhibitor: Inhibitor
    }

    private let rules = Mutex<Rules?>(nil)

    /// Whether each of a group's alerts is muted.
    ///
    /// - Parameters:
    ///   - alerts: the labels of each.
    ///   - groupKey: with the receiver it finds the route, whose time intervals mute the group as a whole.
    func areMuted(
        _ alerts: [Labels], inGroup groupKey: String, of receiver: String, at now: Timestamp,
        by configuration: AlertingConfiguration, in database: Database
    ) throws -> [Bool] {
        guard let first = alerts.first else { return [] }
        let route = configuration.route?.destinations(for: first).first {
            $0.receiver == receiver && $0.groupKey($0.groupLabels(of: first)).hasSameBytes(as: groupKey)
        }
        if let route, route.isMuted(at: now, configuration.timeIntervals) { return alerts.map { _ in true } }
        let rules = try read(at: now, configuration, database)
        return alerts.map { labels in
            configuration.maintenance.contains { $0.holds(for: labels, at: now) }
                || rules.silences.contains { $0.matchers.match(labels) } || rules.inhibitor.source(inhibiting: labels) != nil
        }
    }

    /// The silences and the firing alerts that mute an alert with these labels: ids and fingerprints, as the API shows them.
    func reasons(
        forMuting labels: Labels, at now: Timestamp, by configuration: AlertingConfiguration, in database: Database
    ) throws -> (silences: [String], inhibitors: [String]) {
        let rules = try read(at: now, configuration, database)
        return (
            rules.silences.filter { $0.matchers.match(labels) }.map(\.id).sorted(),
            rules.inhibitor.source(inhibiting: labels).map { [Fingerprint.of($0)] } ?? []
        )
    }

    /// Whether a silence or an inhibition can mute anything at all: if not, no labels need be read.
    func isAny(at now: Timestamp, by configuration: AlertingConfiguration, in database: Database) throws -> Bool {
        if !configuration.inhibitRules.isEmpty { return true }
        return try !read(at: now, configuration, database).silences.isEmpty
    }

    private func read(at now: Timestamp, _ configuration: AlertingConfiguration, _ database: Database) throws -> Rules {
        if let known = rules.withLock({ $0 }) { return known }
        let firing = configuration.inhibitRules.isEmpty ? [] : try AlertStore.firingLabels(now: now, database)
        let new = Rules(
            silences: try SilenceStore.active(at: now, database), inhibitor: Inhibitor(configuration.inhibitRules, firing: firing)
        )
        rules.withLock { $0 = new }
        return new
    }
}
