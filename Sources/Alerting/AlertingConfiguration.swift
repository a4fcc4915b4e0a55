import Columns
import Notify
import Incidents
import Foundation

/// Who is notified of what, when and how, in the words of an Alertmanager configuration.
public struct AlertingConfiguration: Sendable, Decodable {
    /// The root of the tree; with nil nobody is notified, and incidents are recorded all the same.
    public var route: Route?
    /// Who can be notified; their names are unique.
    public var receivers: [Receiver] = []
    /// Which alerts mute which others.
    var inhibitRules: [InhibitRule] = []
    /// Named times that routes refer to.
    var timeIntervals: [NamedInterval] = []
    /// An incident without activity for this long is resolved.
    public var resolveTimeout = Duration.seconds(300)
    /// Which findings are one incident.
    public var incidents = IncidentPolicy()
    /// Who is on call when.
    public var schedules: [OnCallSchedule] = []
    /// Who is notified while nobody acknowledges an incident.
    var escalations: [EscalationPolicy] = []
    /// When matching alerts are muted for maintenance.
    var maintenance: [MaintenanceWindow] = []
    /// Which alerts must keep coming.
    var deadMansSwitches: [DeadMansSwitch] = []
    /// Signs the links for acknowledging in notifications; with nil they have none.
    public var acknowledgeLinks: AcknowledgeLinks?
    /// What links in notifications begin with.
    public var externalURL = "http://127.0.0.1:9464"
    /// Where receivers may be.
    package private(set) var destinations = Destinations()
    /// How long an undeliverable notification is tried before it becomes a dead letter.
    public var giveUpAfter = Duration.seconds(3 * 86_400)

    /// How many rules of inhibition and named time intervals there are, for a summary.
    public var counts: (inhibitRules: Int, timeIntervals: Int) { (inhibitRules.count, timeIntervals.count) }

