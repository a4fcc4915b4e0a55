import Columns
import Testing

@testable import Alerting
@testable import Incidents

struct `Inhibition` {
    private func rule(_ source: String, _ target: String, equal: [String] = []) throws -> InhibitRule {
        InhibitRule(sources: try [Matcher](parsing: source), targets: try [Matcher](parsing: target), equal: equal)
    }

    @Test func `quiets a target while a source with the same labels fires`() throws {
        let inhibitor = Inhibitor(
            [try rule("severity=critical", "severity=warning", equal: ["host"])], firing: [["severity": "critical", "host": "a"]])
        #expect(inhibitor.source(inhibiting: ["severity": "warning", "host": "a"]) == ["severity": "critical", "host": "a"])
        #expect(inhibitor.source(inhibiting: ["severity": "warning", "host": "b"]) == nil)
        #expect(inhibitor.source(inhibiting: ["severity": "info", "host": "a"]) == nil)
    }

    @Test func `takes a label that neither has as the same`() throws {
        let inhibitor = Inhibitor(
            [try rule("severity=critical", "severity=warning", equal: ["host"])], firing: [["severity": "critical"]])
        #expect(inhibitor.source(inhibiting: ["severity": "warning"]) != nil)
    }

    @Test func `lets no alert quiet itself, and no two each other`() throws {
        let both: Labels = ["a": "1", "b": "1"]
        let inhibitor = Inhibitor([try rule("a=1", "b=1")], firing: [both, ["a": "1", "b": "1", "c": "1"]])
        #expect(inhibitor.source(inhibiting: both) == nil)
        #expect(inhibitor.source(inhibiting: ["b": "1"]) != nil)
    }
}

struct `A silence` {
    private let store: TemporaryStore
    private let silences: SilenceStore
    private let now = Timestamp.start

    init() throws {
        store = try TemporaryStore()
        silences = SilenceStore(store.store)
    }

    private func set(_ matchers: String, id: String? = nil, from start: Duration = .zero, to end: Duration = .seconds(60)) throws
        -> String
    {
        try silences.set(
            id: id, matchers: [Matcher](parsing: matchers), startsAt: now + start, endsAt: now + end, createdBy: "ann",
            comment: "works", now: now)
    }

    @Test func `comes back as it was set, regular expressions and quotes too`() throws {
        let id = try set(#"host=~"web-\\d+", note="say \"hi\"""#)
        let silence = try silences.silence(id)
        #expect(silence.matchers == (try [Matcher](parsing: #"host=~"web-\\d+", note="say \"hi\"""#)))
        #expect(silence.state(at: now) == .active)
        #expect(silence.state(at: now + .seconds(60)) == .expired)
    }

    @Test func `is extended in place, and made anew when it is to match something else`() throws {
        let id = try set("host=a")
        #expect(try set("host=a", id: id, to: .seconds(600)) == id)
        let other = try set("host=b", id: id)
        #expect(other != id)
        #expect(try silences.silence(id).state(at: now) == .expired)
    }

    @Test func `that would quiet everything, has no end ahead, or does not exist is refused; to end one twice changes nothing`()
        throws
    {
        #expect(throws: IncidentError.self) { try set(#"host=~".*""#) }
        #expect(throws: IncidentError.self) { try set("host=a", from: .seconds(60), to: .seconds(60)) }
        #expect(throws: IncidentError.self) { try set("host=a", from: .seconds(-60), to: .seconds(-1)) }
        #expect(throws: IncidentError.self) { try set("host=a", id: "none") }
        let id = try set("host=a")
        try silences.expire(id, by: "bob", now: now)
        try silences.expire(id, by: "bob", now: now + .seconds(1))
        #expect(try silences.silence(id).endsAt == now)
    }
}
