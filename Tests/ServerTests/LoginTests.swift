import Access
import Columns
import Foundation
import GRDB
import HTTPTypes
import Incidents
import Store
import TestSupport
import Testing

@testable import Server

struct `The log-in page` {
    private static let password = "correct horse battery"

    /// A request as a browser sends it, and what came back.
    private struct Browser {
        let url: String
        var cookie: String?

        func send(_ method: String, _ path: String, _ form: String = "", headers: [String] = []) async
            -> (code: Int, text: String)
        {
            let lines =
                ["Host: x.localhost", "Accept: text/html", "Connection: close", "Content-Length: \(form.utf8.count)"]
                + (form.isEmpty ? [] : ["Content-Type: application/x-www-form-urlencoded"])
                + (cookie.map { ["Cookie: other=1; \($0)"] } ?? []) + headers
            return await ServerFixture.exchange(
                url, "\(method) \(path) HTTP/1.1\r\n\(lines.joined(separator: "\r\n"))\r\n\r\n\(form)")
        }

        mutating func logIn(_ name: String, _ password: String = password, next: String = "") async -> (code: Int, text: String) {
            let form = "name=\(name)&password=\(password.percentEncoded)&next=\(next.percentEncoded)"
            let answer = await send("POST", "/login", form)
            if let found = answer.text.firstMatch(of: /Set-Cookie: ((?:__Host-)?obs_session=[^;]*)/.ignoresCase()) {
                cookie = String(found.1)
            }
            return answer
        }

        /// The token in the forms of a page.
        func formToken(_ path: String) async -> String {
            let page = await send("GET", path)
            return page.text.firstMatch(of: /name="form_token" value="([0-9a-f]+)"/).map { String($0.1) } ?? ""
        }
    }

    private func obs() throws -> GuardedObs {
        let obs = try GuardedObs()
        for (name, role) in [("ann", Role.responder), ("vic", .viewer)] {
            try obs.access.addAccount(name, role: role, password: Self.password, by: "test", now: .now)
        }
        return obs
    }

    @Test func `is where a browser is led that is not logged in, and leads back`() async throws {
        let obs = try obs()
        try await obs.serve { url in
            var browser = Browser(url: url)
            let led = await browser.send("GET", "/incidents/INC-1?done=note")
            #expect(led.code == 303)
            #expect(led.text.contains("ocation: ../login?next=incidents%2FINC-1%3Fdone%3Dnote\r\n"))
            #expect(await browser.send("GET", "/login?next=silences").text.contains("name=\"next\" value=\"silences\""))
            let answer = await browser.logIn("ann", next: "silences")
            #expect(answer.code == 303 && answer.text.contains("ocation: ./silences\r\n"))
            #expect(await browser.send("GET", "/silences").code == 200)
            // Programs are not led anywhere.
            let program = try await ServerFixture.get(url + "/silences")
            #expect(program.0 == 401)
        }
    }

    @Test(arguments: [
        ("incidents/INC-1?done=note", "incidents/INC-1?done=note"), ("", ""), ("//evil.example/", ""), ("/silences", ""),
        ("https://evil.example/", ""), ("a//evil.example", ""), ("\\\\evil.example", ""), ("../evil", ""), ("a\r\nX: y", ""),
        ("javascript:alert(1)", ""), ("?state=all", "?state=all"),
    ])
    func `leads to pages of obs alone`(next: String, led: String) {
        #expect(LoginPage.next(next) == led)
    }

    @Test func `sets a cookie that scripts and other sites cannot use`() async throws {
        let obs = try obs()
        try await obs.serve { url in
            var browser = Browser(url: url)
            let answer = await browser.logIn("ann")
            let header = answer.text.firstMatch(of: /Set-Cookie: (.*)\r\n/.ignoresCase()).map { String($0.1) } ?? ""
            #expect(header.contains("; HttpOnly; SameSite=Lax") && header.contains("; Path=/") && !header.contains("Secure"))
        }
        #expect(SessionCookie(isSecure: true).header("x").hasPrefix("__Host-obs_session=x; Path=/; Max-Age=43200; HttpOnly"))
        #expect(SessionCookie(isSecure: true).header("x").hasSuffix("; Secure"))
    }

    @Test func `lets people act under their own names, and only by forms that obs has shown them`() async throws {
        let obs = try obs()
        try await obs.serve({ $0.maxBodySize = 10_000 }) { url in
            var browser = Browser(url: url)
            _ = await browser.logIn("ann")
            let token = await browser.formToken("/silences?filter=a%3D%22b%22")
            #expect(token.utf8.count == 64)
            let form = "filter=a%3D%22b%22&for=1h&comment=why"
            for wrong in ["", "&form_token=", "&form_token=\(String(token.reversed()))"] {
                #expect(await browser.send("POST", "/silences", form + wrong).code == 403)
            }
            #expect(await browser.send("POST", "/silences", form + "&by=bob&form_token=\(token)").code == 400)
            #expect(await browser.send("POST", "/silences", form + "&form_token=\(token)").code == 303)
            // The API too, with the same cookie.
            let posted = await browser.send("DELETE", "/api/v2/silence/00000000-0000-4000-8000-000000000000")
            #expect(posted.code == 403)
        }
        let kept = try await obs.store.database.read { database in
            (
                try String.fetchAll(database, sql: "SELECT created_by FROM silence"),
                try String.fetchAll(database, sql: "SELECT origin FROM audit WHERE action = 'silence.set'")
            )
        }
        #expect(kept.0 == ["ann"])
        #expect(kept.1 == ["127.0.0.1"])
    }

