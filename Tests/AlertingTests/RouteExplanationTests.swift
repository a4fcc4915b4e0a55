import Columns
import Testing

@testable import Alerting
@testable import Incidents

struct `An explained route` {
    private func route(_ receiver: String, _ matchers: String = "", continues: Bool = false, _ routes: [Route] = []) throws
        -> Route
    {
        var route = Route(receiver: receiver)
        route.matchers = try [Matcher](parsing: matchers)
        route.continues = continues
        route.routes = routes
        return route
    }

    @Test func `leads where the alert goes, in order, with path and reason`() throws {
        let tree = try route(
            "root", "",
            [
                route("a", "team=a", continues: true, [route("a-critical", "severity=critical")]),
                route("pages", "severity=critical"),
                route("rest", "team=~\".+\""),
            ])
        for labels in [["team": "a"], ["team": "a", "severity": "critical"], ["severity": "critical"], ["team": "b"], [:]]
            as [Labels]
        {
            #expect(tree.explain(labels).map(\.receiver) == tree.destinations(for: labels).compactMap(\.receiver), "\(labels)")
        }
        let found = tree.explain(["team": "a", "severity": "critical"])
        #expect(found.map(\.receiver) == ["a-critical", "pages"])
        #expect(found[0].path == #"{}/{team="a"}/{severity="critical"}"#)
        #expect(found[0].why == #"team="a" matches; severity="critical" matches"#)
        #expect(found[1].why.contains("continue: true"))
        #expect(tree.explain([:])[0].why == "no route below matches")
    }
}
