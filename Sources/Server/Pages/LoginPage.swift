import Access
import Columns
import HTTPTypes
import Query

/// Where people log in and out. Without required access nobody has to.
struct LoginPage: SitePage {
    private let site: Site

    init(_ site: Site) { self.site = site }

    var routes: [Route] {
        [
            Route(
                .get, "/login",
                .page("showLogin", "Where people log in, or see as whom they are logged in") {
                    $0.parameters = [
                        .text("next", "The page that is shown afterwards"), .text("ended", "Whether a log-out leads here"),
                    ]
                }
            ) { request in
                // obs has forgotten the person then, and the provider may have not.
                let end = request.first("ended") == nil ? nil : await site.access?.openID?.provider.endOfSession
                return show(request, endOfSession: end)
            },
            Route(.post, "/login", Self.loggingIn) { try await logIn($0) },
            Route(.post, "/logout", Self.loggingOut) { try logOut($0) },
            // Not on the threads of requests: both wait for the provider. And what has begun must end, though the browser leaves.
            Route(.get, "/\(OpenIDLogIns.path)", Self.leaving, isInstant: true) { try await beginLogIn($0) },
            Route(.get, "/\(OpenIDLogIns.returnPath)", Self.returning, isInstant: true) { try await endLogIn($0) },
        ]
    }

    private static let loggingIn = Operation("logIn", .pages, "Logs in, and sets the cookie of the session") {
        $0.body = .form(
            ["name": ["type": "string"], "password": ["type": "string"], "next": ["type": "string"]],
            required: ["name", "password"])
        $0.status = 303
        $0.responseSummary = "Done; leads to the page that was asked for"
        $0.refusals = [401, 403, 415, 429, 503]
    }

    private static let loggingOut = Operation("logOut", .pages, "Ends the session") {
        $0.body = .form(["form_token": ["type": "string"]])
        $0.status = 303
        $0.responseSummary = "Done; leads to the log-in"
        $0.refusals = [403, 415]
    }

    private static let leaving = Operation("beginOpenIDLogIn", .pages, "Leads to the provider of log-ins (http.oidc)") {
        $0.parameters = [.text("next", "The page that is shown afterwards")]
        $0.status = 303
        $0.responseSummary = "Leads to the provider, and sets the cookie of the log-in"
        $0.refusals = [404, 503]
    }

    private static let returning = Operation("endOpenIDLogIn", .pages, "Where the provider of log-ins sends browsers back to") {
        $0.parameters = [
            .text("code", "What obs redeems"), .text("state", "Of the log-in"), .text("error", "Why there is no code"),
            .text("iss", "The provider"),
        ]
        $0.status = 303
        $0.responseSummary = "Done; leads to the page that was asked for, with the cookie of the session"
        $0.refusals = [401, 403, 404, 429, 503]
    }

    private func show(
        _ request: RouteRequest, root: String = "", complaint: String? = nil, status: HTTPResponse.Status = .ok,
        endOfSession: String? = nil
    ) -> RouteResponse {
        var body: HTML = "<h1>Log in</h1>\n"
        if let endOfSession, let name = site.access?.openID?.name {
            body += """
                <p class="box">You are logged out here. \(name) may still know you:
                <a href="\(endOfSession)">log out there too</a>.</p>

                """
        }
        if let complaint { body += "<p class=\"warning box\">\(complaint)</p>\n" }
        if site.access?.isRequired != true {
            body += "<p>Nobody has to log in here: access is open.</p>\n"
        } else if complaint == nil, request.caller.formToken != nil, case .user(let name?) = request.requester {
            body = loggedIn(name, request)
        } else {
            body += form(request, root)
        }
        return Page(title: "Log in", root: root, body: body, status: status).response(site)
    }

    private func form(_ request: RouteRequest, _ root: String) -> HTML {
        let next = Self.next(request.first("next") ?? request.field("next"))
        guard let openID = site.access?.openID else { return passwordForm(next, root) }
        let provider: HTML = """
            <p class="box"><a href="\(root)\(OpenIDLogIns.path)?next=\(next.percentEncoded)">Log in by \(openID.name)</a></p>

            """
        return site.access?.hasAccounts == true ? provider + passwordForm(next, root) : provider
    }

