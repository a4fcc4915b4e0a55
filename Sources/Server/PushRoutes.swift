import Columns
import HTTPTypes
import Ingest

/// Where shippers push in their own protocols: Loki's, OpenTelemetry's, Elasticsearch's and Splunk's. Each address is there
/// twice: as the shipper expects it, where labels choose the source, and behind `/api/v1/ingest/{source}`, which names it.
enum PushRoutes {
    private static let named = "/api/v1/ingest/{source}"

    static func all(_ receiver: PushReceiver) -> [Route] {
        ["", named].flatMap { base in
            [loki(base, receiver), otlp(base, receiver)] + bulk(base.isEmpty ? "/elasticsearch" : base, receiver)
                + SplunkRoutes.all(base, receiver)
        }
    }

    static func operation(_ id: String, at base: String, _ summary: String, status: Int) -> Operation {
        Operation(name(id, at: base), .data, summary) {
            $0.body = .text("application/json")
            $0.status = status
            $0.refusals = [400, 404, 413, 415, 429, 503]
        }
    }

    /// The name of an operation, which differs where the path names the source.
    static func name(_ id: String, at base: String) -> String { base == named ? id + "ToSource" : id }

    private static func loki(_ base: String, _ receiver: PushReceiver) -> Route {
        Route(
            .post, base + "/loki/api/v1/push",
            operation("pushLoki", at: base, "Accepts lines as Loki does; they are on disk when it responds", status: 204)
        ) { request in
            let outcome = try await receive(request, .loki, receiver)
            try refuse(outcome)
            return .empty(.noContent)
        }
    }

    private static func otlp(_ base: String, _ receiver: PushReceiver) -> Route {
        Route(
            .post, base + "/v1/logs",
            operation("pushOTLP", at: base, "Accepts logs of OpenTelemetry; they are on disk when it responds", status: 200)
        ) { request in
            let outcome = try await receive(request, .otlp, receiver)
            if isJSON(request) {
                return .json(
                    outcome.refusal.map {
                        "{\"partialSuccess\":{\"rejectedLogRecords\":\"\(outcome.refused)\","
                            + "\"errorMessage\":\(JSONText.quote($0))}}"
                    } ?? "{}")
            }
            return RouteResponse(contentType: "application/x-protobuf", body: partialSuccess(outcome))
        }
    }

    /// ExportLogsServiceResponse of OTLP: empty where all was taken.
    private static func partialSuccess(_ outcome: PushReceiver.Outcome) -> [UInt8] {
        guard let refusal = outcome.refusal else { return [] }
        let message = Array(refusal.utf8)
        let partial = [0x08] + varint(outcome.refused) + [0x12] + varint(message.count) + message
        return [0x0A] + varint(partial.count) + partial
    }

    private static func varint(_ number: Int) -> [UInt8] {
        var bytes: [UInt8] = [], rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    // MARK: Elasticsearch

    private static func bulk(_ base: String, _ receiver: PushReceiver) -> [Route] {
        // Shippers send by POST, Elastic's own clients by PUT.
        let ways: [(method: HTTPRequest.Method, path: String, id: String)] = [
            (.post, base + "/_bulk", "pushBulk"), (.post, base + "/{index}/_bulk", "pushBulkToIndex"),
            (.put, base + "/_bulk", "putBulk"), (.put, base + "/{index}/_bulk", "putBulkToIndex"),
        ]
        let pushes = ways.map { method, path, id in
            Route(
                method, path,
                operation(
                    id, at: base, "Accepts documents as Elasticsearch's bulk API does; they are on disk when it responds",
                    status: 200)
            ) { request in
                let index = request.parameter("index")
                let outcome = try await receive(
                    request, .bulk, receiver, given: index.isEmpty ? Labels() : Labels([("_index", index)]))
                return elasticsearch(
                    Array("{\"took\":0,\"errors\":\(outcome.refused > 0),\"items\":[".utf8) + outcome.items
                        + Array("]}".utf8))
            }
        }
        // What shippers ask before they send: otherwise they would not begin.
        let answers = [
            (
                base, "getElasticsearch",
                "{\"name\":\"obs\",\"cluster_name\":\"obs\",\"cluster_uuid\":\"obs\",\"version\":{\"number\":\"8.0.0\","
                    + "\"build_flavor\":\"default\",\"minimum_wire_compatibility_version\":\"7.17.0\"},"
                    + "\"tagline\":\"You Know, for Search\"}"
            ),
            (base + "/_license", "getLicense", "{\"license\":{\"status\":\"active\",\"type\":\"basic\",\"uid\":\"obs\"}}"),
            (base + "/_xpack", "getXpack", "{\"license\":{\"status\":\"active\",\"type\":\"basic\"},\"features\":{}}"),
        ]
        return pushes
            + answers.map { path, id, text in
                Route(
                    .get, path,
                    Operation(name(id, at: base), .data, "What shippers ask Elasticsearch first") {
                        $0.response = .json(["type": "object"])
                    }, isInstant: true
                ) { _ in elasticsearch(Array(text.utf8)) }
            }
    }

    private static func elasticsearch(_ body: [UInt8]) -> RouteResponse {
        var response = RouteResponse(contentType: "application/json", body: body)
        // Without it the clients of Elastic refuse to send.
        response.headers[HTTPField.Name("X-Elastic-Product")!] = "Elasticsearch"
        return response
    }

    // MARK: Requests

    private static func isJSON(_ request: RouteRequest) -> Bool {
        request.mediaType == "application/json" || request.mediaType == "application/x-ndjson"
    }

    static func receive(
        _ request: RouteRequest, _ form: PushReceiver.Form, _ receiver: PushReceiver, given: Labels = Labels()
    ) async throws -> PushReceiver.Outcome {
        let source = request.parameter("source")
        return try await translatingErrors {
            try await receiver.receive(
                request.body, as: form, isJSON: isJSON(request), encoding: request.headers[.contentEncoding],
                source: source.isEmpty ? nil : source, given: given)
        }
    }

    /// Throws where something was refused. What could be taken is taken, as Loki does it, and the sender learns that something
    /// was not, so that nothing is lost in silence.
    static func refuse(_ outcome: PushReceiver.Outcome) throws {
        guard let refusal = outcome.refusal else { return }
        throw HTTPFailure(
            .badRequest, code: "refused", "\(outcome.accepted) lines are taken, \(outcome.refused) are not: \(refusal)")
    }

    /// Runs `body`, and turns why lines are not taken into the status by which a shipper knows whether to send again.
    private static func translatingErrors<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as PushError {
            let (status, code): (HTTPResponse.Status, String) =
                switch error {
                case .damaged: (.badRequest, "bad_body")
                case .refused: (.badRequest, "refused")
                case .unknownEncoding: (.unsupportedMediaType, "encoding")
                case .tooLarge: (.contentTooLarge, "too_large")
                case .noSource: (.notFound, "no_source")
                case .tooBusy: (.tooManyRequests, "busy")
                }
            throw HTTPFailure(status, code: code, error.description, retryAfter: status == .tooManyRequests ? 1 : nil)
        } catch let error as SpoolError {
            switch error {
            case .empty: throw HTTPFailure(.badRequest, code: "empty", error.description)
            case .lineTooLong: throw HTTPFailure(.contentTooLarge, code: "line_too_long", error.description)
            // It is empty again once the pipeline has caught up.
            case .full: throw HTTPFailure(.tooManyRequests, code: "spool_full", error.description, retryAfter: 10)
            case .cannotWrite: throw HTTPFailure(.serviceUnavailable, code: "cannot_write", error.description, retryAfter: 10)
            }
        }
    }
}
