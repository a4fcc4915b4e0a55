import Columns
import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Telemetry

/// Receives syslog messages over UDP, TCP and TLS, and puts them into a spool.
///
/// A connection is read only as fast as the spool has its lines on disk: when the disk is slow or the spool is full, the sender's
/// window closes, and it keeps what it has. When a sender has closed its side, obs closes the other one once everything is on
/// disk; in any other case the connection is reset. A sender of UDP learns nothing: what comes faster than it can be stored is
/// dropped and counted.
struct SyslogListener: Sendable {
    /// Connections at a time. A further one takes the place of the one that has been idle longest, or is closed at once.
    static let maxConnections = 512
    /// Idle for less a connection keeps its place. Senders are quiet for hours and keep their connections (RFC 6587, §3.1), so
    /// that nothing ends one while there is room; a sender whose connection was ended opens another with its next message.
    static let leastIdleTime = Duration.seconds(60)
    /// Of one address, so that a sender that opens one after another leaves room for the others.
    static let maxConnectionsPerAddress = 128
    /// So much of a connection is read at once. Times the connections it is what waits in memory while the disk is slow.
    private static let maxRead = 128 << 10
    /// Datagrams that wait to be stored.
    static let maxWaitingBytes = 8 << 20
    /// The largest datagram of IP.
    private static let maxDatagram = 65_535

    let name: String
    let spool: Spool
    let metrics: SourceMetrics
    let logger: Logger

