import Columns
import Foundation
import Logging
import Telemetry
import TestSupport
import Testing

@testable import Ingest

/// Fields of Protocol Buffers, for requests as a sender writes them.
private enum Proto {
    static func varint(_ number: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [], rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
    static func number(_ field: UInt64, _ value: UInt64) -> [UInt8] { varint(field << 3) + varint(value) }
    static func fixed(_ field: UInt64, _ value: UInt64) -> [UInt8] {
        varint(field << 3 | 1) + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    static func bytes(_ field: UInt64, _ value: [UInt8]) -> [UInt8] {
        varint(field << 3 | 2) + varint(UInt64(value.count)) + value
    }
    static func text(_ field: UInt64, _ value: String) -> [UInt8] { bytes(field, Array(value.utf8)) }
    /// A KeyValue of OTLP with a text.
    static func pair(_ name: String, _ value: String) -> [UInt8] { text(1, name) + bytes(2, text(1, value)) }
}

/// A block of Snappy that says `text`: literals, and copies where a byte repeats.
private func snappy(_ text: [UInt8]) -> [UInt8] {
    var block = Proto.varint(UInt64(text.count)), at = 0
    while at < text.count {
        var run = 1
        while run < 64, at + run < text.count, text[at + run] == text[at] { run += 1 }
        block += [0, text[at]]
        at += 1
        if run > 1 {
            // A copy of the byte before, over what is being written.
            block += [UInt8((run - 2) << 2 | 2), 1, 0]
            at += run - 1
        }
    }
    return block
}

private func lines(
    _ sources: [(name: String, json: String)] = [("auth", #"{"name":"auth","http":true}"#)], named: Int? = nil,
    readsJSON: Bool = false,
    _ take: (inout PushedLines) throws -> Void
) throws -> (texts: [String], lines: PushedLines) {
    let folder = TemporaryFolder()
    let targets = try sources.map { source in
        let settings = try JSONDecoder().decode(SourceSettings.self, from: Data(source.json.utf8))
        let spool = try Spool(name: source.name, folder: folder.path) { _ in false }
        return try #require(PushTarget(settings, name: source.name, spool: spool, readsJSON: readsJSON))
    }
    var lines = PushedLines(targets, named: named)
    try take(&lines)
    return (lines.texts.map { String(decoding: $0, as: UTF8.self) }, lines)
}

struct `A body that is pushed` {
    private static let text = Array(String(repeating: "Failed password for root\n", count: 300).utf8)

    private static func compressed(_ tool: [String], _ text: [UInt8] = text) throws -> [UInt8] {
        let folder = TemporaryFolder()
        try Data(text).write(to: URL(filePath: folder.path + "/a"))
        try run("sh", ["-c", "\(tool.joined(separator: " ")) < '\(folder.path)/a' > '\(folder.path)/b'"])
        return Array(try Data(contentsOf: URL(filePath: folder.path + "/b")))
    }

    private static let deflate = [
        "python3", "-c", "'import sys,zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))'",
    ]

    @Test(arguments: [("gzip", ["gzip", "-c"]), ("zstd", ["zstd", "-c"]), ("deflate", deflate), (" GZIP ", ["gzip", "-c"])])
    func `is decompressed as its header says`(encoding: String, tool: [String]) throws {
        #expect(try BodyCoding.decode(Self.compressed(tool), encoding) == Self.text)
    }

    @Test func `is decompressed from Snappy, and is plain where no header says otherwise`() throws {
        #expect(try BodyCoding.decode(snappy(Self.text), "snappy") == Self.text)
        for plain in [nil, "", "identity"] { #expect(try BodyCoding.decode(Self.text, plain) == Self.text) }
    }

    @Test(arguments: ["gzip", "zstd"])
    func `is refused where it would fill the memory`(tool: String) throws {
        let bomb = try Self.compressed([tool, "-c"], [UInt8](repeating: 0, count: BodyCoding.maxLength + 1))
        #expect(throws: PushError.tooLarge(limit: BodyCoding.maxLength)) { try BodyCoding.decode(bomb, tool) }
    }

    @Test func `is refused where Snappy says that it would fill the memory`() {
        let bomb = Proto.varint(UInt64(BodyCoding.maxLength + 1)) + [0, 65]
        #expect(throws: PushError.tooLarge(limit: BodyCoding.maxLength)) { try BodyCoding.decode(bomb, "snappy") }
    }

    @Test func `is refused where it is not compressed so, is cut, or the form is not known`() throws {
        let zipped = try Self.compressed(["gzip", "-c"])
        for (body, encoding) in [
            (Self.text, "gzip"), (Array(zipped.dropLast(9)), "gzip"), (Self.text, "snappy"), (Self.text, "zstd"),
        ] {
            #expect(throws: PushError.self) { try BodyCoding.decode(body, encoding) }
        }
        #expect(throws: PushError.unknownEncoding("br")) { try BodyCoding.decode(Self.text, "br") }
    }

    /// From Snappy's format description: a literal of 61 bytes has its length behind the tag; copies of the three kinds.
    @Test func `may have literals and copies of every length`() throws {
        let long = [UInt8](repeating: 7, count: 300)
        let block =
            Proto.varint(326) + [61 << 2, 43, 1] + long + [0b000_001_01, 1] + [UInt8(11 << 2 | 2), 1, 0] + [
                UInt8(8 << 2 | 3), 1, 0, 0, 0,
            ]
        #expect(try Snappy.decompress(block.span, limit: 1000)?.count == 326)
    }

    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func `may be damaged anywhere`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let loki = Proto.bytes(
            1, Proto.text(1, "{a=\"b\"}") + Proto.bytes(2, Proto.bytes(1, Proto.number(1, 5)) + Proto.text(2, "line")))
        let otlp = Proto.bytes(
            1,
            Proto.bytes(1, Proto.bytes(1, Proto.pair("a", "b")))
                + Proto.bytes(
                    2, Proto.bytes(2, Proto.fixed(1, 5) + Proto.bytes(5, Proto.bytes(6, Proto.bytes(1, Proto.pair("c", "d")))))))
        var bodies = [
            loki, otlp, snappy(loki), Array("{\"create\":{}}\n{\"message\":\"a\"}\n".utf8),
            Array("{\"streams\":[{\"values\":[[\"1\",\"a\"]]}]}".utf8),
            Array("{\"event\":\"a\",\"time\":1.5}{\"event\":{\"b\":1},\"fields\":{\"c\":\"d\"}}".utf8),
        ]
        for index in bodies.indices {
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<bodies[index].count, using: &random)
                if Bool.random(using: &random) {
                    bodies[index][at] = UInt8.random(in: 0...255, using: &random)
                } else {
                    bodies[index].remove(at: at)
                }
            }
        }
        for body in bodies {
            _ = try? Snappy.decompress(body.span, limit: 1 << 16)
            for isJSON in [true, false] {
                let found = try lines { lines in
                    try? LokiPush.read(body, isJSON: isJSON, into: &lines)
                    try? OTLPLogs.read(body, isJSON: isJSON, into: &lines)
                    _ = try? BulkPush.read(body, index: nil, into: &lines)
                    try? HECPush.read(body, given: Labels(), into: &lines)
                    HECPush.readRaw(body, given: Labels(), into: &lines)
                }
                #expect(found.texts[0].utf8.count { $0 == 10 } == found.lines.accepted)
            }
        }
    }
}

struct `What shippers push` {
    private static let auth = "Nov 28 00:00:00 gate sshd[1]: Failed password for root from 192.0.2.1 port 4000 ssh2"

    private static func loki(_ labels: [(String, String)], _ line: String, metadata: (String, String)? = nil) -> (
        json: [UInt8], proto: [UInt8]
    ) {
        let stream = labels.map { "\(JSONText.quote($0)):\(JSONText.quote($1))" }.joined(separator: ",")
        let more = metadata.map { ",{\"\($0.0)\":\"\($0.1)\"}" } ?? ""
        let json =
            "{\"streams\":[{\"stream\":{\(stream)},\"values\":[[\"1795824000000001000\",\(JSONText.quote(line))\(more)]]}]}"
        let text = "{" + labels.map { "\($0)=\(JSONText.quote($1))" }.joined(separator: ", ") + "}"
        let entry =
            Proto.bytes(1, Proto.number(1, 1_795_824_000) + Proto.number(2, 1000)) + Proto.text(2, line)
            + (metadata.map { Proto.bytes(3, Proto.text(1, $0.0) + Proto.text(2, $0.1)) } ?? [])
        return (Array(json.utf8), Proto.bytes(1, Proto.text(1, text) + Proto.bytes(2, entry)))
    }

    @Test(
        arguments: [
            // Promtail with nothing but a URL: the line of the file.
            ([("job", "varlogs"), ("filename", "/var/log/auth.log")], auth, nil, auth),
            // What it makes of journald: labels that say who wrote a text, which needs a header.
            (
                [("job", "systemd"), ("syslog_identifier", "sshd"), ("hostname", "gate")], "Failed password for a\nb", nil,
                "2026-11-28T00:00:00.000001Z gate sshd: Failed password for a#012b"
            ),
            ([("host", "gate")], "text", ("appname", "cron"), "2026-11-28T00:00:00.000001Z gate cron: text"),
        ] as [([(String, String)], String, (String, String)?, String)])
    func `to Loki is the line as it was sent, and has a header where the program is beside it`(
        labels: [(String, String)], line: String, metadata: (String, String)?, wanted: String
    ) throws {
        let bodies = Self.loki(labels, line, metadata: metadata)
        for (body, isJSON) in [(bodies.json, true), (bodies.proto, false)] {
            let found = try lines { try LokiPush.read(body, isJSON: isJSON, into: &$0) }
            #expect(found.texts == [wanted + "\n"] && found.lines.accepted == 1)
        }
    }

    @Test(arguments: [
        (
            "text \"x\"",
            #"{"time":"2026-11-28T00:00:00.000001Z","line":"text \"x\"","metadata":{"trace":"9"},"labels":{"job":"a"}}"#
        ),
        (#"{"user":"b"}"#, #"{"user":"b","metadata":{"trace":"9"},"labels":{"job":"a"}}"#),
        ("{}", #"{"time":"2026-11-28T00:00:00.000001Z","line":"{}","metadata":{"trace":"9"},"labels":{"job":"a"}}"#),
    ])
    func `to Loki is an object with its labels for a pipeline of JSON`(line: String, wanted: String) throws {
        let bodies = Self.loki([("job", "a")], line, metadata: ("trace", "9"))
        for (body, isJSON) in [(bodies.json, true), (bodies.proto, false)] {
            #expect(try lines(readsJSON: true) { try LokiPush.read(body, isJSON: isJSON, into: &$0) }.texts == [wanted + "\n"])
        }
    }

    @Test func `to Loki may have its labels behind its lines`() throws {
        let body = Array(#"{"streams":[{"values":[["1","a"]],"stream":{"job":"x"}}]}"#.utf8)
        let sources = [
            ("a", #"{"name":"a","http":true,"match":"job=\"y\""}"#), ("b", #"{"name":"b","http":true,"match":"job=\"x\""}"#),
        ]
        #expect(try lines(sources) { try LokiPush.read(body, isJSON: true, into: &$0) }.texts == ["", "a\n"])
    }

    /// The same record in both forms of OTLP.
    private static let otlp: (json: [UInt8], proto: [UInt8]) = {
        let json = """
            {"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"gate"}},
              {"key":"process.executable.name","value":{"stringValue":"shop"}},{"key":"process.pid","value":{"intValue":"7"}}]},
             "scopeLogs":[{"scope":{"name":"orders","version":"1","attributes":[{"key":"k","value":{"boolValue":true}}]},
              "logRecords":[{"timeUnixNano":"1795824000000001000","severityNumber":9,"severityText":"INFO",
               "body":{"stringValue":"paid"},"traceId":"0a","attributes":[{"key":"order","value":{"kvlistValue":{"values":[
                {"key":"id","value":{"intValue":"12"}},{"key":"sum","value":{"doubleValue":1.5}},
                {"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"}]}}}]}}}]}]}]}]}
            """
        let resource = [
            Proto.pair("host.name", "gate"), Proto.pair("process.executable.name", "shop"),
            Proto.text(1, "process.pid") + Proto.bytes(2, Proto.number(3, 7)),
        ]
        let values = [
            Proto.text(1, "id") + Proto.bytes(2, Proto.number(3, 12)),
            Proto.text(1, "sum") + Proto.bytes(2, Proto.fixed(4, (1.5).bitPattern)),
            Proto.text(1, "tags") + Proto.bytes(2, Proto.bytes(5, Proto.bytes(1, Proto.text(1, "a")))),
        ]
        let order = Proto.text(1, "order") + Proto.bytes(2, Proto.bytes(6, values.flatMap { Proto.bytes(1, $0) }))
        let record: [[UInt8]] = [
            Proto.fixed(1, 1_795_824_000_000_001_000), Proto.number(2, 9), Proto.text(3, "INFO"),
            Proto.bytes(5, Proto.text(1, "paid")),
            Proto.bytes(6, order), Proto.bytes(9, [10]),
        ]
        let attribute = Proto.text(1, "k") + Proto.bytes(2, Proto.number(2, 1))
        let scope = Proto.text(1, "orders") + Proto.text(2, "1") + Proto.bytes(3, attribute)
        let scopeLogs = Proto.bytes(1, scope) + Proto.bytes(2, record.flatMap { $0 })
        return (
            Array(json.utf8), Proto.bytes(1, Proto.bytes(1, resource.flatMap { Proto.bytes(1, $0) }) + Proto.bytes(2, scopeLogs))
        )
    }()

    @Test func `as OpenTelemetry is one line in both of its forms, with all that belongs to it for a pipeline of JSON`() throws {
        let object =
            #"{"attributes":{"order":{"id":12,"sum":1.5,"tags":["a"]}},"body":"paid","#
            + #""resource":{"host.name":"gate","process.executable.name":"shop","process.pid":7},"#
            + #""scope":{"attributes":{"k":true},"name":"orders","version":"1"},"severity":"INFO","severity_number":9,"#
            + #""time":"2026-11-28T00:00:00.000001Z","trace_id":"0a"}"#
        for (body, isJSON) in [(Self.otlp.json, true), (Self.otlp.proto, false)] {
            #expect(
                try lines { try OTLPLogs.read(body, isJSON: isJSON, into: &$0) }.texts == [
                    "2026-11-28T00:00:00.000001Z gate shop[7]: paid\n"
                ])
            #expect(try lines(readsJSON: true) { try OTLPLogs.read(body, isJSON: isJSON, into: &$0) }.texts == [object + "\n"])
        }
    }

    @Test(arguments: [
        // The receiver of journald gives the fields of the journal as the body, the one of syslog a whole line with its parts
        // beside it.
        (
            #""body":{"kvlistValue":{"values":[{"key":"MESSAGE","value":{"stringValue":"m"}},{"key":"SYSLOG_IDENTIFIER","value":{"stringValue":"sshd"}}]}}"#,
            "2026-11-28T00:00:00Z sshd: m"
        ),
        (
            #""body":{"stringValue":"<38>1 - - sshd - - - m"},"attributes":[{"key":"appname","value":{"stringValue":"sshd"}},{"key":"hostname","value":{"stringValue":"gate"}},{"key":"message","value":{"stringValue":"m"}}]"#,
            "2026-11-28T00:00:00Z gate sshd: m"
        ),
        (#""body":{"stringValue":"\#(auth)"}"#, auth),
        (#""body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":1}}]}}"#, #"{"a":1}"#),
    ])
    func `as OpenTelemetry's receivers of logs make it is the line that they read`(record: String, wanted: String) throws {
        let body = Array(
            "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":1795824000000000000,\(record)}]}]}]}".utf8)
        #expect(try lines { try OTLPLogs.read(body, isJSON: true, into: &$0) }.texts == [wanted + "\n"])
    }

    @Test func `to Elasticsearch is the message of a document, and the document for a pipeline of JSON`() throws {
        let documents = [
            #"{"@timestamp":"2026-11-28T00:00:00Z","message":"\#(Self.auth)","log":{"file":{"path":"/var/log/auth.log"}}}"#,
            #"{"@timestamp":"2026-11-28T00:00:00Z","message":"m","host":{"hostname":"gate"},"log":{"syslog":{"appname":"sshd"}},"process":{"pid":5}}"#,
        ]
        let body = Array("{\"create\":{\"_index\":\"logs\"}}\n\(documents[0])\r\n\n{\"index\":{}}\n\(documents[1])".utf8)
        var items: [UInt8] = []
        #expect(
            try lines { items = try BulkPush.read(body, index: "other", into: &$0) }.texts
                == ["\(Self.auth)\n2026-11-28T00:00:00Z gate sshd[5]: m\n"])
        #expect(
            String(decoding: items, as: UTF8.self)
                == #"{"create":{"_index":"logs","status":201,"result":"created"}},{"index":{"_index":"other","status":201,"result":"created"}}"#
        )
        #expect(
            try lines(readsJSON: true) { _ = try BulkPush.read(body, index: nil, into: &$0) }.texts == [
                documents.joined(separator: "\n") + "\n"
            ])
    }

    @Test(arguments: [
        (#"{"event":"\#(auth)"}"#, [auth]),
        (
            #"{"time":1795824000.5,"host":"gate","event":"m","fields":{"program":"sshd","pid":5}}"#,
            ["2026-11-28T00:00:00.500Z gate sshd[5]: m"]
        ),
        (
            #"{"time":"1795824000","host":"gate","event":{"message":"m","program":"sshd"}} {"event":"two"}"#,
            ["2026-11-28T00:00:00Z gate sshd: m", "two"]
        ),
        (#"{"event":{"a":1}}"#, [#"{"a":1}"#]), (#"{"event":"two\nlines"}"#, ["two#012lines"]), ("", []),
    ])
    func `to Splunk is the text of an event, with a header where the event names a program`(body: String, wanted: [String]) throws
    {
        let found = try lines { try HECPush.read(Array(body.utf8), given: Labels(), into: &$0) }
        #expect(found.texts == [wanted.map { $0 + "\n" }.joined()])
        #expect(found.lines.accepted == wanted.count)
    }

    @Test func `to Splunk keeps the fields of an event for a pipeline of JSON, and what stands beside it`() throws {
        let body =
            #"{"time":1795824000,"host":"gate","sourcetype":"shop","event":{"a":1,"host":"own"}}{"time":1795824000,"event":"m","fields":{"b":"c"}}"#
        let wanted = [
            #"{"a":1,"host":"own","source":"file","sourcetype":"shop","time":"2026-11-28T00:00:00Z"}"#,
            #"{"event":"m","fields":{"b":"c"},"source":"file","time":"2026-11-28T00:00:00Z"}"#,
        ]
        let found = try lines(readsJSON: true) { try HECPush.read(Array(body.utf8), given: ["source": "file"], into: &$0) }
        #expect(found.texts == [wanted.map { $0 + "\n" }.joined()])
    }

    @Test func `to Splunk as raw lines is each line that is not empty`() throws {
        #expect(
            try lines { HECPush.readRaw(Array("one\r\n\ntwo".utf8), given: ["host": "gate"], into: &$0) }.texts == ["one\ntwo\n"])
    }

    @Test func `to Splunk is refused as a whole where an event cannot be read`() throws {
        for bad in [#"{"event":"a"}{"#, #"{"event":"a"}{"host":"b"}"#, #"["event"]"#, #"{"event":null}"#, "x"] {
            var taken = 1
            #expect(throws: PushError.self) {
                try lines { lines in
                    try HECPush.read(Array(bad.utf8), given: Labels(), into: &lines)
                    taken = lines.accepted
                }
            }
            #expect(taken == 1)
        }
    }

    @Test func `to Elasticsearch is refused one by one, and as a whole where the actions cannot be read`() throws {
        let body = Array(
            "{\"delete\":{\"_id\":\"1\"}}\n{\"update\":{}}\n{}\n{\"create\":{}}\n[]\n{\"create\":{}}\n{\"message\":\"m\"}\n".utf8)
        var items: [UInt8] = []
        let found = try lines { items = try BulkPush.read(body, index: nil, into: &$0) }
        #expect(found.texts == ["m\n"] && found.lines.refused == 3)
        #expect(String(decoding: items, as: UTF8.self).utf8.count { $0 == UInt8(ascii: "}") } == 11)
        for bad in ["x\n{}\n", "{\"create\":{}}\n", "{\"search\":{}}\n{}\n", "{}\n{}\n"] {
            #expect(throws: PushError.self) { try lines { _ = try BulkPush.read(Array(bad.utf8), index: nil, into: &$0) } }
        }
    }

    @Test func `goes to the source whose matchers hold, else to the only one without, else nowhere with a sentence`() throws {
        let a = ("a", #"{"name":"a","http":true,"match":"job=\"auth\""}"#), b = ("b", #"{"name":"b","http":true}"#),
            c = ("c", #"{"name":"c","http":true}"#)
        func target(_ sources: [(name: String, json: String)], _ labels: Labels, named: Int? = nil) throws -> Int? {
            try lines(sources, named: named) { _ in }.lines.target(for: labels)
        }
        #expect(try target([a, b], ["job": "auth"]) == 0)
        #expect(try target([a, b], ["job": "web"]) == 1)
        #expect(try target([a, b, c], ["job": "web"]) == nil)
        #expect(try target([a, b, c], ["job": "web"], named: 2) == 2)
        #expect(try target([], [:]) == nil)
        let refused = try lines([a]) { lines in
            try LokiPush.read(Self.loki([("job", "web")], "x").json, isJSON: true, into: &lines)
        }
        #expect(refused.lines.refused == 1 && refused.texts == [""])
        #expect(
            refused.lines.refusal
                == #"no source takes records with the labels {job="web"}; give one of the sources (a) a 'match' that holds, or name it in the address"#
        )
    }

    @Test func `is refused alone where it is too long for a line`() throws {
        let long = String(repeating: "x", count: 1 << 20)
        let body = Array(#"{"streams":[{"stream":{},"values":[["1","\#(long)"],["2","short"]]}]}"#.utf8)
        let found = try lines { try LokiPush.read(body, isJSON: true, into: &$0) }
        #expect(found.texts == ["short\n"] && found.lines.refused == 1)
    }
}
