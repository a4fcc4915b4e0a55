import Columns
import Foundation
import TestSupport
import Testing

@testable import Parsing

/// The events of `lines` as `name=value` pairs, without what is null; and how many lines were rejected.
private func events(
    _ lines: [String], _ name: String = "layout", _ settings: [(String, String)] = [],
    columns: [FormatOptions.DeclaredColumn] = [],
    year: Int? = nil
) throws -> (rows: [[String: String]], rejected: Int) {
    let options = FormatOptions(columns: columns, settings: settings.map { .init($0.0, $0.1) })
    var format = try LogFormats.make(name, context: ParsingContext(year: year, timeZone: .gmt), options: options)
    let parsed = format.parse(rawLines(lines)), rest = format.flush()
    var rows: [[String: String]] = []
    for events in [parsed.events, rest?.parsed.events].compactMap({ $0 }) {
        for row in 0..<events.count {
            var members: [String: String] = [:]
            for (field, value) in zip(events.schema.fields, events.row(row)) where value != .null {
                members[field.name] = value.description
            }
            rows.append(members)
        }
    }
    return (rows, parsed.rejected.count)
}

private func event(_ line: String, _ key: String, _ pattern: String, _ more: (String, String)...) throws -> [String: String]? {
    try events([line], "layout", [(key, pattern)] + more).rows.first
}

