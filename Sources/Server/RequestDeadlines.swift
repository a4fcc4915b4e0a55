import NIOCore
import NIOHTTPTypes

/// Closes connections of clients that are too slow, or never done: a few of them must not hold the server's sockets and memory for ever.
///
/// A connection has one deadline at a time, by what it waits for:
///
///     connected ──▶ head ──▶ rest of the body ──▶ (the answer, which takes as long as it takes) ──▶ next head
///                                             └─▶ answered before the body ended: a moment, so that the client can read why
///
/// One handler a connection, used on its event loop only.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Limits: Sendable {
        /// From the connection, or the end of the answer before, to the end of the first head, or the next one. Scrapes come a minute apart at most.
        var firstHead = TimeAmount.seconds(30), nextHead = TimeAmount.seconds(180)
        /// From the head to the end of the body: 10 MB at 35 kB/s.
        var body = TimeAmount.seconds(300)
        /// From an answer that did not wait for the body to the end of the connection.
        var refused = TimeAmount.seconds(5)
    }

    private let limits: Limits
    private var deadline: Scheduled<Void>?
    private var isReading = false

    init(_ limits: Limits) {
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { close(context, in: limits.firstHead) }
    }

    func channelActive(context: ChannelHandlerContext) {
        close(context, in: limits.firstHead)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isReading = true
            close(context, in: limits.body)
        case .body: break
        case .end:
            isReading = false
            deadline?.cancel()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { close(context, in: isReading ? limits.refused : limits.nextHead) }
        context.write(data, promise: promise)
    }

    private func close(_ context: ChannelHandlerContext, in time: TimeAmount) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}
