import Alerting
import Incidents
import Foundation
import HTTPTypes
import Lake
import Logging
import Query
import Store
import Telemetry
import TestSupport
import Testing

@testable import Server

struct `The door` {
    private static let echo = [Route(.get, "/") { _ in .text("read") }, Route(.post, "/") { _ in .text("changed") }]

    private func hosts(_ listen: String = "127.0.0.1:0", hosts: [String] = [], externalURL: String? = nil) -> KnownHosts {
        var configuration = ServerConfiguration()
        configuration.listen = listen
        configuration.hosts = hosts
        return KnownHosts(configuration, externalURL: externalURL)
    }

    @Test(arguments: [
        ("127.0.0.1:9464", true), ("127.0.0.1", true), ("localhost:9464", true), ("LOCALHOST", true), ("localhost.", true),
        ("obs.localhost:1", true), ("[::1]:9464", true), ("192.0.2.7:80", true), ("[2001:db8::1]", true), ("obs:9464", true),
        ("Obs.Example.ORG", true), ("obs.example.org:443", true), ("inner:1", true), ("", true), (nil, true),
        ("evil.example", false), ("evil.example:9464", false), ("obs.example.org.evil.example", false), ("xobs:9464", false),
        ("localhost.evil.example", false), ("127.0.0.1.evil.example", false), ("[::1", false), ("[::1]x", false), ("obs:", false),
        ("obs:x", false), ("obs:70000", false), ("user@obs", false), ("obs, evil.example", false), ("[evil.example]", false),
    ])
    func `is asked by its own names and by addresses only`(authority: String?, isKnown: Bool) {
        let known = hosts("inner:9464", hosts: ["obs"], externalURL: "https://obs.example.org/prefix")
        #expect(known.isKnown(authority) == isKnown)
    }

    @Test(arguments: [
        ("obs", true), ("obs_1.example-2.org", true), ("_obs", true), ("OBS", true), ("192.0.2.7", true), ("", false),
        ("a b", false),
        ("a:1", false), ("a/b", false), ("a@b", false), ("[::1]", false), ("bücher", false), ("a`b", false), ("a{b", false),
        (String(repeating: "a", count: 253), true), (String(repeating: "a", count: 254), false),
    ]) func `may be given names of letters, digits, hyphens, dots and low lines`(name: String, may: Bool) {
        #expect(KnownHosts.isName(name) == may)
    }

    @Test func `refuses everything that is asked of a name that nobody gave it`() async throws {
        let metrics = MetricsRegistry()
        try await ServerFixture.withServer(Self.echo, hosts: hosts(hosts: ["obs"]), metrics: metrics) { url in
            for (host, method, code) in [
                ("evil.example:9464", "GET", 421), ("evil.example", "POST", 421), ("obs:9464", "GET", 200),
                ("127.0.0.1", "POST", 200),
            ] {
                let answer = await ServerFixture.exchange(
                    url, "\(method) / HTTP/1.1\r\nHost: \(host)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                #expect(answer.code == code, "\(method) \(host)")
                if code == 421 {
                    #expect(answer.text.contains("\"code\":\"unknown_host\"") && answer.text.contains("http.hosts"))
                }
            }
            let missing = await ServerFixture.exchange(
                url, "GET /nothing HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
            #expect(missing.code == 421)
            // An old client names no host at all.
            #expect(await ServerFixture.exchange(url, "GET / HTTP/1.0\r\nConnection: close\r\n\r\n").code == 200)
        }
        #expect(metrics.exposition().contains("obs_http_refused_total{reason=\"host\"} 3\n"))
    }

    /// What a browser writes of its own: the address bar, forms and scripts of this site and of others.
    private static let marks: [([String], isOwn: Bool)] = [
        ([], true), (["Sec-Fetch-Site: same-origin"], true), (["Sec-Fetch-Site: none"], true),
        (["Sec-Fetch-Site: same-origin", "Origin: null"], true),
        (["Sec-Fetch-Site: same-origin", "Origin: http://obs:9464"], true),
        (["Origin: http://obs:9464"], true), (["Origin: https://obs.example.org"], true),
        (["Referer: http://obs:9464/a/b?c=http://x"], true),
        (["Origin: HTTP://OBS:9464"], true), (["Origin: https://obs.example.org:443"], true),
        (["Sec-Fetch-Site: cross-site"], false), (["Sec-Fetch-Site: same-site", "Origin: http://obs:9464"], false),
        (["Origin: http://evil.example"], false), (["Origin: null"], false), (["Origin: http://obs:8080"], false),
        (["Origin: http://obs:9464.evil.example"], false), (["Origin: http://evil.example/obs:9464"], false),
        (["Origin: obs:9464"], false),
        (["Referer: http://evil.example/http://obs:9464/"], false), (["Origin: "], false), (["Origin: http://"], false),
        (["Origin: http://evil.example", "Referer: http://obs:9464/"], false),
    ]

    @Test(arguments: marks.indices) func `takes no change from a page of another site`(number: Int) async throws {
        let (headers, isOwn) = Self.marks[number]
        let known = hosts(hosts: ["obs"], externalURL: "https://obs.example.org")
        try await ServerFixture.withServer(Self.echo, hosts: known) { url in
            let lines = (["Host: obs:9464", "Connection: close", "Content-Type: text/plain", "Content-Length: 1"] + headers)
                .joined(separator: "\r\n")
            #expect(await ServerFixture.exchange(url, "POST / HTTP/1.1\r\n\(lines)\r\n\r\nx").code == (isOwn ? 200 : 403))
            #expect(await ServerFixture.exchange(url, "GET / HTTP/1.1\r\n\(lines)\r\n\r\nx").code == 200)
        }
    }

    @Test func `is before every route that may change something`() async throws {
        let folder = TemporaryFolder(), metrics = MetricsRegistry()
        let incidents = IncidentStore(try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations))
        let inbox = AlertInbox(
            AlertingConfiguration(), incidents: incidents,
            links: try AcknowledgeLinks(besides: folder.path + "/obs.db"), metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var obs = ServedObs(
            version: "1", alerts: inbox, incidents: incidents, lake: Lake(root: folder.path + "/lake"),
            serving: try ServingStore(path: folder.path + "/serve.db"), runbooks: "runbooks", readiness: Readiness([]),
            metrics: metrics)
        obs.reload = { _ in
            Issue.record("reloaded by a page of another site")
            return nil
        }
        let routes = Routes.all(obs)
        let changing = routes.filter { $0.method.mayChange }
        #expect(changing.count > 8)
        try await ServerFixture.withServer(routes, metrics: metrics) { url in
            for route in changing {
                let answer = await ServerFixture.exchange(
                    url,
                    "\(route.method.rawValue) \(route.path.replacing("{", with: "").replacing("}", with: "")) HTTP/1.1\r\nHost: x\r\n"
                        + "Origin: http://evil.example\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
                )
                #expect(answer.code == 403 && answer.text.contains("foreign_origin"), "\(route.method) \(route.path)")
            }
        }
    }

    @Test(arguments: ["http://obs", "obs:9464", "", "a b", "*", String(repeating: "a", count: 254)])
    func `has names without scheme and port in its configuration`(name: String) throws {
        let text = try String(decoding: JSONEncoder().encode(["hosts": [name]]), as: UTF8.self)
        let error = #expect(throws: ServerError.self) {
            try JSONDecoder().decode(ServerConfiguration.self, from: Data(text.utf8))
        }
        #expect(error?.description.hasPrefix("http.hosts has '") == true)
    }
}
