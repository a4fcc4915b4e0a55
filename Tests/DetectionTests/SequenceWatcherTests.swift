import Columns
import Foundation
import Testing

@testable import Detection

struct `The key of a session` {
    @Test(arguments: [
        ("Finished task 3.0 in stage 0.0 (TID 3). 2703 bytes result sent to driver", "TID 3"),
        ("attempt_1445144423722_0020_m_000000_0 TaskAttempt Transitioned", "attempt_1445144423722_0020_m_000000_0"),
        ("Received block blk_-1608999687919862906 of size 67108864", "blk_-1608999687919862906"),
        ("mystask_1 of task_2", "task_2"), ("task_ without a number", nil), ("TID ", nil), ("", nil),
    ])
    func `is read from the messages of Spark, Hadoop and HDFS`(message: String, key: String?) {
        let keys = SessionKeys(["attempt_", "task_", "blk_", "TID "]), bytes = Array(message.utf8)
        let found = keys.key(in: bytes.span).map { String(decoding: bytes[$0.range], as: UTF8.self) }
        #expect(found == key)
    }
}

struct `A sequence of log events` {
    private struct Line {
        var second: Int
        var event: String
        var message: String
    }

    private static let start = 1_700_000_000

    private func set(
        _ more: String = "", learn: String = "1h", keys: String = #"["TID "]"#, session: String = #""message""#,
        title: String = "{session}: {event} {count}",
        isLeftOut: @escaping @Sendable (FindingIdentity, Timestamp) -> Bool = { _, _ in false }
    ) throws -> DetectorSet {
        let entry = try JSONDecoder().decode(
            DetectionEntry.self,
            from: Data(
                """
                {"name": "TaskUnusual", "kind": "sequence", "event": "template_id", "text": "template", "session": \(session),
                 "keys": \(keys), "learn": "\(learn)", "severity": "info", "title": "\(title)",
                 "description": "{reason}." \(more)}
                """.utf8))
        return DetectorSet(
            [entry], DetectorContext(allowedLateness: .seconds(60), now: { Timestamp(seconds: 1) }, isLeftOut: isLeftOut))
    }

    private func batch(_ lines: [Line]) throws -> Batch {
        try Batch(
            schema: Schema([
                Field("event_time", .timestamp), Field("template_id", .text, isNullable: true), Field("template", .text),
                Field("message", .text),
            ]),
            rows: lines.map {
                [
                    .timestamp(Timestamp(seconds: Int64(Self.start + $0.second))), .text($0.event), .text("<\($0.event)>"),
                    .text($0.message),
                ]
            })
    }

    private func see(_ set: DetectorSet, _ lines: [Line], at once: Int = 1000) throws -> [Finding] {
        var found: [Finding] = []
        for start in stride(from: 0, to: lines.count, by: once) {
            let part = Array(lines[start..<min(start + once, lines.count)])
            let raw = try Batch(
                schema: Schema([Field("file", .text), Field("offset", .int64), Field("line", .text)]),
                rows: part.map { ["spark.log", .int(Int64($0.second)), .text($0.message)] })
            found += set.observe(events: try batch(part), lines: raw, lineRows: (0..<Int32(part.count)).map(\.self))
        }
        return found
    }

    /// A task as an executor logs it: got, running, one to three blocks, finished.
    private func task(_ tid: Int, extra: [String] = [], blocks: Int? = nil, finishes: Bool = true) -> [Line] {
        var events = ["got", "running"] + Array(repeating: "block", count: blocks ?? 1 + tid % 3) + extra
        if finishes { events.append("finished") }
        return events.enumerated().map {
            Line(second: tid * 60 + $0.offset, event: $0.element, message: "\($0.element) (TID \(tid))")
        }
    }

    private func tasks(_ numbers: Range<Int>) -> [Line] { numbers.flatMap { task($0) } }

    @Test func `says nothing of ordinary sessions, nor while it learns`() throws {
        #expect(try see(set(), tasks(0..<2000)) == [])
        #expect(try see(set(), tasks(0..<90) + task(90, extra: ["lost"]) + tasks(91..<200)) == [])
        #expect(try see(set(learn: "1d"), tasks(0..<500) + task(500, extra: ["lost"]) + tasks(501..<520)) == [])
    }

