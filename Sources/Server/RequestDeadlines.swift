import NIOCore
import NIOHTTPTypes

/// Closes connections of clients that are too slow or never finish: they must not hold the server's sockets and memory for ever.
///
/// A connection has one deadline at a time, depending on what it waits for:
///
///     connected ──▶ head ──▶ rest of the body ──▶ (the request runs; it has its own time limit) ──▶ response ──▶ next head
///                                             └─▶ response before the body ended: a moment, so that the client can read it
///
/// A body or response must also make progress: so many bytes per interval. All deadlines are short once the server stops.
///
/// One handler per connection, used on its event loop only.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Limits: Sendable {
        /// From the connection to the end of the first head, and from a response to the end of the next head. Scrapes are at most
        /// a minute apart.
        var firstHead = TimeAmount.seconds(30), nextHead = TimeAmount.seconds(180)
        /// From the head to the end of the body: 10 MB at 35 kB/s.
        var body = TimeAmount.seconds(300)
        /// From the head of a response to its end.
        var response = TimeAmount.seconds(600)
        /// From a response that did not wait for the body to the end of the connection.
        var refused = TimeAmount.seconds(5)
        /// From the end of the server to that of the connection.
        var shutdown = TimeAmount.seconds(5)
        /// The progress that a body or response must make per interval.
        var pace = (bytes: 64 << 10, time: TimeAmount.seconds(30))
    }

    private let limits: Limits
    private let refusals: Refusals
    private var deadline: Scheduled<Void>?
    private var paceCheck: Scheduled<Void>?
    private var isReading = false
    private var isStopping = false
    /// Bytes of the body or response since the pace was last checked.
    private var moved = 0

    init(_ limits: Limits, _ refusals: Refusals) {
        self.limits = limits
        self.refusals = refusals
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { close(context, in: limits.firstHead) }
    }

    func channelActive(context: ChannelHandlerContext) {
        close(context, in: limits.firstHead)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { cancel() }

    private func cancel() {
        deadline?.cancel()
        paceCheck?.cancel()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            isStopping = true
            close(context, in: limits.shutdown)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isReading = true
            close(context, in: limits.body)
            keepPace(context)
        case .body(let part): moved += part.readableBytes
        case .end:
            isReading = false
            cancel()
            if isStopping { close(context, in: limits.shutdown) }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head where !isReading:
            close(context, in: limits.response)
            keepPace(context)
        case .head: break
        case .body(let part):
            let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
            let count = part.readableBytes
            promise.futureResult.assumeIsolated().whenSuccess { self.moved += count }
            return context.write(data, promise: promise)
        case .end:
            let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
            // The client has read all but what the system buffers for it.
            promise.futureResult.assumeIsolated().whenSuccess { self.ended(context) }
            return context.write(data, promise: promise)
        }
        context.write(data, promise: promise)
    }

    private func ended(_ context: ChannelHandlerContext) {
        cancel()
        close(context, in: isReading ? limits.refused : limits.nextHead)
    }

    private func close(_ context: ChannelHandlerContext, in time: TimeAmount) {
        deadline?.cancel()
        let channel = context.channel, refusals = refusals, isSlow = time == limits.body || time == limits.response
        deadline = context.eventLoop.scheduleTask(in: isStopping ? min(time, limits.shutdown) : time) {
            if isSlow { refusals.count(.slow) }
            channel.close(promise: nil)
        }
    }

    private func keepPace(_ context: ChannelHandlerContext) {
        moved = 0
        paceCheck?.cancel()
        // Safe because the task runs on the event loop of this handler and its context.
        let own = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        paceCheck = context.eventLoop.scheduleTask(in: limits.pace.time) {
            let (handler, context) = own.value
            guard handler.moved < handler.limits.pace.bytes else { return handler.keepPace(context) }
            handler.refusals.count(.slow)
            context.close(promise: nil)
        }
    }
}