struct `A layout that a program is configured with` {
    @Test(
        arguments: [
            (
                "log4j", "%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m%n",
                "2026-11-26 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - Notification: 3200 - x",
                [
                    "event_time": "2026-11-26T17:41:44.747Z", "level": "info",
                    "thread": "QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181",
                    "logger": "FastLeaderElection", "source_line": "774", "message": "Notification: 3200 - x",
                ]
            ),
            (
                "logback", "%d{HH:mm:ss.SSS} [%thread] %-5level %logger{36} -- %msg%n",
                "10:00:00.123 [pool-1 [a] x] WARN  com.example.App -- a -- b",
                ["level": "warning", "thread": "pool-1 [a] x", "logger": "com.example.App", "message": "a -- b"]
            ),
            (
                "log4j", "%d{yy/MM/dd HH:mm:ss} %p %c{1}: %m", "26/11/26 10:00:00 ERROR TaskSetManager: Lost task 0.0: x",
                [
                    "event_time": "2026-11-26T10:00:00Z", "level": "error", "logger": "TaskSetManager",
                    "message": "Lost task 0.0: x",
                ]
            ),
            (
                "logback",
                "%clr(%d{${LOG_DATEFORMAT_PATTERN:-yyyy-MM-dd'T'HH:mm:ss.SSSXXX}}){faint} %clr(${LOG_LEVEL_PATTERN:-%5p}) %clr(${PID:- }){magenta} --- [%t] %-40.40logger{39} : %m",
                "2026-11-26T10:00:00.123+01:00  INFO 4711 --- [main] c.e.Service                              : started",
                [
                    "event_time": "2026-11-26T09:00:00.123Z", "level": "info", "pid": "4711", "thread": "main",
                    "logger": "c.e.Service", "message": "started",
                ]
            ),
            (
                "log4j", "%X{traceId} %d{UNIX_MILLIS} %m", "ab12 1795687200123 ok",
                ["event_time": "2026-11-26T10:00:00.123Z", "traceid": "ab12", "message": "ok"]
            ),
            (
                "python", "%(asctime)s %(levelname)-8s %(name)s [%(process)d]: %(message)s",
                "2026-11-26 10:00:00,123 WARNING  app.db [77]: slow: 3",
                [
                    "event_time": "2026-11-26T10:00:00.123Z", "level": "warning", "logger": "app.db", "pid": "77",
                    "message": "slow: 3",
                ]
            ),
            (
                "python", "{asctime} {levelname:<8} {name}: {message}", "2026-11-26 10:00:00,123 CRITICAL app: gone",
                ["event_time": "2026-11-26T10:00:00.123Z", "level": "critical", "logger": "app", "message": "gone"]
            ),
            (
                "nginx",
                "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $request_time",
                "192.0.2.7 - - [26/Nov/2026:10:00:00 +0100] \"GET /a?b HTTP/1.1\" 200 5 \"-\" \"x \\x22 203.0.113.5\" 0.005",
                [
                    "event_time": "2026-11-26T09:00:00Z", "remote_addr": "192.0.2.7", "method": "GET", "path": "/a?b",
                    "protocol": "HTTP/1.1",
                    "status": "200", "body_bytes_sent": "5", "http_user_agent": "x \\x22 203.0.113.5", "request_time": "0.005",
                ]
            ),
            (
                "nginx", "log_format main '$time_iso8601 $remote_addr ' '\"$request\" $status';",
                "2026-11-26T10:00:00+01:00 2001:db8::1 \"\\x16\\x03\" 400",
                ["event_time": "2026-11-26T09:00:00Z", "remote_addr": "2001:db8::1", "path": "\\x16\\x03", "status": "400"]
            ),
            (
                "apache", "%h %l %u %t \"%r\" %>s %b",
                // The name of a user, and the request, are the client's text.
                "192.0.2.7 - x [01/Jan/2000:00:00:00 +0000] \\\"y [26/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.0\\\" 200 1\" 404 -",
                [
                    "event_time": "2026-11-26T10:00:00Z", "remote_addr": "192.0.2.7",
                    "remote_user": "x [01/Jan/2000:00:00:00 +0000] \\\"y", "path": "GET / HTTP/1.0\\\" 200 1", "status": "404",
                ]
            ),
            (
                "apache", "LogFormat \"%a %{sec}t \\\"%r\\\" %D %{X-Forwarded-For}i\" mine",
                "192.0.2.7 1795687200 \"GET /a b HTTP/1.1\" 1500 10.0.0.1, 10.0.0.2",
                [
                    "event_time": "2026-11-26T10:00:00Z", "remote_addr": "192.0.2.7", "method": "GET", "path": "/a b",
                    "protocol": "HTTP/1.1",
                    "request_time_us": "1500", "http_x_forwarded_for": "10.0.0.1, 10.0.0.2",
                ]
            ),
            (
                "regex", #"(?P<level>\w+) (?P<time>\S+) (?P<component>[^:]+): (?P<message>.*) took (?P<n>\d+)"#,
                "INFO 2026-11-26T10:00:00Z db: it took 3 took 5",
                ["event_time": "2026-11-26T10:00:00Z", "level": "info", "logger": "db", "message": "it took 3", "n": "5"]
            ),
        ] as [(String, String, String, [String: String])])
    func `reads its lines`(key: String, pattern: String, line: String, wanted: [String: String]) throws {
        let found = try #require(try event(line, key, pattern))
        for (name, value) in wanted { #expect(found[name] == value, "\(name) of \(line)") }
        #expect(
            Set(found.keys).subtracting(["file", "offset", "line_count", "event_time"])
                == Set(wanted.keys).subtracting(["event_time"]))
    }

    @Test(arguments: [
        ("log4j", "%t%c %m", "'%t%c': nothing is between"), ("log4j", "%d{ww} %m", "'ww' of its date"),
        ("log4j", "%replace{%m}{a}{b}", "'%replace': what this conversion writes cannot be read back"),
        ("log4j", "%m %m", "'message' is written twice"), ("log4j", "%d{HH:mm:ss}", "it names no field"),
        ("log4j", "%p%n%m", "several lines of its own"), ("log4j", "${LEVEL} %m", "it is a variable"),
        ("apache", "%h %Z", "'%Z': this conversion is not known"), ("regex", "(?P<m>.*", "a ')' is missing"),
        ("regex", "(.*)", "it names no group"), ("preset", "nothing", "write one of combined"),
        // Each column has one writer, and the time has its own.
        ("log4j", "%X{event_time} %m", "column 'event_time'"), ("apache", "%m %h %r", "column 'method'"),
        ("log4j", "%X{file} %m", "column 'file'"), ("log4j", "%X{line_count} %m", "column 'line_count'"),
        // Limits: a line is matched step by step, each within the one before.
        ("log4j", String(repeating: "x", count: 4095) + "%m", "longer than 4096 bytes"),
        (
            "log4j", String(repeating: "%(", count: 33) + "%m" + String(repeating: ")", count: 33),
            "within each other more than 32"
        ),
        ("log4j", (0..<129).map { "%X{k\($0)}" }.joined(separator: " "), "more than 128 fields"),
    ])
    func `that cannot be read back is refused at the start, with the part that is the reason`(
        key: String, pattern: String, reason: String
    ) {
        let error = #expect(throws: FormatError.self) { try event("x", key, pattern) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test func `is one of several, or none`() {
        #expect(throws: FormatError.self) { try events(["x"]) }
        #expect(throws: FormatError.self) { try events(["x"], "layout", [("log4j", "%m"), ("python", "%(message)s")]) }
        #expect(throws: FormatError.self) { try events(["x"], "layout", [("log4j", "%m"), ("multiline", "maybe")]) }
        #expect(throws: FormatError.self) { try events(["x"], "layout", [("log4j", "%m")], columns: columns("a:text")) }
    }

