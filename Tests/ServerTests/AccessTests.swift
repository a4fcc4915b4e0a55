import Access
import Alerting
import Columns
import Foundation
import GRDB
import HTTPTypes
import Incidents
import Lake
import Logging
import Notify
import Query
import Store
import Telemetry
import TestSupport
import Testing

@testable import Server

/// An obs with tokens, whose routes are all there and have nothing to show.
struct GuardedObs {
    let folder = TemporaryFolder()
    let store: Store
    let access: AccessStore
    private let served: ServedObs
    var routes: [Server.Route] { Routes.all(served) }

    init() throws {
        store = try Store(path: folder.path + "/obs.db", migrations: IncidentStore.migrations + AccessStore.migrations)
        access = AccessStore(store)
        let incidents = IncidentStore(store), metrics = MetricsRegistry()
        let inbox = AlertInbox(
            AlertingConfiguration(), incidents: incidents, links: try AcknowledgeLinks(besides: folder.path + "/obs.db"),
            metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        served = ServedObs(
            version: "1", alerts: inbox, incidents: incidents, lake: Lake(root: folder.path + "/lake"),
            serving: try ServingStore(path: folder.path + "/serve.db"), runbooks: "runbooks", readiness: Readiness([]),
            metrics: metrics)
    }

    func secret(_ role: Role, _ name: String? = nil, expiresAt: Timestamp? = nil) throws -> String {
        try access.createToken(named: name, role: role, expiresAt: expiresAt, by: "test", now: .now).secret
    }

    /// What the audit has of refused requests.
    func refusals() throws -> [String] {
        try store.database.read {
            try Row.fetchAll(
                $0, sql: "SELECT actor, subject, detail, origin FROM audit WHERE action = 'request.refuse' ORDER BY id"
            ).map { row in (0..<4).map { (row[$0] as String?) ?? "" }.joined(separator: " | ") }
        }
    }

    /// Serves it with access required.
    func serve(
        _ configure: (inout ServerConfiguration) -> Void = { _ in }, _ body: @Sendable (String) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration()
        configuration.listen = "127.0.0.1:0"
        configuration.access = .required
        configuration.maxBodySize = 100
        configuration.trustedProxies = [IPNetwork("127.0.0.1")!]
        configure(&configuration)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let control = AccessControl(configuration, store: access, logger: logger)
        var served = served
        served.access = control
        try await ServerFixture.withServer(
            Routes.all(served), access: control, configure: { [configuration] in $0 = configuration }, body)
    }
}

struct `The table of routes` {
    @Test func `has every route of obs, and no other`() throws {
        let routes = try GuardedObs().routes.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(RouteAccess.table.map(\.route)) == Set(routes))
        #expect(routes.count == RouteAccess.table.count)
    }

    @Test func `is the one of docs/security.md`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/security.md")
        #expect(
            try String(contentsOf: page, encoding: .utf8).contains("\n\(RouteAccess.markdown)\n"),
            "put this into docs/security.md:\n\(RouteAccess.markdown)")
    }

    @Test func `lets no GET change anything`() {
        for (route, need) in RouteAccess.table where route.hasPrefix("GET ") || route.hasPrefix("HEAD ") {
            #expect(need != .permission(.respond) && need != .permission(.administer), "\(route)")
        }
    }

    @Test func `is complete before a server starts`() async throws {
        let obs = try GuardedObs()
        let server = HTTPServer(
            ServerConfiguration(), routes: obs.routes + [Route(.get, "/new") { _ in .text("") }],
            access: AccessControl(ServerConfiguration(), store: obs.access, logger: Logger(label: "test")),
            metrics: MetricsRegistry(), logger: Logger(label: "test"))
        let error = await #expect(throws: ServerError.self) { try await server.run() }
        #expect(error?.description.hasPrefix("the route 'GET /new' does not say what it needs") == true)
    }
}

struct `Access` {
    /// The codes of refusals for want of a credential; a route can refuse what it is asked for other reasons.
    private static let codes = ["no_token", "bad_token", "expired_token", "revoked_token", "not_allowed"]

    private static func code(in text: String) -> String? {
        codes.first { text.contains("\"code\":\"\($0)\"") }
    }

    /// What a route that was asked with a token has refused; "" when it did not.
    private func ask(_ url: String, _ route: Server.Route, _ token: String?) async throws -> (status: Int, code: String?) {
        let path = route.path.replacing("{id}", with: "INC-1").replacing("{action}", with: "note").replacing("{", with: "")
            .replacing("}", with: "")
        let (status, text, _) = try await ServerFixture.get(
            url + path, method: route.method.rawValue, body: route.method.mayChange ? "{}" : nil,
            headers: (token.map { ["Authorization": "Bearer \($0)"] } ?? [:]).merging(["Content-Type": "application/json"]) {
                first, _ in first
            })
        return (status, Self.code(in: text))
    }

