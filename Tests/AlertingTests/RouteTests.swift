import Columns
import Testing

@testable import Alerting

/// A tree of routes, as the cases below walk it.
struct `A tree of routes` {
    private static func route(
        _ receiver: String?, _ matchers: String = "", continues: Bool = false, _ routes: [Route] = []
    ) throws -> Route {
        var route = Route(receiver: receiver ?? "")
        route.receiver = receiver
        route.matchers = try [Matcher](parsing: matchers)
        route.continues = continues
        route.routes = routes
        return route
    }

    private static func tree() throws -> Route {
        try route(
            "root", "",
            [
                route(
                    "db", "team=db",
                    [route("db-night", "severity=critical, shift=night"), route(nil, "severity=critical")]),
                route("copy", "severity=critical", continues: true),
                route("web", #"host=~"web-.*""#),
            ])
    }

    @Test(arguments: [
        ("{}", ["root"]), (#"{team="db"}"#, ["db"]), (#"{team="db",severity="critical"}"#, ["db"]),
        (#"{team="db",severity="critical",shift="night"}"#, ["db-night"]),
        // A route that takes an alert ends the search among its siblings unless it continues; one that continues is not the last.
        (#"{severity="critical"}"#, ["copy"]), (#"{severity="critical",host="web-1"}"#, ["copy", "web"]),
        (#"{host="web-1"}"#, ["web"]), (#"{host="xweb-1"}"#, ["root"]), (#"{team="db",host="web-1"}"#, ["db"]),
    ])
    func `takes an alert by the deepest routes that match, in their order`(labels: String, receivers: [String]) throws {
        let labels = Labels(try [Matcher](parsing: labels).map { ($0.name, $0.value) })
        #expect(try Self.tree().destinations(for: labels).map { $0.receiver ?? "" } == receivers)
    }

    @Test func `inherits what it does not set, and never the matchers of its parent`() throws {
        var root = try Self.route("root", "", [Self.route(nil, "a=1", [Self.route("leaf", "b=1")])])
        root.groupBy = ["a"]
        root.groupWait = .seconds(1)
        root.groupInterval = .seconds(2)
        root.repeatInterval = .seconds(3)
        root.routes[0].groupWait = .seconds(9)
        root.routes[0].mutedDuring = ["night"]
        let leaf = try #require(root.destinations(for: ["a": "1", "b": "1"]).first)
        #expect(leaf.receiver == "leaf" && leaf.groupBy == ["a"] && leaf.groupWait == .seconds(9))
        #expect(leaf.groupInterval == .seconds(2) && leaf.repeatInterval == .seconds(3) && leaf.mutedDuring.isEmpty)
        #expect(leaf.groupKey(leaf.groupLabels(of: ["a": "1", "b": "1"])) == #"{}/{a="1"}/{b="1"}:{a="1"}"#)
    }

    @Test(arguments: [
        (nil, "{}"), (["..."], #"{a="1", b="2"}"#), (["a"], #"{a="1"}"#), (["b", "a"], #"{a="1", b="2"}"#), (["c"], "{}"),
    ])
    func `groups by the labels that it names`(groupBy: [String]?, key: String) throws {
        var root = Route(receiver: "root")
        root.groupBy = groupBy
        #expect(root.groupKey(root.groupLabels(of: ["a": "1", "b": "2"])) == "{}:\(key)")
    }
}
