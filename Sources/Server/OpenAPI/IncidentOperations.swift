import Query

/// Incidents as the API describes them.
extension OpenAPI {
    private static func operation(_ path: String, _ id: String, _ summary: String) -> Operation {
        Operation(.get, path, id, summary, tag: "incidents")
    }

    private static let version = "Its version, for If-Match"

    static var incidents: [Operation] {
        [
            operation(
                "/api/v1/incidents", "listIncidents",
                "Incidents, newest first: as they were opened, and those found more than an hour after they began as they began"
            ).with {
                $0.parameters = [
                    .text("filter", "Matchers on labels, as routes have them"), .word("state", "How it stands", of: states),
                    .word("severity", "How bad it is", of: severities), .text("assignee", "Who has it"),
                    .text("search", "Words of title, name, labels and timeline"),
                    .word("unseen", "Only those that ended by themselves, and nobody did anything about", of: ["true", "false"]),
                    .word("found_in_past", "Only those that had been over for long when they were found", of: ["true", "false"]),
                    .text("since", "Opened at or after: 2h, today, or RFC 3339"), .text("until", "Opened at or before"),
                    .limit(to: 1000), .text("cursor", "From the Link header of an earlier answer"),
                ]
                $0.answer = .json(listOf: "Incident")
                $0.answerSummary = "Some incidents"
                $0.headers = ["Link": "With rel=next, the address of those that follow"]
                $0.refusals = [400]
            },
            operation(
                "/api/v1/incidents/{id}", "getIncident",
                "One incident with parts, evidence, timeline, notifications, related and similar ones"
            ).with {
                $0.parameters = [
                    .number(
                        "context", "So many lines before and after each line of evidence, from bronze",
                        1...EvidenceContext.maxLines)
                ]
                $0.answer = .json("Incident")
                $0.answerSummary = "The incident"
                $0.headers = ["ETag": version]
                $0.refusals = [400, 404]
            },
            operation(
                "/api/v1/incidents/{id}/timeline", "getTimeline", "What happened to an incident and its parts, oldest first"
            ).with {
                $0.answer = .json(listOf: "Entry")
                $0.answerSummary = "The entries"
                $0.refusals = [404]
            },
            operation(
                "/api/v1/incidents/{id}/{action}", "act", "Acknowledge, hand back, resolve, reopen, assign, note, merge or split"
            ).with {
                $0.method = .post
                $0.choices = ["action": IncidentActionRequest.names]
                $0.parameters = [.text("If-Match", "Only at this version: the ETag of an earlier answer", in: .header)]
                $0.body = .json([
                    "type": "object",
                    "properties": [
                        "by": [
                            "type": "string", "maxLength": 200,
                            "description": "Who acts; needed unless the proxy before obs says it (http.user_header)",
                        ] as [String: Any], "note": ["type": "string", "maxLength": 16_384],
                        "as": ["type": "string", "enum": ["fixed", "false_positive", "expected"]], "to": ["type": "string"],
                        "incidents": ["type": "array", "items": ["type": "string"], "maxItems": 1000] as [String: Any],
                    ] as [String: Any],
                ])
                $0.answer = .json("Incident")
                $0.answerSummary = "The incident as it is now"
                $0.headers = ["ETag": version]
                $0.refusals = [400, 403, 404, 409, 412, 415]
            },
            operation(
                AcknowledgePage.path, "showAcknowledgement", "The page that a notification's link leads to: it changes nothing"
            ).with {
                $0.parameters = acknowledgement
                $0.answer = .text("text/html")
                $0.answerSummary = "A page with a button"
                $0.refusals = [403, 404]
            },
            operation(AcknowledgePage.path, "acknowledgeByLink", "What the button of that page does").with {
                $0.method = .post
                $0.parameters = acknowledgement
                $0.body = Operation.Content(
                    type: "application/x-www-form-urlencoded",
                    schema: [
                        "type": "object",
                        "properties": [
                            "by": ["type": "string", "maxLength": 200] as [String: Any],
                            "action": ["type": "string", "enum": ["acknowledge", "hand-back"]],
                        ] as [String: Any],
                    ])
                $0.answer = .text("text/html")
                $0.answerSummary = "Who has it now"
                $0.refusals = [403, 404, 409]
            },
        ]
    }

    private static var acknowledgement: [Operation.Parameter] {
        [
            .text("expires", "Until when the link is good, in seconds since 1970"),
            .text("signature", "Of incident and end, by HMAC-SHA256"),
        ]
    }
}
