import Columns
import HTTPTypes
import Ingest

/// Where programs push lines: `POST /api/v1/ingest/{source}`, answered with 202 once they are on disk.
enum IngestRoutes {
    /// - Parameter spools: called at each request, because a reload may add sources.
    static func all(_ spools: @escaping @Sendable () async -> [String: Spool]) -> [Route] {
        [
            Route(
                .post, "/api/v1/ingest/{source}",
                Operation("pushLines", .data, "Accepts lines of a log; they are on disk when it responds") {
                    $0.body = .text()
                    $0.status = 202
                    $0.response = .json(["type": "object", "properties": ["accepted": ["type": "integer"]]])
                    $0.responseSummary = "The number of lines"
                    $0.refusals = [400, 404, 413, 415, 503]
                }
            ) { request in
                try await append(request, to: spool(request.parameter("source"), of: await spools()))
                let lines = request.body.count { $0 == 10 } + (request.body.last == 10 ? 0 : 1)
                return .json("{\"accepted\":\(lines)}\n", status: .accepted)
            }
        ]
    }

    private static func spool(_ name: String, of spools: [String: Spool]) throws(HTTPFailure) -> Spool {
        if let spool = spools[name] { return spool }
        let known =
            spools.isEmpty
            ? "name one with 'http: true' in obs.yaml" : "known are \(spools.keys.sorted().joined(separator: ", "))"
        throw HTTPFailure(.notFound, code: "no_source", "there is no source '\(name)' that takes lines by HTTP; \(known)")
    }

    private static func append(_ request: RouteRequest, to spool: Spool) async throws {
        if let encoding = request.headers[.contentEncoding], encoding != "identity" {
            throw HTTPFailure(
                .unsupportedMediaType, code: "encoding", "the body is encoded with '\(encoding)'; send it unencoded")
        }
        do {
            try await spool.append(request.body)
        } catch let error as SpoolError {
            switch error {
            case .empty: throw HTTPFailure(.badRequest, code: "empty", error.description)
            case .lineTooLong: throw HTTPFailure(.contentTooLarge, code: "line_too_long", error.description)
            case .full: throw HTTPFailure(.serviceUnavailable, code: "spool_full", error.description)
            case .cannotWrite: throw HTTPFailure(.serviceUnavailable, code: "cannot_write", error.description)
            }
        }
    }
}
