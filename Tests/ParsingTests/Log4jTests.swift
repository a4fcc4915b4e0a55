import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

/// All events of a log, as a stream gives them that is cut before the lines `cuts`, the kept one included.
private func events(_ lines: [String], cuts: [Int] = []) throws -> (rows: [[Value]], rejected: Int) {
    let raw = rawLines(lines)
    var format = try Log4j(context: ParsingContext(timeZone: .gmt), options: FormatOptions())
    var rows: [[Value]] = []
    var rejected = 0
    for (start, end) in zip([0] + cuts, cuts + [lines.count]) {
        let parsed = format.parse(raw.slice(start..<end))
        rows += (0..<parsed.events.count).map { parsed.events.row($0) }
        rejected += parsed.rejected.count
        var next = try Log4j(context: ParsingContext(timeZone: .gmt), options: FormatOptions())
        try next.restore(format.state)
        format = next
    }
    if let flushed = format.flush() { rows += (0..<flushed.parsed.events.count).map { flushed.parsed.events.row($0) } }
    return (rows, rejected)
}

struct `A Log4j log` {
    private static let names = Log4j.schema.fields.map(\.name)

    private func value(_ row: [Value], _ name: String) -> Value { row[Self.names.firstIndex(of: name)!] }

    @Test func `has the layouts of Spark, Hadoop, Log4j and Spring Boot`() throws {
        let rows = try events(Log4j.samples).rows
        #expect(rows.count == 4)
        #expect(rows.map { value($0, "level") } == ["info", "info", "error", "warning"])
        #expect(rows.map { value($0, "thread") } == [.null, "main", "pool-1-thread-2", "main"])
        #expect(
            rows.map { value($0, "logger") } == [
                "executor.Executor", "org.apache.hadoop.mapreduce.v2.app.MRAppMaster", "com.example.Job", "c.e.Service",
            ])
        #expect(
            value(rows[0], "event_time") == .timestamp(Timestamp(year: 2017, month: 6, day: 9, hour: 20, minute: 10, second: 40)))
        #expect(
            value(rows[1], "event_time")
                == .timestamp(Timestamp(year: 2015, month: 10, day: 18, hour: 18, minute: 1, second: 47, microsecond: 978_000)))
        #expect(value(rows[3], "message") == "slow, took 1.5 s")
    }

    @Test(
        arguments: [
            ("10:00:00.123 [main] INFO  com.example.App -- started", "info", "main", "com.example.App", "started"),
            (
                "2026-11-26 10:00:00,123 INFO  org.apache.flink.runtime.taskmanager.Task                    [] - Source: a (1/1)#0 switched",
                "info",
                nil, "org.apache.flink.runtime.taskmanager.Task", "Source: a (1/1)#0 switched"
            ),
            (
                "2026-11-26 10:00:00,123 WARN  org.apache.hadoop.util.NativeCodeLoader (NativeCodeLoader.java:<clinit>(60)) - Unable to load",
                "warning", nil, "org.apache.hadoop.util.NativeCodeLoader", "Unable to load"
            ),
            (
                "[2026-11-26 10:00:00,123] INFO [GroupCoordinator 0]: Preparing to rebalance (kafka.coordinator.group.GroupCoordinator)",
                "info", nil,
                "kafka.coordinator.group.GroupCoordinator",
                "[GroupCoordinator 0]: Preparing to rebalance (kafka.coordinator.group.GroupCoordinator)"
            ),
            (
                "[2026-11-26T10:00:00.123+0000] {taskinstance.py:1157} INFO - Dependencies all met", "info", nil,
                "taskinstance.py:1157", "Dependencies all met"
            ),
            ("2026-11-26 10:00:00,123 - root - CRITICAL - python default", "critical", nil, "root", "python default"),
            (
                "2026-11-26T10:00:00.123+01:00  INFO 4711 --- [app] [nio-8080-exec-1] c.e.Service : boot 3", "info",
                "nio-8080-exec-1", "c.e.Service", "boot 3"
            ),
            ("26/11/26 10:00:00 WARN TaskSetManager: Lost task 0.0", "warning", nil, "TaskSetManager", "Lost task 0.0"),
            (
                "2026-11-26 10:00:00.123 [Executor task launch worker for task 0.0 in stage 1.0 (TID 1)] ERROR org.apache.spark.executor.Executor - Exception",
                "error", "Executor task launch worker for task 0.0 in stage 1.0 (TID 1)", "org.apache.spark.executor.Executor",
                "Exception"
            ),
            (
                "2026-11-26 10:00:00,123 [INFO ] com.example.Foo - padded in bracket", "info", nil, "com.example.Foo",
                "padded in bracket"
            ),
            ("2026-11-26 10:00:00 INFO  Foo:42 - log4j 1 style", "info", nil, "Foo:42", "log4j 1 style"),
            ("2026-11-26 10:00:00,123 info com.example.Foo - lowercase", "info", nil, "com.example.Foo", "lowercase"),
            ("1795687200123 [main] INFO com.example.Foo - epoch", "info", "main", "com.example.Foo", "epoch"),
            (
                "INFO  2026-11-26 10:00:00,123 [main] com.example.Foo - level first", "info", "main", "com.example.Foo",
                "level first"
            ),
            ("INFO  [main] 2026-11-26 10:00:00,123 Foo.java:42 - Cassandra", "info", "main", "Foo.java:42", "Cassandra"),
            (
                "2026-11-26 10:00:00,123 [main] [traceId=1, spanId=2] INFO com.example.Foo - mdc brackets", "info", "main",
                "com.example.Foo", "mdc brackets"
            ),
        ] as [(String, String, String?, String?, String)])
    func `has the layouts that other programs come with`(
        line: String, level: String, thread: String?, logger: String?, message: String
    ) throws {
        let rows = try events([line]).rows
        #expect(rows.count == 1)
        guard rows.count == 1 else { return }
        #expect(value(rows[0], "level") == .text(level))
        #expect(value(rows[0], "thread") == (thread.map(Value.text) ?? .null))
        #expect(value(rows[0], "logger") == (logger.map(Value.text) ?? .null))
        #expect(value(rows[0], "message") == .text(message))
    }

    @Test func `keeps a line of a trace that begins with a time`() throws {
        let rows = try events([
            "2026-11-26 10:00:00,123 ERROR com.example.Foo - failed", "java.lang.RuntimeException: outer", "\tat a.B.c(B.java:1)",
            "",
            "2026-11-26 12:00:00 next due date of the job", "2026-11-26 10:00:02,123 INFO com.example.Foo - ok",
        ])
        #expect(rows.rejected == 0)
        #expect(rows.rows.map { value($0, "line_count") } == [5, 1])
    }

    @Test func `takes the date of a time without one from the arrival`() throws {
        for (arrival, line, time) in [
            ((10, 0), "09:59:59.500", "2026-11-21T09:59:59.500Z"), ((10, 0), "10:30:00.000", "2026-11-21T10:30:00Z"),
            ((0, 5), "23:59:59.000", "2026-11-20T23:59:59Z"), ((23, 50), "00:10:00.000", "2026-11-22T00:10:00Z"),
        ] {
            var format = try Log4j(context: ParsingContext(timeZone: .gmt), options: FormatOptions())
            _ = format.parse(
                rawLines(
                    ["\(line) [main] INFO a.B -- x"],
                    arrival: Timestamp(year: 2026, month: 11, day: 21, hour: arrival.0, minute: arrival.1)))
            #expect(format.flush()!.parsed.events.columns[0].value(at: 0, as: .timestamp).description == time)
        }
    }

    @Test func `gives a stack trace to the event that it belongs to, however it is cut into batches`() throws {
        let whole = try events(Log4j.samples)
        #expect(value(whole.rows[2], "exception") == "java.lang.IllegalStateException")
        #expect(value(whole.rows[2], "line_count") == 4)
        #expect(
            value(whole.rows[2], "stack_trace")
                == .text(
                    "java.lang.IllegalStateException: no input\n\tat com.example.Job.run(Job.java:42)\nCaused by: java.io.IOException: disk full"
                ))
        for cut in 1..<Log4j.samples.count { #expect(try events(Log4j.samples, cuts: [cut]).rows == whole.rows, "cut \(cut)") }
        #expect(try events(Log4j.samples, cuts: Array(1..<Log4j.samples.count)).rows == whole.rows)
    }

    @Test func `bounds what a trace may hold`() throws {
        let trace = (0..<10_000).map { "\tat com.example.Deep.call(Deep.java:\($0))" }
        let rows = try events([Log4j.samples[2]] + trace).rows
        #expect(value(rows[0], "line_count") == 10_001)
        guard case .text(let text) = value(rows[0], "stack_trace") else {
            Issue.record("there is no trace")
            return
        }
        #expect(text.utf8.count < Log4j.maxTraceBytes)
    }

    @Test(arguments: [
        ("Finished task 0.0 in stage 2.0 (TID 2) in 1063 ms on host", "2.0", 1063.0),
        ("ResultStage 12 (count) finished in 3.5 s", "12", 3500),
        ("took 2 minutes", nil, 120_000), ("Stage is done after 20ms", nil, 20), ("in 5 places, stage left", nil, nil),
        ("Submitting 2 missing tasks from ShuffleMapStage 3.", "3", nil),
    ])
    func `tells stages and durations`(message: String, stage: String?, milliseconds: Double?) throws {
        let row = try events(["17/06/09 20:10:40 INFO a.B: \(message)"]).rows[0]
        #expect(value(row, "stage") == (stage.map(Value.text) ?? .null))
        #expect(value(row, "duration_ms") == (milliseconds.map(Value.double) ?? .null))
    }

    @Test(arguments: [
        ("no header at all", RejectionReason.unreadableHeader), ("17/13/09 20:10:40 INFO a: b", .badTimestamp),
        ("2015-10-18 25:01:47,978 INFO [main] a: b", .badTimestamp),
        ("2015-10-18 18:01:47,978 something else", .unreadableHeader),
        ("", .emptyLine),
    ])
    func `refuses what it cannot read`(line: String, reason: RejectionReason) throws {
        var format = try Log4j(context: ParsingContext(timeZone: .gmt), options: FormatOptions())
        #expect(format.parse(rawLines([line])).rejected == [RejectedLine(row: 0, reason: reason)])
    }
}

