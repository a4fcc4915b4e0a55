/// What else the server answers: Alertmanager's API, lines and rows, and the program itself.
extension OpenAPI {
    /// The paths of Alertmanager's own document, which says their shapes: `api/v2/openapi.yaml` in its repository.
    static var alerts: [Operation] {
        func operation(_ path: String, _ id: String, _ summary: String) -> Operation {
            Operation(.get, path, id, summary + " (as Alertmanager's API v2 has it)", tag: "alertmanager")
        }
        let list = Operation.Content.json(["type": "array", "items": ["type": "object"]])
        let filter = Operation.Parameter.text("filter", "A matcher; may come several times")
        let kinds = ["active", "silenced", "inhibited"].map {
            Operation.Parameter(name: $0, summary: "Whether those are wanted", schema: ["type": "boolean", "default": true])
        }
        return [
            operation("/api/v2/status", "getStatus", "Version, uptime and configuration").with {
                $0.answer = .json(["type": "object"])
            },
            operation("/api/v2/receivers", "getReceivers", "The names of the receivers").with { $0.answer = list },
            operation("/api/v2/alerts", "getAlerts", "The alerts that hold").with {
                $0.parameters = [filter, .text("receiver", "An expression that names of receivers match")] + kinds
                $0.answer = list
            },
            operation("/api/v2/alerts", "postAlerts", "Takes in alerts; they are on disk when it answers").with {
                $0.method = .post
                $0.body = list
            },
            operation("/api/v2/alerts/groups", "getAlertGroups", "The alerts that hold, in their groups").with {
                $0.parameters = [filter, .text("receiver", "An expression that names of receivers match")] + kinds
                $0.answer = list
            },
            operation("/api/v2/silences", "getSilences", "The silences").with {
                $0.parameters = [filter]
                $0.answer = list
            },
            operation("/api/v2/silences", "postSilences", "Makes or changes a silence").with {
                $0.method = .post
                $0.body = .json(["type": "object"])
                $0.answer = .json(["type": "object", "properties": ["silenceID": ["type": "string"]]])
            },
            operation("/api/v2/silence/{id}", "getSilence", "One silence").with { $0.answer = .json(["type": "object"]) },
            operation("/api/v2/silence/{id}", "deleteSilence", "Ends a silence now").with { $0.method = .delete },
            Operation(
                .post, "/api/v1/ingest/alertmanager", "takeWebhook", "Takes in what an Alertmanager's webhook sends",
                tag: "alertmanager"
            ).with {
                $0.body = .json(["type": "object"])
            },
        ]
    }

    static var data: [Operation] {
        [
            Operation(
                .post, "/api/v1/ingest/{source}", "pushLines", "Takes in lines; they are on disk when it answers", tag: "data"
            ).with {
                $0.body = .text()
                $0.status = 202
                $0.answer = .json(["type": "object", "properties": ["accepted": ["type": "integer"]]])
                $0.answerSummary = "How many lines were taken"
                $0.refusals = [400, 404, 413, 415, 503]
            },
            Operation(.get, "/api/v1/serve/{table}", "listRows", "The newest rows of a gold table, one for each key", tag: "data")
                .with {
                    $0.parameters = [.limit(to: ServingRoutes.maxRows)]
                    $0.answer = .json(listOf: "ServedRow")
                    $0.answerSummary = "Rows, newest first"
                    $0.refusals = [400, 404]
                },
            Operation(.get, "/api/v1/serve/{table}/{key}", "getRow", "The newest row of a key of a gold table", tag: "data").with
            {
                $0.answer = .json("ServedRow")
                $0.answerSummary = "The row"
                $0.refusals = [404]
            },
        ]
    }

    static var program: [Operation] {
        func operation(_ path: String, _ id: String, _ summary: String) -> Operation {
            Operation(.get, path, id, summary, tag: "program").with { $0.answer = .text() }
        }
        return [
            operation("/metrics", "getMetrics", "Metrics for Prometheus, in its text format or OpenMetrics as Accept says"),
            operation("/-/healthy", "isHealthy", "Whether the process answers"),
            operation("/-/healthy", "headHealthy", "The same without a body").with { ($0.method, $0.answer) = (.head, nil) },
            operation("/-/ready", "isReady", "Whether stores and sources are open").with { $0.refusals = [503] },
            operation("/-/ready", "headReady", "The same without a body").with { ($0.method, $0.answer) = (.head, nil) },
            operation(SourceRoutes.path, "listSources", "Each source: whether it is read, why not, when its last line came").with
            {
                $0.answer = .json(listOf: "Source")
            },
            operation("/-/reload", "reload", "Reads the configuration again; a bad one changes nothing").with {
                $0.method = .post
                $0.refusals = [500]
            },
            operation(path, "getDocument", "This document").with { $0.answer = .json(["type": "object"]) },
        ]
    }
}
