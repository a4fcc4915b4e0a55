import Columns
import Detection
import Foundation
import GRDB
import Store
import TestSupport
import Testing

@testable import Alerting
@testable import Incidents

/// Any row of scalars as names and values of labels, as names of people and as what they write: taken, kept and given back as it
/// is.
struct `Hostile text` {
    /// Labels that an alert may have: no name and no value is empty.
    private static func labels(_ random: inout SplitMix64) -> Labels {
        var labels: Labels = ["alertname": "Hostile"]
        for _ in 0..<3 { labels[HostileText.text(pieces: 1...6, using: &random)] = "x" + HostileText.text(using: &random) }
        return labels.filter { !$0.key.isEmpty }
    }

    @Test func `of a posted alert is stored, listed and grouped unchanged`() async throws {
        var random = SplitMix64(seed: 21)
        let store = try TemporaryStore()
        let alerting = RunningAlerting.notifying(["hook": "http://127.0.0.1:1/"], store: store)
        var expected: [UInt64: (labels: Labels, annotations: Labels)] = [:]
        var alerts: [JSON] = []
        for _ in 0..<100 {
            let labels = Self.labels(&random)
            let annotations: Labels = [
                "summary": HostileText.text(using: &random), HostileText.text(pieces: 1...4, using: &random): "note",
            ]
            guard annotations.allSatisfy({ !$0.key.isEmpty }) else { continue }
            expected[Fingerprint.number(of: labels)] = (labels, annotations)
            alerts.append(.object([.init("labels", try JSON(labels)), .init("annotations", try JSON(annotations))]))
        }
        #expect(try await alerting.inbox.post(body: JSON.list(alerts).bytes()).isEmpty)
        let listed = try await alerting.inbox.alerts.alerts(now: .now)
        #expect(listed.count == expected.count)
        for alert in listed {
            #expect(alert.labels == expected[alert.fingerprint]?.labels)
            #expect(alert.annotations == expected[alert.fingerprint]?.annotations)
        }
        // Each can be asked for by all that it says.
        for (labels, _) in expected.values.prefix(20) {
            var filter = AlertQuestions.Filter()
            filter.matchers = try [Matcher](
                parsing: try labels.map { try Matcher($0.key, .equal, $0.value).description }.joined(separator: ","))
            #expect(try await alerting.inbox.alerts.alerts(filter, now: .now).map(\.labels) == [labels])
        }
    }

    @Test func `of a silence is read again, and silences that and nothing else`() throws {
        var random = SplitMix64(seed: 22)
        let store = try TemporaryStore(), silences = SilenceStore(store.store)
        for _ in 0..<60 {
            let labels = Self.labels(&random)
            let matchers = try labels.map { try Matcher($0.key, .equal, $0.value) }
            let (author, comment) = ("a" + HostileText.text(using: &random), HostileText.text(using: &random))
            let id = try silences.set(
                matchers: matchers, startsAt: .start, endsAt: .start + .seconds(60), createdBy: author, comment: comment,
                now: .start)
            let read = try silences.silence(id)
            #expect(read.matchers == matchers)
            // SQLite ends a text at U+0000; all else is as it was.
            #expect(OutsideText(read.comment) == OutsideText(OutsideText(comment).replacing("\0", with: "\u{FFFD}")))
            #expect(OutsideText(read.createdBy) == OutsideText(OutsideText(author).replacing("\0", with: "\u{FFFD}")))
            #expect(read.matchers.match(labels) && !read.matchers.match(labels.mapValues { $0 + "\u{301}" }))
        }
        #expect(try silences.silences().count == 60)
    }

