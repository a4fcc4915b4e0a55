import Alerting
import Columns
import Foundation
import Query

/// What was just done to an incident, for the page that follows: a sentence, and a button that takes it back for as long as it is so.
struct Done {
    /// The action of the form, as ``IncidentPage`` names it.
    let action: String
    /// What the incident was before, where taking it back must know: how it had been resolved, or whom it was assigned to.
    let was: String?

    init(_ action: String, before incident: Incident) {
        self.action = action
        was =
            switch action {
            case "reopen": incident.resolution?.rawValue
            case "mine": incident.assignee
            default: nil
            }
    }

    /// Read from the address that the action led to; nil where it led nowhere.
    init?(_ question: HTTPQuestion) {
        guard let action = question.first("done") else { return nil }
        self.action = action
        was = question.first("was").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The query of that address.
    var query: String { "?done=\(action.percentEncoded)" + (was.map { "&was=\($0.percentEncoded)" } ?? "") }

    /// What is said, and what takes it back; nil for what is not so (any more), whatever an address says.
    private func words(_ incident: Incident) -> (sentence: String, undo: String?)? {
        switch (action, incident.state) {
        case ("acknowledge", .acknowledged): ("Acknowledged by \(incident.acknowledgedBy ?? "somebody").", "hand-back")
        case ("hand-back", .open): ("Handed back: nobody has it, and escalation goes on where it was.", "acknowledge")
        case ("fixed", .resolved), ("false_positive", .resolved), ("expected", .resolved):
            ("Resolved.", incident.resolution == .quiet || incident.resolution == .past ? nil : "reopen")
        case ("reopen", .open):
            // What had ended by itself is not a person's to end in that way.
            ("Reopened.", was.flatMap { ["fixed", "false_positive", "expected"].contains($0) ? $0 : nil })
        case ("mine", .acknowledged), ("mine", .open):
            incident.assignee.map { ("Assigned to \($0).", "assign") }
        case ("silence", _): ("Alerts like it are silenced; see below.", nil)
        case ("note", _): ("Noted.", nil)
        default: nil
        }
    }

    func banner(_ incident: Incident, _ question: HTTPQuestion) -> HTML {
        guard let (sentence, undo) = words(incident) else { return "" }
        guard let undo else { return "<p class=\"box\">\(sentence)</p>\n" }
        return """
            <form class="row box" method="post" action="\(incident.id)"><b>\(sentence)</b>
            <input type="hidden" name="version" value="\(incident.version)"><input type="hidden" name="to" value="\(was ?? "")">
            \(question.nameField) <button name="action" value="\(undo)">Undo</button></form>

            """
    }
}
