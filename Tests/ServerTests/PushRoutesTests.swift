import Columns
import Foundation
import Ingest
import TestSupport
import Testing

@testable import Server

/// Requests as shippers send them, to a server that listens, with a spool on disk.
struct `An address that shippers push to` {
    private let folder = TemporaryFolder()

    private func receiver(maxBytes: Int = 1 << 20) throws -> PushReceiver {
        var limits = Spool.Limits()
        limits.maxBytes = maxBytes
        let settings = try JSONDecoder().decode(SourceSettings.self, from: Data(#"{"name":"auth","http":true}"#.utf8))
        let spool = try Spool(name: "auth", folder: folder.path, limits: limits) { _ in false }
        let target = try #require(PushTarget(settings, name: "auth", spool: spool, readsJSON: false))
        return PushReceiver { [target] }
    }

    private var stored: String { (try? String(contentsOfFile: folder.path + "/auth.log", encoding: .utf8)) ?? "" }

    private func post(
        _ url: String, _ body: String, type: String = "application/json", encoding: String? = nil, method: String = "POST"
    ) async throws -> (code: Int, text: String, headers: [AnyHashable: Any]) {
        var headers = ["Content-Type": type]
        if let encoding { headers["Content-Encoding"] = encoding }
        return try await ServerFixture.get(url, method: method, body: body, headers: headers)
    }

    private static func loki(_ line: String) -> String { #"{"streams":[{"stream":{"job":"a"},"values":[["1","\#(line)"]]}]}"# }

    @Test func `has lines on disk when it responds, in the words of each protocol`() async throws {
        let receiver = try receiver()
        try await ServerFixture.withServer(PushRoutes.all(receiver) + IngestRoutes.all(receiver), maxBodySize: 10_000) { url in
            for base in ["", "/api/v1/ingest/auth"] {
                #expect(try await post(url + base + "/loki/api/v1/push", Self.loki("one")).code == 204)
                #expect(stored.hasSuffix("one\n"))
                let logs = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"two"}}]}]}]}"#
                let otlp = try await post(url + base + "/v1/logs", logs)
                #expect(otlp.code == 200 && otlp.text == "{}" && stored.hasSuffix("two\n"))
                let elastic = base.isEmpty ? "/elasticsearch" : base
                for (method, path) in [("POST", "/_bulk"), ("POST", "/logs/_bulk"), ("PUT", "/_bulk"), ("PUT", "/logs/_bulk")] {
                    let bulk = try await post(
                        url + elastic + path, "{\"create\":{}}\n{\"message\":\"three\"}\n", type: "application/x-ndjson",
                        method: method)
                    #expect(
                        bulk.code == 200 && bulk.text.contains(#""errors":false,"items":[{"create":{"#)
                            && stored.hasSuffix("three\n"))
                    #expect(bulk.headers["X-Elastic-Product"] as? String == "Elasticsearch")
                }
                for path in ["", "/_license", "/_xpack"] {
                    let answer = try await ServerFixture.get(url + elastic + path)
                    #expect(answer.0 == 200 && (try? JSON(parsing: Array(answer.1.utf8))) != nil)
                }
            }
            for base in ["", "/api/v1/ingest/auth"].map({ url + $0 + "/services/collector" }) {
                for path in ["", "/event", "/event/1.0"] {
                    let splunk = try await post(base + path, #"{"event":"six"}{"event":"seven"}"#)
                    #expect(splunk.code == 200 && splunk.text == #"{"text":"Success","code":0}"#)
                    #expect(stored.hasSuffix("six\nseven\n"))
                }
                for path in ["/raw", "/raw/1.0"] {
                    #expect(try await post(base + path + "?host=gate", "eight\nnine", type: "text/plain").code == 200)
                    #expect(stored.hasSuffix("eight\nnine\n"))
                }
                for path in ["/health", "/health/1.0"] { #expect(try await ServerFixture.get(base + path).0 == 200) }
            }
            #expect(try await post(url + "/api/v1/ingest/auth", "four\nfive", type: "text/plain").text == "{\"accepted\":2}\n")
            #expect(stored.hasSuffix("four\nfive\n"))
        }
    }

    @Test func `refuses with the status by which a shipper knows whether to send again`() async throws {
        let receiver = try receiver(maxBytes: 200)
        try await ServerFixture.withServer(PushRoutes.all(receiver) + IngestRoutes.all(receiver), maxBodySize: 3_000_000) { url in
            let push = url + "/loki/api/v1/push"
            let long = String(repeating: "x", count: 150)
            let cases: [(url: String, body: String, encoding: String?, code: Int, word: String)] = [
                (push, "{", nil, 400, "bad_body"), (push, "{}", "br", 415, "encoding"), (push, "{}", "gzip", 400, "bad_body"),
                (url + "/api/v1/ingest/none/v1/logs", "{}", nil, 404, "no_source"),
                (url + "/services/collector", #"{"event":"a"}{"host":"b"}"#, nil, 400, "event 2 of the body"),
                (push, Self.loki(String(repeating: "x", count: 1 << 20)), nil, 400, "refused"),
                (push, Self.loki(long), nil, 204, ""), (push, Self.loki(long), nil, 429, "spool_full"),
                (url + "/api/v1/ingest/auth", long, nil, 429, "spool_full"),
                (url + "/api/v1/ingest/auth", " ", nil, 400, "empty"),
            ]
            for wanted in cases {
                let found = try await post(wanted.url, wanted.body, encoding: wanted.encoding)
                #expect(
                    found.code == wanted.code && (wanted.word.isEmpty || found.text.contains(wanted.word)),
                    "\(wanted.url) \(found)")
                #expect((found.headers["Retry-After"] != nil) == (wanted.code == 429))
            }
        }
    }
}
