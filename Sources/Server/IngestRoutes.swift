import HTTPTypes
import Ingest

/// Where programs push lines as they are: `POST /api/v1/ingest/{source}`, answered with 202 once they are on disk.
enum IngestRoutes {
    static func all(_ receiver: PushReceiver) -> [Route] {
        [
            Route(
                .post, "/api/v1/ingest/{source}",
                Operation("pushLines", .data, "Accepts lines of a log; they are on disk when it responds") {
                    $0.body = .text()
                    $0.status = 202
                    $0.response = .json(["type": "object", "properties": ["accepted": ["type": "integer"]]])
                    $0.responseSummary = "The number of lines"
                    $0.refusals = [400, 404, 413, 415, 429, 503]
                }
            ) { request in
                let outcome = try await PushRoutes.receive(request, .lines, receiver)
                return .json("{\"accepted\":\(outcome.accepted)}\n", status: .accepted)
            }
        ]
    }
}