    @Test func `has an event that no session had, found when it comes`() throws {
        let set = try set(#", "labels": { "team": "data" }"#)
        #expect(try see(set, tasks(0..<300)) == [])
        let finding = try #require(try see(set, task(300, extra: ["lost"])).first)
        #expect(finding.name == "TaskUnusual" && finding.detector == "sequence")
        #expect(finding.labels == ["oddity": "new event", "team": "data"])
        #expect(finding.title == "TID 300: <lost> 1")
        #expect(finding.description == "no session before had the event '<lost>'.")
        #expect(finding.evidence.map(\.line) == ["got (TID 300)", "lost (TID 300)"])
        #expect(finding.startsAt == Timestamp(seconds: Int64(Self.start + 300 * 60)) && finding.count == 1)
        #expect(finding.contributions.map(\.feature) == ["<lost>"])
    }

    @Test func `has an event far too often, and is found with what is usual`() throws {
        let set = try set()
        _ = try see(set, tasks(0..<300))
        #expect(try see(set, task(300, blocks: 6)) == [])
        let finding = try #require(try see(set, task(301, blocks: 40)).first)
        #expect(finding.labels == ["oddity": "counts"])
        #expect(finding.description == "it has the event '<block>' 7 times, where 1 to 3 are usual.")
        #expect(finding.contributions.map(\.typical) == [3])
    }

    @Test func `is too long by many kinds of events that are none too often`() throws {
        let set = try set()
        // Ten kinds of events, of which a session has two.
        func session(_ number: Int, _ kinds: [Int]) -> [Line] {
            kinds.map { Line(second: number * 60 + $0, event: "e\($0)", message: "e\($0) (TID \(number))") }
        }
        _ = try see(set, (0..<300).flatMap { session($0, [$0 % 10, ($0 + 1) % 10]) })
        let found = try see(set, session(300, Array(0..<10)))
        #expect(found.map(\.description) == ["it has 5 events, where 2 are usual."])
    }

    @Test func `lacks an event that each has had, found once it is over`() throws {
        let set = try set()
        _ = try see(set, tasks(0..<300))
        #expect(try see(set, task(300, finishes: false)) == [])
        let found = try see(set, tasks(301..<315))
        #expect(
            found.map(\.description) == ["it lacks the event '<finished>', which each before has had (1 times)."])
        #expect(found.first?.title == "TID 300: <finished> 0")
        #expect(found.first?.lastSeen == Timestamp(seconds: Int64(Self.start + 300 * 60 + 2)))
    }

    @Test func `that fails alike a hundred times in a batch is one finding that counts them`() throws {
        let set = try set()
        _ = try see(set, tasks(0..<300))
        let found = try see(set, (300..<400).flatMap { task($0, extra: ["lost"]) })
        #expect(found.map(\.count) == [100] && found[0].evidence.count <= 5)
    }

    @Test func `becomes usual when it comes again a day later and is in no incident`() throws {
        for isKnown in [true, false] {
            let set = try set { _, _ in isKnown }
            _ = try see(set, tasks(0..<300))
            // Each 400 minutes, for three days.
            let found = try stride(from: 300, to: 4700, by: 400).map { tid in
                try see(set, task(tid, extra: ["lost"]) + tasks(tid + 1..<tid + 400)).count
            }
            // With the sixth, which is the first after a day, it is learned.
            #expect(
                found == (isKnown ? Array(repeating: 1, count: 11) : [1, 1, 1, 1, 1] + Array(repeating: 0, count: 6)), "\(found)")
        }
    }

    @Test func `of new events in many sessions is no news`() throws {
        let set = try set()
        // Each tenth task has an event of its own name.
        let lines = (0..<600).flatMap { task($0, extra: $0 % 10 == 0 ? ["event \($0)"] : []) }
        #expect(try see(set, lines) == [])
    }

    @Test(arguments: [1, 7, 1000])
    func `gives the same findings however rows are cut, and after a restart`(once: Int) throws {
        let before = tasks(0..<300) + task(300, finishes: false)
        let after = tasks(301..<330) + task(330, extra: ["lost"]) + task(331, blocks: 20) + tasks(332..<350)
        let whole = try set(), cut = try set(), restored = try set()
        let expected = try see(whole, before) + see(whole, after)
        var found = try see(cut, before, at: once)
        try restored.restore(cut.snapshot())
        found += try see(restored, after, at: once)
        // What a batch gives of one incident is one finding.
        func counts(_ findings: [Finding]) -> [String: Int] {
            findings.reduce(into: [:]) { $0[$1.labels["oddity"] ?? "", default: 0] += $1.count }
        }
        #expect(counts(expected) == ["new event": 1, "counts": 2])
        #expect(counts(found) == counts(expected))
        #expect(whole.snapshot() == restored.snapshot())
    }

    @Test func `is a kind of its own for each word of its key`() throws {
        let set = try set(keys: #"["attempt_", "TID "]"#)
        _ = try see(set, tasks(0..<300))
        let attempts = (0..<200).map { Line(second: 18_000 + $0 * 10, event: "lost", message: "lost attempt_\($0)") }
        #expect(try see(set, attempts) == [])
        #expect(try see(set, task(400, extra: ["lost"])).count == 1)
    }

    @Test func `holds a bounded number of sessions`() throws {
        let set = try set()
        _ = try see(set, (0..<12_000).map { Line(second: 0, event: "got", message: "got (TID \($0))") })
        _ = set.snapshot()
        #expect((9000...10_000).contains(set.figures[0].figures.keys) && set.figures[0].figures.forgotten > 1000)
    }

    @Test func `is refused with a sentence where the settings make no sense`() {
        #expect { try set(keys: #"[""]"#) } throws: { "\($0)".contains("keys") }
        #expect { try set(session: "[]") } throws: { "\($0)".contains("session is empty") }
        #expect { try set(title: "{host}") } throws: { "\($0)".contains("{host}") }
    }

    @Test func `of a damaged state is refused and does not crash`() throws {
        let set = try set()
        _ = try see(set, tasks(0..<150))
        let whole = set.snapshot()
        for cut in stride(from: 1, to: whole.count, by: 97) {
            #expect(throws: StateReader.Damaged.self) { try self.set().restore(whole.prefix(cut)) }
        }
    }
}