    @Test func `joins the lines of a stack trace to their event, but none to a request`() throws {
        let trace = [
            "2026-11-26 10:00:00,123 ERROR a.B: failed", "java.lang.X: y", "\tat a.B.c(B.java:1)", "",
            "2026-11-26 10:00:01,123 INFO a.B: ok",
        ]
        let (rows, rejected) = try events(trace, "layout", [("log4j", "%d %p %c: %m%n")])
        #expect(rows.map { $0["message"] } == ["failed", "ok"])
        #expect(rows[0]["stack_trace"] == "java.lang.X: y\n\tat a.B.c(B.java:1)\n")
        #expect(rows.map { $0["line_count"] } == ["4", "1"])
        #expect(rejected == 0)
        let alone = try events(trace, "layout", [("log4j", "%d %p %c: %m%n"), ("multiline", "false")])
        #expect(alone.rows.count == 2)
        #expect(alone.rejected == 3)
        let requests = try events(["192.0.2.7 - - [26/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.0\" 200 -", "nonsense"], "common")
        #expect(requests.rows.count == 1)
        #expect(requests.rejected == 1)
    }

    @Test func `that was changed while an event was open gives its line as rejected, with what comes after`() throws {
        func layout(_ pattern: String) throws -> any LogFormat {
            try LogFormats.make(
                "layout", context: ParsingContext(timeZone: .gmt), options: FormatOptions(settings: [.init("log4j", pattern)]))
        }
        var before = try layout("%d{ISO8601} %p %m")
        let first = before.parse(rawLines(["2026-11-26 10:00:00,000 INFO one"]))
        #expect(first.events.count == 0)
        var after = try layout("%p %d{ISO8601} %m")
        try after.restore(before.state)
        // It lasts over another stop.
        var again = try layout("%p %d{ISO8601} %m")
        try again.restore(after.state)
        let next = again.parse(rawLines(["INFO 2026-11-26 10:00:01,000 two"]))
        #expect(next.rejected.isEmpty)
        let flushed = again.flush()
        let rest = try #require(flushed)
        #expect(rest.lines.count == 2 && rest.parsed.events.count == 1)
        #expect(rest.parsed.rejected.map(\.reason) == [.unreadableHeader] && rest.parsed.rejected.map(\.row) == [0])
        #expect(rest.parsed.events.row(0).map(\.description).contains("two"))
        let more = again.flush()
        #expect(more?.lines.count == nil)
        // Where the layout still reads it, nothing is rejected.
        var same = try layout("%d{ISO8601} %p %m")
        try same.restore(before.state)
        let kept = same.flush()
        #expect(kept?.parsed.events.count == 1)
    }