    private func passwordForm(_ next: String, _ root: String) -> HTML {
        """
        <form class="row box" method="post" action="\(root)login">
        <input type="hidden" name="next" value="\(next)">
        <input name="name" placeholder="name" aria-label="name" maxlength="64" autocomplete="username" required>
        <input name="password" type="password" placeholder="password" aria-label="password" maxlength="1000"
        autocomplete="current-password" required>
        <button>Log in</button></form>
        <p class="dim">An administrator of this obs adds people with <code>obs user add</code>.</p>

        """
    }

    private func loggedIn(_ name: String, _ request: RouteRequest) -> HTML {
        let role = request.caller.role?.rawValue ?? ""
        return """
            <h1>Logged in</h1>
            <form class="row box" method="post" action="logout">You are \(name), with the role \(role). \(request.formTokenField)
            <button>Log out</button></form>

            """
    }

    private func logIn(_ request: RouteRequest) async throws -> RouteResponse {
        try request.requireForm()
        guard let access = site.access, access.isRequired else { return show(request) }
        guard let name = request.field("name"), let password = request.form.first(where: { $0.name == "password" })?.value,
            !password.isEmpty
        else { return show(request, complaint: "Give your name and your password.", status: .badRequest) }
        do {
            let secret = try await access.logIn(name, password: password, request)
            var response = RouteResponse.empty(.seeOther)
            response.headers[.location] = "./" + Self.next(request.field("next"))
            response.headers[.setCookie] = access.cookie.header(secret)
            return response
        } catch let error as HTTPFailure where error.status != .serviceUnavailable {
            var response = show(request, complaint: error.message, status: error.status)
            if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
            return response
        }
    }

    private func beginLogIn(_ request: RouteRequest) async throws -> RouteResponse {
        guard let access = site.access, access.isRequired else { return show(request, root: "../") }
        let (address, cookie) = try await access.beginLogIn(request, next: Self.next(request.first("next")))
        var response = RouteResponse.empty(.seeOther)
        response.headers[.location] = address
        response.headers[.setCookie] = cookie
        return response
    }

    private func endLogIn(_ request: RouteRequest) async throws -> RouteResponse {
        guard let access = site.access, access.isRequired else { return show(request, root: "../../") }
        var response = RouteResponse.empty(.seeOther)
        do {
            let (secret, next) = try await access.endLogIn(request)
            response.headers[.location] = "../../" + next
            response.headers.append(HTTPField(name: .setCookie, value: access.cookie.header(secret)))
        } catch let error as HTTPFailure where error.status != .notFound {
            response = show(request, root: "../../", complaint: error.message, status: error.status)
            if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
        }
        // The log-in is over, however it ended.
        if let login = access.openID?.cookie.header(nil) { response.headers.append(HTTPField(name: .setCookie, value: login)) }
        return response
    }

    private func logOut(_ request: RouteRequest) throws -> RouteResponse {
        try request.requireForm()
        var response = RouteResponse.empty(.seeOther)
        response.headers[.location] = "login?ended=yes"
        guard let access = site.access else { return response }
        try access.logOut(request)
        response.headers[.setCookie] = access.cookie.header(nil)
        return response
    }

    /// The page that is shown after a log-in, relative to `/`. Only a path of obs itself: a link to this page must not lead to
    /// another site.
    static func next(_ text: String?) -> String {
        guard let text, text.utf8.count <= 2000, let first = text.utf8.first, first != UInt8(ascii: "/") else { return "" }
        let isPath = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || [UInt8](("-._~/?&=%+,").utf8).contains(byte)
        }
        let path = text.utf8.prefix { $0 != UInt8(ascii: "?") }
        return isPath && !OutsideText(String(Substring(path))).contains("//") && !OutsideText(text).contains("..") ? text : ""
    }
}
