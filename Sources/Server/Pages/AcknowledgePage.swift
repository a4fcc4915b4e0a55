import Alerting
import Columns
import Foundation
import HTTPTypes
import Query
import Telemetry

/// Where the link in a notification leads. Opening it changes nothing (mail scanners and chat previews open links too): it shows what would be acknowledged, and a
/// button that does it.
enum AcknowledgePage {
    static let path = "/incidents/{id}/acknowledge"

    static func routes(_ incidents: IncidentStore, _ links: AcknowledgeLinks) -> [Route] {
        [
            Route(.get, path) { question in
                try check(question, links)
                let incident = try find(question, incidents)
                return page(incident, incident.state == .open ? form : "<p>\(standing(incident))</p>")
            },
            Route(.post, path) { question in
                try check(question, links)
                let incident = try find(question, incidents)
                let name = question.field("by")
                do {
                    let taken = try incidents.perform(
                        .acknowledge, on: incident.id, by: name ?? "link",
                        note: "acknowledged by the link of a notification",
                        now: now)
                    return page(taken, "<p>Acknowledged. It is \(taken.acknowledgedBy ?? "yours") who has it.</p>")
                } catch let error as AlertingError {
                    return page(incident, "<p>\(error.description)</p>", status: .conflict)
                }
            },
        ]
    }

    private static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds) }

    private static func check(_ question: HTTPQuestion, _ links: AcknowledgeLinks) throws {
        do {
            try links.check(
                question.parameters["id"] ?? "", expires: question.first("expires"), signature: question.first("signature"),
                now: now)
        } catch {
            throw HTTPFailure(.forbidden, code: "bad_link", error.description)
        }
    }

    private static func find(_ question: HTTPQuestion, _ incidents: IncidentStore) throws -> Incident {
        do {
            return try incidents.incident(question.parameters["id"] ?? "").incident
        } catch let error as AlertingError {
            throw HTTPFailure(.notFound, code: "no_incident", error.description)
        }
    }

    private static func standing(_ incident: Incident) -> String {
        switch incident.state {
        case .open: "open"
        case .acknowledged: "Acknowledged by \(incident.acknowledgedBy ?? "somebody") already."
        case .resolved: "It has ended\(incident.changedBy.map { ": \($0) resolved it" } ?? "")."
        }
    }

    /// The form posts to the address that it came from, signature and all.
    private static let form: HTML =
        """
        <form method="post"><label>Your name <input name="by" maxlength="60" autocomplete="nickname" required></label>
        <button>Acknowledge</button></form>
        """

    private static func page(_ incident: Incident, _ body: HTML, status: HTTPResponse.Status = .ok) -> HTTPAnswer {
        let markup: HTML = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="dark light"><title>\(incident.id)</title>
            <style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem}input,button{font:inherit;padding:.6rem;margin:.4rem 0;width:100%;box-sizing:border-box}</style>
            </head><body><h1>\(incident.id) <small>\(incident.severity.rawValue)</small></h1>
            <p><strong>\(incident.title)</strong></p><p>\(incident.description)</p>
            \(body)
            <p><a href="../\(incident.id)">Evidence, timeline, what to do first</a></p></body></html>
            """
        var answer = HTTPAnswer(status, contentType: "text/html; charset=utf-8", body: Array(markup.description.utf8))
        answer.headers[.init("Content-Security-Policy")!] =
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
        answer.headers[.init("Referrer-Policy")!] = "no-referrer"
        answer.headers[.cacheControl] = "no-store"
        return answer
    }
}
