import Foundation
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// The open connections. Their number is limited: each takes a file descriptor, and pipelines need some too.
///
/// When the limit is reached, a new connection replaces the one that has waited longest for its client (idle, or with a stalled
/// body). If none waits for its client, the new one is refused with 503.
final class Connections: Sendable {
    private struct Entry {
        let channel: any Channel
        let client: Client
        /// Since when it waits for its client; nil while the client waits for us.
        var waitingSince: ContinuousClock.Instant?
    }

    let limit: Int
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(limit: Int) {
        self.limit = limit
    }

    /// A quarter of the file descriptors of the process, so that enough are left for pipelines and the store.
    static func shareOfDescriptors() -> Int {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 64 }
        return max(8, Int(min(limits.rlim_cur, 4096)) / 4)
    }

    var count: Int { entries.withLock { $0.count } }

    func client(of channel: any Channel) -> Client? { entries.withLock { $0[ObjectIdentifier(channel)]?.client } }

    fileprivate enum Admission {
        case admitted
        /// Admitted instead of this connection, which is to be closed.
        case instead(any Channel)
        case refused
    }

    fileprivate func admit(_ channel: any Channel, _ client: Client) -> Admission {
        entries.withLock { entries in
            var admission = Admission.admitted
            if entries.count >= limit {
                let waiting = entries.filter { $0.value.waitingSince != nil }
                guard let oldest = waiting.min(by: { $0.value.waitingSince! < $1.value.waitingSince! }) else { return .refused }
                entries[oldest.key] = nil
                admission = .instead(oldest.value.channel)
            }
            entries[ObjectIdentifier(channel)] = Entry(channel: channel, client: client, waitingSince: .now)
            return admission
        }
    }

    fileprivate func waits(_ channel: any Channel, isWaiting: Bool) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.waitingSince = isWaiting ? .now : nil }
    }

    fileprivate func remove(_ channel: any Channel) { entries.withLock { $0[ObjectIdentifier(channel)] = nil } }
}

/// Reports the events of one connection to ``Connections``. Used on its event loop only.
final class ConnectionKeeper: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: Connections
    private let refusals: Refusals
    private let client = Client()

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
            other.close(promise: nil)
        case .refused:
            refusals.count(.connections)
            let busy = HTTPFailure.busy("there are too many connections").response
            var response = HTTPResponse(status: busy.status, headerFields: busy.headers)
            response.headerFields[.connection] = "close"
            response.headerFields[.contentLength] = String(busy.body.count)
            context.write(wrapOutboundOut(.head(response)), promise: nil)
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: busy.body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        connections.remove(context.channel)
        client.goes()
        client.hasRead()
        context.fireChannelInactive()
    }

    /// A client that closes its side before it has the response has left: HTTP clients do not do that otherwise.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { client.goes() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
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
