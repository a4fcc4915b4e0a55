import Columns
import Incidents

/// Alerts that must keep coming, such as Prometheus' `Watchdog`. When they stop, their sender or the way from there is broken,
/// and nobody would be notified of anything; so obs raises an alert itself.
struct DeadMansSwitch: Sendable, Equatable, Decodable {
    /// The `alertname` of the raised alert.
    static let alertName = "DeadMansSwitch"

    /// The label `switch` of the raised alert.
    var name: String
    /// Any firing alert that these match is a sign of life.
    var matchers: [Matcher]
    /// The longest time without a sign of life.
    var within = Duration.seconds(600)
    /// Additional labels of the raised alert; `severity` is critical unless they set it.
    var labels: Labels = [:]

    private enum CodingKeys: String, CodingKey { case name, matchers, within, labels }

    /// A switch as a configuration file has it.
    init(name: String, matchers: [Matcher], within: Duration = .seconds(600), labels: Labels = [:]) {
        self.name = name
        self.matchers = matchers
        self.within = within
        self.labels = labels
    }

    /// Reads a switch, which must have a name and matchers.
    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        name = try keys.decode(String.self, forKey: .name)
        matchers = try keys.decode([String].self, forKey: .matchers).flatMap { try [Matcher](parsing: $0) }
        within = try keys.duration(.within) ?? within
        labels = try keys.decodeIfPresent(Labels.self, forKey: .labels) ?? [:]
        guard !name.isEmpty, !matchers.isEmpty else {
            throw keys.refused(.matchers, "a dead man's switch needs a name, and matchers of the alert that must keep coming")
        }
        guard within >= .seconds(1) else {
            throw keys.refused(.within, "within is \(within); write how long no sign of life may come, such as 10m")
        }
        for label in labels.keys { try LabelName.require(label) }
    }

    /// The labels of the raised alert.
    var raisedLabels: Labels {
        (["severity": "critical"] as Labels).merging(labels).merging(["alertname": Self.alertName, "switch": name])
    }
}

/// When each switch had its last sign of life, and the alerts that are raised for silent ones. A value without clock and store.
///
/// It is lost when the process ends: then each switch has its full time again, except those that were raised (``restore(_:)``).
struct DeadMansSwitches: Sendable {
    private struct State {
        /// Nil: none since before this process began.
        var heardAt: Timestamp?
        /// When its alert was posted last; nil while none is raised.
        var raisedAt: Timestamp?
        var raisedSince: Timestamp?
    }

    private var states: [String: State] = [:]

    /// Marks switches that were raised when this process began: they stay raised until there is a sign of life.
    mutating func restore(_ raised: [(name: String, since: Timestamp)]) {
        // A switch that was heard already is resolved at the next call.
        for (name, since) in raised {
            var state = states[name] ?? State()
            (state.raisedAt, state.raisedSince) = (Timestamp(microseconds: 0), since)
            states[name] = state
        }
    }

    mutating func hear(_ alerts: [Alert], _ switches: [DeadMansSwitch], now: Timestamp) {
        for one in switches
        where alerts.contains(where: {
            $0.labels["alertname"] != DeadMansSwitch.alertName && !$0.isResolved(at: now) && one.matchers.match($0.labels)
        }) {
            states[one.name, default: State()].heardAt = now
        }
    }

    /// The alerts to post now. A silent switch is posted again and again so that it keeps firing; one that was heard is posted as
    /// resolved.
    mutating func due(_ switches: [DeadMansSwitch], resolveTimeout: Duration, now: Timestamp) -> [Alert] {
        var due: [Alert] = []
        for one in switches {
            // A new switch has its full time from now on.
            var state = states[one.name] ?? State(heardAt: now)
            defer { states[one.name] = state }
            // A time in the future was written by a clock that was ahead: the switch has its full time from now on.
            if let heardAt = state.heardAt, heardAt > now { state.heardAt = now }
            if let raisedAt = state.raisedAt, raisedAt > now { state.raisedAt = Timestamp(microseconds: 0) }
            let isSilent = state.heardAt.map { $0 + one.within < now } ?? true
            if isSilent {
                if let raisedAt = state.raisedAt, now - raisedAt < resolveTimeout / 3 { continue }
                let since = state.raisedSince ?? now
                (state.raisedAt, state.raisedSince) = (now, since)
                due.append(alert(one, from: since, until: now + resolveTimeout, state.heardAt, now))
            } else if let since = state.raisedSince {
                (state.raisedAt, state.raisedSince) = (nil, nil)
                due.append(alert(one, from: since, until: now, state.heardAt, now))
            }
        }
        return due
    }

    /// Makes alerts due again that could not be posted.
    mutating func couldNotPost(_ alerts: [Alert]) {
        for alert in alerts {
            guard let name = alert.labels["switch"] else { continue }
            states[name]?.raisedAt = Timestamp(microseconds: 0)
            states[name]?.raisedSince = alert.startsAt
        }
    }

    /// The clock was ahead: moves signs of life out of the future.
    mutating func clockWentBack(to now: Timestamp) {
        states = states.mapValues { state in
            var state = state
            state.heardAt = state.heardAt.map { min($0, now) }
            state.raisedAt = state.raisedAt.map { min($0, now) }
            return state
        }
    }

    /// The last sign of life of each switch that had one.
    func heard(_ switches: [DeadMansSwitch]) -> [(name: String, at: Timestamp?)] {
        switches.map { ($0.name, states[$0.name]?.heardAt) }
    }

    private func alert(
        _ one: DeadMansSwitch, from start: Timestamp, until end: Timestamp, _ heardAt: Timestamp?, _ now: Timestamp
    )
        -> Alert
    {
        let matchers = "{\(one.matchers.map(\.description).joined(separator: ", "))}"
        return Alert(
            labels: one.raisedLabels,
            annotations: [
                "summary": "No sign of life from \(one.name)",
                "description":
                    """
                No alert that matches \(matchers) has come \
                \(heardAt.map { "since \($0)" } ?? "since obs has been running"): whoever sends it, or the way from \
                there, is broken, and its other alerts do not come either.
                """,
            ], startsAt: start, endsAt: end, updatedAt: now, hasTimeout: true)
    }
}
