import Access
import Alerting
import Incidents
import Columns
import HTTPTypes
import Query

/// The frame that all pages have in common: navigation, banner, footer, style.
///
/// A page is complete when it leaves the server: no script and nothing from other sites. Links are relative, so that they work
/// behind any path prefix of a proxy.
struct Page {
    let title: String
    /// The way from the page to `/`: empty, or `../` per folder.
    let root: String
    var body: HTML
    var status = HTTPResponse.Status.ok

    /// - Parameter site: what the frame shows on every page.
    func response(_ site: Site) -> RouteResponse {
        let missing = site.readiness.missing
        let banner: HTML =
            missing.isEmpty
            ? "" : "<p class=\"warning box\">obs is not ready: waiting for \(missing.joined(separator: ", "))</p>\n"
        let markup: HTML = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark"><title>\(title) · obs</title><style>\(Self.style)</style></head>
            <body><nav>\(navigation(site))</nav>
            <main>
            \(banner)\(body)</main>
            <footer>As of \(Shown.time(Timestamp.now)) UTC. All times are UTC.</footer></body></html>

            """
        var response = RouteResponse(status, contentType: "text/html; charset=utf-8", body: Array(markup.description.utf8))
        response.headers[.init("Content-Security-Policy")!] = """
            default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; \
            base-uri 'none'
            """
        // With `no-referrer` browsers also hide the origin of the page's own forms, which then look like those of other sites.
        response.headers[.init("Referrer-Policy")!] = "same-origin"
        response.headers[.cacheControl] = "no-store"
        // The same address responds with plain text to clients that do not ask for a page.
        response.headers[.vary] = "Accept"
        return response
    }

    private func navigation(_ site: Site) -> [HTML] {
        var links = Pages.all.compactMap { $0.link }.map { "<a href=\"\(root + $0.path)\">\($0.title)</a>\n" as HTML }
        if let dashboards = site.dashboards { links.append("<a href=\"\(dashboards)/d/obs-overview\">Dashboards</a>\n") }
        links += [("metrics", "Metrics"), ("api/openapi.json", "API")].map { "<a href=\"\(root + $0.0)\">\($0.1)</a>\n" }
        if site.access?.isRequired == true { links.append("<a href=\"\(root)login\">Log in or out</a>\n") }
        return links
    }

    /// The contrast is at least 4.5 to 1 in both schemes.
    private static let style: HTML = """
        :root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#57606a;--line:#d0d7de;--card:#f6f8fa;
        --link:#0550ae;--critical:#a40e26;--warning:#7d4e00;--mark:#fff3b0}
        @media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9da7b3;--line:#30363d;--card:#161b22;
        --link:#79c0ff;--critical:#ff9492;--warning:#f0c350;--mark:#5c4b00}}
        body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:.5rem 1rem;
        background:var(--bg);color:var(--fg)}
        a{color:var(--link)}
        nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;border-bottom:1px solid var(--line);padding:.25rem 0}
        h1{font-size:1.4rem;margin:.8rem 0 .3rem}h2{font-size:1.1rem;margin:1.2rem 0 .3rem}h3{font-size:1rem;margin:.8rem 0 .2rem}
        footer,.dim{color:var(--dim);font-size:.9rem}footer{margin:1.5rem 0}
        .critical{color:var(--critical)}.warning,.old{color:var(--warning)}.info{color:var(--link)}
        .box{border:1px solid var(--line);background:var(--card);border-radius:.4rem;padding:.5rem .8rem}
        ul.plain{list-style:none;padding:0;margin:0}
        ul.plain li{border-bottom:1px solid var(--line);padding:.45rem 0;overflow-wrap:anywhere}
        summary{cursor:pointer;padding:.45rem 0}
        details{border-bottom:1px solid var(--line)}details ul{padding-left:1rem!important}
        form.row{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.6rem 0}
        input,select,button{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:.3rem;
        padding:.4rem .6rem;max-width:100%;box-sizing:border-box}
        button{background:var(--card);cursor:pointer;min-height:2.6rem}
        input[type=checkbox]{width:1.2rem;height:1.2rem}.grow{flex:1 1 14rem}
        pre{background:var(--card);border:1px solid var(--line);border-radius:.3rem;padding:.5rem;overflow-x:auto}
        pre.lines{white-space:pre-wrap;overflow-wrap:anywhere}mark{background:var(--mark);color:inherit}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.5rem 0}
        dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
        .wide{overflow-x:auto}table{border-collapse:collapse;font-size:.95rem}
        td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);white-space:nowrap}
        .n{text-align:right}time{color:var(--dim)}img{max-width:100%}
        """
}

/// What all forms of pages have in common.
extension RouteRequest {
    /// Where people write their names, unless the proxy says who they are.
    var nameField: HTML {
        guard caller.may(.respond) else {
            return "<span class=\"warning\">the role \(caller.role?.rawValue ?? "") may only look</span>"
        }
        return linkNameField
    }

    /// The same on the page of a signed link, which asks for no role.
    var linkNameField: HTML {
        switch requester {
        case .user(let name?): "as \(name) \(formTokenField)"
        case .user(nil): "<span class=\"warning\">the proxy names no user: you can only look</span>"
        case .unverified: writtenName
        }
    }

    /// What every form of a person who is logged in has; ``AccessControl/checkForm(_:for:)`` looks for it.
    var formTokenField: HTML {
        caller.formToken.map { "<input type=\"hidden\" name=\"form_token\" value=\"\($0)\">" as HTML } ?? ""
    }

    /// The field itself, for forms that do not need the proxy.
    var writtenName: HTML {
        """
        <input name="by" value="\(knownName ?? "")" placeholder="your name" aria-label="your name" maxlength="60" \
        autocomplete="nickname" required>
        """
    }
}
