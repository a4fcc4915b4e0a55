import HTTPTypes
import Query

/// The list of runbooks, and each of them.
struct RunbooksPage: SitePage {
    static let link: NavigationLink? = NavigationLink(path: "runbooks", title: "Runbooks")

    private let site: Site

    init(_ site: Site) { self.site = site }

    var routes: [Route] {
        [
            Route(.get, "/runbooks", .page("listRunbooks", "The runbooks")) { _ in list() },
            Route(
                .get, "/runbooks/{name}",
                .page("getRunbook", "The page that says what to do when an alert fires; as text, Markdown") {
                    $0.alternative = .text("text/markdown")
                    $0.refusals = [404]
                }
            ) { try one($0) },
        ]
    }

    private func list() -> RouteResponse {
        let links = Runbook.names(folder: site.runbooks).map { "<li><a href=\"runbooks/\($0)\">\($0)</a></li>\n" as HTML }
        return Page(title: "Runbooks", root: "", body: "<h1>Runbooks</h1>\n<ul>\(links)</ul>\n").response(site)
    }

    private func one(_ request: RouteRequest) throws -> RouteResponse {
        let name = request.parameter("name")
        guard let runbook = Runbook(folder: site.runbooks, name: name) else {
            throw HTTPFailure(.notFound, code: "no_runbook", "there is no runbook '\(name)'; /runbooks lists all of them")
        }
        guard request.wantsPage else { return .text(runbook.text, contentType: "text/markdown; charset=utf-8") }
        let filter = "alertname=\"\(name)\"".percentEncoded
        let incidents: HTML = "<p><a href=\"../?filter=\(filter)\">Incidents of this kind</a></p>\n"
        return Page(title: name, root: "../", body: "\(runbook.html())\(incidents)").response(site)
    }
}
