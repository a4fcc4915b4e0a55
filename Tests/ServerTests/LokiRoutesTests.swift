import Columns
import Foundation
import Lake
import TestSupport
import Testing

@testable import Server

/// The requests that Grafana's Loki data source, its Logs Drilldown and logcli send, as their sources have them.
struct `Loki's API for reading` {
    private let folder = TemporaryFolder()
    private let lake: Lake
    private let start: Int64 = 1_700_000_000

    /// Ten events, one a second.
    init() throws {
        lake = Lake(root: folder.path)
        let schema = Schema([
            Field("event_time", .timestamp), Field("host", .text), Field("user", .text), Field("message", .text),
        ])
        let table = try lake.table("silver.app", creating: schema), writer = table.writer(), start = start
        try writer.append(
            try Batch(
                schema: schema,
                rows: (0..<10).map { second in
                    [
                        .timestamp(Timestamp(microseconds: (start + second) * 1_000_000 + 123_456)), .text("web-\(second % 2)"),
                        .text(second < 5 ? "ann" : "bob"), .text("took \(second)ms for \"x\""),
                    ]
                }))
        try table.commit(adding: writer.finish())
    }

    private func get(_ path: String, _ query: [(String, String)], headers: [String: String] = [:]) async throws -> (Int, Any?) {
        // As clients in Go write it.
        let encoded = query.map { "\($0.percentEncoded)=\($1.percentEncoded.replacing("%20", with: "+"))" }.joined(separator: "&")
        let received = Received()
        try await ServerFixture.withServer(LokiRoutes.all(lake, version: "1.2.3")) { url in
            let (code, text, _) = try await ServerFixture.get("\(url)/loki/api/v1\(path)?\(encoded)", headers: headers)
            await received.set(code, text)
        }
        let (code, text) = await received.value
        return (code, try? JSONSerialization.jsonObject(with: Data(text.utf8)))
    }

    private actor Received {
        var value = (0, "")
        func set(_ code: Int, _ text: String) { value = (code, text) }
    }

    private func data(_ path: String, _ query: [(String, String)], headers: [String: String] = [:]) async throws -> [String: Any]
    {
        let (code, json) = try await get(path, query, headers: headers)
        let answer = try #require(json as? [String: Any])
        #expect(code == 200 && answer["status"] as? String == "success", "\(answer)")
        return try #require(answer["data"] as? [String: Any])
    }

    /// As Grafana has it: nanoseconds.
    private var range: [(String, String)] { [("start", "\(start)000000000"), ("end", "\(start + 10)000000000")] }

    @Test func `gives lines with nanoseconds, newest first, and their labels with all that is known`() async throws {
        let query =
            range + [
                ("query", #"{service_name="app", host="web-1"} |= `took`"#), ("limit", "2"), ("direction", "backward"),
                ("step", "1s"),
            ]
        let data = try await data("/query_range", query)
        #expect(data["resultType"] as? String == "streams")
        let result = try #require(data["result"] as? [[String: Any]])
        #expect(result.count == 1)
        let stream = try #require(result[0]["stream"] as? [String: String])
        #expect(
            stream == [
                "layer": "silver", "table": "silver.app", "pipeline": "app", "service_name": "app", "host": "web-1",
                "user": "bob",
            ])
        let values = try #require(result[0]["values"] as? [[String]])
        #expect(
            values == [
                ["\(start + 9)123456000", #"took 9ms for "x""#], ["\(start + 7)123456000", #"took 7ms for "x""#],
            ])
    }

