import Alerting
import Columns
import Foundation
import HTTPTypes
import Query

/// Where the link in a notification leads. Opening it changes nothing (mail scanners and chat previews open links too): it shows what would be acknowledged, and a
/// button that does it, and one that hands it back after. The signature of the link, not the page that a form is posted from, says who may.
struct AcknowledgePage {
    static let path = "/incidents/{id}/acknowledge"

    let site: Site
    let links: AcknowledgeLinks

    func answer(_ question: HTTPQuestion) throws -> HTTPAnswer {
        let incident = try signed(question)
        let form: HTML =
            switch incident.state {
            case .open: Self.form(question, "acknowledge", "Acknowledge")
            case .acknowledged: Self.form(question, "hand-back", "Hand back")
            case .resolved: ""
            }
        return page(incident, (incident.state == .open ? "" : "<p>\(Self.standing(incident))</p>\n" as HTML) + form)
    }

    func acknowledge(_ question: HTTPQuestion) throws -> HTTPAnswer {
        let incident = try signed(question)
        // Whoever has the link may; who they are the proxy says, if they came by it.
        let name = if case .user(let user?) = question.requester { user } else { question.field("by") ?? "link" }
        do {
            let isHandedBack = question.field("action") == "hand-back"
            let taken = try site.incidents.perform(
                isHandedBack ? .handBack : .acknowledge, on: incident.id, by: name,
                note: "\(isHandedBack ? "handed back" : "acknowledged") by the link of a notification", now: Site.now)
            guard !isHandedBack else {
                return page(
                    taken,
                    "<p>Handed back: escalation goes on where it was.</p>\n" + Self.form(question, "acknowledge", "Acknowledge"))
            }
            return page(
                taken,
                "<p>Acknowledged by \(taken.acknowledgedBy ?? name).</p>\n" + Self.form(question, "hand-back", "Undo: hand back"))
        } catch let error as AlertingError {
            return page(incident, "<p class=\"warning box\">\(error.description)</p>", status: .conflict)
        }
    }

    /// The incident that the link is of.
    private func signed(_ question: HTTPQuestion) throws -> Incident {
        let id = question.parameters["id"] ?? ""
        do {
            try links.check(id, expires: question.first("expires"), signature: question.first("signature"), now: Site.now)
        } catch {
            throw HTTPFailure(.forbidden, code: "bad_link", error.description)
        }
        return try site.incidents.incident(id).incident
    }

    private static func standing(_ incident: Incident) -> String {
        switch incident.state {
        case .open: "open"
        case .acknowledged: "Acknowledged by \(incident.acknowledgedBy ?? "somebody") already."
        case .resolved: "It has ended\(incident.changedBy.map { ": \($0) resolved it" } ?? "")."
        }
    }

    /// The form posts to the address that it came from, signature and all.
    private static func form(_ question: HTTPQuestion, _ action: String, _ label: String) -> HTML {
        let name = question.requester == .user(nil) ? question.writtenName : question.nameField
        return
            "<form class=\"row box\" method=\"post\">\(name)\n<button name=\"action\" value=\"\(action)\">\(label)</button></form>\n"
    }

    private func page(_ incident: Incident, _ body: HTML, status: HTTPResponse.Status = .ok) -> HTTPAnswer {
        let about: HTML = """
            <h1><b class="\(incident.severity.rawValue)">\(incident.severity.rawValue)</b> \(incident.title)</h1>
            <p>\(incident.id): \(incident.description)</p>
            \(body)<p><a href="../\(incident.id)">Evidence, timeline, what to do first</a></p>

            """
        return Page(title: incident.id, root: "../../", body: about, status: status).answer(site)
    }
}
