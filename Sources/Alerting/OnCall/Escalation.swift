import Columns
import Foundation
@preconcurrency import GRDB
import Incidents
import Store

/// Takes the steps of escalation policies as they become due. How far each has come is in the store (``EscalationTable``).
struct Escalation: Sendable {
    let configuration: AlertingConfiguration

    /// Whether any step is due; cheap, for each look at the outbox.
    func isDue(now: Timestamp, _ database: Database) throws -> Bool {
        try !configuration.escalations.isEmpty && EscalationTable.isAnyDue(now: now, database)
    }

    /// Takes the steps that are due, in one transaction with their notifications.
    ///
    /// - Returns: the incidents whose steps could not be taken, and why; they are tried again after a while.
    @discardableResult
    func advance(now: Timestamp, _ database: Database) throws -> [(incident: Int64, error: any Error)] {
        let failed = try database.eachApart(EscalationTable.due(now: now, database)) { try advance($0, now, database) }
        // It would be among the first again, and keep others from being seen.
        for (incident, _) in failed { try EscalationTable.look(at: incident, now + Self.pauseAfterFailure, database) }
        return failed.map { (incident: $0.item, error: $0.error) }
    }

    private static let pauseAfterFailure = Duration.seconds(60)

    private func advance(_ number: Int64, _ now: Timestamp, _ database: Database) throws {
        guard let known = try EscalationTable.place(of: number, database) else { return }
        let incident = try IncidentStore.fetch(number, database)
        let policy = incident.flatMap { incident in configuration.escalations.first { $0.matchers.match(incident.labels) } }
        guard let incident, let policy else { return try EscalationTable.setNone(of: number, database) }
        var place = known.under(policy.name, now: now)
        while place.step < policy.steps.count, place.since + policy.steps[place.step].after <= now {
            try take(policy.steps[place.step], number: place.step + 1, for: incident, now, database)
            place.step += 1
        }
        let next = place.step < policy.steps.count ? place.since + policy.steps[place.step].after : nil
        try EscalationTable.set(place, due: next, of: number, database)
    }

    private func take(_ step: EscalationPolicy.Step, number: Int, for incident: Incident, _ now: Timestamp, _ database: Database)
        throws
    {
        let receiver: String
        var whom: String
        switch step.target {
        case .receiver(let name): (receiver, whom) = (name, name)
        case .schedule(let name):
            guard let schedule = configuration.schedules.first(where: { $0.name == name }) else { return }
            receiver = schedule.shift(at: now).person
            whom = "\(receiver), who is on call (\(name))"
        }
        let delay = step.after == .zero ? "" : ": nobody acknowledged it within \(Int(step.after.inSeconds)) s"
        // Whoever is notified by an escalation hears of what joins and of the end as often as those whom the route of the first
        // alert names.
        let labels = try AlertStore.firstLabels(ofIncident: incident.number, database) ?? incident.labels
        let route = configuration.route?.destinations(for: labels).first
        try EscalationTable.take(
            step: number, of: incident, notifying: receiver,
            intervals: (
                route?.groupInterval ?? Route.defaultGroupInterval, route?.repeatInterval ?? Route.defaultRepeatInterval
            ), text: "step \(number) goes to \(whom)\(delay)", now: now, database)
    }
}

extension EscalationPolicy {
    /// What tells it from others: what it is for.
    var name: String { "{" + matchers.map(\.description).joined(separator: ", ") + "}" }
}
