import Alerting
import Columns
import Foundation
import HTTPTypes
import Query

/// Where the link in a notification leads. Opening it changes nothing (mail scanners and chat previews open links too): it shows what would be acknowledged, and a
/// button that does it. The signature of the link, not the page that a form is posted from, says who may.
struct AcknowledgePage {
    static let path = "/incidents/{id}/acknowledge"

    let site: Site
    let links: AcknowledgeLinks

    func answer(_ question: HTTPQuestion) throws -> HTTPAnswer {
        let incident = try signed(question)
        return page(incident, incident.state == .open ? Self.form(question) : "<p>\(Self.standing(incident))</p>")
    }

    func acknowledge(_ question: HTTPQuestion) throws -> HTTPAnswer {
        let incident = try signed(question)
        // Whoever has the link may; who they are the proxy says, if they came by it.
        let name = if case .user(let user?) = question.requester { user } else { question.field("by") ?? "link" }
        do {
            let taken = try site.incidents.perform(
                .acknowledge, on: incident.id, by: name,
                note: "acknowledged by the link of a notification", now: Site.now)
            return page(taken, "<p>Acknowledged. It is \(taken.acknowledgedBy ?? "yours") who has it.</p>")
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
    private static func form(_ question: HTTPQuestion) -> HTML {
        let name = question.requester == .user(nil) ? question.writtenName : question.nameField
        return "<form class=\"row box\" method=\"post\">\(name)\n<button>Acknowledge</button></form>\n"
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
