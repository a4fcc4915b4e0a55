import Access
import Columns
import Foundation
import GRDB
import Notify
import Store
import TestSupport
import Testing

@testable import Server

@Suite(.enabled(if: OpenIDTestProvider.canBeMade))
struct `A log-in by a provider` {
    private let provider: OpenIDTestProvider
    private let obs: GuardedObs

    init() throws {
        provider = try OpenIDTestProvider()
        obs = try GuardedObs()
    }

    private var section: OpenIDSection {
        OpenIDSection(
            issuer: provider.issuer, clientID: provider.clientID, clientSecret: .text(provider.clientSecret), name: "Example SSO",
            roles: ["sre": .responder, "staff": .viewer], timeout: .seconds(120))
    }

    /// A browser that keeps cookies and follows nothing by itself.
    private struct Browser {
        let url: String
        var cookies: [String: String] = [:]

        mutating func get(_ path: String, _ method: String = "GET", _ form: String = "") async -> (
            code: Int, text: String, location: String
        ) {
            let shown = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
            let lines = [
                "\(method) \(path) HTTP/1.1", "Host: x.localhost", "Accept: text/html", "Connection: close", "Cookie: \(shown)",
                "Content-Type: application/x-www-form-urlencoded", "Content-Length: \(form.utf8.count)",
            ]
            let answer = await ServerFixture.exchange(url, lines.joined(separator: "\r\n") + "\r\n\r\n" + form)
            for match in answer.text.matches(of: /Set-Cookie: ([^=]+)=([^;]*);/.ignoresCase()) {
                cookies[String(match.1)] = match.2.isEmpty ? nil : String(match.2)
            }
            let location = answer.text.firstMatch(of: /Location: (\S*)/.ignoresCase()).map { String($0.1) } ?? ""
            return (answer.code, answer.text, location)
        }

        /// Goes to the provider, and is where that sends it back to: a path of obs.
        mutating func approved(by provider: OpenIDTestProvider, next: String = "") async throws -> String {
            let begun = await get("/login/openid?next=\(next.percentEncoded)")
            #expect(begun.code == 303 && begun.location.hasPrefix(provider.issuer + "/authorize?"), "\(begun)")
            let back = try #require(try provider.approval(of: begun.location))
            #expect(back.hasPrefix("http://x.localhost/login/openid/return?"), "\(back)")
            return String(back.dropFirst("http://x.localhost".count))
        }
    }

    private func serve(_ change: (inout OpenIDSection) -> Void = { _ in }, _ body: @Sendable (Browser) async throws -> Void)
        async throws
    {
        var section = section
        change(&section)
        try await obs.serve({ configuration in
            configuration.openID = section
            configuration.maxBodySize = 10_000
        }) { url in try await body(Browser(url: url)) }
    }

