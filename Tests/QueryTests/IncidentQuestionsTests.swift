import Alerting
import Columns
import Detection
import Foundation
import GRDB
import Testing

@testable import Incidents
@testable import Query

struct `A question about incidents` {
    private let temporary: TemporaryIncidents
    private var incidents: IncidentStore { temporary.incidents }
    private var questions: IncidentQuestions { IncidentQuestions(incidents) }
    private let now = Timestamp.night

    /// Six incidents an hour apart: of two rules, three sources; 1002 acknowledged by ann, 1003 resolved, 1006 a part of 1005.
    init() throws {
        temporary = try TemporaryIncidents()
        for index in 0..<6 {
            let time = now + .seconds(index * 3600)
            try temporary.record(
                .example(
                    index % 2 == 0 ? "SSHBruteForce" : "SSHPasswordSpray", source: "192.0.2.\(index % 3)",
                    severity: index == 4 ? .critical : .warning, at: time), at: time)
        }
        try incidents.perform(.acknowledge, on: "1002", by: "ann", note: "asked the firewall team", now: now)
        try incidents.perform(.end(as: .falsePositive), on: "1003", by: "bob", note: "the backup job", now: now + .seconds(9000))
        try incidents.perform(.merge(["1006"]), on: "1005", by: "cid", now: now)
    }

    private func ids(_ filter: IncidentFilter) throws -> String {
        try questions.page(filter).incidents.map { String($0.number - 1000) }.joined(separator: " ")
    }

    @Test func `gives the newest first, and a part only as its whole`() throws {
        #expect(try ids(.init()) == "5 4 3 2 1")
        #expect(try ids(.init(matchers: #"source="192.0.2.2", alertname="SSHPasswordSpray""#)) == "5")
    }

