import Columns
import Incidents

/// A node of the routing tree. A value without clock and store.
///
/// Source: Alertmanager, "Configuration", route.
public struct Route: Sendable, Decodable {
    /// Nil takes the parent's, as do the other optional ones.
    public var receiver: String?
    /// It takes an alert that all of them match; without any it takes every alert.
    public var matchers: [Matcher] = []
    /// The labels by whose values alerts are in one group; `...` means all.
    public var groupBy: [String]?
    /// How long a new group waits for further alerts before its first notification.
    public var groupWait: Duration?
    /// The time between two notifications of a group whose alerts have changed.
    public var groupInterval: Duration?
    /// After how long a notification of a group without changes is repeated.
    var repeatInterval: Duration?
    /// Whether the siblings after this one are asked too when it takes an alert.
    public var continues = false
    /// Asked before this one takes an alert.
    public var routes: [Route] = []
    /// Names of intervals in which nothing is sent; not inherited.
    var mutedDuring: [String] = []
    /// Names of intervals outside which nothing is sent; empty is always; not inherited.
    var activeDuring: [String] = []

    private enum CodingKeys: String, CodingKey {
        case receiver, matchers, routes, match
        case matchExpressions = "match_re"
        case mutedDuring = "mute_time_intervals"
        case activeDuring = "active_time_intervals"
        case continues = "continue"
        case groupBy = "group_by"
        case groupWait = "group_wait"
        case groupInterval = "group_interval"
        case repeatInterval = "repeat_interval"
    }

    /// A route that takes every alert.
    public init(receiver: String) {
        self.receiver = receiver
    }

    /// Reads a route and those below it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // An empty name is none, as in Go: the parent's holds.
        receiver = try container.decodeIfPresent(String.self, forKey: .receiver).flatMap { $0.isEmpty ? nil : $0 }
        matchers = try container.matchers(.matchers, equal: .match, expressions: .matchExpressions)
        groupBy = try container.decodeIfPresent([String].self, forKey: .groupBy)
        groupWait = try container.duration(.groupWait)
        groupInterval = try container.duration(.groupInterval)
        repeatInterval = try container.duration(.repeatInterval)
        continues = try container.decodeIfPresent(Bool.self, forKey: .continues) ?? false
        routes = try container.decodeIfPresent([Route].self, forKey: .routes) ?? []
        mutedDuring = try container.decodeIfPresent([String].self, forKey: .mutedDuring) ?? []
        activeDuring = try container.decodeIfPresent([String].self, forKey: .activeDuring) ?? []
        // As Alertmanager has it: an empty list is the parent's, not one group of all.
        if groupBy?.isEmpty == true { groupBy = nil }
        let names = groupBy ?? []
        for name in names where name != "..." {
            do { try LabelName.require(name) } catch { throw container.refused(.groupBy, "group_by: \(error)") }
        }
        if names.distinctTexts.count < names.count { throw AlertingError.badGrouping("names a label twice") }
        if names.contains("..."), names.count > 1 {
            throw AlertingError.badGrouping("has '...', which is all labels, beside others; keep one of the two")
        }
        if groupInterval == .zero { throw AlertingError.zeroInterval("group_interval") }
        if repeatInterval == .zero { throw AlertingError.zeroInterval("repeat_interval") }
    }

    /// The default of `group_wait`, as in Alertmanager.
    static let defaultGroupWait = Duration.seconds(30)
    /// The default of `group_interval`, as in Alertmanager.
    static let defaultGroupInterval = Duration.seconds(300)
    /// The default of `repeat_interval`, as in Alertmanager.
    static let defaultRepeatInterval = Duration.seconds(4 * 3600)

    /// The matchers on the way here from the root, as the first part of each ``groupKey(_:)``.
    private(set) var path = "{}"
    private var isSettled = false

    /// The labels by which this route groups; `...` means all.
    func groupLabels(of labels: Labels) -> Labels {
        guard let names = groupBy, names != ["..."] else { return groupBy == nil ? [:] : labels }
        return labels.selecting(names)
    }

    /// The permanent name of a group, as Alertmanager has it: `{}/{severity="critical"}:{alertname="SSHBruteForce"}`.
    func groupKey(_ groupLabels: Labels) -> String {
        let pairs = groupLabels.map { "\(Matcher.shown($0.key))=\(JSONText.quote($0.value))" }
        return "\(path):{\(pairs.joined(separator: ", "))}"
    }

    /// Whether the time intervals of this route mute all of its alerts at `now`.
    func isMuted(at now: Timestamp, _ intervals: [NamedInterval]) -> Bool {
        func isIn(_ names: [String]) -> Bool { intervals.contains { names.contains($0.name) && $0.contains(now) } }
        return isIn(mutedDuring) || !activeDuring.isEmpty && !isIn(activeDuring)
    }

    /// This route with its tree prepared for alerts: each node has what it inherits and knows its path. To walk a settled tree
    /// costs no more than its matchers.
    var settled: Route {
        guard !isSettled else { return self }
        var settled = self
        settled.isSettled = true
        settled.routes = routes.map { child in
            var child = child
            child.receiver = child.receiver ?? receiver
            child.groupBy = child.groupBy ?? groupBy
            child.groupWait = child.groupWait ?? groupWait
            child.groupInterval = child.groupInterval ?? groupInterval
            child.repeatInterval = child.repeatInterval ?? repeatInterval
            child.path = path + "/{" + child.matchers.map(\.description).sorted().joined(separator: ",") + "}"
            return child.settled
        }
        return settled
    }

    /// The nodes that take an alert with these labels, each with what it inherits: the deepest ones, as Alertmanager walks the
    /// tree.
    func destinations(for labels: Labels) -> [Route] {
        guard isSettled else { return settled.destinations(for: labels) }
        guard matchers.match(labels) else { return [] }
        var found: [Route] = []
        for child in routes {
            let deeper = child.destinations(for: labels)
            found += deeper
            if !deeper.isEmpty, !child.continues { break }
        }
        return found.isEmpty ? [self] : found
    }
}
