import Alerting
import Columns
import Foundation
import HTTPTypes
import Ingest
import Query
import Telemetry

/// What all pages for browsers have in common: the frame, the way from one to the other, and who may post their forms.
///
/// They are whole when they leave the server: no script, nothing from elsewhere, and links that are relative, so that they work behind any prefix of a proxy.
struct Page {
    let title: String
    /// What leads from the page to `/`: empty, or `../` once for each folder between.
    let root: String
    var body: HTML
    var status = HTTPResponse.Status.ok

    /// - Parameter site: what the frame says on every page.
    func answer(_ site: Site) -> HTTPAnswer {
        let places = [("./", "Incidents"), ("silences", "Silences"), ("history", "History"), ("runbooks", "Runbooks")]
        var links = places.map { "<a href=\"\(root + $0.0)\">\($0.1)</a>\n" as HTML }
        if let dashboards = site.dashboards { links.append("<a href=\"\(dashboards)/d/obs-overview\">Dashboards</a>\n") }
        links += [("metrics", "Metrics"), ("api/openapi.json", "API")].map { "<a href=\"\(root + $0.0)\">\($0.1)</a>\n" }
        let missing = site.readiness.missing
        let banner: HTML =
            missing.isEmpty
            ? "" : "<p class=\"warning box\">obs is not ready: waiting for \(missing.joined(separator: ", "))</p>\n"
        let markup: HTML = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark"><title>\(title) · obs</title><style>\(Self.style)</style></head>
            <body><nav>\(links)</nav>
            <main>
            \(banner)\(body)</main>
            <footer>As of \(IncidentView.time(Site.now)) UTC. All times are UTC.</footer></body></html>

            """
        var answer = HTTPAnswer(status, contentType: "text/html; charset=utf-8", body: Array(markup.description.utf8))
        answer.headers[.init("Content-Security-Policy")!] =
            "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        // With `no-referrer` browsers also hide the origin of the page's own forms, which then cannot be told from those of others.
        answer.headers[.init("Referrer-Policy")!] = "same-origin"
        answer.headers[.cacheControl] = "no-store"
        // The same address is text for who does not ask for a page.
        answer.headers[.vary] = "Accept"
        return answer
    }

    /// Contrast is at least 4.5 to 1 in both schemes.
    private static let style: HTML = """
        :root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#57606a;--line:#d0d7de;--card:#f6f8fa;--link:#0550ae;--critical:#a40e26;--warning:#7d4e00;--mark:#fff3b0}
        @media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9da7b3;--line:#30363d;--card:#161b22;--link:#79c0ff;--critical:#ff9492;--warning:#f0c350;--mark:#5c4b00}}
        body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:.5rem 1rem;background:var(--bg);color:var(--fg)}
        a{color:var(--link)}nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;border-bottom:1px solid var(--line);padding:.25rem 0}
        h1{font-size:1.4rem;margin:.8rem 0 .3rem}h2{font-size:1.1rem;margin:1.2rem 0 .3rem}h3{font-size:1rem;margin:.8rem 0 .2rem}
        footer,.dim{color:var(--dim);font-size:.9rem}footer{margin:1.5rem 0}.critical{color:var(--critical)}.warning,.old{color:var(--warning)}.info{color:var(--link)}
        .box{border:1px solid var(--line);background:var(--card);border-radius:.4rem;padding:.5rem .8rem}
        ul.plain{list-style:none;padding:0;margin:0}ul.plain li{border-bottom:1px solid var(--line);padding:.45rem 0;overflow-wrap:anywhere}
        summary{cursor:pointer;padding:.45rem 0}details{border-bottom:1px solid var(--line)}details ul{padding-left:1rem!important}
        form.row{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.6rem 0}input,select,button{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:.3rem;padding:.4rem .6rem;max-width:100%;box-sizing:border-box}
        button{background:var(--card);cursor:pointer;min-height:2.6rem}input[type=checkbox]{width:1.2rem;height:1.2rem}.grow{flex:1 1 14rem}
        pre{background:var(--card);border:1px solid var(--line);border-radius:.3rem;padding:.5rem;overflow-x:auto}pre.lines{white-space:pre-wrap;overflow-wrap:anywhere}mark{background:var(--mark);color:inherit}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.5rem 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
        .wide{overflow-x:auto}table{border-collapse:collapse;font-size:.95rem}td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);white-space:nowrap}.n{text-align:right}time{color:var(--dim)}img{max-width:100%}
        """
}

/// What the pages know of the obs that they are of.
struct Site {
    var incidents: IncidentStore
    var alerts: AlertManager
    /// The folder of the runbooks.
    var runbooks: String
    /// Where Grafana is; nil shows no links to it.
    var dashboards: String?
    var readiness: Readiness
    var sources: @Sendable () -> [SourceReport] = { [] }

    static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds) }

    var questions: IncidentQuestions { IncidentQuestions(incidents) }
}

extension HTTPQuestion {
    /// Whether a browser asks, or somebody else who wants a page rather than text.
    var wantsPage: Bool { headers[.accept].map { OutsideText($0).contains("text/html") } == true }

    /// The fields of a posted form; several may have one name.
    var form: [(name: String, value: String)] {
        body.split(separator: UInt8(ascii: "&")).map { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false).map(Self.decode)
            return (parts[0], parts.count == 2 ? parts[1] : "")
        }
    }

    /// A name or a value of a form; what is no UTF-8 is U+FFFD.
    ///
    /// Source: URL Living Standard, §5.1, "application/x-www-form-urlencoded parsing".
    private static func decode(_ bytes: ArraySlice<UInt8>) -> String {
        func digit(_ byte: UInt8?) -> UInt8? {
            switch byte {
            case let byte? where (0x30...0x39).contains(byte): byte - 0x30
            case let byte? where (0x61...0x66).contains(byte | 0x20): (byte | 0x20) - 0x57
            default: nil
            }
        }
        var decoded: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let high = digit(rest.first), let low = digit(rest.dropFirst().first) {
                decoded.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                decoded.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// A field of a posted form without blanks around it; nil when it is empty.
    func field(_ name: String) -> String? {
        let value = OutsideText(form.first { $0.name == name }?.value ?? "").trimmed
        return value.isEmpty ? nil : value
    }

    /// Forms of pages are taken in the one shape that pages post. That they are obs's own pages ``Doorkeeper`` has seen to.
    func requireForm() throws {
        guard
            headers[.contentType].map({ OutsideText($0.lowercased()).starts(with: "application/x-www-form-urlencoded") }) == true
        else {
            throw HTTPFailure(
                .unsupportedMediaType, code: "bad_body",
                "this takes the form of its page; programs use /api/v1, see /api/openapi.json")
        }
    }

    /// Who does what a form is about; nil when they have not said so.
    func person() throws(HTTPFailure) -> String? { try requester.name(field("by")) }

    /// The name that the person gave last time.
    var knownName: String? {
        let cookies =
            headers[.cookie].map { OutsideText($0).split { $0 == ";" }.map { OutsideText(OutsideText($0).trimmed) } } ?? []
        return cookies.first { $0.starts(with: "obs_name=") }.flatMap {
            String($0.scalars.dropFirst("obs_name=".utf8.count)).removingPercentEncoding
        }
    }

    /// Where a person writes who they are, unless the proxy says it.
    var nameField: HTML {
        switch requester {
        case .user(let name?): return "as \(name)"
        case .user(nil): return "<span class=\"warning\">nobody has let you in: you can only look</span>"
        case .unverified: return writtenName
        }
    }

    /// The same for those who need not come by the proxy.
    var writtenName: HTML {
        "<input name=\"by\" value=\"\(knownName ?? "")\" placeholder=\"your name\" aria-label=\"your name\" maxlength=\"60\" autocomplete=\"nickname\" required>"
    }
}

extension HTTPAnswer {
    /// Leads to another page after something was done, and remembers who did it, for thirty days.
    ///
    /// - Parameter place: relative to the page that was posted to.
    static func seeOther(_ place: String, by name: String) -> HTTPAnswer {
        var answer = HTTPAnswer.empty(.seeOther)
        answer.headers[.location] = place
        answer.headers[.setCookie] = "obs_name=\(name.percentEncoded); Max-Age=2592000; HttpOnly; SameSite=Strict; Path=/"
        return answer
    }
}