    @Test func `shows a viewer no button that may be pressed`() async throws {
        let obs = try obs()
        try await obs.serve { url in
            var browser = Browser(url: url)
            _ = await browser.logIn("vic")
            let page = await browser.send("GET", "/silences?filter=a%3D%22b%22")
            #expect(page.text.contains("the role viewer may only look"))
            let refused = await browser.send("POST", "/silences", "filter=a")
            #expect(refused.code == 403 && refused.text.contains("this needs responder or admin"))
        }
    }

    @Test func `logs out, and a cookie of before is worth nothing`() async throws {
        let obs = try obs()
        try await obs.serve({ $0.maxBodySize = 1000 }) { url in
            var browser = Browser(url: url)
            _ = await browser.logIn("ann")
            let before = browser
            #expect(await browser.send("GET", "/login").text.contains("You are ann, with the role responder"))
            #expect(await browser.send("POST", "/logout", "x=1").code == 403)
            let token = await browser.formToken("/login")
            let answer = await browser.send("POST", "/logout", "form_token=\(token)")
            #expect(answer.code == 303 && answer.text.contains("obs_session=; Path=/; Max-Age=0"))
            #expect(await before.send("GET", "/").code == 303)
            // A second log-in ends the session of the first cookie.
            _ = await browser.logIn("ann")
            let first = browser
            let again = "name=ann&password=\(Self.password.percentEncoded)&form_token=\(await first.formToken("/login"))"
            #expect(await first.send("POST", "/login", again).code == 303)
            #expect(await first.send("GET", "/").code == 303)
        }
    }

    @Test func `refuses wrong passwords in the same words as unknown names, and all after a few`() async throws {
        let obs = try obs()
        try await obs.serve({ $0.maxBodySize = 10_000 }) { url in
            var browser = Browser(url: url)
            let wrong = await browser.logIn("ann", "wrong password"), unknown = await browser.logIn("nobody", "wrong password")
            // Neither is looked at: both are longer than what can be one.
            let longName = await browser.logIn(String(repeating: "x", count: 300), "wrong password")
            let longPassword = await browser.logIn("vic", String(repeating: "x", count: 1001))
            for answer in [wrong, unknown, longName, longPassword] {
                #expect(answer.code == 401 && answer.text.contains("The name or the password is wrong."))
            }
            for _ in 0..<4 { #expect(await browser.logIn("ann", "wrong password").code == 401) }
            let late = await browser.logIn("ann")
            #expect(late.code == 429 && late.text.lowercased().contains("retry-after: "))
            #expect(await browser.logIn("vic").code == 303)
        }
        #expect(try obs.refusals().contains { $0.contains("bad_password of ann") })
    }
}

struct `Log-ins that fail` {
    private let start = Timestamp(year: 2026, month: 11, day: 28)

    @Test func `are limited per account and address, per address, and per account`() {
        let limits = LoginLimits()
        for _ in 0..<5 { #expect(limits.attempt(from: "192.0.2.1", account: "ann", now: start) == nil) }
        #expect(limits.attempt(from: "192.0.2.1", account: "ann", now: start + .seconds(60)) == .seconds(240))
        #expect(limits.attempt(from: "192.0.2.2", account: "ann", now: start) == nil)
        #expect(limits.attempt(from: "192.0.2.1", account: "ann", now: start + .seconds(300)) == nil)
        for number in 0..<20 { _ = limits.attempt(from: "192.0.2.9", account: "a\(number)", now: start) }
        #expect(limits.attempt(from: "192.0.2.9", account: "bob", now: start) != nil)
        for number in 0..<94 { _ = limits.attempt(from: "198.51.100.\(number)", account: "cid", now: start) }
        #expect(limits.attempt(from: "203.0.113.1", account: "cid", now: start) == nil)
        for number in 0..<5 { _ = limits.attempt(from: "203.0.113.\(number)", account: "cid", now: start) }
        #expect(limits.attempt(from: "203.0.113.77", account: "cid", now: start) != nil)
    }

    @Test func `count an IPv6 network as one address`() {
        let limits = LoginLimits()
        for number in 0..<5 { _ = limits.attempt(from: "2001:db8::\(number)", account: "ann", now: start) }
        #expect(limits.attempt(from: "2001:db8::99", account: "ann", now: start) != nil)
        #expect(limits.attempt(from: "2001:db8:0:1::1", account: "ann", now: start) == nil)
    }

    @Test func `are forgotten after one that succeeds`() {
        let limits = LoginLimits()
        for _ in 0..<4 { _ = limits.attempt(from: "192.0.2.1", account: "ann", now: start) }
        _ = limits.attempt(from: "192.0.2.1", account: "ann", now: start)
        limits.succeeded(from: "192.0.2.1", account: "ann")
        for _ in 0..<5 { #expect(limits.attempt(from: "192.0.2.1", account: "ann", now: start) == nil) }
    }

    @Test func `are remembered of a bounded number of addresses`() {
        let limits = LoginLimits()
        for number in 0..<4000 {
            _ = limits.attempt(from: "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)", account: "a\(number)", now: start)
        }
        #expect(limits.count <= 10_000)
    }
}