    /// Who asks: by which role, with what, and why that is refused.
    private typealias Asking = (name: String, role: Role?, secret: String?, code: String)

    @Test func `is given to every route by the roles that the table says, and by nothing else`() async throws {
        let obs = try GuardedObs()
        var tokens: [Asking] = []
        for role in Role.allCases { tokens.append((role.rawValue, role, try obs.secret(role), "not_allowed")) }
        let revoked = try obs.secret(.admin, "gone")
        _ = try obs.access.revokeToken("gone", by: "test", now: .now)
        tokens += [
            ("none", nil, nil, "no_token"), ("wrong", nil, "obs_" + String(repeating: "0", count: 64), "bad_token"),
            ("expired", nil, try obs.secret(.admin, expiresAt: Timestamp.now - .seconds(1)), "expired_token"),
            ("revoked", nil, revoked, "revoked_token"),
        ]
        try await obs.serve { [tokens] url in try await walk(obs, url, tokens) }
    }

    /// The tokens of a provider of log-ins: what it says of a program is believed as far as a role goes, and nothing that is
    /// forged, old or meant for others is.
    @Test(.enabled(if: OpenIDTestProvider.canBeMade))
    func `is given to every route by the roles of a provider's tokens, and by no token that is not good`() async throws {
        let obs = try GuardedObs(), provider = try OpenIDTestProvider()
        var tokens: [Asking] = Role.ofPeople.map { role in
            (role.rawValue, role, provider.token { $0.claims["groups"] = ["obs-\(role.rawValue)"] }, "not_allowed")
        }
        tokens += [
            ("expired", nil, provider.token { $0.claims["exp"] = 1 }, "bad_token"),
            ("meant for others", nil, provider.token { $0.claims["aud"] = "grafana" }, "bad_token"),
            ("of another issuer", nil, provider.token { $0.claims["iss"] = "http://127.0.0.1:1" }, "bad_token"),
            ("without a signature", nil, provider.token { ($0.header["alg"], $0.key) = ("none", .none) }, "bad_token"),
            ("by a key that it does not show", nil, provider.token { $0.key = .otherRSA }, "bad_token"),
            (
                "by its public key as a secret", nil,
                provider.token { ($0.header["alg"], $0.key) = ("HS256", .shared(OpenIDTestProvider.publicKey)) }, "bad_token"
            ),
        ]
        let roles = Dictionary(uniqueKeysWithValues: Role.ofPeople.map { ("obs-\($0.rawValue)", $0) })
        let section = OpenIDSection(
            issuer: provider.issuer, clientID: provider.clientID, clientSecret: .text(provider.clientSecret), roles: roles,
            timeout: .seconds(120))
        try await obs.serve({ $0.openID = section }) { [tokens] url in try await walk(obs, url, tokens) }
    }

