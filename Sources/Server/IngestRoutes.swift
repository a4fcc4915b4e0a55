import Columns
import HTTPTypes
import Ingest

/// Where programs push lines: `POST /api/v1/ingest/{source}`, answered with 202 once they are on disk.
public enum IngestRoutes {
    /// - Parameter spools: asked at each request, because a reload may add sources.
    public static func all(_ spools: @escaping @Sendable () async -> [String: Spool]) -> [Route] {
        [
            Route(.post, "/api/v1/ingest/{source}") { question in
                let name = question.parameters["source"] ?? ""
                let spools = await spools()
                guard let spool = spools[name] else {
                    throw HTTPFailure(
                        .notFound, code: "no_source",
                        "there is no source '\(name)' that takes lines by HTTP; \(spools.isEmpty ? "name one with 'http: true' in obs.yaml" : "there is \(spools.keys.sorted().joined(separator: ", "))")"
                    )
                }
                if let encoding = question.headers[.contentEncoding], encoding != "identity" {
                    throw HTTPFailure(
                        .unsupportedMediaType, code: "encoding", "the body is encoded with '\(encoding)'; send it as it is")
                }
                do {
                    try await spool.append(question.body)
                } catch let error as SpoolError {
                    switch error {
                    case .empty: throw HTTPFailure(.badRequest, code: "empty", error.description)
                    case .lineTooLong: throw HTTPFailure(.contentTooLarge, code: "line_too_long", error.description)
                    case .full: throw HTTPFailure(.serviceUnavailable, code: "spool_full", error.description)
                    case .cannotWrite: throw HTTPFailure(.serviceUnavailable, code: "cannot_write", error.description)
                    }
                }
                let lines = question.body.count { $0 == 10 } + (question.body.last == 10 ? 0 : 1)
                return .json("{\"accepted\":\(lines)}\n", status: .accepted)
            }
        ]
    }
}
