import Columns
import Detection
@preconcurrency import GRDB
import Incidents

/// Where alerts go, in the words of the store, which knows groups of receivers and no routes.
extension Route {
    /// The route of alerts that no configuration routes: they make incidents, and nobody is notified.
    static let unrouted: Route = {
        var route = Route(receiver: "")
        route.groupBy = ["alertname"]
        return route.settled
    }()

    /// The groups that this tree sends an alert to.
    var routing: Routing {
        let settled = settled
        return { labels in settled.destinations(for: labels).map { Destination($0, labels) } }
    }
}

extension Destination {
    init(_ route: Route, _ labels: Labels) {
        let groupLabels = route.groupLabels(of: labels)
        self.init(
            receiver: route.receiver ?? "", groupKey: route.groupKey(groupLabels), groupLabels: groupLabels,
            groupWait: route.groupWait ?? Route.defaultGroupWait,
            groupInterval: route.groupInterval ?? Route.defaultGroupInterval,
            repeatInterval: route.repeatInterval ?? Route.defaultRepeatInterval)
    }
}

extension RoutedAlert {
    /// - Parameter route: nil for alerts that no configuration routes.
    init(_ alert: Alert, _ route: Route?) {
        self.init(alert, to: (route ?? .unrouted).destinations(for: alert.labels).map { Destination($0, alert.labels) })
    }
}

extension AlertStore {
    /// Puts every alert that fires into the groups that `route` says, and takes it out of others.
    ///
    /// - Returns: how many memberships are new.
    static func regroup(_ route: Route?, now: Timestamp, _ database: Database) throws -> Int {
        try regroup(posted: (route ?? .unrouted).routing, findings: route?.routing, now: now, database)
    }

    /// The dead man's switches that are raised, and since when.
    static func raisedSwitches(now: Timestamp, _ database: Database) throws -> [(name: String, since: Timestamp)] {
        try firing(named: DeadMansSwitch.alertName, now: now, database).map { ($0.labels["switch"] ?? "", $0.since) }
    }
}

extension IncidentStore {
    /// Takes in findings: opens incidents, joins them to open ones, and schedules notifications. Durable when it returns.
    ///
    /// - Parameter route: nil notifies nobody.
    @discardableResult
    public func record(
        _ findings: [Finding], routing route: Route?, policy: IncidentPolicy = IncidentPolicy(), now: Timestamp
    ) throws -> [Outcome] {
        try record(findings, to: route?.routing, policy: policy, now: now)
    }

    func record(
        _ findings: [Finding], routing route: Route?, policy: IncidentPolicy, now: Timestamp, _ database: Database
    ) throws -> [Outcome] {
        try record(findings, to: route?.routing, policy: policy, now: now, database)
    }
}
