import HTTPTypes
import Hummingbird
import NIOCore

/// On what terms requests are read and answered, for all routes alike.
struct RequestTerms: Sendable {
    let maxBodySize: Int
    let userHeader: HTTPField.Name?
    let held: HeldBytes
    let connections: Connections
    let threads: QuestionThreads
    let refusals: Refusals

    /// Reads the body while there is room for it.
    ///
    /// - Throws: ``HTTPFailure`` 413 for one that is too large, 503 when others have taken the room.
    func body(of request: Request, _ lease: HeldBytes.Lease) async throws -> [UInt8] {
        var body: [UInt8] = []
        for try await part in request.body {
            guard body.count + part.readableBytes <= maxBodySize else {
                throw HTTPFailure(
                    .contentTooLarge, code: "too_large", "the body is larger than \(maxBodySize) bytes; send it in parts")
            }
            guard lease.grow(by: part.readableBytes) else {
                refusals.count(.memory)
                throw HTTPFailure.busy("other requests hold \(held.limit >> 20) MiB of bodies and answers")
            }
            body += part.readableBytesView
        }
        return body
    }

    /// The response of an answer that there is room for. A large one goes out in pieces, and holds its room until the client has read it.
    ///
    /// - Throws: ``HTTPFailure`` 400 for an answer that never fits, 503 when others have taken the room.
    func response(_ answer: HTTPAnswer, to client: Client?) throws -> Response {
        let size = answer.body.count
        guard size > HeldBytes.free else { return answer.response }
        guard size - HeldBytes.free <= held.limit else {
            refusals.count(.memory)
            throw HTTPFailure(
                .badRequest, code: "answer_too_large",
                "the answer has \(size) bytes, and at most \(held.limit) are given; ask for less, such as with a filter")
        }
        let lease = HeldBytes.Lease(held)
        guard lease.grow(by: size) else {
            refusals.count(.memory)
            throw HTTPFailure.busy("other requests hold \(held.limit >> 20) MiB of bodies and answers")
        }
        client?.hold(lease)
        let whole = ByteBuffer(bytes: answer.body)
        let body = ResponseBody(contentLength: size) { writer in
            var rest = whole
            while let piece = rest.readSlice(length: min(HeldBytes.free, rest.readableBytes)), piece.readableBytes > 0 {
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
        return Response(status: answer.status, headers: answer.headers, body: body)
    }
}

/// A request's context, with the connection that it came by.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
