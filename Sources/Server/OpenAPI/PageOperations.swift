/// The pages as the API describes them. Where a page is text for programs too, both are said.
extension OpenAPI {
    static var pages: [Operation] {
        func page(_ path: String, _ id: String, _ summary: String) -> Operation {
            Operation(.get, path, id, summary, tag: "pages").with {
                $0.answer = .text("text/html")
                $0.answerSummary = "A page"
            }
        }
        /// What the button of a page does; a page of another site is refused.
        func deed(_ path: String, _ id: String, _ summary: String, fields: [String]) -> Operation {
            Operation(.post, path, id, summary, tag: "pages").with {
                $0.body = Operation.Content(
                    type: "application/x-www-form-urlencoded",
                    schema: [
                        "type": "object", "required": ["by"],
                        "properties": Dictionary(uniqueKeysWithValues: fields.map { ($0, ["type": "string"]) }),
                    ])
                $0.status = 303
                $0.answerSummary = "Done; leads to the page that shows it"
                $0.refusals = [400, 403, 404, 415]
            }
        }
        return [
            page("/", "listIncidentsForPeople", "What is open, worst first; as text, the newest incidents").with {
                $0.otherAnswer = .text()
                $0.parameters = [
                    .text("filter", "Matchers on labels"), .text("search", "Words of titles and timelines"),
                    .word("state", "How it stands", of: ["", "all"] + states),
                    .word("severity", "How bad it is", of: [""] + severities),
                    .word("unseen", "Only those that ended by themselves, and nobody did anything about", of: ["true", "false"]),
                    .word("found_in_past", "Only those that had been over for long when they were found", of: ["true", "false"]),
                    .text("acknowledged", "Those that were acknowledged at once just now, for a button that takes it back"),
                ]
                $0.refusals = [400]
            },
            deed(
                "/incidents/acknowledge", "acknowledgeTicked", "Acknowledges several incidents, or hands them back",
                fields: ["id", "by", "note", "action"]),
            page("/incidents/{id}", "showIncident", "One incident: evidence, what to do first, what happened").with {
                $0.otherAnswer = .text()
                $0.parameters = [
                    .text("done", "What was just done, for a button that takes it back"), .text("was", "How it was before"),
                ]
                $0.refusals = [404]
            },
            deed(
                "/incidents/{id}", "actOnPage", "What the buttons of an incident's page do",
                fields: ["action", "by", "note", "to", "version"]
            ).with { $0.refusals = [400, 403, 404, 409, 415] },
            page("/incidents/{id}/figures.svg", "drawFigures", "What the tables count about an incident, as a picture").with {
                $0.answer = .text("image/svg+xml")
                $0.answerSummary = "A picture"
                $0.refusals = [404]
            },
            page("/silences", "showSilences", "The silences, and what another would hide").with {
                $0.parameters = [
                    .text("filter", "Matchers of a silence to be made"), .text("incident", "What it is made for"),
                ]
            },
            deed("/silences", "addSilence", "Makes a silence", fields: ["filter", "for", "by", "comment", "incident"]),
            deed(
                "/silences/{id}", "changeSilence", "Ends a silence, or lets it last an hour longer",
                fields: ["action", "by", "incident"]),
            page("/history", "showHistory", "How often what happened, how long it took, and who did what").with {
                $0.parameters = [.text("since", "From then on: 7d, today, or RFC 3339")]
                $0.refusals = [400]
            },
            page("/runbooks", "listRunbooks", "The runbooks"),
            page("/runbooks/{name}", "getRunbook", "The page that says what to do when an alert fires; as text, Markdown").with {
                $0.otherAnswer = .text("text/markdown")
                $0.refusals = [404]
            },
        ]
    }
}
