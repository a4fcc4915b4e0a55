import Columns
import Testing

@testable import LogQL

struct `The stages of a query` {
    private let sshd = TestLine(
        "Failed password for root from 203.0.113.9 port 4711 ssh2", knows: [("user", "root"), ("port", "4711")])

    @Test(arguments: [
        (#"|= "root""#, true), (#"|= "Root""#, false), (#"|= "ann" or "root""#, true), (#"!= "root""#, false),
        (#"!= "ann" or "bob""#, true), (#"!= "ann" or "root""#, false),
        (#"|~ "port \\d+ ssh""#, true), (#"|~ "^Failed""#, true), (#"|~ "^password""#, false), (#"|~ "(?i)ROOT""#, true),
        (#"!~ "ssh2$""#, false), (#"|> "Failed <_> for <_> from <_> port <_> ssh2""#, true),
        (#"|> "Accepted <_>""#, false), (#"!> "<_> ssh1""#, true), (#"|> "<_> ssh2""#, true), (#"|> "Failed password""#, false),
        (#"| user="root""#, true), (#"| user!="root""#, false), (#"| user=~"ro.*""#, true), (#"| user=~"oo""#, false),
        (#"| port > 1024"#, true), (#"| port == 4711"#, true), (#"| port = 4711"#, true), (#"| port < 1e3"#, false),
        (#"| port > 1024 and user="ann""#, false), (#"| port > 1024 or user="ann""#, true),
        (#"| port < 1024, user="root""#, false), (#"| port > 1024 user="root""#, true),
        (#"| (port > 1 or user="x") | user="root""#, true),
        (#"| nothing > 5"#, false), (#"| nothing="""#, true), (#"| job="test""#, true),
        (#"| regexp "from (?P<addr>\\S+)" | addr = ip("203.0.113.0/24")"#, true),
        (#"| regexp "from (?P<addr>\\S+)" | addr != ip("203.0.113.9")"#, false),
        (#"| drop user | user="""#, true), (#"| drop user="ann" | user="root""#, true), (#"| keep port | user="""#, true),
        (#"| label_format who=user | who="root""#, true), (#"| label_format who=user | user="""#, true),
    ]) func `keep a line, or leave it out`(stages: String, isKept: Bool) throws {
        #expect(try (result(stages, of: sshd) != nil) == isKept)
    }

    /// The line, the stages, and the fields that they read.
    private static let extractions: [(String, String, [String: String])] = [
        (
            #"{"level":"error","http":{"status":502,"ok":false,"deep":{"x":1.5}},"tags":["a"],"none":null,"a-b":"c"}"#, "| json",
            ["level": "error", "http_status": "502", "http_ok": "false", "http_deep_x": "1.5", "a_b": "c"]
        ),
        (
            #"{"servers":[{"ip":"192.0.2.1"}],"headers":{"User-Agent":"curl"}}"#,
            #"| json ip="servers[0].ip", agent="headers[\"User-Agent\"]", none="x.y""#,
            ["ip": "192.0.2.1", "agent": "curl", "none": ""]
        ),
        (
            "not json", "| json",
            ["__error__": "JSONParserErr", "__error_details__": "the line is not a JSON object"]
        ),
        (
            #"level=info msg="a \"b\" c" dur=1.5s broken 1x=y =z"#, "| logfmt",
            ["level": "info", "msg": #"a "b" c"#, "dur": "1.5s", "_1x": "y"]
        ),
        ("level=info user=ann", #"| logfmt who="user", level"#, ["who": "ann", "level": "info"]),
        (
            #"192.0.2.7 - - [10/Oct] "GET /x HTTP/1.1" 200 23"#,
            #"| pattern "<ip> - - [<_>] \"<method> <path> <_>\" <status> <size>""#,
            ["ip": "192.0.2.7", "method": "GET", "path": "/x", "status": "200", "size": "23"]
        ),
        ("a=1 rest", #"| pattern "a=<a> b=<b>""#, ["a": "1 rest"]),
        ("x", #"| pattern "y <a>""#, [:]),
        (
            "user ann@web1 logged in", #"| regexp "(?P<user>\\w+)@(?P<machine>\\w+)(?P<none>!)?""#,
            ["user": "ann", "machine": "web1"]
        ),
        ("job=other level=x", "| logfmt", ["job_extracted": "other", "level": "x"]),
        ("job=test level=x", "| logfmt", ["level": "x"]),
        (
            "latency=fast", "| logfmt | latency > 5ms",
            [
                "latency": "fast", "__error__": "LabelFilterErr", "__error_details__": "'fast' is not a number of this kind",
            ]
        ),
    ]

    @Test(arguments: extractions.indices) func `read fields from a line`(index: Int) throws {
        let (line, stages, fields) = Self.extractions[index]
        #expect(try #require(try result(stages, of: TestLine(line))).fields == fields)
    }

    @Test func `write the line anew`() throws {
        let stages =
            #"| regexp "from (?P<addr>\\S+)" | line_format "{{ .user }}@{{.addr}}:{{.port}} {{.no}}<{{__line__}}>" |= "root@""#
        let line = try #require(try result(stages, of: sshd)).text
        #expect(line == "root@203.0.113.9:4711 <Failed password for root from 203.0.113.9 port 4711 ssh2>")
    }

    @Test(
        arguments: [
            ("5", 5), ("0.25", 0.25), ("500ms", 0.5), ("1h30m", 5400), ("1.5s", 1.5), ("15µs", 15e-6), ("10KB", 10_000),
            ("1KiB", 1024),
            ("2MiB", 2_097_152), ("1d", 86_400),
        ] as [(String, Double)]) func `read numbers with units`(text: String, value: Double) throws
    {
        #expect(abs(try #require(Quantity(text)).value - value) < 1e-9 * max(1, value))
    }

    @Test func `can be looked up by a store as far as no line has been read`() throws {
        let selector = try LogSelector(
            parsing: #"{job="test"} |= "x" | user="root" and host="web1" | port > 5 or a="b" | event="c" | logfmt | d="e""#)
        #expect(selector.directMatchers.map(\.name) == ["user", "host", "event"])
    }
}
