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
                    $0.parameters = [.text("next", "The page that is shown afterwards")]
                }
            ) { show($0) },
            Route(.post, "/login", Self.loggingIn) { try await logIn($0) },
            Route(.post, "/logout", Self.loggingOut) { try logOut($0) },
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

    private func show(_ request: RouteRequest, complaint: String? = nil, status: HTTPResponse.Status = .ok) -> RouteResponse {
        var body: HTML = "<h1>Log in</h1>\n"
        if let complaint { body += "<p class=\"warning box\">\(complaint)</p>\n" }
        if site.access?.isRequired != true {
            body += "<p>Nobody has to log in here: access is open.</p>\n"
        } else if request.caller.formToken != nil, case .user(let name?) = request.requester {
            body = loggedIn(name, request)
        } else {
            body += form(request)
        }
        return Page(title: "Log in", root: "", body: body, status: status).response(site)
    }

    private func form(_ request: RouteRequest) -> HTML {
        let next = Self.next(request.first("next") ?? request.field("next"))
        return """
            <form class="row box" method="post" action="login">
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

    private func logOut(_ request: RouteRequest) throws -> RouteResponse {
        try request.requireForm()
        var response = RouteResponse.empty(.seeOther)
        response.headers[.location] = "login"
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
