import Alerting
import Columns
import Detection
import Lake
import TestSupport
import Testing

@testable import Incidents
@testable import Query

struct `What stands around evidence` {
    private let temporary: TemporaryIncidents
    private let lake: Lake
    private let now = Timestamp.night
    private let schema = Schema([
        Field("source", .text), Field("file", .text), Field("offset", .int64), Field("arrival_time", .timestamp),
        Field("line", .text),
        Field("raw", .binary, isNullable: true),
    ])

    init() throws {
        temporary = try TemporaryIncidents()
        lake = Lake(root: temporary.folder + "/lake")
    }

    private func write(_ lines: [(file: String, offset: Int64, text: String)], arrival: Timestamp) throws {
        let table = try lake.table("bronze.ssh", creating: schema)
        let writer = table.writer()
        let rows = lines.map {
            [Value.text("auth"), .text($0.file), .int($0.offset), .timestamp(arrival), .text($0.text), .null]
        }
        try writer.append(try Batch(schema: schema, rows: rows))
        try table.commit(adding: writer.finish())
    }

    /// Opens an incident with these lines as its evidence, and gives the stretches around them: evidence in brackets.
    private func stretches(_ evidence: [(file: String, offset: Int64, text: String)], count: Int) throws -> [String] {
        let finding = Finding(
            name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": "192.0.2.7"], title: "t",
            description: "d",
            startsAt: now, lastSeen: now, count: evidence.count,
            evidence: evidence.map { Evidence(file: $0.file, offset: $0.offset, line: $0.text, time: now) })
        try temporary.record(finding, at: now)
        return try IncidentQuestions(temporary.incidents).one("1001", context: (count, lake)).excerpts.map { stretch in
            stretch.file + ":" + stretch.lines.map { $0.isEvidence ? "[\($0.text)]" : $0.text }.joined(separator: " ")
        }
    }

    @Test func `is of the same file, in the order in which lines came, also when others came between`() throws {
        let lines = (0..<20).flatMap { [("a.log", Int64($0) * 10, "a\($0)"), ("b.log", Int64($0) * 10, "b\($0)")] }
        try write(Array(lines.prefix(15)), arrival: now)
        try write(Array(lines.dropFirst(15)), arrival: now + .seconds(1))
        let evidence =
            [("a.log", 0, "a0"), ("a.log", 70, "a7"), ("a.log", 100, "a10"), ("b.log", 190, "b19")] as [(String, Int64, String)]
        #expect(
            try stretches(evidence, count: 2) == [
                "a.log:[a0] a1 a2", "a.log:a5 a6 [a7] a8 a9 [a10] a11 a12", "b.log:b17 b18 [b19]",
            ])
    }

    @Test func `is of the file that had the line, not of another that had its name before or after`() throws {
        for round in ["old", "now", "new"] {
            try write((0..<5).map { ("a.log", Int64($0) * 10, "\(round)\($0)") }, arrival: now)
        }
        #expect(try stretches([("a.log", 20, "now2")], count: 1) == ["a.log:now1 [now2] now3"])
    }

    @Test func `is found by a line that was cut, within a character too, and stands alone where the lake has no such line`()
        throws
    {
        try write([("a.log", 0, "before"), ("a.log", 7, "Zürich is long"), ("a.log", 20, "after")], arrival: now)
        #expect(
            try stretches([("a.log", 7, "Z\u{FFFD}"), ("gone.log", 7, "x")], count: 1)
                == ["a.log:before [Zürich is long] after", "gone.log:[x]"])
    }

    /// What somebody merges into an incident may have been opened days before it.
    @Test func `is found for parts too, which may be older than their whole`() throws {
        try write([("a.log", 0, "before"), ("a.log", 10, "old"), ("a.log", 20, "after")], arrival: now - .seconds(3 * 86_400))
        for (number, time) in [(1, now - .seconds(3 * 86_400)), (2, now)] {
            let evidence = number == 1 ? [Evidence(file: "a.log", offset: 10, line: "old", time: time)] : []
            let finding = Finding(
                name: "SSHBruteForce", detector: "rule", severity: .warning, labels: ["source": "192.0.2.\(number)"], title: "t",
                description: "d", startsAt: time, lastSeen: time, count: 1, evidence: evidence)
            try temporary.record(finding, at: time)
        }
        try temporary.incidents.perform(.merge(["INC-1001"]), on: "INC-1002", by: "ann", now: now)
        let context = try IncidentQuestions(temporary.incidents).one("1002", context: (1, lake)).excerpts
        #expect(context.map { $0.lines.map(\.text) } == [["before", "old", "after"]])
    }

    @Test(arguments: 1...30)
    func `has each line once, as cutting the file by hand has it`(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let size = Int.random(in: 1...60, using: &random), count = Int.random(in: 1...6, using: &random)
        let lines = (0..<size).map { ("a.log", Int64($0), "\($0)") }
        let places = Set((0..<Int.random(in: 1...8, using: &random)).map { _ in Int.random(in: 0..<size, using: &random) })
        try write(lines, arrival: now)
        var expected: [String] = [], last = Int.min
        for index in 0..<size where places.contains(where: { abs($0 - index) <= count }) {
            let shown = places.contains(index) ? "[\(index)]" : "\(index)"
            if index == last + 1 { expected[expected.count - 1] += " " + shown } else { expected.append("a.log:" + shown) }
            last = index
        }
        #expect(try stretches(places.sorted().map { lines[$0] }, count: count) == expected)
    }

    @Test func `is shown as text, page, Markdown and JSON`() throws {
        try write([("a.log", 0, "before <b>"), ("a.log", 10, "Failed password"), ("a.log", 30, "after")], arrival: now)
        _ = try stretches([("a.log", 10, "Failed password")], count: 1)
        let view = try IncidentQuestions(temporary.incidents).one("1001", context: (1, lake))
        #expect(
            view.text.contains(
                "Evidence (>) and the lines around it\n  a.log\n    before <b>\n  > Failed password\n    after\n"))
        let page = view.html.description
        #expect(page.contains("<span class=\"dim\">before &lt;b&gt;</span>\n<b><mark>Failed</mark> password</b>\n"), "\(page)")
        #expect(
            view.markdown.contains("### `a.log`\n\n- `0` before \\<b\\>\n- `10` **Failed password**\n- `30` after\n")
        )
        #expect(view.json.contains(#""is_evidence" : true"#))
        let plain = try IncidentQuestions(temporary.incidents).one("1001")
        #expect(plain.html.description.contains("INC-1001?context=10") && !plain.json.contains("\"context\""))
    }
}

extension IncidentView {
    /// What the section of the lines around the evidence shows.
    fileprivate var excerpts: [EvidenceContext] { sections.compactMap { $0 as? ContextSection }.flatMap(\.excerpts) }
}