    @Test func `leads to the provider and back to the page that was asked for, and out again`() async throws {
        try await serve { browser in
            var browser = browser
            let page = await browser.get("/login?next=silences")
            #expect(page.text.contains("<a href=\"login/openid?next=silences\">Log in by Example SSO</a>"))
            #expect(!page.text.contains("type=\"password\""), "nobody has a password here")
            let back = try await browser.approved(by: provider, next: "silences")
            #expect(browser.cookies.keys.sorted() == ["obs_login"])
            let ended = await browser.get(back)
            #expect(ended.code == 303 && ended.location == "../../silences", "\(ended)")
            #expect(browser.cookies.keys.sorted() == ["obs_session"], "the cookie of the log-in is gone")
            let silences = await browser.get("/silences?filter=a%3D%22b%22")
            #expect(silences.code == 200 && silences.text.contains("as ann"))
            let token = silences.text.firstMatch(of: /name="form_token" value="([0-9a-f]+)"/).map { String($0.1) } ?? ""
            #expect(
                await browser.get("/silences", "POST", "filter=a%3D%22b%22&for=1h&comment=why&form_token=\(token)").code == 303)
            let out = await browser.get("/logout", "POST", "form_token=\(token)")
            #expect(out.location == "login?ended=yes" && browser.cookies["obs_session"] == nil)
            let last = await browser.get("/login?ended=yes")
            #expect(last.text.contains("<a href=\"\(provider.issuer)/end?client_id=obs\">log out there too</a>"), "\(last)")
            #expect(await browser.get("/silences").code == 303)
        }
        let kept = try await obs.store.database.read { database in
            (
                try String.fetchAll(database, sql: "SELECT created_by FROM silence"),
                try String.fetchAll(database, sql: "SELECT actor || ': ' || detail FROM audit WHERE action = 'session.open'")
            )
        }
        #expect(kept.0 == ["ann"])
        #expect(kept.1.first == "ann: from 127.0.0.1, with the role responder by another service")
    }

    @Test func `keeps its secrets out of what a script, another site and the provider see`() async throws {
        try await serve { browser in
            var browser = browser
            let begun = await browser.get("/login/openid?next=silences")
            let header = begun.text.firstMatch(of: /Set-Cookie: (.*)\r\n/.ignoresCase()).map { String($0.1) } ?? ""
            #expect(header.hasSuffix("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"), "\(header)")
            let query = URLComponents(string: begun.location)?.queryItems ?? []
            let fields = Dictionary(query.map { ($0.name, $0.value ?? "") }) { first, _ in first }
            #expect(fields["code_challenge_method"] == "S256" && fields["code_challenge"]?.utf8.count == 43)
            #expect(fields["state"]?.utf8.count == 43 && fields["nonce"]?.utf8.count == 43 && fields["state"] != fields["nonce"])
            #expect(fields["redirect_uri"] == "http://x.localhost/login/openid/return" && fields["next"] == nil)
            let other = await browser.get("/login/openid?next=silences")
            #expect(!other.location.contains(fields["state"] ?? ""), "each log-in has its own")
        }
    }

    @Test(arguments: [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "a//evil.example",
        "../evil", "x\r\nLocation: https://evil.example", "@evil.example", "",
    ])
    func `leads to no other site afterwards`(next: String) async throws {
        try await serve { browser in
            var browser = browser
            let ended = await browser.get(try await browser.approved(by: provider, next: next))
            #expect(ended.code == 303 && ended.location == "../../", "\(ended.location)")
        }
    }

    /// What is wrong with the way back.
    private enum Attack: String, CaseIterable {
        case otherState = "bad_state"
        case noState = "bad_state "
        case otherBrowser = "no_login"
        case twice = "used_login"
        case codeOfAnother = "bad_code"
        case usedCode = "bad_code "
        case noCode = "no_code"
        case otherIssuer = "bad_code  "
        case noIssuer = "bad_code   "
        case refusedThere = "provider_refused"
    }

    @Test(arguments: Attack.allCases.map(\.rawValue))
    func `is refused, and noted, when its end is not that of its beginning`(attack: String) async throws {
        let attack = try #require(Attack(rawValue: attack)), code = attack.rawValue.split(separator: " ")[0]
        try await serve { browser in
            var browser = browser, other = Browser(url: browser.url)
            var back = try await browser.approved(by: provider)
            func value(_ name: String, _ address: String) -> String {
                URLComponents(string: address)?.queryItems?.first { $0.name == name }?.value ?? ""
            }
            switch attack {
            case .otherState:
                back = back.replacing(value("state", back), with: value("state", try await other.approved(by: provider)))
            case .noState: back = back.replacing("state=", with: "s=")
            case .otherBrowser: browser = other
            case .twice:
                let cookies = browser.cookies
                #expect(await browser.get(back).code == 303)
                browser.cookies = cookies
            case .codeOfAnother:
                // Somebody else's code, as if it had been seen on its way: it is of another secret of PKCE.
                back = back.replacing(value("code", back), with: value("code", try await other.approved(by: provider)))
            case .usedCode:
                let first = back
                #expect(await browser.get(first).code == 303)
                browser.cookies = [:]
                back = try await browser.approved(by: provider)
                back = back.replacing(value("code", back), with: value("code", first))
            case .noCode: back = back.replacing("code=", with: "c=")
            case .otherIssuer:
                back = back.replacing(provider.issuer.percentEncoded, with: "https%3A%2F%2Fevil.example")
                    .replacing("iss=\(provider.issuer)", with: "iss=https://evil.example")
            case .noIssuer: back = back.replacing("iss=", with: "i=")
            case .refusedThere: back = back.replacing("code=", with: "error=access_denied&c=")
            }
            let ended = await browser.get(back)
            #expect(ended.code == 401 && ended.text.contains("class=\"warning box\""), "\(ended)")
            #expect(browser.cookies["obs_session"] == nil)
        }
        let refusals = try obs.refusals()
        #expect(refusals.last?.hasPrefix("- | GET /login/openid/return | \(code) | 127.0.0.1") == true, "\(refusals)")
    }

    /// Forgeries of the token itself are in AccessTests; these are of what belongs to a log-in alone.
    @Test(arguments: [
        ("nonce of another", 401), ("no nonce", 401), ("two audiences and no party", 401), ("another party", 401),
        ("a token for programs", 401), ("no signature", 401), ("the public key as a secret", 401), ("expired", 401),
        ("no role", 403),
        ("name of an account", 403), ("name of a token", 403),
    ])
    func `is refused for a token with`(what: String, status: Int) async throws {
        let isOfAccount = what == "name of an account"
        if isOfAccount {
            try obs.access.addAccount("bob", role: .admin, password: "correct horse battery", by: "test", now: .now)
        }
        _ = try obs.secret(.admin, "grafana")
        provider.changing { token in
            switch what {
            case "nonce of another": token.claims["nonce"] = "x"
            case "no nonce": token.claims["nonce"] = nil
            case "two audiences and no party": token.claims["aud"] = ["obs", "grafana"]
            case "another party": token.claims["azp"] = "grafana"
            case "a token for programs": token.header["typ"] = "at+jwt"
            case "no signature": (token.header["alg"], token.key) = ("none", .none)
            case "the public key as a secret": (token.header["alg"], token.key) = ("HS256", .shared(OpenIDTestProvider.publicKey))
            case "expired": token.claims["exp"] = 1
            case "no role": token.claims["groups"] = ["everybody"]
            case "name of an account": token.claims["preferred_username"] = "bob"
            default: token.claims["preferred_username"] = "grafana"
            }
        }
        try await serve { browser in
            var browser = browser
            let ended = await browser.get(try await browser.approved(by: provider))
            #expect(ended.code == status && browser.cookies["obs_session"] == nil, "\(ended)")
            #expect(ended.text.contains("type=\"password\"") == isOfAccount, "those with an account may still log in")
        }
    }

    @Test func `says so when the provider cannot be asked, or obs and it do not agree`() async throws {
        try await serve { browser in
            var browser = browser
            let back = try await browser.approved(by: provider)
            provider.failing("500 Broken")
            let ended = await browser.get(back)
            #expect(ended.code == 503 && ended.text.contains("it answers 500"), "\(ended)")
        }
        provider.failing(nil)
        try await serve({ $0.clientSecret = .text("wrong") }) { browser in
            var browser = browser
            let ended = await browser.get(try await browser.approved(by: provider))
            #expect(ended.code == 401 && ended.text.contains("does not take the code: invalid_client"), "\(ended)")
        }
        provider.stop()
        try await serve { browser in
            var browser = browser
            let begun = await browser.get("/login/openid")
            #expect(begun.code == 503 && begun.text.contains("the provider of log-ins cannot be asked"), "\(begun)")
        }
    }

    @Test func `is refused after too many that failed`() async throws {
        try await serve { browser in
            var browser = browser
            for _ in 0..<20 { #expect(await browser.get("/login/openid/return?state=x").code == 401) }
            let late = await browser.get("/login/openid/return?state=x")
            #expect(late.code == 429 && late.text.lowercased().contains("retry-after: "))
        }
    }

    @Test func `is not there without a provider`() async throws {
        try await obs.serve { url in
            for path in ["/login/openid", "/login/openid/return"] {
                let answer = try await ServerFixture.get(url + path)
                #expect(answer.0 == 404)
            }
        }
    }

    @Test func `ends when an account of the same name is made, and when it is ended by others`() async throws {
        try await serve { browser in
            for end in [
                { try obs.access.addAccount("ann", role: .viewer, password: "correct horse battery", by: "test", now: .now) },
                { try obs.access.endSessions(of: "ann", by: "test", now: .now) },
            ] {
                var browser = browser
                let ended = await browser.get(try await browser.approved(by: provider))
                #expect(ended.code == 303)
                #expect(await browser.get("/").code == 200)
                try end()
                #expect(await browser.get("/").code == 303)
                if try !obs.access.accounts().isEmpty { try obs.access.removeAccount("ann", by: "test", now: .now) }
            }
        }
        #expect(throws: AccessError.self) { try obs.access.endSessions(of: "ann", by: "test", now: .now) }
    }

    @Test func `is not needed by programs that bring a token of the provider`() async throws {
        _ = try obs.secret(.admin, "bob")
        try await serve { browser in
            func status(_ route: String, _ token: String) async throws -> Int {
                let words = route.split(separator: " ").map(String.init)
                return try await ServerFixture.get(
                    browser.url + words[1], method: words[0], body: words[0] == "POST" ? "{}" : nil,
                    headers: ["Authorization": "Bearer \(token)", "Content-Type": "application/json"]
                ).0
            }
            let responder = provider.token(), viewer = provider.token { $0.claims["groups"] = ["staff"] }
            let note = "POST /api/v1/incidents/INC-1/note"
            let first = try await status("GET /api/v1/incidents", responder)
            #expect(first == 200)
            #expect(try await status("GET /api/v1/incidents", viewer) == 200)
            #expect(try await status(note, viewer) == 403)
            #expect(![401, 403].contains(try await status(note, responder)))
            #expect(try await status("POST /-/reload", responder) == 403)
            #expect(try await status("GET /api/v1/incidents", provider.token { $0.claims["aud"] = "grafana" }) == 401)
            #expect(try await status("GET /api/v1/incidents", provider.token { $0.claims["preferred_username"] = "bob" }) == 403)
            provider.failing("500 Broken")
            #expect(try await status("GET /api/v1/incidents", responder) == 200, "its keys are known")
        }
        let refusals = try obs.refusals()
        #expect(refusals.contains { $0.contains("ann | POST /-/reload | not_allowed") }, "\(refusals)")
        #expect(refusals.contains { $0.contains("- | GET /api/v1/incidents | bad_token") }, "\(refusals)")
    }
}
