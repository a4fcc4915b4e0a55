import HTTPTypes
import Hummingbird
import NIOCore

/// What all routes share for reading requests and sending responses: limits, memory, threads.
struct RequestTerms: Sendable {
    let maxBodySize: Int
    let access: AccessControl
    let held: HeldBytes
    let connections: Connections
    let threads: RequestThreads
    let refusals: Refusals

    /// Reads the body while there is memory for it.
    ///
    /// - Throws: ``HTTPFailure`` 413 for a body that is too large, 503 when other requests hold the memory.
    func body(of request: Request, _ lease: HeldBytes.Lease) async throws -> [UInt8] {
        var body: [UInt8] = []
        for try await part in request.body {
            guard body.count + part.readableBytes <= maxBodySize else {
                throw HTTPFailure(
                    .contentTooLarge, code: "too_large", "the body is larger than \(maxBodySize) bytes; send it in parts")
            }
            guard lease.grow(by: part.readableBytes) else {
                refusals.count(.memory)
                throw HTTPFailure.busy("other requests hold \(held.limit >> 20) MiB of bodies and responses")
            }
            body += part.readableBytesView
        }
        return body
    }

    /// The response as it is sent, if there is memory for it. A large one is sent in pieces, and holds its memory until the
    /// client has read it.
    ///
    /// - Throws: ``HTTPFailure`` 400 for a response that never fits, 503 when other responses hold the memory.
    func encoded(_ response: RouteResponse, to client: Client?) throws -> Response {
        let size = response.body.count
        guard size > HeldBytes.free else { return response.encoded }
        guard size - HeldBytes.free <= held.limit else {
            refusals.count(.memory)
            throw HTTPFailure(
                .badRequest, code: "answer_too_large",
                "the response has \(size) bytes, and at most \(held.limit) are allowed; ask for less, such as with a filter")
        }
        let lease = HeldBytes.Lease(held)
        guard lease.grow(by: size) else {
            refusals.count(.memory)
            throw HTTPFailure.busy("other requests hold \(held.limit >> 20) MiB of bodies and responses")
        }
        client?.hold(lease)
        let whole = ByteBuffer(bytes: response.body)
        let body = ResponseBody(contentLength: size) { writer in
            var rest = whole
            while let piece = rest.readSlice(length: min(HeldBytes.free, rest.readableBytes)), piece.readableBytes > 0 {
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
        return Response(status: response.status, headers: response.headers, body: body)
    }
}

/// A request's context, with its connection.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