struct `The log of obs` {
    @Test func `is read with its known fields`() throws {
        var format = try ObsLog(context: ParsingContext(timeZone: .gmt), options: FormatOptions())
        let parsed = format.parse(rawLines(ObsLog.samples))
        #expect(parsed.rejected.isEmpty)
        #expect(parsed.events["rows"]?.integer(at: 0) == 4096)
        #expect(parsed.events["error"]?.string(at: 1) == "No space left on device")
        #expect(throws: FormatError.self) {
            try ObsLog(context: ParsingContext(), options: FormatOptions(columns: columns("a:text")))
        }
    }
}

struct `Every format` {
    /// The formats with columns as their samples have them.
    private static func make(_ type: any LogFormat.Type) throws -> any LogFormat {
        var options = FormatOptions.inferred(from: type.samples.map { Array($0.utf8) }, format: type.name)
        if type.name == Layout.name { options = FormatOptions(settings: [.init("log4j", Layout.samplePattern)]) }
        return try type.init(context: ParsingContext(timeZone: .gmt), options: options ?? FormatOptions())
    }

    @Test func `has a name of its own, and reads its own samples`() throws {
        let names = LogFormats.all.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
        for type in LogFormats.all {
            var format = try Self.make(type)
            let parsed = format.parse(rawLines(type.samples))
            #expect(parsed.rejected.isEmpty, "\(type.name)")
            let kept = format.flush()?.parsed.events.count ?? 0
            #expect(parsed.events.count + kept >= 2, "\(type.name)")
            #expect(parsed.events.schema == format.schema)
        }
    }