    @Test func `keeps fields apart where Grafana asks for that`() async throws {
        let query = range + [("query", #"{service_name="app"} | pattern "took <t> <_>""#), ("limit", "1")]
        let data = try await data("/query_range", query, headers: ["X-Loki-Response-Encoding-Flags": "categorize-labels"])
        #expect(data["encodingFlags"] as? [String] == ["categorize-labels"])
        let result = try #require(data["result"] as? [[String: Any]])
        let value = try #require((result[0]["values"] as? [[Any]])?.first)
        let apart = try #require(value[2] as? [String: [String: String]])
        #expect(apart == ["structuredMetadata": ["user": "bob"], "parsed": ["t": "9ms"]])
        #expect((result[0]["stream"] as? [String: String])?["user"] == nil)
    }

    @Test func `gives numbers over a range and at one time, with seconds and texts`() async throws {
        let volume = #"sum by (user) (count_over_time({service_name="app"}[5s]))"#
        let matrix = try await data("/query_range", range + [("query", volume), ("step", "5")])
        #expect(matrix["resultType"] as? String == "matrix")
        let series = try #require(matrix["result"] as? [[String: Any]])
        #expect(series.map { ($0["metric"] as? [String: String])?["user"] } == ["ann", "bob"])
        let values = try #require(series[0]["values"] as? [[Any]])
        #expect(values.map { $0[0] as? Int64 } == [start + 5] && values.map { $0[1] as? String } == ["5"])
        let vector = try await data("/query", [("query", volume), ("time", "\(start + 10)")])
        #expect(vector["resultType"] as? String == "vector")
        let point = try #require((vector["result"] as? [[String: Any]])?.first)
        #expect((point["value"] as? [Any])?[1] as? String == "5")
        // What the data source asks when it is tested.
        let test = try await data("/query", [("query", "vector(1)+vector(1)")])
        #expect((test["result"] as? [[String: Any]])?.count == 1)
    }

    @Test func `tells what the builder and the drill-down ask for`() async throws {
        let (_, labels) = try await get("/labels", range)
        #expect((labels as? [String: Any])?["data"] as? [String] == ["host", "layer", "pipeline", "service_name", "table"])
        let (_, values) = try await get("/label/host/values", range + [("query", #"{service_name="app"}"#)])
        #expect((values as? [String: Any])?["data"] as? [String] == ["web-0", "web-1"])
        let (_, series) = try await get("/series", range + [("match[]", #"{service_name="app"}"#)])
        #expect(((series as? [String: Any])?["data"] as? [[String: String]])?.count == 2)
        let (_, none) = try await get("/series", range + [("match[]", #"{service_name="other"}"#)])
        #expect(((none as? [String: Any])?["data"] as? [Any])?.isEmpty == true)
        let (_, stats) = try await get("/index/stats", range + [("query", #"{service_name="app"}"#)])
        #expect(stats as? [String: Int] == ["streams": 2, "chunks": 0, "bytes": 160, "entries": 10])
        let volume = try await data(
            "/index/volume", range + [("query", #"{service_name=~".+"}"#), ("targetLabels", "service_name"), ("limit", "100")])
        let first = try #require((volume["result"] as? [[String: Any]])?.first)
        #expect(
            first["metric"] as? [String: String] == ["service_name": "app"] && (first["value"] as? [Any])?[1] as? String == "160")
        let volumes = try await data("/index/volume_range", range + [("query", #"{service_name="app"}"#), ("step", "10")])
        #expect(volumes["resultType"] as? String == "matrix")
        let (_, patterns) = try await get("/patterns", range + [("query", #"{service_name="app"}"#), ("step", "10s")])
        let found = try #require((patterns as? [String: Any])?["data"] as? [[String: Any]])
        #expect(found.count == 1 && ((found[0]["samples"] as? [[Int64]])?.first)?[1] == 10)
        let (_, counted) = try await get("/detected_labels", range + [("query", #"{service_name="app"}"#)])
        #expect(
            ((counted as? [String: Any])?["detectedLabels"] as? [[String: Any]])?.contains {
                $0["label"] as? String == "host" && $0["cardinality"] as? Int == 2
            } == true)
        let (_, fields) = try await get("/detected_fields", range + [("query", #"{service_name="app"}"#)])
        #expect(((fields as? [String: Any])?["fields"] as? [[String: Any]])?.map { $0["label"] as? String } == ["user"])
        let (_, users) = try await get("/detected_field/user/values", range + [("query", #"{service_name="app"}"#)])
        #expect((users as? [String: Any])?["values"] as? [String] == ["ann", "bob"])
        let (_, build) = try await get("/status/buildinfo", [])
        #expect((build as? [String: Any])?["version"] as? String == "1.2.3")
    }

    @Test(
        arguments: [
            ("/query_range", [("query", #"{service_name="app"} | jsn"#)], 400, "no stage 'jsn'"),
            ("/query_range", [("query", #"{service_name="app"} | unpack"#)], 400, "'unpack' of LogQL is not supported"),
            ("/query_range", [], 400, "'query' is missing"),
            ("/query_range", [("query", #"{a="b"}"#), ("start", "yesterday")], 400, "start is 'yesterday'"),
            ("/query_range", [("query", #"{a="b"}"#), ("limit", "100000")], 400, "at most 5000"),
            ("/query_range", [("query", #"{a="b"}"#), ("direction", "up")], 400, "direction is 'up'"),
            ("/query_range", [("query", #"{a="b"}"#), ("start", "20"), ("end", "10")], 400, "before the start"),
            (
                "/query_range", [("query", #"rate({a="b"}[1m])"#), ("start", "0"), ("end", "1000000000"), ("step", "1")], 400,
                "11000 points"
            ),
            ("/query_range", [("query", #"{a="b"}"#), ("step", "often")], 400, "step is 'often'"),
            ("/query", [("query", #"{a="b"}"#)], 400, "over a range of time"),
            ("/series", [("match[]", "{")], 400, "the name of a label"),
            ("/tail", [("query", #"{a="b"}"#)], 501, "not streamed as they come"),
        ] as [(String, [(String, String)], Int, String)])
    func `refuses with a sentence`(path: String, query: [(String, String)], status: Int, part: String) async throws {
        let (code, json) = try await get(path, query)
        let message = try #require((json as? [String: Any])?["error"] as? String, "\(code): \(String(describing: json))")
        #expect(code == status && message.contains(part), "\(message)")
    }
}
