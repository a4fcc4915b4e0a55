import Columns
import Testing

@testable import LogQL

struct `A query in LogQL` {
    private static let good = [
        #"{layer="silver"}"#,
        #"{layer="silver", host=~"web.*", event!="other",}"#,
        #"{a="b"} |= "x" or `y\d` != "z" |~ "(?i)err" !~ "debug""#,
        #"{a="b"} | json | status >= 500 and (latency > 250ms or size < 10KB)"#,
        #"{a="b"} | json first="servers[0]", agent="request.headers[\"User-Agent\"]""#,
        #"{a="b"} | logfmt --strict --keep-empty user, src="source""#,
        #"{a="b"} | pattern "<ip> - - <_> \"<method> <path>\"" | path="/x""#,
        #"{a="b"} | regexp "(?P<user>\\w+)@" | user=~"a.*", host!="" | drop user, level="debug" | keep host"#,
        #"{a="b"} | label_format x=y, z="{{.x}}-1" | line_format "{{.z}} {{__line__}}""#,
        #"{a="b"} | addr = ip("192.0.2.0/24") # who"#,
        #"({a="b"} |= "x")"#,
        #"count_over_time({a="b"}[5m])"#,
        #"count_over_time({a="b"}[5m] |= "x" offset 1h)"#,
        #"rate(({a="b"} |= "x")[1h30m])"#,
        #"sum by (user, host) (rate({a="b"} | logfmt [1m])) / 60 > bool 2"#,
        #"topk(5, sum(count_over_time({a="b"}[1m])) by (user))"#,
        #"quantile_over_time(0.99, {a="b"} | json | unwrap duration(latency) | __error__="" [5m]) by (path)"#,
        #"avg without (x) (sum_over_time({a="b"} | unwrap bytes(size) [5m])) ^ 2 ^ 3 - -1"#,
        #"vector(1)+vector(1)"#,
        #"sum(count_over_time({a="b"}[1m])) or vector(0)"#,
        #"count_over_time({a="b"}[1m]) and on (x) count_over_time({a="c"}[1m])"#,
        #"absent_over_time({a="b"}[1d])"#,
    ]

    @Test(arguments: good) func `is read`(text: String) throws {
        _ = try LogQuery(parsing: text)
    }

    /// The query, where the sentence points, and a part of it.
    private static let bad: [(String, Int, String)] = [
        ("", 0, "a function"),
        ("{", 1, "the name of a label"),
        ("{}", 0, "at least one label"),
        (#"{a=""}"#, 0, "at least one label"),
        (#"{a=~".*"}"#, 0, "at least one label"),
        (#"{a="b"} |= x"#, 11, "a text in quotes"),
        (#"{a="b""#, 6, "','"),
        (#"{a="b"} |~ "(""#, 11, "not a regular expression"),
        (#"{a="b"} | jsn"#, 10, "there is no stage 'jsn'"),
        (#"{a="b"} | pattern "<a><b>""#, 18, "nothing between them"),
        (#"{a="b"} | pattern "x""#, 18, "no field"),
        (#"{a="b"} | regexp "x""#, 17, "no group with a name"),
        (#"{a="b"} | x > 5parsecs"#, 14, "'5parsecs' is neither"),
        (#"{a="b"} | x = ip("all")"#, 17, "neither an address"),
        (#"count_over_time({a="b"})"#, 15, "a range such as [5m]"),
        (#"count_over_time({a="b"}[5 minutes])"#, 24, "a range such as 5m"),
        (#"sum_over_time({a="b"}[5m])"#, 13, "unwrap"),
        (#"count_over_time({a="b"}[5m]) by (x)"#, 29, "no groups of its own"),
        (#"sum by (x) (rate({a="b"}[5m])) by (y)"#, 31, "twice"),
        (#"rat({a="b"}[5m])"#, 0, "no function 'rat'"),
        (#"quantile_over_time(2, {a="b"} | unwrap x [5m])"#, 19, "0 to 1"),
        (#"{a="b"} + 1"#, 8, "the end"),
        (#"{a="x\q"}"#, 6, "escape"),
        (#"{a="b"} "#, 3, ""),
    ]

    @Test(arguments: bad.dropLast()) func `that is none is refused, with the place`(text: String, place: Int, part: String) throws
    {
        let error = #expect(throws: LogQLError.self) { try LogQuery(parsing: text) }
        guard case .malformed(let reason, let at) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(at == place && reason.utf8.firstRange(of: part.utf8) != nil, "\(at): \(reason)")
    }

    @Test(arguments: [
        (#"{a="b"} | unpack"#, "'unpack'"), (#"{a="b"} | decolorize"#, "'decolorize'"),
        (#"{a="b"} |= ip("192.0.2.1")"#, "'ip'"), (#"{a="b"} | line_format "{{ .x | ToUpper }}""#, "ToUpper"),
        (#"label_replace(rate({a="b"}[1m]), "x", "$1", "y", "(.*)")"#, "'label_replace'"),
        (#"rate({a="b"}[1m]) / on (x) group_left rate({a="b"}[1m])"#, "'group_left'"), (#"sort(rate({a="b"}[1m]))"#, "'sort'"),
    ]) func `that needs what is not there is refused by its name`(text: String, name: String) throws {
        let error = #expect(throws: LogQLError.self) { try LogQuery(parsing: text) }
        guard case .notSupported(let what) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(what.utf8.firstRange(of: name.utf8) != nil, "\(what)")
    }

    @Test func `is bounded in length, depth and stages`() throws {
        #expect(throws: LogQLError.self) { try LogQuery(parsing: "{a=\"" + String(repeating: "b", count: 20_000) + "\"}") }
        #expect(throws: LogQLError.self) {
            try LogQuery(parsing: String(repeating: "(", count: 2000) + "1" + String(repeating: ")", count: 2000))
        }
        #expect(throws: LogQLError.self) { try LogQuery(parsing: "{a=\"b\"}" + String(repeating: "|=\"x\"", count: 100)) }
        #expect(throws: LogQLError.self) { try LogQuery(parsing: String(repeating: "-", count: 5000) + "1") }
    }

    /// Whatever is cut out of a query or put into it, the answer is a query or a refusal.
    @Test func `never crashes the reader, however it is damaged`() {
        var random = SplitMix64(seed: 5)
        for _ in 0..<20_000 {
            var bytes = Array(Self.good.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                default: bytes[place] = Array("{}()[]|=!~\"`<>,5mxor".utf8).randomElement(using: &random)!
                }
            }
            _ = try? LogQuery(parsing: String(decoding: bytes, as: UTF8.self))
        }
    }
}