    @Test func `survives what is no line of it, loses none, and gives the same however it is cut`() throws {
        let rounds = ProcessInfo.processInfo.environment["OBS_FUZZ_ROUNDS"].flatMap(Int.init) ?? 40
        for type in LogFormats.all {
            for seed in 1...UInt64(rounds) {
                var random = SplitMix64(seed: seed)
                let lines = (0..<30).map { _ -> String in
                    var bytes = Array(type.samples.randomElement(using: &random)!.utf8)
                    for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
                        let at = Int.random(in: bytes.indices, using: &random)
                        switch Int.random(in: 0..<4, using: &random) {
                        case 0: bytes.removeSubrange(at..<min(bytes.count, at + 3))
                        case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
                        case 2: bytes.insert(Array("\"\\{}[],=: \t0".utf8).randomElement(using: &random)!, at: at)
                        default: bytes = Array(bytes.prefix(at))
                        }
                    }
                    return String(decoding: bytes.filter { $0 != 10 }, as: UTF8.self)
                }
                let raw = rawLines(lines)
                var whole = try Self.make(type)
                let all = whole.parse(raw), rest = whole.flush()
                #expect(Set(all.rejected.map(\.row)).count == all.rejected.count, "\(type.name), seed \(seed)")
                if type.name == "json" || type.name == "logfmt" || type.name == "sshd" || type.name == "obs" {
                    #expect(all.events.count + all.rejected.count == lines.count, "\(type.name), seed \(seed)")
                }
                let cut = Int.random(in: 0...lines.count, using: &random)
                var first = try Self.make(type), second = try Self.make(type)
                let head = first.parse(raw.slice(0..<cut))
                try second.restore(first.state)
                let tail = second.parse(raw.slice(cut..<lines.count)), end = second.flush()
                let parts = [head, tail] + (end.map { [$0.parsed] } ?? []), wholes = [all] + (rest.map { [$0.parsed] } ?? [])
                #expect(parts.flatMap(shown) == wholes.flatMap(shown), "\(type.name), seed \(seed), cut before \(cut)")
            }
        }
    }

    @Test func `is explained as JSON, a line an event`() throws {
        for type in LogFormats.all {
            var explainer = FormatExplainer(try Self.make(type))
            let objects =
                explainer.explain(type.samples.map { Array($0.utf8) }, arrival: Timestamp(year: 2026, month: 11, day: 21))
                + explainer.finish()
            #expect(objects.count >= 2)
            for object in objects {
                let members = try #require(try JSONSerialization.jsonObject(with: Data(object.utf8)) as? [String: Any])
                #expect(members["error"] == nil || type.name == "obs", "\(type.name): \(object)")
            }
        }
    }
}

@Suite(.enabled(if: outsideCases != nil, "there are no cases at OBS_CASES"))
struct `LoghubConformanceCases` {
    @Test(arguments: [("Spark_2k.log", 2000), ("Hadoop_2k.log", 2000)])
    func `reads every line of real logs of Spark and Hadoop`(name: String, count: Int) throws {
        let text = try String(contentsOf: outsideCases!.appending(path: "loghub/\(name)"), encoding: .utf8)
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        let (rows, rejected) = try events(lines)
        #expect(rows.count == count)
        #expect(rejected == 0)
        // Each has a logger: the message begins behind it.
        let logger = Log4j.schema.index(of: "logger")!
        #expect(rows.allSatisfy { $0[logger] != .null })
    }
}
