import HTTPTypes
import NIOCore
import NIOHTTPTypes
import NIOSSL
import NIOTLS

/// Reports the events of one connection to ``Connections``, and says to one that is refused why. Used on its event loop only.
final class ConnectionKeeper: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long one that is refused may take to read why.
    static let farewell = TimeAmount.seconds(5)

    private let connections: Connections
    private let refusals: Refusals
    private let client = Client()
    /// Why the connection is refused; nothing that it sends is looked at.
    private var refusal: HTTPFailure?
    private var end: Scheduled<Void>?

    init(_ connections: Connections, _ refusals: Refusals) {
        self.connections = connections
        self.refusals = refusals
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { admit(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        admit(context)
        context.fireChannelActive()
    }

    private func admit(_ context: ChannelHandlerContext) {
        switch connections.admit(context.channel, client) {
        case .admitted: return
        case .instead(let other):
            refusals.count(.evicted)
            other.endAtOnce()
        case .refused:
            refusals.count(.connections)
            refuse(context, .busy("there are too many connections"))
        case .refusedAddress(let network, let limit):
            refusals.count(.address)
            refuse(context, .tooManyConnections(of: network, limit: limit))
        }
    }

    private func refuse(_ context: ChannelHandlerContext, _ failure: HTTPFailure) {
        guard connections.mayExplain() else { return context.channel.endAtOnce() }
        refusal = failure
        let channel = context.channel
        end = context.eventLoop.scheduleTask(in: Self.farewell) { channel.endAtOnce() }
        // Inside TLS nothing can be said before the handshake.
        if !channel.isSecured { explain(context, failure) }
    }

    private func explain(_ context: ChannelHandlerContext, _ failure: HTTPFailure) {
        let answer = failure.response
        var response = HTTPResponse(status: answer.status, headerFields: answer.headers)
        response.headerFields[.connection] = "close"
        response.headerFields[.contentLength] = String(answer.body.count)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // Not both sides: a request that is on its way would be answered by a reset, which takes back what was just said.
        context.close(mode: .output, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if refusal != nil { connections.hasExplained() }
        end?.cancel()
        connections.remove(context.channel)
        client.goes()
        client.hasRead()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let refusal {
            if case .handshakeCompleted = event as? TLSUserEvent { explain(context, refusal) }
            if let event = event as? ChannelEvent, event == .inputClosed { context.channel.endAtOnce() }
        } else if let event = event as? ChannelEvent, event == .inputClosed {
            // A client that closes its side before it has the response has left: HTTP clients do not do that otherwise.
            client.goes()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard refusal == nil else { return }
        if case .end = unwrapInboundIn(data) {
            connections.waits(context.channel, isWaiting: false)
        } else {
            connections.waits(context.channel, isWaiting: true)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        let connections = connections, client = client, channel = context.channel
        // The response has left this process, or the connection has ended.
        promise.futureResult.whenComplete { _ in
            client.hasRead()
            connections.waits(channel, isWaiting: true)
        }
        context.write(data, promise: promise)
    }
}

extension Channel {
    /// Whether what is sent on it is inside TLS. Called on its event loop.
    fileprivate var isSecured: Bool { (try? pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)) != nil }

    /// Closes it without the farewell of TLS, for which the client would be waited for while the descriptor is in use.
    func endAtOnce() {
        eventLoop.execute {
            if let context = try? self.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self) {
                context.close(promise: nil)
            } else {
                self.close(promise: nil)
            }
        }
    }
}