    private typealias Datagrams = NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Listens until the task is cancelled.
    ///
    /// - Throws: ``IngestError/cannotListen(_:reason:)``.
    func run(_ settings: SyslogSettings) async throws {
        let open = SyslogConnections()
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let udp = settings.udp {
                let channel = try await Self.datagrams(on: udp)
                group.addTask { try await receive(channel) }
            }
            if let tcp = settings.tcp {
                let server = try await Self.connections(on: tcp, identity: nil)
                group.addTask { try await accept(server, open) }
            }
            if let tls = settings.tls {
                let identity = try Self.identity(of: tls, name: name, logger: logger)
                let server = try await Self.connections(on: tls.address, identity: identity)
                group.addTask { try await accept(server, open) }
            }
            try await group.waitForAll()
        }
    }

    // MARK: Sockets

    private static func datagrams(on address: ListenAddress) async throws -> Datagrams {
        try await listening(on: address) {
            try await DatagramBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: maxDatagram))
                .bind(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture { try Datagrams(wrappingChannelSynchronously: channel) }
                }
        }
    }

    private static func connections(on address: ListenAddress, identity: ListenerIdentity?) async throws
        -> NIOAsyncChannel<Connection, Never>
    {
        // Without the half closure NIO would close a connection as soon as its sender has, before the lines are on disk.
        try await listening(on: address) {
            try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // What is accepted inherits it: a process that is killed before it has touched a connection resets that too.
                .serverChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { setReset(true, on: channel) } }
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(
                    .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 65_536, maximum: maxRead)
                )
                .bind(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        setReset(true, on: channel)
                        if let identity {
                            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: identity.context))
                        }
                        return try Connection(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2)))
                    }
                }
        }
    }

    /// - Throws: ``IngestError/cannotListen(_:reason:)`` when a file cannot be read or understood.
    static func identity(of tls: SyslogSettings.TLS, name: String, logger: Logger) throws -> ListenerIdentity {
        do {
            return try ListenerIdentity(tls.files, clients: .mustHaveCertificate, owner: "source \(name)", logger: logger)
        } catch {
            throw IngestError.cannotListen("\(tls.address)", reason: "\(error)")
        }
    }

    /// Whether closing a connection resets it, as the kernel does for a process that is killed. Only a connection whose lines are
    /// all on disk ends otherwise, so that a sender who reads to the end knows it.
    private static func setReset(_ isReset: Bool, on channel: any Channel) {
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: isReset ? 1 : 0, l_linger: 0))
    }

    private static func listening<Channel>(
        on address: ListenAddress, _ bind: () async throws -> sending Channel
    ) async throws -> sending Channel {
        do { return try await bind() } catch let error as IOError {
            throw IngestError.cannotListen("\(address)", reason: reason(error.errnoCode))
        } catch {
            throw IngestError.cannotListen("\(address)", reason: "there is no host with this name")
        }
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case EADDRINUSE: "the port is in use; name another one or stop the other process"
        case EACCES: "a port below 1024 is for root; name another one, or give obs the capability CAP_NET_BIND_SERVICE"
        default: String(cString: strerror(code))
        }
    }

    // MARK: TCP and TLS

    private func accept(_ server: NIOAsyncChannel<Connection, Never>, _ open: SyslogConnections) async throws {
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    let channel = connection.channel, peer = channel.remoteAddress?.ipAddress ?? ""
                    let admission = open.add(peer) {
                        // All of it is on disk, as far as it came.
                        Self.setReset(false, on: channel)
                        channel.close(promise: nil)
                    }
                    guard let admission else {
                        if open.isFirstRefused() {
                            logger.warning(
                                "connections are closed, because too many are open",
                                metadata: [
                                    "source": "\(name)", "limit": "\(Self.maxConnections)",
                                    "per_address": "\(Self.maxConnectionsPerAddress)",
                                ])
                        }
                        connection.channel.close(promise: nil)
                        continue
                    }
                    admission.ended?()
                    group.addTask {
                        defer { open.remove(admission.number) }
                        await serve(connection) { open.isIdle(admission.number, $0) }
                    }
                }
            }
        }
    }

    /// - Parameter isIdle: called with whether the connection waits for its sender.
    private func serve(_ connection: Connection, _ isIdle: @escaping @Sendable (Bool) -> Void) async {
        let metadata: Logger.Metadata = [
            "source": "\(name)", "peer": "\(connection.channel.remoteAddress?.ipAddress ?? "unknown")",
        ]
        do {
            try await connection.executeThenClose { inbound, _ in
                var framing = SyslogFraming()
                for try await buffer in inbound {
                    isIdle(false)
                    let (lines, isDamaged) = take(buffer, &framing)
                    try await spool.appendWhenPossible(lines, source: name, logger: logger)
                    isIdle(true)
                    guard isDamaged else { continue }
                    logger.warning(
                        "a connection is closed, because it sent a length that is not a number; what came before is stored",
                        metadata: metadata)
                    return
                }
                var lines: [UInt8] = []
                framing.finish(into: &lines)
                try await spool.appendWhenPossible(lines, source: name, logger: logger)
                Self.setReset(false, on: connection.channel)
            }
        } catch is CancellationError {
            // obs stops listening.
        } catch {
            logger.info("a connection has failed", metadata: metadata.merging(["error": "\(error)"]) { $1 })
        }
    }

    /// The lines that a buffer completes, and whether what follows them cannot be read.
    private func take(_ buffer: ByteBuffer, _ framing: inout SyslogFraming) -> (lines: [UInt8], isDamaged: Bool) {
        var lines: [UInt8] = [], isDamaged = false
        let before = framing.cut
        do {
            try buffer.withUnsafeReadableBytes { bytes in
                // Safe because the bytes are valid in this closure, and NIO's memory holds nothing but bytes.
                try framing.take(bytes.assumingMemoryBound(to: UInt8.self).span, into: &lines)
            }
        } catch {
            isDamaged = true
        }
        metrics.cut.increment(by: framing.cut - before)
        return (lines, isDamaged)
    }

    // MARK: UDP

    /// Datagrams that wait, so that those which come during one write are written together.
    private final class Waiting: Sendable {
        let lines = Mutex<[UInt8]>([])
    }

    private func receive(_ channel: Datagrams) async throws {
        let waiting = Waiting()
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals {
                    let lines = waiting.lines.withLock { lines in
                        defer { lines = [] }
                        return lines
                    }
                    try await spool.appendWhenPossible(lines, source: name, logger: logger)
                }
            }
            group.addTask {
                defer { signal.finish() }
                try await channel.executeThenClose { inbound, _ in
                    for try await datagram in inbound {
                        take(datagram.data, into: waiting)
                        signal.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func take(_ datagram: ByteBuffer, into waiting: Waiting) {
        let message = Array(datagram.readableBytesView)
        let isDropped = waiting.lines.withLock { lines in
            guard lines.count < Self.maxWaitingBytes else { return true }
            var cut = 0
            SyslogFraming.append(message.span, to: &lines, cut: &cut)
            metrics.cut.increment(by: cut)
            return false
        }
        if isDropped { metrics.dropped.increment() }
    }
}