    @Test func `takes a time format and types for groups`() throws {
        let settings = [("regex", #"(?P<time>\d+ \S+) (?P<seconds>\S+) (?P<message>.*)"#), ("time_format", "yyMMdd HHmmss")]
        let (rows, _) = try events(["261126 100000 1.5 ok"], "layout", settings, columns: columns("seconds:double"))
        #expect(rows[0]["event_time"] == "2026-11-26T10:00:00Z")
        #expect(rows[0]["seconds"] == "1.5")
    }

    @Test func `costs time that grows with the line and not faster`() throws {
        let hostile = String(repeating: "[a:b@c] - ", count: 20_000)
        let (rows, rejected) = try events(
            ["2026-11-26 17:41:44,747 - INFO  [" + hostile, hostile], "layout",
            [("log4j", "%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m%n"), ("multiline", "false")])
        #expect(rows.count + rejected == 2)
    }

    @Test func `says of a time that does not exist that it is none`() throws {
        var format = try LogFormats.make(
            "layout", context: ParsingContext(timeZone: .gmt),
            options: FormatOptions(settings: [.init("log4j", "%d{yyyy-MM-dd HH:mm:ss} %m")]))
        #expect(format.parse(rawLines(["2026-02-31 10:00:00 x"])).rejected.map(\.reason) == [.badTimestamp])
    }
}

struct `A layout with a name` {
    @Test func `reads its sample, with a time`() throws {
        for preset in LayoutPresets.all {
            let (rows, rejected) = try events([preset.sample], preset.name)
            #expect(rows.count == 1 && rejected == 0, "\(preset.name)")
            #expect(
                rows.first?["event_time"]?.hasPrefix("2026-11-26T") == true || preset.name == "android" || preset.name == "klog"
                    || preset.name == "syslog", "\(preset.name): \(rows)")
        }
        for preset in LayoutPresets.json {
            let (rows, rejected) = try events([preset.sample], preset.name)
            #expect(rows.first?["message"] == "started" && rejected == 0, "\(preset.name)")
        }
    }

    @Test func `has a name that no other format has`() {
        let names =
            LogFormats.all.flatMap { [$0.name] + $0.aliases } + LayoutPresets.all.flatMap { [$0.name] + $0.aliases }
            + LayoutPresets.json.map(\.name)
        let twice = Set(names.filter { name in names.count { $0 == name } > 1 })
        #expect(twice.isEmpty)
    }

    @Test(arguments: [
        ("haproxy", "client", "192.0.2.7"), ("haproxy", "status", "200"), ("apache_error", "client", "192.0.2.7:58619"),
        ("klog", "source_file", "controller.go"),
        ("openstack", "request", "req-38101a0b - - -"), ("zookeeper", "logger", "FastLeaderElection"),
        ("flink", "logger", "org.apache.flink.runtime.taskmanager.Task"),
        ("spring", "thread", "nio-8080-exec-1"), ("android", "component", "WindowManager"), ("hdfs", "pid", "148"),
        ("windows_cbs", "logger", "CBS"),
        ("syslog", "process", "systemd"), ("combined", "http_user_agent", "curl/8.5"), ("nginx_error", "level", "error"),
        ("java", "logger", "com.example.App"),
    ])
    func `finds the parts of its sample`(name: String, column: String, value: String) throws {
        let (rows, _) = try events([try #require(LayoutPresets.named(name)).sample], name)
        #expect(rows.first?[column] == value)
    }
}

struct `The format auto` {
    @Test func `knows each layout that has a name by one line, and says which`() throws {
        for preset in LayoutPresets.all {
            let (rows, rejected) = try events([preset.sample], "auto")
            #expect(rejected == 0)
            // HAProxy's lines and those of Java come under more than one name.
            let allowed: Set<String> = preset.name == "spring" || preset.name == "flink" ? [preset.name, "java"] : [preset.name]
            #expect(allowed.contains(rows.first?["format"] ?? ""), "\(preset.name): \(rows)")
        }
    }

    @Test(arguments: [
        (#"{"ts":"2026-11-26T10:00:00Z","level":"WARN","logger":"a","msg":"hi"}"#, "json"),
        ("ts=2026-11-26T10:00:00Z level=warn logger=a msg=hi", "logfmt"),
    ])
    func `reads records with the usual keys`(line: String, format: String) throws {
        let (rows, _) = try events([line], "auto")
        #expect(rows.first?["format"] == format)
        #expect(rows.first?["level"] == "warning")
        #expect(rows.first?["component"] == "a")
        #expect(rows.first?["message"] == "hi")
        #expect(rows.first?["event_time"] == "2026-11-26T10:00:00Z")
    }

    @Test func `gives lines that no format reads as texts of the time of their arrival, until one is`() throws {
        let (rows, rejected) = try events(["starting …", "", "2026-11-26 10:00:00,123 INFO [main] a.B: ok", "\tat x"], "auto")
        #expect(rejected == 0)
        #expect(rows.map { $0["format"] } == ["text", "text", "java"])
        #expect(rows[2]["stack_trace"] == "\tat x")
    }
}

/// Eight public logs (loghub), each line read with the time, level, component and message that its table says.
@Suite(.enabled(if: outsideCases != nil, "there are no cases at OBS_CASES"))
struct `LoghubLayoutCases` {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The time of a row of the table, as events show it. A year that a log does not say is 2015.
    private func time(_ name: String, _ row: [String: String]) -> String {
        let date = row["Date"] ?? "", clock = row["Time"] ?? ""
        func two(_ text: String) -> String { text.count < 2 ? "0" + text : text }
        func month(_ text: String?) -> String { two(String((Self.months.firstIndex(of: text ?? "") ?? -1) + 1)) }
        switch name {
        case "HPC": return Timestamp(seconds: Int64(clock) ?? 0).description
        case "Linux", "Mac": return "2015-\(month(row["Month"]))-\(two(date))T\(clock)Z"
        case "OpenSSH": return "2015-\(month(date))-\(two(row["Day"] ?? ""))T\(clock)Z"
        case "Spark": return "20\(date.split(separator: "/").joined(separator: "-"))T\(clock)Z"
        case "Android": return Timestamp(iso8601: "2015-\(date)T\(clock)Z")!.description
        default: return Timestamp(iso8601: "\(date)T\(clock)Z")!.description
        }
    }

    /// The rows of a table by their headings, read by the house's own CSV.
    private func table(_ file: URL) throws -> [[String: String]] {
        let text = try String(contentsOf: file, encoding: .utf8)
        let records = text.split(whereSeparator: \.isNewline).map { CSV.values(Array($0.utf8), delimiter: UInt8(ascii: ",")) }
        return records.dropFirst().map { Dictionary(zip(records[0], $0)) { $1 } }
    }

    @Test(arguments: ["Android", "Hadoop", "HPC", "Linux", "Mac", "OpenSSH", "Spark", "Windows"])
    func `are read as their tables say`(name: String) throws {
        let folder = outsideCases!.appending(path: "loghub")
        let lines = try String(contentsOf: folder.appending(path: "\(name)_2k.log"), encoding: .utf8)
            .split(whereSeparator: \.isNewline).map(String.init)
        let table = try table(folder.appending(path: "\(name)_2k.log_structured.csv"))
        let pattern = "%X{id} %X{node} %c %X{state} %d{UNIX} %X{flag} %m"
        let (rows, rejected) =
            name == "HPC" ? try events(lines, "layout", [("log4j", pattern)]) : try events(lines, "auto", year: 2015)
        #expect(rejected == 0)
        try #require(rows.count == table.count)
        var wrong: [String: Int] = [:]
        func trimmed(_ text: String?) -> String { (text ?? "").trimmingCharacters(in: .whitespaces) }
        for (row, wanted) in zip(rows, table) {
            if row["event_time"] != time(name, wanted) { wrong["time", default: 0] += 1 }
            if trimmed(row["message"]) != trimmed(wanted["Content"]) { wrong["message", default: 0] += 1 }
            // What the tables of syslog call a level or a component is the host.
            let component = name == "OpenSSH" ? row["host"] : row["component"] ?? row["logger"]
            if trimmed(component) != trimmed(wanted["Component"]) { wrong["component", default: 0] += 1 }
            if let level = wanted["Level"], name != "Linux" {
                let code = LogLevel.code(of: Array(level.utf8).span)
                if row["level"] != code.map({ Log4jHeader.levelNames[$0] }) { wrong["level", default: 0] += 1 }
            }
        }
        for (part, count) in wrong { #expect(Double(count) <= 0.005 * Double(table.count), "\(part): \(count)") }
    }
}
