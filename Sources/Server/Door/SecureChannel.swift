import HummingbirdCore
import Ingest
import Logging
import NIOCore
import NIOSSL

/// A connection of HTTP/1.1 inside TLS. Hummingbird's own has one certificate for its whole life; this one asks for it with each
/// connection, so that a renewed certificate is used without a restart.
struct SecureChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let identity: ListenerIdentity

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: identity.context))
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