    @Test func `of an incident is kept by its title, its evidence and its timeline`() throws {
        var random = SplitMix64(seed: 23)
        let store = try TemporaryStore()
        func kept(_ text: String) -> OutsideText { OutsideText(OutsideText(text).replacing("\0", with: "\u{FFFD}")) }
        for number in 0..<60 {
            let (user, line, note) = (
                HostileText.text(using: &random), HostileText.text(using: &random), "n" + HostileText.text(using: &random)
            )
            var finding = Finding.bruteForce(from: "\(number)\(user)")
            finding.labels["user\(user)"] = user
            finding.evidence = [Evidence(file: "auth\(line)", offset: 7, line: line, time: .start)]
            guard case .opened(let id) = try store.incidents.record([finding], routing: nil, now: .start)[0] else {
                Issue.record("no incident for \(user.debugDescription)")
                continue
            }
            try store.incidents.perform(.note, on: id, by: "ann", note: note, now: .start)
            let (incident, evidence, timeline, _) = try store.incidents.incident(id)
            #expect(incident.labels["source"].map { OutsideText($0) } == OutsideText("\(number)\(user)"))
            #expect(incident.labels["user\(user)"].map { OutsideText($0) } == OutsideText(user))
            #expect(OutsideText(incident.title) == kept("Brute force from \(number)\(user)"))
            #expect(
                evidence.map { OutsideText($0.line) } == [kept(line)]
                    && evidence.map { OutsideText($0.file) } == [kept("auth\(line)")])
            #expect(timeline.last.map { OutsideText($0.text) } == kept(note))
        }
    }
}

struct `Two normal forms of one word` {
    private let composed = "B\u{FC}ro", decomposed = "Bu\u{308}ro"

    @Test func `are two alerts, two groups and two notifications`() async throws {
        let sink = try Sink(), store = try TemporaryStore()
        let alerting = RunningAlerting.notifying(["hook": sink.url], store: store) { $0.route?.groupBy = ["room"] }
        let now = Timestamp.now
        try await alerting.inbox.store(
            [composed, decomposed].map { room in
                Alert(labels: ["alertname": "Hot", "room": room], startsAt: now, endsAt: now + .seconds(600), updatedAt: now)
            })
        #expect(try await alerting.inbox.alerts.groups(now: now).count == 2)
        try await alerting.whileRunning { #expect(await eventually { sink.posts.count == 2 }) }
        let rooms = try sink.posts.map { try JSON(parsing: Array($0.body.utf8))["groupLabels"]?.labels?["room"] ?? "" }
        #expect(rooms.distinctTexts == [OutsideText(composed), OutsideText(decomposed)])
    }

    @Test func `do not inhibit each other, and a silence of one leaves the other`() throws {
        let rule = InhibitRule(
            sources: try [Matcher](parsing: "severity=critical"), targets: try [Matcher](parsing: "severity=warning"),
            equal: ["room"])
        let inhibitor = Inhibitor([rule], firing: [["severity": "critical", "room": composed]])
        #expect(inhibitor.source(inhibiting: ["severity": "warning", "room": composed]) != nil)
        #expect(inhibitor.source(inhibiting: ["severity": "warning", "room": decomposed]) == nil)
        let silence = [try Matcher("room", .equal, composed)]
        #expect(silence.match(["room": composed]) && !silence.match(["room": decomposed]))
    }

    @Test func `are two labels of one alert`() throws {
        let posted = try PostedAlerts(Array("[{\"labels\":{\"\(composed)\":\"1\",\"\(decomposed)\":\"2\"}}]".utf8))
        #expect(posted.alerts.first?.alert.labels.count == 2)
    }

    @Test func `make two groups again when the routes change`() throws {
        let store = try TemporaryStore()
        var route = Route(receiver: "hook")
        route.groupBy = ["alertname"]
        let alerts = [composed, decomposed].map {
            Alert(labels: ["alertname": "Hot", "room": $0], startsAt: .start, endsAt: .start + .seconds(600), updatedAt: .start)
        }
        let first = route.settled
        let routed = alerts.map { RoutedAlert($0, first) }
        _ = try store.incidents.write { database in try AlertStore.put(routed, now: .start, database) }
        route.groupBy = ["room"]
        let second = route.settled
        let moved = try store.incidents.write { database in try AlertStore.regroup(second, now: .start, database) }
        let groups = try store.store.database.read { database in
            try AlertStore.groupCount(database)
        }
        #expect(moved == 2 && groups == 2)
    }
}