    /// Asks every route with each of them.
    private func walk(_ obs: GuardedObs, _ url: String, _ tokens: [Asking]) async throws {
        for route in obs.routes {
            let need = try #require(RouteAccess.need(of: route))
            for token in tokens {
                let answer = try await ask(url, route, token.secret)
                let may =
                    switch need {
                    case .nothing: true
                    case .signedLink: token.role != nil || token.secret == nil
                    case .permission(let permission): token.role?.may(permission) == true
                    }
                // Alertmanager's API has refusals of its own shape, without these codes. Where people log in, 401 is also what
                // a log-in that went wrong gets.
                let isRefused =
                    need == .nothing
                    ? answer.code == token.code
                    : answer.status == 401 || answer.code != nil || route.path.hasPrefix("/api/v2/") && answer.status == 403
                let name = "\(route.method.rawValue) \(route.path) as \(token.name): \(answer)"
                #expect(isRefused == !may, "\(name)")
                guard !may else { continue }
                #expect(answer.status == (token.role == nil ? 401 : 403), "\(name)")
                if !route.path.hasPrefix("/api/v2/"), route.method != .head { #expect(answer.code == token.code, "\(name)") }
            }
        }
    }

    @Test func `is open on loopback unless it is configured, whatever a client sends`() async throws {
        let obs = try GuardedObs()
        try await obs.serve({ $0.access = nil }) { url in
            for token in [nil, "nonsense", try obs.secret(.ingest)] {
                let headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
                #expect(try await ServerFixture.get(url + "/api/v1/incidents", headers: headers).0 == 200)
            }
        }
    }

    @Test func `knows a token as a bearer, as the password of Basic, and as a key of Elasticsearch`() async throws {
        let obs = try GuardedObs(), secret = try obs.secret(.viewer)
        @Sendable func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
        try await obs.serve { url in
            for (header, status) in [
                ("Bearer \(secret)", 200), ("bearer  \(secret)", 200), ("Splunk \(secret)", 200),
                ("Basic \(base64("any:\(secret)"))", 200),
                ("Basic \(base64(":\(secret)"))", 200), ("ApiKey \(base64("id:\(secret)"))", 200),
                (secret, 401), ("Bearer", 401), ("Bearer \(secret) x", 401), ("Basic \(base64(secret))", 401),
                ("Basic \(base64("\(secret):"))", 401), ("Basic ***", 401), ("Digest \(secret)", 401), ("", 401),
            ] {
                let answer = try await ServerFixture.get(url + "/api/v1/incidents", headers: ["Authorization": header])
                #expect(answer.0 == status, "\(header)")
                if status == 401 { #expect(answer.2["WWW-Authenticate"] as? String == "Bearer realm=\"obs\"") }
            }
        }
    }

    @Test func `takes a token away from one request to the next`() async throws {
        let obs = try GuardedObs(), secret = try obs.secret(.viewer, "a")
        try await obs.serve { url in
            func status() async throws -> Int {
                try await ServerFixture.get(url + "/metrics", headers: ["Authorization": "Bearer \(secret)"]).0
            }
            #expect(try await status() == 200)
            // Another process does it.
            let other = AccessStore(
                try Store(path: obs.store.path, migrations: IncidentStore.migrations + AccessStore.migrations))
            #expect(try other.tokens().first?.lastUsedAt != nil)
            _ = try other.revokeToken("a", by: "ann", now: .now)
            #expect(try await status() == 401)
        }
    }

    @Test func `is refused before the body of a request is read`() async throws {
        let obs = try GuardedObs()
        try await obs.serve { url in
            let answer = await ServerFixture.exchange(
                url,
                "POST /api/v1/ingest/auth HTTP/1.1\r\nHost: x.localhost\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n")
            #expect(answer.code == 401)
        }
    }

    @Test func `puts each refused request into the audit, and of many alike one entry with their number`() async throws {
        let obs = try GuardedObs(), secret = try obs.secret(.viewer, "prometheus")
        try await obs.serve { url in
            let bearer = ["Authorization": "Bearer \(secret)"]
            let reload = try await ServerFixture.get(url + "/-/reload", method: "POST", headers: bearer)
            #expect(reload.0 == 403)
            #expect(await eventually { (try? obs.refusals())?.count == 1 })
            for _ in 0..<50 {
                let answer = try await ServerFixture.get(url + "/metrics")
                #expect(answer.0 == 401)
            }
        }
        let refusals = try obs.refusals()
        #expect(refusals.first == "prometheus | POST /-/reload | not_allowed | 127.0.0.1")
        #expect(refusals.dropFirst().first == "- | GET /metrics | no_token | 127.0.0.1")
        // The rest of a minute is one entry, at the latest when the server stops.
        #expect(refusals.last?.hasPrefix("obs | requests | 49 more requests were refused since") == true)
        #expect(refusals.count == 3)
    }

    @Test func `believes the user that a proxy names only from an address that is a proxy's`() async throws {
        let obs = try GuardedObs()
        let silence =
            #"{"matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"2030-01-01T00:00:00Z","#
            + #""endsAt":"2031-01-01T00:00:00Z","createdBy":"x","comment":"c"}"#
        for (proxies, role, status) in [
            (["127.0.0.0/8"], Role.responder, 200), (["127.0.0.1"], .viewer, 403), (["10.0.0.0/8"], .responder, 401),
        ] {
            try await obs.serve({
                $0.userHeader = "X-Forwarded-User"
                $0.userRole = role
                $0.trustedProxies = proxies.map { IPNetwork($0)! }
                $0.maxBodySize = 1000
            }) { url in
                let answer = try await ServerFixture.get(
                    url + "/api/v2/silences", method: "POST", body: silence,
                    headers: ["X-Forwarded-User": "ann", "Content-Type": "application/json"])
                #expect(answer.0 == status, "\(proxies) \(answer.1)")
            }
        }
        let authors = try await obs.store.database.read { try String.fetchAll($0, sql: "SELECT created_by FROM silence") }
        #expect(authors == ["ann"])
    }

    @Test(arguments: [
        ("192.0.2.9", ["198.51.100.1"], "192.0.2.9"), ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.1"), ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
    ])
    func `takes from X-Forwarded-For only what trusted proxies have written`(peer: String, headers: [String], origin: String) {
        var fields = HTTPFields()
        for header in headers { fields.append(HTTPField(name: .xForwardedFor, value: header)) }
        let proxies = TrustedProxies(networks: [IPNetwork("10.0.0.0/8")!])
        #expect(proxies.origin(fields, peer: IPAddress(peer))?.description == origin)
    }

    @Test func `shows nobody what a health check knows, but whether obs is ready`() async throws {
        let notes = HealthNotes(), obs = try GuardedObs(), secret = try obs.secret(.viewer)
        notes.note(.damagedFile, "serve.db", "data/serve.db: it was damaged")
        let routes = OperationsRoutes.all(metrics: MetricsRegistry(), readiness: Readiness([], notes: notes)) { _ in nil }
        var configuration = ServerConfiguration()
        configuration.access = .required
        let access = AccessControl(configuration, store: obs.access, logger: Logger(label: "test"))
        try await ServerFixture.withServer(routes, access: access) { url in
            #expect(try await ServerFixture.get(url + "/-/ready").1 == "obs is ready.\n")
            let seen = try await ServerFixture.get(url + "/-/ready", headers: ["Authorization": "Bearer \(secret)"])
            #expect(seen.1.contains("serve.db: it was damaged"))
        }
    }

    @Test func `says to browsers with every response what they must not do with it`() async throws {
        let obs = try GuardedObs()
        try await obs.serve { url in
            for path in ["/", "/metrics", "/-/healthy", "/nothing"] {
                let headers = try await ServerFixture.get(url + path).2
                for name in [
                    "X-Content-Type-Options", "X-Frame-Options", "Content-Security-Policy", "Referrer-Policy", "Cache-Control",
                    "Cross-Origin-Resource-Policy",
                ] { #expect(headers[name] != nil, "\(path) \(name)") }
            }
        }
    }
}

struct `Where the server listens` {
    private func configuration(_ text: String) throws -> ServerConfiguration {
        try JSONDecoder().decode(ServerConfiguration.self, from: Data(text.utf8))
    }

    private static let files = #""tls":{"cert_file":"a","key_file":"b"}"#

    @Test(
        arguments: [
            ("{}", nil, false), (#"{"listen":"localhost:1"}"#, nil, false), (#"{"listen":"127.1.2.3:1"}"#, nil, false),
            (#"{"listen":"[::1]:1"}"#, nil, false), (#"{"listen":"[::ffff:127.0.0.1]:1"}"#, nil, false),
            (#"{"listen":"127.0.0.1:1","access":"required"}"#, nil, true),
            (#"{"listen":"0.0.0.0:1"}"#, "there is no TLS", true), (#"{"listen":":1"}"#, "there is no TLS", true),
            (#"{"listen":"[::]:1"}"#, "there is no TLS", true), (#"{"listen":"obs.example.org:1"}"#, "there is no TLS", true),
            (#"{"listen":"localhost.example.org:1"}"#, "there is no TLS", true),
            (#"{"listen":"192.0.2.1:1"}"#, "there is no TLS", true),
            (#"{"listen":"0.0.0.0:1",\#(files)}"#, nil, true),
            (#"{"listen":"0.0.0.0:1",\#(files),"access":"open"}"#, "http.access is open", false),
            (#"{"listen":"0.0.0.0:1","insecure":true}"#, nil, true),
            (#"{"listen":"0.0.0.0:1","insecure":true,"access":"open"}"#, nil, false),
        ] as [(String, String?, Bool)])
    func `needs TLS and tokens where other machines reach it, unless somebody says otherwise`(
        text: String, refusal: String?, isRequired: Bool
    ) throws {
        let configuration = try configuration(text)
        #expect(configuration.isAccessRequired == isRequired)
        guard let refusal else { return #expect(configuration.exposure == nil) }
        let sentence = try #require(configuration.exposure)
        #expect(sentence.contains(refusal) && sentence.contains("--insecure") && !sentence.contains("\n"))
    }

    @Test func `says in the log what is weak although somebody wanted it so`() throws {
        #expect(try configuration(#"{"listen":"0.0.0.0:1","insecure":true}"#).acceptedWeaknesses.count == 1)
        #expect(try configuration(#"{"listen":"0.0.0.0:1","insecure":true,"access":"open"}"#).acceptedWeaknesses.count == 2)
        #expect(try configuration(#"{"insecure":true,"access":"open"}"#).acceptedWeaknesses.isEmpty)
    }

    @Test(arguments: [
        (#"{"user_header":"X-User"}"#, "trusted_proxies: [127.0.0.1]"),
        (#"{"trusted_proxies":["proxy.example.org"]}"#, "write an address or a network"),
        (#"{"trusted_proxies":["10.0.0.0/33"]}"#, "write an address or a network"),
    ])
    func `believes a header only from proxies that are named by address`(text: String, sentence: String) {
        let error = #expect(throws: ServerError.self) { try configuration(text) }
        #expect(error?.description.contains(sentence) == true)
    }
}
