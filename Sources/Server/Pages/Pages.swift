import Alerting
import Incidents
import Columns
import Foundation
import HTTPTypes
import Query

/// A page for browsers, or a few that belong together, with the forms on it.
protocol SitePage: Sendable {
    /// Its entry in the navigation; nil for a page that only other pages lead to.
    static var link: NavigationLink? { get }

    init(_ site: Site)

    /// What the page shows and what its forms do. Errors of other rooms and refusals become an error page for browsers.
    var routes: [Route] { get }
}

extension SitePage {
    static var link: NavigationLink? { nil }
}

/// An entry in the navigation: a path relative to `/`, and its title.
struct NavigationLink {
    let path: String
    let title: String
}

/// What obs shows to people in a browser. The addresses that notifications link to respond with plain text to other clients, so
/// that `curl` can read them too.
enum Pages {
    /// All pages, in the order of the navigation. A new page is a file in this folder and an entry here.
    static let all: [any SitePage.Type] = [
        IncidentsPage.self, AcknowledgePage.self, IncidentPage.self, SilencesPage.self, HistoryPage.self, RunbooksPage.self,
        LoginPage.self,
    ]

    static func routes(_ site: Site) -> [Route] {
        all.flatMap { $0.init(site).routes }.map { route in
            let root = String(repeating: "../", count: route.path.count { $0 == "/" } - 1)
            @Sendable func page(_ failure: HTTPFailure) -> RouteResponse {
                let body: HTML = "<h1>This cannot be shown</h1>\n<p class=\"warning box\">\(failure.message)</p>\n"
                return Page(title: "Error", root: root, body: body, status: failure.status).response(site)
            }
            var wrapped = route.wrapped { request, respond in
                do {
                    return try await HTTPFailure.translatingErrors { try await respond(request) }
                } catch let failure as HTTPFailure where request.wantsPage {
                    return page(failure)
                }
            }
            wrapped.refusalPage = page
            return wrapped
        }
    }
}

/// What the API document says about pages. Where programs get another representation, both are described.
extension Operation {
    static func page(_ id: String, _ summary: String, _ details: (inout Operation) -> Void = { _ in }) -> Operation {
        Operation(id, .pages, summary) {
            $0.response = .text("text/html")
            $0.responseSummary = "A page"
            details(&$0)
        }
    }

    /// A form of a page; one that a page of another site posts is refused.
    static func form(
        _ id: String, _ summary: String, fields: [String], refusals: [Int] = [400, 403, 404, 415]
    ) -> Operation {
        Operation(id, .pages, summary) {
            $0.body = .form(
                Dictionary(uniqueKeysWithValues: fields.map { ($0, ["type": "string"]) }), required: ["by"])
            $0.status = 303
            $0.responseSummary = "Done; leads to the page that shows it"
            $0.refusals = refusals
        }
    }
}
