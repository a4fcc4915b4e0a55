import Columns
import Incidents

/// Something that is wrong for as long as it is found at each look.
struct StandingProblem: Sendable, Equatable {
    /// Of its alert, `alertname` and `severity` included; they are those of the alert of Prometheus about the same, so that both
    /// are one incident.
    let labels: Labels
    let summary: String
    let description: String
    /// How long it must have been so before anybody is notified.
    var patience = Duration.zero
}

/// Turns what is wrong into alerts: they begin once a problem has lasted, are posted again while it lasts, and end at the first
/// look that no longer finds it.
struct StandingAlerts {
    private struct Standing {
        let since: Timestamp
        var postedAt: Timestamp?
        var problem: StandingProblem
        /// It was raised before a restart, and has not been found since.
        var isRestored = false
    }

    private var standing: [Labels: Standing] = [:]

    /// An alert holds for so long without being posted again: a restart of obs in between does not end its incident.
    private static let holds = Duration.seconds(300)
    private static let repeats = Duration.seconds(60)

    /// Takes up an alert that was raised before a restart: it goes on if its problem is found, and ends if not.
    mutating func restore(_ labels: Labels, annotations: Labels, since: Timestamp, now: Timestamp) {
        let problem = StandingProblem(
            labels: labels, summary: annotations["summary"] ?? "", description: annotations["description"] ?? "")
        standing[labels] = Standing(since: since, postedAt: now - Self.repeats, problem: problem, isRestored: true)
    }

    /// The alerts to post now, by what was found.
    ///
    /// - Parameter isKnown: whether it can be known yet that a problem of before a restart has gone; until then its alert holds.
    mutating func take(
        _ problems: [StandingProblem], now: Timestamp, isKnown: (Labels) -> Bool = { _ in true }
    ) -> [Alert] {
        let found = Dictionary(problems.map { ($0.labels, $0) }) { first, _ in first }
        var alerts: [Alert] = []
        for (labels, one) in standing where found[labels] == nil {
            if one.isRestored, !isKnown(labels) {
                guard one.postedAt.map({ now - $0 >= Self.repeats }) == true else { continue }
                standing[labels]?.postedAt = now
                alerts.append(Self.alert(one, until: now + Self.holds, now: now))
                continue
            }
            standing[labels] = nil
            if one.postedAt != nil { alerts.append(Self.alert(one, until: now, now: now)) }
        }
        for (labels, problem) in found {
            var one = standing[labels] ?? Standing(since: now, problem: problem)
            one.problem = problem
            one.isRestored = false
            let isDue = one.postedAt.map { now - $0 >= Self.repeats } ?? (now - one.since >= problem.patience)
            if isDue {
                one.postedAt = now
                alerts.append(Self.alert(one, until: now + Self.holds, now: now))
            }
            standing[labels] = one
        }
        return alerts
    }

    /// Makes alerts due again that could not be stored.
    mutating func couldNotPost(_ alerts: [Alert], now: Timestamp) {
        for alert in alerts {
            if standing[alert.labels] != nil {
                standing[alert.labels]?.postedAt = now - Self.repeats
            } else {
                let problem = StandingProblem(labels: alert.labels, summary: "", description: "")
                standing[alert.labels] = Standing(since: alert.startsAt, postedAt: alert.startsAt, problem: problem)
            }
        }
    }

    private static func alert(_ one: Standing, until end: Timestamp, now: Timestamp) -> Alert {
        Alert(
            labels: one.problem.labels,
            annotations: ["summary": one.problem.summary, "description": one.problem.description],
            startsAt: min(one.since, end), endsAt: end, updatedAt: now, hasTimeout: true)
    }
}
