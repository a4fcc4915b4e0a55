import Foundation
import Glibc
import Synchronization

/// A socket on a port of 127.0.0.1 that is its own until ``stop()``, and that refuses connections until ``accept(_:)``.
public final class LoopbackListener: Sendable {
    public let port: UInt16
    private let descriptor: Int32
    private let phase = Mutex(Phase.held)

    /// Only one closes the descriptor: closed by another while somebody waits in `accept`, its number could be that of a third's
    /// socket, whose connections would be taken.
    private enum Phase { case held, accepting, stopped }

    /// - Throws: `POSIXError` when no port is free.
    public init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // Without SO_REUSEADDR: the kernel would give one port to two that do not listen yet.
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound else {
            let failure = POSIXError(.init(rawValue: errno) ?? .EADDRINUSE)
            close(descriptor)
            throw failure
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { stop() }

    /// Hands each connection to `serve`, which has a thread for it, until ``stop()`` or until the owner is gone.
    public func accept<Owner: AnyObject & Sendable>(
        for owner: Owner, _ serve: @escaping @Sendable (Owner, Int32) -> Void
    ) {
        let isFirst = phase.withLock { phase in
            defer { if phase == .held { phase = .accepting } }
            return phase == .held
        }
        guard isFirst else { return }
        guard listen(descriptor, 64) == 0 else { preconditionFailure("port \(port) was bound, and cannot be listened on") }
        Thread.detachNewThread { [descriptor, weak owner] in
            while case let connection = Glibc.accept(descriptor, nil, nil), connection >= 0 {
                guard let owner else {
                    close(connection)
                    break
                }
                Thread.detachNewThread {
                    serve(owner, connection)
                    close(connection)
                }
            }
            close(descriptor)
        }
    }

    /// Takes no more connections, and gives the port back.
    public func stop() {
        phase.withLock { phase in
            switch phase {
            case .held: close(descriptor)
            case .accepting: shutdown(descriptor, Int32(SHUT_RDWR))
            case .stopped: return
            }
            phase = .stopped
        }
    }
}

/// A port that is free now.
public func freePort() -> Int {
    guard let listener = try? LoopbackListener() else { preconditionFailure("no port is free") }
    defer { listener.stop() }
    return Int(listener.port)
}
