import Alerting
import Incidents
import Columns
import Detection
import HTTPTypes
import Query

/// The page that the link in a notification opens. Opening it changes nothing, because mail scanners and chat previews open links
/// too: it shows what would be acknowledged, with a button that does it, and afterwards one that hands it back. The signature of
/// the link says who may, not the page that the form is posted from.
struct AcknowledgePage: SitePage {
    static let path = "/incidents/{id}/acknowledge"

    private let site: Site

    init(_ site: Site) { self.site = site }

    /// None when links are not signed.
    var routes: [Route] {
        guard let links = site.alerts.inForce.acknowledgeLinks else { return [] }
        return [
            Route(.get, Self.path, Self.opened) { try show($0, links) },
            Route(.post, Self.path, Self.pressed) { try act($0, links) },
        ]
    }

    private static let opened = Operation(
        "showAcknowledgement", .incidents, "The page that a notification's link opens; it changes nothing"
    ) {
        $0.parameters = parameters
        $0.response = .text("text/html")
        $0.responseSummary = "A page with a button"
        $0.refusals = [403, 404]
    }

    private static let pressed = Operation("acknowledgeByLink", .incidents, "What the button of that page does") {
        $0.parameters = parameters
        $0.body = .form([
            "by": ["type": "string", "maxLength": 200], "action": ["type": "string", "enum": ["acknowledge", "hand-back"]],
        ])
        $0.response = .text("text/html")
        $0.responseSummary = "Who has it now"
        $0.refusals = [403, 404, 409]
    }

    private static let parameters = [
        Operation.Parameter.text("expires", "When the link expires, in seconds since 1970"),
        .text("signature", "The HMAC-SHA256 of incident and expiry"),
    ]

    private func show(_ request: RouteRequest, _ links: AcknowledgeLinks) throws -> RouteResponse {
        let incident = try signed(request, links)
        switch incident.state {
        case .open: return page(incident, Self.form(request, "acknowledge", "Acknowledge"))
        case .acknowledged:
            let sentence: HTML = "<p>Acknowledged by \(incident.acknowledgedBy ?? "somebody") already.</p>\n"
            return page(incident, sentence + Self.form(request, "hand-back", "Hand back"))
        case .resolved:
            return page(incident, "<p>It has ended\(incident.changedBy.map { ": \($0) resolved it" } ?? "").</p>\n")
        }
    }

    private func act(_ request: RouteRequest, _ links: AcknowledgeLinks) throws -> RouteResponse {
        let incident = try signed(request, links)
        // Whoever has the link may act; the proxy says who they are, if they came through it.
        let name = if case .user(let user?) = request.requester { user } else { request.field("by") ?? "link" }
        let isHandedBack = request.field("action") == "hand-back"
        do {
            let changed = try site.incidents.perform(
                isHandedBack ? .handBack : .acknowledge, on: incident.id, by: name,
                note: "\(isHandedBack ? "handed back" : "acknowledged") by the link of a notification", now: .now)
            let sentence: HTML =
                isHandedBack
                ? "<p>Handed back: escalation continues where it stopped.</p>\n"
                : "<p>Acknowledged by \(changed.acknowledgedBy ?? name).</p>\n"
            let button =
                isHandedBack
                ? Self.form(request, "acknowledge", "Acknowledge") : Self.form(request, "hand-back", "Undo: hand back")
            return page(changed, sentence + button)
        } catch let error as IncidentError {
            return page(incident, "<p class=\"warning box\">\(error.description)</p>", status: .conflict)
        }
    }

    /// The incident of the link, once its signature is checked.
    private func signed(_ request: RouteRequest, _ links: AcknowledgeLinks) throws -> Incident {
        let id = request.parameter("id")
        do {
            try links.check(id, expires: request.first("expires"), signature: request.first("signature"), now: .now)
        } catch {
            throw HTTPFailure(.forbidden, code: "bad_link", "\(error)")
        }
        return try site.incidents.incident(id).incident
    }

    /// The form posts to the address that it came from, including the signature.
    private static func form(_ request: RouteRequest, _ action: String, _ label: String) -> HTML {
        let name = request.requester == .user(nil) ? request.writtenName : request.linkNameField
        return """
            <form class="row box" method="post">\(name)
            <button name="action" value="\(action)">\(label)</button></form>

            """
    }

    private func page(_ incident: Incident, _ body: HTML, status: HTTPResponse.Status = .ok) -> RouteResponse {
        let about: HTML = """
            <h1><b class="\(incident.severity.rawValue)">\(incident.severity.rawValue)</b> \(incident.title)</h1>
            <p>\(incident.id): \(incident.description)</p>
            \(body)<p><a href="../\(incident.id)">Evidence, timeline, what to do first</a></p>

            """
        return Page(title: incident.id, root: "../../", body: about, status: status).response(site)
    }
}