    /// Without routes and receivers.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case route, receivers, global, templates
        case inhibitRules = "inhibit_rules"
        case timeIntervals = "time_intervals"
        case muteTimeIntervals = "mute_time_intervals"
    }

    /// The keys that obs adds to Alertmanager's.
    private enum OwnKeys: String, CodingKey {
        case resolveTimeout = "resolve_timeout"
        case externalURL = "external_url"
        case giveUpAfter = "give_up_after"
        case notifyMaxAge = "notify_max_age"
        case incidents, escalations, maintenance, destinations
        case schedules = "oncall"
        case deadMansSwitches = "dead_mans_switches"
    }

    /// Reads the section `alerting` of obs' own configuration.
    public init(from decoder: any Decoder) throws {
        try self.init(alertmanager: decoder)
        let own = try decoder.container(keyedBy: OwnKeys.self)
        resolveTimeout = try own.duration(.resolveTimeout) ?? resolveTimeout
        giveUpAfter = try own.duration(.giveUpAfter) ?? giveUpAfter
        externalURL = try own.decodeIfPresent(String.self, forKey: .externalURL) ?? externalURL
        guard Notice.canLink(to: externalURL) else {
            throw own.refused(.externalURL, "external_url is not an http:// or https:// address with a host")
        }
        incidents = try own.decodeIfPresent(IncidentPolicy.self, forKey: .incidents) ?? incidents
        incidents.notifyMaxAge = try own.duration(.notifyMaxAge) ?? incidents.notifyMaxAge
        schedules = try own.decodeIfPresent([OnCallSchedule].self, forKey: .schedules) ?? []
        escalations = try own.decodeIfPresent([EscalationPolicy].self, forKey: .escalations) ?? []
        maintenance = try own.decodeIfPresent([MaintenanceWindow].self, forKey: .maintenance) ?? []
        deadMansSwitches = try own.decodeIfPresent([DeadMansSwitch].self, forKey: .deadMansSwitches) ?? []
        guard Set(deadMansSwitches.map(\.name)).count == deadMansSwitches.count else {
            throw own.refused(.deadMansSwitches, "two dead man's switches have the same name")
        }
        try checkOnCall(decoder)
        if let given = try own.decodeIfPresent(Destinations.self, forKey: .destinations) { limit(to: given) }
        while externalURL.hasSuffix("/") { externalURL.removeLast() }
    }

    /// Reads what Alertmanager's own file holds.
    init(alertmanager decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        route = try container.decodeIfPresent(Route.self, forKey: .route)
        inhibitRules = try container.decodeIfPresent([InhibitRule].self, forKey: .inhibitRules) ?? []
        timeIntervals = try [CodingKeys.timeIntervals, .muteTimeIntervals].flatMap {
            try container.decodeIfPresent([NamedInterval].self, forKey: $0) ?? []
        }
        let global = try container.decodeIfPresent(Global.self, forKey: .global)
        resolveTimeout = global?.resolveTimeout ?? resolveTimeout
        var settings = global?.settings ?? NotifierSettings()
        let templates = try container.decodeIfPresent([String].self, forKey: .templates) ?? []
        try settings.load(templates: templates.map(decoder.path))
        if container.contains(.receivers), try !container.decodeNil(forKey: .receivers) {
            var list = try container.nestedUnkeyedContainer(forKey: .receivers)
            while !list.isAtEnd { receivers.append(try Receiver(from: try list.superDecoder(), settings)) }
        }
        try check(decoder)
    }

    /// Alertmanager's section `global`: what receivers do not set themselves, and what is not about receivers.
    private struct Global: Decodable {
        var resolveTimeout: Duration?
        var settings: NotifierSettings

        private enum CodingKeys: String, CodingKey { case resolve_timeout }

        init(from decoder: any Decoder) throws {
            resolveTimeout = try decoder.container(keyedBy: CodingKeys.self).duration(.resolve_timeout)
            settings = try NotifierSettings(from: decoder)
        }
    }

    /// Checks what concerns several parts of the configuration.
    private func check(_ decoder: any Decoder) throws {
        func fail(_ error: AlertingError, at path: ConfigurationKey...) -> DecodingError { .found(error, at: path, in: decoder) }
        var names: Set<String> = []
        for (index, receiver) in receivers.enumerated() where !names.insert(receiver.name).inserted {
            throw fail(.twoReceivers, at: "receivers", .init(index), "name")
        }
        let known = timeIntervals.map(\.name)
        if Set(known).count < known.count { throw fail(.badInterval("two have the same name"), at: "time_intervals") }
        if let route {
            if route.receiver?.isEmpty ?? true { throw fail(.rootWithoutReceiver, at: "route") }
            if !route.matchers.isEmpty { throw fail(.rootHas("matchers"), at: "route", "matchers") }
            if !route.mutedDuring.isEmpty { throw fail(.rootHas("mute_time_intervals"), at: "route", "mute_time_intervals") }
            if !route.activeDuring.isEmpty { throw fail(.rootHas("active_time_intervals"), at: "route", "active_time_intervals") }
            if route.continues { throw fail(.rootHas("continue"), at: "route", "continue") }
            try check(route, at: ["route"], receivers: names, intervals: known, decoder)
        }
    }

    /// Checks that the receivers and time intervals that a route and those below it name exist.
    private func check(
        _ route: Route, at path: [ConfigurationKey], receivers: Set<String>, intervals: [String], _ decoder: any Decoder
    ) throws {
        if let name = route.receiver, !receivers.contains(name) {
            throw DecodingError.found(
                AlertingError.unknownReceiver(name, known: receivers.sorted()), at: path + ["receiver"], in: decoder)
        }
        for (key, names) in [("mute_time_intervals", route.mutedDuring), ("active_time_intervals", route.activeDuring)] {
            for name in names where !intervals.contains(name) {
                let error = AlertingError.unknownInterval(name, known: intervals.sorted())
                throw DecodingError.found(error, at: path + [ConfigurationKey(key)], in: decoder)
            }
        }
        for (index, child) in route.routes.enumerated() {
            try check(child, at: path + ["routes", .init(index)], receivers: receivers, intervals: intervals, decoder)
        }
    }

    /// Checks that the receivers and schedules that escalations name exist.
    private func checkOnCall(_ decoder: any Decoder) throws {
        func fail(_ error: AlertingError, at path: ConfigurationKey...) -> DecodingError { .found(error, at: path, in: decoder) }
        let receivers = Set(receivers.map(\.name))
        guard Set(schedules.map(\.name)).count == schedules.count else {
            throw fail(.badOnCall("two schedules of oncall have the same name"), at: "oncall")
        }
        for (policyIndex, policy) in escalations.enumerated() {
            for (stepIndex, step) in policy.steps.enumerated() {
                switch step.target {
                case .receiver(let name):
                    guard receivers.contains(name) else {
                        let known = receivers.sorted().joined(separator: ", ")
                        throw fail(
                            .badOnCall("an escalation names the receiver '\(name)', which there is not; receivers are \(known)"),
                            at: "escalations", .init(policyIndex), "steps", .init(stepIndex))
                    }
                case .schedule(let name):
                    guard let index = schedules.firstIndex(where: { $0.name == name }) else {
                        let known = schedules.map(\.name).joined(separator: ", ")
                        throw fail(
                            .badOnCall("an escalation names the schedule '\(name)', which there is not; known are \(known)"),
                            at: "escalations", .init(policyIndex), "steps", .init(stepIndex))
                    }
                    let people = schedules[index].people + schedules[index].overrides.map(\.person)
                    if let person = people.first(where: { !receivers.contains($0) }) {
                        throw fail(
                            .badOnCall(
                                """
                                \(person) takes turns in the schedule '\(name)' and has no receiver; add one with this name to \
                                receivers
                                """), at: "oncall", .init(index))
                    }
                }
            }
        }
    }

    /// Has all receivers send to these destinations only.
    package mutating func limit(to destinations: Destinations) {
        self.destinations = destinations
        for receiver in receivers.indices {
            for notifier in receivers[receiver].notifiers.indices {
                receivers[receiver].notifiers[notifier].destinations = destinations
            }
        }
    }

    /// The same with its routes ready to be walked.
    var settled: AlertingConfiguration {
        var settled = self
        settled.route = route?.settled
        return settled
    }
}

/// A complete configuration file of Alertmanager: without the keys that obs adds, and with a route.
public struct AlertmanagerFile: Sendable, Decodable {
    /// What the file says, with the defaults of obs for what Alertmanager does not have.
    public let configuration: AlertingConfiguration

    /// Reads a file, which must have a route.
    public init(from decoder: any Decoder) throws {
        configuration = try AlertingConfiguration(alertmanager: decoder)
        guard configuration.route != nil else { throw AlertingError.noRoute }
    }
}