    @Test func `is narrowed by state, severity, person, labels, words and times, all at once`() throws {
        for (filter, expected) in [
            (.init(state: .open), "5 4 1"), (.init(state: .acknowledged), "2"), (.init(state: .resolved), "3"),
            (.init(severity: .critical), "5"), (.init(assignee: "ann"), "2"), (.init(matchers: #"source="192.0.2.0""#), "4 1"),
            (.init(matchers: #"source=~"192.0.2.[01]""#), "5 4 2 1"), (.init(matchers: #"source!="192.0.2.0""#), "5 3 2"),
            (.init(matchers: #"source!~".*[01]""#), "5 3"), (.init(matchers: #"alertname="SSHBruteForce""#), "5 3 1"),
            (.init(matchers: #"nothing="""#), "5 4 3 2 1"), (.init(matchers: #"nothing="x""#), ""),
            (.init(matchers: #"severity=~"crit.*""#), "5"),
            (.init(text: "firewall"), "2"), (.init(text: "back* job"), "3"), (.init(text: "192.0.2.0"), "4 1"),
            (.init(text: "\"OR\" brute"), ""),
            (.init(since: now + .seconds(3 * 3600)), "5 4"), (.init(until: now + .seconds(3600)), "2 1"),
            (
                .init(
                    state: .open, matchers: #"source="192.0.2.0", host="web-1""#, since: now + .seconds(3600),
                    until: now + .seconds(5 * 3600)), "4"
            ),
        ] as [(IncidentFilter, String)] {
            #expect(try ids(filter) == expected, "\(filter)")
        }
    }

    @Test func `as a table for a narrow terminal does without the rule, the last time and the count, and first without nobody`()
        throws
    {
        let all = try questions.list(IncidentFilter())
        #expect(all.dispensable == ["name", "last_seen", "count"])
        let open = try questions.list(IncidentFilter(state: .open))
        #expect(open.dispensable == ["who", "name", "last_seen", "count"] && open.main == "title")
        #expect(Set(open.dispensable).isSubset(of: open.schema.fields.map(\.name)))
    }

    @Test func `goes on where a page ended, with none twice and none left out`() throws {
        var seen: [Int64] = []
        var filter = IncidentFilter(limit: 2)
        repeat {
            let page = try questions.page(filter)
            seen += page.incidents.map(\.number)
            filter.cursor = page.next
            // What begins meanwhile comes before what was shown.
            if seen.count == 2 { try temporary.record(.example(source: "198.51.100.1", at: now + .seconds(9 * 3600)), at: now) }
        } while filter.cursor != nil
        #expect(seen == [1005, 1004, 1003, 1002, 1001])
    }

    @Test func `is refused with what it may be when it cannot be`() {
        for (filter, words) in [
            (.init(text: "!!"), "no word"), (.init(cursor: "x"), "not a cursor"),
        ] as [(IncidentFilter, String)] {
            let refusal = #expect(throws: FilterError.self) { try questions.page(filter) }
            #expect(refusal?.description.contains(words) == true)
        }
        #expect(throws: (any Error).self) { try questions.page(.init(matchers: "source=~\"(\"")) }
        let state = #expect(throws: FilterError.self) { try IncidentFilter.state("closed") }
        #expect(state?.description == "there is no state 'closed'; known are open, acknowledged, resolved")
        let severity = #expect(throws: FilterError.self) { try IncidentFilter.severity("bad") }
        #expect(severity?.description == "there is no severity 'bad'; known are info, warning, critical")
    }

    @Test func `finds a merged incident by the labels of its parts, for as long as they are parts, and in its own place`() throws
    {
        #expect(try ids(.init(matchers: #"source="192.0.2.2""#)) == "5 3")
        #expect(try ids(.init(matchers: #"source="192.0.2.1", alertname="SSHPasswordSpray""#)) == "2")
        #expect(try ids(.init(state: .open, matchers: #"source="192.0.2.2""#)) == "5")
        try incidents.perform(.split, on: "1006", by: "cid", now: now)
        #expect(try ids(.init(matchers: #"source="192.0.2.2""#)) == "6 3")
        try incidents.perform(.reopen, on: "1003", by: "cid", now: now)
        try incidents.perform(.merge(["1006"]), on: "1003", by: "cid", now: now)
        #expect(try ids(.init(matchers: #"source="192.0.2.2""#)) == "3")
        // Timelines remember what was a part once.
        #expect(try ids(.init(text: "192.0.2.2")) == "5 3")
        #expect(try incidents.problems() == [])
    }

    @Test func `gives what is found late in its place, and what began by a time also when it was opened after it`() throws {
        // Found in a log of the past, between 1003 and 1004; and begun half an hour before it was opened, last of all.
        try temporary.record(.example(source: "192.0.2.9", at: now + .seconds(9000)), at: now + .seconds(9 * 3600))
        try temporary.record(.example(source: "192.0.2.8", at: now + .seconds(5 * 3600)), at: now + .seconds(5 * 3600 + 1800))
        #expect(try ids(.init()) == "8 5 4 7 3 2 1")
        let until = now + .seconds(5 * 3600 + 1800)
        #expect(try ids(.init(until: until)) == "8 5 4 3 2 1")
        #expect(try ids(.init(until: now + .seconds(4 * 3600 + 1800))) == "5 4 3 2 1")
        #expect(try ids(.init(matchers: #"source=~"192.0.2.[89]""#, until: until)) == "8")
        #expect(try ids(.init(text: "192.0.2.9", until: now + .seconds(9 * 3600))) == "7")
    }

    @Test func `finds what was opened since a time, wherever it stands, and counts as many as the statistics do`() throws {
        // Found in a log of the past, on the next day; and one of the first day that goes on.
        let next = now + .seconds(86_400)
        try temporary.record(.example(source: "192.0.2.9", at: now + .seconds(30)), at: next)
        try temporary.record(.example("Odd", source: "192.0.2.7", at: next), at: next + .seconds(60))
        try temporary.record(.example("SSHPasswordSpray", source: "192.0.2.0", count: 90, at: next), at: next)
        for filter in [
            IncidentFilter(since: next), .init(matchers: #"source=~"192.0.2.[79]""#, since: next),
            .init(severity: .warning, since: next), .init(matchers: #"host="web-1""#, since: next),
        ] { #expect(try ids(filter) == "8 7") }
        #expect(try ids(.init(matchers: #"source="192.0.2.9""#, since: next)) == "7")
        #expect(try ids(.init(matchers: #"source="192.0.2.0""#, since: next)) == "")
        for since in [now - .seconds(10_800), next - .seconds(10_800)] {
            let counted = try questions.statistics(by: .severity, since: since).rows.reduce(0) { $0 + Int($1[1].description)! }
            // A part is counted beside its whole where it was one for itself once.
            #expect(try questions.page(.init(since: since)).incidents.count == counted - (since < now ? 1 : 0))
        }
    }

    @Test func `lists what ended by itself and nobody saw, and what was found in the past`() throws {
        #expect(try ids(.init(isUnseen: true)) == "")
        #expect(try incidents.resolveQuiet(after: .seconds(300), now: now + .seconds(86_400)) > 0)
        #expect(try ids(.init(isUnseen: true)) == "4 1")
        #expect(try ids(.init(matchers: #"alertname="SSHBruteForce""#, isUnseen: true)) == "1")
        #expect(try ids(.init(isFoundInPast: true)) == "")
        try temporary.record(.example(source: "192.0.2.9", at: now - .seconds(86_400)), at: now)
        #expect(try ids(.init(isFoundInPast: true)) == "7")
        #expect(try ids(.init(since: now - .seconds(1), isFoundInPast: true)) == "7")
    }

    @Test func `is broken off when it compares for too long, says so, and goes on from there`() throws {
        var filter = IncidentFilter(matchers: #"source!~"192.0.2.[12]""#)
        filter.patience = 2
        var found: [Int64] = [], pages = 0
        repeat {
            let page = try questions.page(filter)
            #expect(page.compared == (page.next == nil ? nil : 2))
            found += page.incidents.map(\.number)
            filter.cursor = page.next
            pages += 1
        } while filter.cursor != nil
        #expect(found == [1004, 1001] && pages == 3)
    }

    /// Whatever a filter is, SQLite walks an index in the order of the answer and sorts nothing, unless few rows were chosen before.
    @Test(
        arguments: [
            (.init(), "incident_listed"), (.init(state: .resolved), "incident_state"),
            (.init(severity: .critical), "incident_severity"), (.init(assignee: "ann"), "incident_who"),
            (.init(matchers: #"alertname="SSHBruteForce""#), "PRIMARY KEY (name=? AND value=?)"),
            (.init(matchers: #"host="web-1""#), "PRIMARY KEY (name=? AND value=?)"),
            (.init(matchers: #"host!="web-1""#), "incident_listed"),
            (.init(since: Timestamp.night), "incident_listed|incident_found_late"), (.init(isUnseen: true), "incident_unseen"),
            (.init(isFoundInPast: true), "incident_past"), (.init(until: Timestamp.night), "incident_listed"),
            (.init(cursor: "1.2"), "incident_listed (listed_at<?)"),
            (.init(severity: .critical, since: Timestamp.night), "incident_severity|incident_found_late"),
        ] as [(IncidentFilter, String)])
    func `is answered from an index in its order`(filter: IncidentFilter, index: String) throws {
        let indexes = index.split(separator: "|")
        let walks = try incidents.read { try IncidentPlan(filter, $0).walks }
        let plans = try walks.map { try temporary.plan(of: $0.sql, $0.arguments) }
        #expect(plans.count == indexes.count)
        for (plan, index) in zip(plans, indexes) {
            #expect(
                plan[0].hasPrefix("SEARCH")
                    || (filter.isEverything || filter.isUnseen || filter.isFoundInPast)
                        && plan[0].hasPrefix("SCAN m USING INDEX"),
                "\(plan)")
            #expect(plan[0].contains(index), "\(plan)")
            // What was found late is little, and sorted.
            #expect(index == "incident_found_late" || !plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
        }
    }

    @Test func `about one reads by numbers and indexes only`() throws {
        let statements = [
            "SELECT * FROM timeline WHERE incident IN (SELECT 1 UNION SELECT number FROM incident WHERE merged_into = 1) ORDER BY at, id",
            "SELECT * FROM evidence WHERE incident IN (SELECT 1 UNION SELECT number FROM incident WHERE merged_into = 1)",
            "SELECT * FROM outbox WHERE receiver = 'a' AND group_key = 'b' AND created_at BETWEEN 1 AND 2",
            "SELECT * FROM incident WHERE fingerprint = 'a' AND number < 1 AND state = 'resolved' ORDER BY number DESC",
        ]
        let ended = try temporary.plan(of: IncidentStore.endedOfRule, ["a", 1, 2, "b", 5])
        #expect(
            ended == [
                "SEARCH l USING PRIMARY KEY (name=? AND value=? AND listed_at<?)", "SEARCH i USING INTEGER PRIMARY KEY (rowid=?)",
            ])
        for statement in statements {
            let plan = try temporary.plan(of: statement)
            #expect(!plan.contains { $0.hasPrefix("SCAN") && !$0.contains("CONSTANT") }, "\(plan)")
        }
    }

    /// A year is a few blocks of days, whatever it is told apart by; what goes on is counted from an index that holds nothing else.
    @Test(arguments: IncidentQuestions.Grouping.allCases)
    func `about how often reads sums of days and an index of what goes on`(grouping: IncidentQuestions.Grouping) throws {
        let sums = IncidentStore.sums(by: grouping, 20_001...20_366)
        #expect(sums.count == (grouping == .day ? 1 : 3))
        for (range, sql) in sums {
            let plan = try temporary.plan(of: sql, [range.lowerBound, range.upperBound])
            #expect(plan[0].contains("USING PRIMARY KEY (\(plan[0].contains("block") ? "block" : "day")>? AND "), "\(plan)")
            #expect(plan.filter { $0.hasPrefix("SEARCH") || $0.hasPrefix("SCAN") }.count == 1, "\(plan)")
        }
        let open = IncidentStore.openCounts(by: grouping)
        #expect((open == nil) == (grouping == .receiver))
        guard let open else { return }
        let plan = try temporary.plan(of: open, [Int64.min, Int64.max])
        #expect(plan[0] == "SCAN incident USING COVERING INDEX incident_open_by_rule", "\(plan)")
    }

    @Test func `about how often counts what goes on as it is acknowledged, ended, merged, raised and reopened`() throws {
        func open(_ grouping: IncidentQuestions.Grouping = .severity) throws -> [String: Int] {
            let answer = try questions.statistics(by: grouping)
            let column = answer.schema.fields.map(\.name).firstIndex(of: "open")!
            return answer.rows.reduce(into: [:]) { $0[$1[0].description, default: 0] += Int($1[column].description)! }
        }
        #expect(try open() == ["warning": 3, "critical": 1])
        #expect(try open(.day) == ["2026-11-21": 4])
        try incidents.perform(.acknowledge, on: "1001", by: "ann", now: now)
        try incidents.perform(.end(as: .fixed), on: "1002", by: "ann", now: now + .seconds(8000))
        #expect(try open(.rule) == ["SSHBruteForce": 2, "SSHPasswordSpray": 1])
        try incidents.perform(.reopen, on: "1003", by: "ann", now: now + .seconds(9000))
        try incidents.perform(.split, on: "1006", by: "ann", now: now + .seconds(9000))
        #expect(try open(.rule) == ["SSHBruteForce": 3, "SSHPasswordSpray": 2])
    }

    @Test func `counts by rule with the medians of what was measured, exactly where it is little`() throws {
        let answer = try questions.statistics()
        let rows = Dictionary(uniqueKeysWithValues: answer.rows.map { ("\($0[0]) \($0[1])", $0) })
        let names = answer.schema.fields.map(\.name)
        func cell(_ rule: String, _ column: String) -> Value { rows[rule]![names.firstIndex(of: column)!] }
        #expect(cell("SSHBruteForce warning", "incidents").description == "2")
        let sum = answer.rows.reduce(0) { $0 + Int($1[names.firstIndex(of: "incidents")!].description)! }
        #expect(sum == 6)
        #expect(cell("SSHBruteForce warning", "detect_p50_seconds") == .double(60))
        #expect(answer.rows.contains { $0[names.firstIndex(of: "resolve_p90_seconds")!] == .double(1800) })
        #expect(answer.rows.reduce(0) { $0 + Int($1[names.firstIndex(of: "false")!].description)! } == 1)
        #expect(try questions.statistics(by: .day).rows.map { $0[0].description } == ["2026-11-21"])
        #expect(try questions.statistics(since: now + .seconds(2 * 86_400)).rows.isEmpty)
    }

    @Test func `counts the same over any days, in whole blocks of them or beside`() throws {
        for day in 1...40 {
            try temporary.record(
                .example(source: "198.51.100.\(day)", at: now + .seconds(day * 86_400)), at: now + .seconds(day * 86_400))
        }
        func count(_ from: Int, _ to: Int) throws -> Int {
            try questions.statistics(by: .severity, since: now + .seconds(from * 86_400), until: now + .seconds(to * 86_400)).rows
                .filter { $0[0] == .text("warning") }.reduce(0) { $0 + Int($1[1].description)! }
        }
        for from in 1...40 {
            for to in from...40 { #expect(try count(from, to) == to - from + 1) }
        }
        #expect(try questions.statistics(by: .day).rows.count == 41)
    }

    @Test func `about one says what, since when, why it belongs together, what is near it, and how it ended the last times`()
        throws
    {
        try temporary.record(.example(source: "192.0.2.2", at: now + .seconds(10 * 3600)), at: now + .seconds(10 * 3600))
        let view = try questions.one("INC-1007", now: now + .seconds(11 * 3600))
        #expect(
            view.text.contains(
                "false positive after 30 min (bob: resolved as false positive: the backup job)"))
        #expect(view.text.contains("Related\n") && view.json.contains(#""shared" : ["#))
        #expect(view.text.contains("began      2026-11-21 12:59:00 (1 h 1 min ago)"))
        let whole = try questions.one("1005")
        #expect(whole.text.contains("INC-1006  warning  open  Brute force from 192.0.2.2 against web-1: merged by cid"))
        #expect(whole.timeline.contains { $0.incident == 1006 })
    }
}

struct `A view of an incident` {
    private let temporary: TemporaryIncidents
    private let view: IncidentView

    init() throws {
        temporary = try TemporaryIncidents()
        try temporary.record(.example(at: .night), at: .night)
        try temporary.incidents.perform(
            .acknowledge, on: "1001", by: "ann",
            note: "looking | <b>bold</b> \u{1B}[31m and a long sentence that does not fit on a narrow line",
            now: .night + .seconds(125))
        view = try IncidentQuestions(temporary.incidents).one("1001", now: .night + .seconds(3600))
    }

    @Test func `shows no control character of others`() {
        #expect(!view.text.contains("\u{1B}"))
    }

    @Test func `reads so in a pipe`() {
        #expect(
            view.text == """
                INC-1001  warning  acknowledged by ann
                Brute force from 192.0.2.7 against web-1

                  12 failed logins from 192.0.2.7 on web-1 within five minutes.

                  began      2026-11-21 02:59:00 (1 h 1 min ago)
                  last seen  2026-11-21 03:00:00 (1 h ago)
                  opened     2026-11-21 03:00:00
                  events     12
                  ends       by hand
                  who        ann
                  labels     alertname="SSHBruteForce", host="web-1", severity="warning", source="192.0.2.7"
                  grouped    the same rule with the same labels
                  runbook    runbooks/SSHBruteForce.md

                Evidence
                  Nov 21 03:00:00 web-1 sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2

                Timeline
                  2026-11-21 03:00:00  obs   opened by rule SSHBruteForce: 12 failed logins from 192.0.2.7 on web-1 within five minutes.
                  2026-11-21 03:02:05  ann   acknowledged
                  2026-11-21 03:02:05  ann   looking | <b>bold</b> \u{FFFD}[31m and a long sentence that does not fit on a narrow line

                """)
    }

    @Test func `is a review in Markdown that nothing in it can break`() {
        let text = view.markdown
        #expect(text.hasPrefix("# INC-1001: Brute force from 192.0.2.7 against web-1\n"))
        #expect(text.contains("| 2026-11-21 03:02:05 | ann | looking \\| \\<b\\>bold\\</b\\>"))
        #expect(text.contains("**Failed** password for root from **192.0.2.7**"))
        #expect(text.contains("| opened | acknowledged | 2 min 5 s |"))
    }

    @Test func `is one JSON object with all of it`() throws {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(view.json.utf8)) as? [String: Any])
        #expect(object["acknowledged_by"] as? String == "ann")
        #expect(object["version"] as? Int == 2)
        #expect((object["timeline"] as? [[String: Any]])?.map { $0["kind"] as? String } == ["opened", "acknowledged", "note"])
        #expect((object["evidence"] as? [Any])?.count == 1)
    }
}

extension IncidentFilter {
    fileprivate var isEverything: Bool {
        state == nil && severity == nil && assignee == nil && since == nil && until == nil && cursor == nil
    }
}
