import Alerting
import Incidents
import Columns
import Foundation
import Query

/// What was just done to an incident, for the page that follows: a sentence, and a button that takes it back while that is
/// possible.
struct Done {
    /// The word of the button, as in ``IncidentActions/buttons``, or `silence`.
    let word: String
    /// What taking it back needs to know of the incident before.
    let before: String?

    init(_ button: IncidentActions.Button, before incident: Incident) {
        word = button.word
        before = button.memory(of: incident)
    }

    /// Reads it from the address of the page; nil when there is nothing.
    init?(_ request: RouteRequest) {
        guard let word = request.first("done") else { return nil }
        self.word = word
        before = request.given("was")
    }

    /// The query of that address.
    var query: String { "?done=\(word.percentEncoded)" + (before.map { "&was=\($0.percentEncoded)" } ?? "") }

    /// Empty when it is not, or no longer, true of the incident.
    func banner(_ incident: Incident, _ request: RouteRequest) -> HTML {
        if word == "silence" { return "<p class=\"box\">Alerts like it are silenced; see below.</p>\n" }
        let button = IncidentActions.buttons.first { $0.word == word }
        guard let (sentence, undo) = button?.outcome(incident, before) else { return "" }
        guard let undo else { return "<p class=\"box\">\(sentence)</p>\n" }
        return """
            <form class="row box" method="post" action="\(incident.id)"><b>\(sentence)</b>
            <input type="hidden" name="version" value="\(incident.version)">
            <input type="hidden" name="to" value="\(before ?? "")">
            \(request.nameField) <button name="action" value="\(undo)">Undo</button></form>

            """
    }
}
